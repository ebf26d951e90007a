"""What the user's own configuration says: where it leads channels, and a registry of its own."""
