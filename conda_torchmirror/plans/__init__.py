"""Saved plans, their replay, and download lists."""
