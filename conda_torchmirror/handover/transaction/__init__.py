"""How conda carries out a transaction for us: what it removes, and how it is interrupted."""
