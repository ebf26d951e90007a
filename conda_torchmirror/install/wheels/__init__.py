"""`torch-install --source wheels`: PyTorch from a wheel mirror, by the environment's own pip."""
