"""The Python of an environment: its distributions, its pip's configuration, its activation."""
