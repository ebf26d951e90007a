"""What is said of wheels."""
