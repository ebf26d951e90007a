"""What puts wheels into an environment: its own pip, or uv where that is asked for."""
