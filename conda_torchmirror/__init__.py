"""conda-torchmirror: the right PyTorch build for this machine, from a nearby mirror."""

__version__ = "0.1.0"
