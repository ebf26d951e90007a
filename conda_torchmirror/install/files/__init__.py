"""Environment files of `torch-install -f`: reading them, their request, advice on them."""
