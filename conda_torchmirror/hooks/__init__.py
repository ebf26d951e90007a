"""Inside conda's own commands: quick, and never an exception."""
