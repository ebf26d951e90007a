"""The command that carries a saved plan out."""

from __future__ import annotations

from ..options import NEW, InstallOptions
from ..selection.plan import offered


def command(options: InstallOptions, folder: str, prefix: str | None = None) -> str:
    """The command for the plan that a run with these options saved in the folder: in the
    environment that was named, if any, or in the active one, whose `prefix` the run then had."""
    name = options.name or (None if options.prefix or prefix else NEW)
    return offered(InstallOptions("replay", name=name, prefix=options.prefix, plan=folder))
