"""What records mean: names of packages, and the readers of each source's records."""
