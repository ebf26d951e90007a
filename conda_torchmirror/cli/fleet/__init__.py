"""What commands show that concerns many machines."""
