"""Environment files that `torch-install` is given: their reading, their request, their advice."""
