"""Choosing builds and planning their installation: pure functions of machine, request, records."""
