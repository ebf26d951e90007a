"""Handing over to conda, pip and uv: the package that changes environments and package caches."""
