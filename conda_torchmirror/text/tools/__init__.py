"""One decision in the words of other tools: commands, manifests, a Dockerfile. Pure."""
