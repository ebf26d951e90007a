"""Wheels that the user brings."""
