"""Wheels from mirrors: which mirror has the pages, which one has each file."""
