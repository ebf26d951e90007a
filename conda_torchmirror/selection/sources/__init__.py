"""Which source a request is answered from: the rule, and the better of two sets."""
