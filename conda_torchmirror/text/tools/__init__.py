"""Render a decision for other tools: commands, manifests, a Dockerfile. Pure."""
