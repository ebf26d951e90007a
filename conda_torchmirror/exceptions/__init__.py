"""What can go wrong, one class per situation."""
