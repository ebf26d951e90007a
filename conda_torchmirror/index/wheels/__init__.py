"""Indexes of wheels: the pages of links that mirrors serve, and reading them."""
