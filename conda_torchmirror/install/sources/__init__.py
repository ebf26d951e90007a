"""Which source answers a request: the rule of `auto` carried out, and what is said of it."""
