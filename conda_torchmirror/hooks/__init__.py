"""Plugin hooks that run inside conda's own commands: they must be quick and raise nothing."""
