"""Sentences for what `--print` shows."""
