"""Existing files: their channels and index options changed, and not one other byte."""
