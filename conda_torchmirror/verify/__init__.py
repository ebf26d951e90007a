"""Whether PyTorch works in an environment, and on its GPU."""
