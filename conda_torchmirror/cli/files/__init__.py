"""Rewriting files: the options, and running `rewrite` and `upstream`."""
