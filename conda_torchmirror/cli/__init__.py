"""Parsers, dispatch, printing and exit codes."""
