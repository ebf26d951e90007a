"""The variables of an activated environment, for a process of ours that runs in it."""

from __future__ import annotations

import contextlib
import io
import os

from conda.activate import CmdExeActivator, PosixActivator

from ..environment import python_path


def environment(prefix: str) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    """Return the variables of an activated environment, and the scripts to leave and enter it.

    Without PYTHONPATH and PYTHONHOME: they belong to the Python that conda was started with.
    """
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            activator = CmdExeActivator() if os.name == "nt" else PosixActivator()
            built = activator.build_activate(prefix)
    except Exception:
        # The way to the libraries is what matters; a broken state file must not hide the check.
        folders = [os.path.dirname(python_path(prefix)), inherited.get("PATH", "")]
        path = os.pathsep.join(filter(None, folders))
        return {**inherited, "PATH": path, "CONDA_PREFIX": prefix}, (), ()
    variables = {k: v for k, v in inherited.items() if k not in built["unset_vars"]}
    for name, value in {**built["set_vars"], **built["export_vars"]}.items():
        variables[name] = str(value)
    return variables, tuple(built["deactivate_scripts"]), tuple(built["activate_scripts"])
