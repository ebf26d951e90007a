"""Rewriting the channels and index options of existing files, without changing any other byte."""
