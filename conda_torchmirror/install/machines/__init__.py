"""Decisions for other machines, by the files with their facts (`--machine`)."""
