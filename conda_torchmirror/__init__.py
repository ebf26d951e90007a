"""conda-torchmirror: the right PyTorch build for this machine, from a nearby mirror."""

__version__: str


def __getattr__(name: str) -> str:
    """`__version__`, read from the installed distribution where it is asked for."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("conda-torchmirror")
    except PackageNotFoundError:  # run from the files alone
        return "0+unknown"
