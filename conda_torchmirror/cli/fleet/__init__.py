"""Commands and output that concern many machines: a shared cache, plans for several machines."""
