"""Names of packages, the readers of each source's records, and facts on CUDA and GPU code."""
