"""Which mirrors there are, what they carry, and what a URL names. Pure."""
