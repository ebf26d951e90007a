"""Package records by name: from a channel, conda's cache, or the index shipped with the plugin."""
