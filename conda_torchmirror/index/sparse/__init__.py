"""A few names out of a huge index: the scan, and the places that it remembers."""
