"""Deciding for machines that are elsewhere, by their facts."""
