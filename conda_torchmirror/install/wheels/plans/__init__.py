"""Saved plans with wheels in them."""
