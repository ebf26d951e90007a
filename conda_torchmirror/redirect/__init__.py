"""Pointing conda at mirrors: the settings, the policy, doing and undoing it."""
