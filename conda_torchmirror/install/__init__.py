"""`conda torch-install`: from words and files to a decision that is carried out."""
