"""What this computer and the environment are. Nothing in here raises."""
