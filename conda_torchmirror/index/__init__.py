"""Records by name: from a channel, conda's cache, or the index that ships with the package."""
