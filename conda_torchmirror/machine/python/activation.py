"""The environment variables of an activated environment, for a process that we run in it."""

from __future__ import annotations

import contextlib
import io
import os

from conda.activate import CmdExeActivator, PosixActivator

from ..environment import python_path

#: Folders of programs and libraries in an environment on Windows, besides the environment itself.
_ON_WINDOWS = (("Library", "bin"), ("Scripts",))


def environment(prefix: str) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    """Return the variables of an activated environment, its deactivate and its activate scripts.

    PYTHONPATH and PYTHONHOME are left out: they belong to the Python that runs conda. Never raises:
    where activation fails there are PATH and CONDA_PREFIX, and no scripts.
    """
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            activator = CmdExeActivator() if os.name == "nt" else PosixActivator()
            built = activator.build_activate(prefix)
    except Exception:
        # PATH is what matters most; a broken state file must not keep the check from running.
        folders = [os.path.dirname(python_path(prefix))]
        if os.name == "nt":  # where most libraries are, and programs
            folders += [os.path.join(prefix, *below) for below in _ON_WINDOWS]
        path = os.pathsep.join(filter(None, [*folders, inherited.get("PATH", "")]))
        return {**inherited, "PATH": path, "CONDA_PREFIX": prefix}, (), ()
    variables = {k: v for k, v in inherited.items() if k not in built["unset_vars"]}
    for name, value in {**built["set_vars"], **built["export_vars"]}.items():
        variables[name] = str(value)
    return variables, tuple(built["deactivate_scripts"]), tuple(built["activate_scripts"])
