"""Test PyTorch in an environment, and on its GPU.

`check_torch.py` runs in the environment's own Python, as `conda run` would start it but without
starting a second conda: conda's activator gives the variables and scripts, PYTHONPATH and
PYTHONHOME are not inherited, and the process is ended at a time limit. `verdict` makes a `Check` of
the result.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conda.core.prefix_data import PrefixData

from ..envfiles.file_io import write_file
from ..handover.disk_space import temporary_folder
from ..machine.environment import option_of, python_path
from ..machine.python import distributions
from ..machine.python.activation import environment
from ..machine.survey import has_device, inspect, native_subdir
from ..models import Machine, Notice
from ..selection.facts.names import DEFAULT, FAMILY, TORCH
from . import static_wheels
from .causes import naming
from .verdict import OF_PIP, Check, CheckExit, CheckSubject, judge

#: Seconds for the whole check. A first import from a slow disk with a virus scanner takes minutes.
LIMIT = 300.0
#: Seconds to wait at a time where Ctrl-C is not heard meanwhile.
_MOMENT = 0.2
PARTNERS = DEFAULT[1:]
_SCRIPT = Path(__file__).with_name("check_torch.py")


def verify(
    prefix: str,
    *,
    expect_gpu: bool | None,
    partners: Sequence[str] | None = None,
    limit: float = LIMIT,
    hidden_by: str | None = None,
) -> Check:
    """Test PyTorch in the environment at `prefix`, for at most `limit` seconds.

    With `expect_gpu` None a GPU is expected if the build is for one. `partners` are imported too;
    None means those that are installed. `hidden_by` is what `hiding` returns.

    Raises: CannotWrite if there is no place for temporary files.
    """
    where = option_of(prefix)
    python = python_path(prefix)
    if not os.path.exists(python):
        notices = (Notice("no_python"),)
        return Check("broken", expect_gpu=bool(expect_gpu), notices=notices, where=where)
    names = _installed_partners(prefix) if partners is None else partners
    with temporary_folder("torch-verify-") as folder:
        out = os.path.join(folder, "steps")
        began = time.monotonic()
        ended = _run(prefix, [python, str(_SCRIPT), out, *names], folder, limit)
        seconds = time.monotonic() - began
        steps = _read(out)
    build, url = _origin(prefix)
    there = naming(_of_conda(prefix)) if build and not build.endswith(OF_PIP) else ""
    subject = CheckSubject(prefix, expect_gpu, limit, build, url, where, seconds, hidden_by, there)
    return judge(steps, ended, subject)


def verify_after(prefix: str, machine: Machine) -> Check | None:
    """Test what an installation for `machine` left in `prefix`; None if it cannot run here."""
    if machine.subdir != native_subdir():
        return None
    return verify(prefix, expect_gpu=expects_gpu(machine), hidden_by=hiding(machine))


def expects_gpu(machine: Machine) -> bool | None:
    """Whether the check must find a GPU: False without one, or where the user hides them all; None
    if that depends on the build."""
    return None if has_device(machine) and hiding(machine) is None else False


def hiding(machine: Machine) -> str | None:
    """The value of CUDA_VISIBLE_DEVICES if it hides every GPU of this machine; else None."""
    hidden = any(remark.code == "machine.gpus_hidden" for remark in machine.remarks)
    return os.environ.get("CUDA_VISIBLE_DEVICES") if hidden else None


def _installed_partners(prefix: str) -> tuple[str, ...]:
    found = inspect(subdir=native_subdir(), prefix=prefix, cuda="cpu").installed
    return tuple(name for name in PARTNERS if any(package.name == name for package in found))


def _of_conda(prefix: str) -> dict[str, str]:
    """The versions of the packages of the family that conda has installed."""
    data = PrefixData(prefix)
    found = ((name, data.get(name, None)) for name in FAMILY)
    return {name: record.version for name, record in found if record is not None}


def _origin(prefix: str) -> tuple[str | None, str | None]:
    """Return build string and URL of conda's own record of pytorch, or of the wheel that pip
    installed."""
    try:
        record = PrefixData(prefix).get(TORCH, None)
    except Exception:
        return None, None
    if record:
        return record.build, str(record.url or "") or None
    found = static_wheels.torch_of_pip(distributions.installed(prefix))
    if found is None:
        return None, None
    return f"torch {found.version}{OF_PIP}", static_wheels.address(prefix, found)


def _read(path: str) -> list[dict[str, Any]]:
    steps = []
    with contextlib.suppress(OSError), open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            with contextlib.suppress(ValueError):
                steps.append(json.loads(line))
    return steps


def _run(prefix: str, argv: list[str], folder: str, limit: float) -> CheckExit:
    variables, leaving, entering = environment(prefix)
    variables.update(PYTHONIOENCODING="utf-8", PYTHONUNBUFFERED="1")
    command: list[str] | str = argv
    if leaving or entering:
        command = _through_shell(argv, folder, (*leaving, *entering))
    with tempfile.TemporaryFile() as out:
        try:
            process = subprocess.Popen(  # noqa: S603
                command,
                env=variables,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=os.name != "nt",
                # A console of its own on Windows, for its code page: that of the user's stays.
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            return CheckExit(error.errno or 1, str(error))
        code: int | None = None
        try:
            code = _waited(process, limit)
        finally:
            if code is None:
                _end(process)
        out.seek(0)
        return CheckExit(code, out.read(1 << 20).decode("utf-8", "replace"))


def _waited(process: subprocess.Popen[bytes], limit: float) -> int | None:
    """The exit code of a process that ends in time, else None. Windows hears no Ctrl-C while it
    waits, and this process alone is sent it: so it waits a moment at a time."""
    until = time.monotonic() + limit
    while True:
        left = max(0.0, until - time.monotonic())
        try:
            return process.wait(min(left, _MOMENT) if os.name == "nt" else left)
        except subprocess.TimeoutExpired:
            if time.monotonic() >= until:
                return None


def _through_shell(argv: list[str], folder: str, scripts: Sequence[str]) -> list[str] | str:
    """Write a script that sources activation scripts and becomes the command."""
    if os.name == "nt":
        path = os.path.join(folder, "run.bat")
        write_file(Path(path), batch(argv, scripts))
        # With /s, cmd takes the outer quotes away and reads the rest as it is. Without, a path with
        # a space and one of its own characters, as in `C:\Users\Wang (Lab)`, loses its quotes.
        return f'"{os.environ.get("COMSPEC", "cmd.exe")}" /d /s /c ""{path}""'
    from shutil import which

    path = os.path.join(folder, "run.sh")
    sourced = [f". {shlex.quote(script)} >/dev/null 2>&1" for script in scripts]
    # Encoded as the file system does: a prefix may have bytes that are not text.
    write_file(Path(path), os.fsencode("\n".join([*sourced, f"exec {shlex.join(argv)}"])))
    return [which("bash") or which("sh") or "/bin/sh", path]


def batch(argv: Sequence[str], scripts: Sequence[str]) -> str:
    """The text of a batch file that calls activation scripts, and then a command of paths and
    names. All words are quoted, for the sake of `&` in a path."""
    # Code page 65001 is UTF-8, so that a prefix may have any name. CALL reads a line twice.
    lines = ["@ECHO OFF", "CHCP 65001 >NUL"]
    lines += [f'CALL "{script}"'.replace("%", "%%%%") for script in scripts]
    lines += [" ".join(f'"{word}"' for word in argv).replace("%", "%%")]
    return "\r\n".join([*lines, "EXIT /B %ERRORLEVEL%"])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started; abandon one that hangs in the kernel."""
    with contextlib.suppress(OSError):
        if os.name == "nt":
            taskkill = os.path.expandvars(r"%SystemRoot%\System32\taskkill.exe")
            subprocess.run(  # noqa: S603
                [taskkill, "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False
            )
        else:
            os.killpg(process.pid, signal.SIGKILL)
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:
        process.returncode = -9  # keeps the interpreter from waiting for it at exit
