"""Reading the records of a few names from a huge index without parsing all of it."""
