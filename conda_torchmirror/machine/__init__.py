"""Facts about this computer and the target environment, read without changing either."""
