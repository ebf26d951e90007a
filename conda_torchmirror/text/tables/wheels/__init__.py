"""Sentences about wheels."""
