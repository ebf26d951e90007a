"""What the systems do differently where files are written: locks, and refusals."""
