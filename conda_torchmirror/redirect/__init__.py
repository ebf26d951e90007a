"""Pointing conda at mirrors: settings, policy, and the redirect in process or on disk."""
