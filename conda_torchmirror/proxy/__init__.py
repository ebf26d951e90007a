"""An existing proxy as a cache in front of the mirrors: its configuration, and that of clients."""
