"""Wheels: what a link offers, which wheels run on a machine, and the choice of a set of them."""
