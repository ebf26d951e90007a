"""Choosing the source that a request is answered from, and the better of two sets."""
