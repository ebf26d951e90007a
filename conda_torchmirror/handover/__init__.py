"""Handing over to conda: the only package that changes an environment or the package cache."""
