"""Indexes of wheels: fetching and parsing mirrors' pages of links, and the built-in list."""
