"""Wheels: parsing links, which wheels run on a machine, and the choice of a set."""
