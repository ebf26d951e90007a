"""The source that answers a request: applying the rule of `auto`, and the notices on it."""
