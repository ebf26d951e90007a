"""Asking mirrors, and going on to the next when one fails."""
