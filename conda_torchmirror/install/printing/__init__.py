"""`torch-install --print`: a decision, prepared for the format of another tool."""
