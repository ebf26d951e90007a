"""Facts about this computer and the target environment. Its public functions never raise."""
