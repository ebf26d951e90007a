"""Which builds, and what is handed over: a pure function of machine, request and records."""
