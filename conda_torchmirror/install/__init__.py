"""`conda torch-install`: from command line and files to a decision, and carrying it out."""
