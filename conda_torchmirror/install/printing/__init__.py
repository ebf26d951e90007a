"""`torch-install --print`: a decision, made ready for the words of another tool."""
