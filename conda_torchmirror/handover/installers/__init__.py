"""The installers of wheels: the environment's own pip, or uv if a setting asks for it."""
