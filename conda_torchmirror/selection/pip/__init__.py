"""What pip is to be told: which pages matter, what wheels ask for, the run as a plan."""
