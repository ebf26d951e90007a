"""The Python of an environment: what it holds, what its pip is told, how a process of it runs."""
