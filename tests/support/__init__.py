"""What the tests stand on: isolation, loopback mirrors with faults, and a channel builder."""
