"""The NVIDIA driver's version and devices, read under a time limit.

`probe` runs `driver_calls` as a script; `nvidia-smi` is the last resort. Nothing here raises, and
nothing of conda is imported.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from . import driver_calls
from .driver_calls import LIBRARY_DIRS, Device, existing, lowest, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Seconds for one process. NVML needs some seconds on a server with eight GPUs whose driver is
#: not kept loaded; conda allows its own detection 60.
LIMIT = 20.0

#: The root of the paths that are read on Linux. Tests set it to a tree of their own.
ROOT = ""

#: Paths that the driver's kernel module and WSL 2 create. Every container sees the first two.
NODES = (
    "/sys/module/nvidia/version",
    "/proc/driver/nvidia/version",
    "/dev/nvidiactl",
    "/dev/dxg",
)
_SMI_FIELDS = (("compute_cap", "driver_version", "uuid", "name"), ("driver_version", "name"))


class DriverReport(NamedTuple):
    """The driver's version, the newest CUDA that it runs, and its devices.

    `source` is nvml, libcuda, nvidia-smi or None; `devices` are all devices, and `visible` those
    that `CUDA_VISIBLE_DEVICES` leaves, in its order. `notes` are pairs of code and facts on what
    was found and what failed.
    """

    source: str | None = None
    driver: str | None = None
    cuda: str | None = None
    devices: tuple[Device, ...] = ()
    visible: tuple[Device, ...] = ()
    notes: tuple[tuple[str, dict[str, Any]], ...] = ()

    @property
    def arch(self) -> str | None:
        """The lowest compute capability of all devices, as CEP 46 defines it."""
        return lowest(self.devices)


def signs(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """List the paths that hint at an NVIDIA driver on this computer.

    Starts no process: where conda found no `__cuda`, the result decides whether to start one.
    """
    env = os.environ if environ is None else environ
    if sys.platform == "win32":
        system = os.path.join(env.get("SystemRoot", r"C:\Windows"), "System32")
        return existing(os.path.join(system, name) for name in ("nvcuda.dll", "nvml.dll"))
    if not sys.platform.startswith("linux"):
        return ()
    own = filter(None, env.get("LD_LIBRARY_PATH", "").split(":"))
    folders = (*own, *(f"{ROOT}{folder}" for folder in LIBRARY_DIRS))
    libraries = existing(f"{folder}/libcuda.so.1" for folder in folders)
    return (*filter(on_system, NODES), *libraries[:1])


def has_library(environ: Mapping[str, str] | None = None) -> bool:
    """Whether libcuda can be loaded by one of the names that conda's detection of `__cuda` tries.

    Starts no process; conda's detection starts one that takes 150 to 200 ms, even to find nothing.
    """
    env = os.environ if environ is None else environ
    if sys.platform == "win32":
        names: tuple[str, ...] = ("nvcuda.dll", "nvcuda64.dll")
        folders = [os.path.join(env.get("SystemRoot", r"C:\Windows"), "System32")]
    elif sys.platform == "darwin":
        names, folders = ("libcuda.1.dylib", "libcuda.dylib"), ["/usr/local/cuda/lib"]
    else:
        names = ("libcuda.so.1", "libcuda.so")
        folders = [*filter(None, env.get("LD_LIBRARY_PATH", "").split(":")), *LIBRARY_DIRS]
    if existing(os.path.join(folder, name) for folder in folders for name in names):
        return True
    # The loader searches more places than these folders.
    return any(map(driver_calls.loads, names))


def on_system(path: str) -> bool:
    """Whether this Linux has a file at an absolute path."""
    return os.path.exists(f"{ROOT}{path}")


def probe(limit: float = LIMIT, *, why: bool = False) -> DriverReport:
    """Ask the driver for its version and its devices, in a process of at most `limit` seconds.

    With `why`, ask libcuda even where NVML has answered, to learn why there is no `__cuda`.
    """
    rows, hung = _run_script(limit, ["why"] if why else [])
    said: dict[str, Any] = {}
    notes: list[tuple[str, dict[str, Any]]] = []
    for row in rows:
        if "note" in row:
            notes.append((row["note"][0], row["note"][1]))
        else:
            said.update(row)
    source, driver = said.get("source"), said.get("driver")
    devices = [Device(*entry) for entry in said.get("devices", ())]
    if hung:
        notes.append(("driver_hangs", {"seconds": limit}))
    elif source is None:
        # A second process, but only where both libraries failed to list the devices.
        smi, smi_driver, smi_notes = _ask_smi(limit)
        notes += smi_notes
        if smi or smi_driver:
            source, devices, driver = "nvidia-smi", smi, driver or smi_driver
    if driver is None:
        driver = _driver_from_files()
    if "visible" in said:
        shown = tuple(Device(*entry) for entry in said["visible"])
    else:
        shown = visible(devices, os.environ.get("CUDA_VISIBLE_DEVICES"))
    return DriverReport(source, driver, said.get("cuda"), tuple(devices), shown, tuple(notes))


def _driver_from_files() -> str | None:
    for path in NODES[:2]:
        try:
            with open(f"{ROOT}{path}", encoding="utf-8", errors="replace") as file:
                found = re.search(r"\b\d{3,4}\.\d+(\.\d+)?\b", file.read(4096))
        except OSError:
            continue
        if found:
            return found.group()
    return None


def _run_script(limit: float, words: Sequence[str]) -> tuple[list[dict[str, Any]], bool]:
    script = os.path.abspath(driver_calls.__file__)
    code, text, hung = _timeboxed([sys.executable, "-I", "-S", script, *words], limit)
    rows = []
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    if code and not hung:
        rows.append({"note": ["probe_died", {"exit_code": code}]})
    return rows, hung


def _timeboxed(argv: list[str], limit: float) -> tuple[int | None, str, bool]:
    """Run a command; return its exit code or errno, its output and whether it ran out of time."""
    import subprocess
    import tempfile

    # Output goes to a file: a process that hangs in the kernel cannot be killed, and reading its
    # pipe to the end would hang with it.
    try:
        out = tempfile.TemporaryFile()  # noqa: SIM115
    except OSError as error:
        return error.errno or 1, str(error), False
    with out:
        try:
            process = subprocess.Popen(  # noqa: S603
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            return error.errno or 1, str(error), False
        code: int | None = None
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
            try:
                process.wait(1.0)
            except subprocess.TimeoutExpired:
                process.returncode = -9  # keeps the interpreter from waiting for it at exit
        out.seek(0)
        return code, out.read(1 << 20).decode("utf-8", "replace"), code is None


def _ask_smi(
    limit: float,
) -> tuple[list[Device], str | None, list[tuple[str, dict[str, Any]]]]:
    import shutil

    program = shutil.which("nvidia-smi") or next(
        iter(
            existing(
                (
                    "/usr/lib/wsl/lib/nvidia-smi",
                    os.path.expandvars(r"%ProgramW6432%\NVIDIA Corporation\NVSMI\nvidia-smi.exe"),
                )
            )
        ),
        None,
    )
    if program is None:
        return [], None, [("smi_missing", {})]
    text = ""
    for fields in _SMI_FIELDS:
        query = f"--query-gpu={','.join(fields)}"
        code, text, hung = _timeboxed([program, query, "--format=csv,noheader"], limit)
        if hung:
            return [], None, [("smi_hangs", {"program": program, "seconds": limit})]
        devices, driver = parse_smi(text, fields)
        if devices:
            return devices, driver, []
    said = " ".join(text.split())[:200]
    return [], None, [("smi_unreadable", {"program": program, "exit_code": code, "text": said})]


def parse_smi(text: str, fields: Sequence[str]) -> tuple[list[Device], str | None]:
    """Read the lines of `nvidia-smi --query-gpu=... --format=csv,noheader`.

    Returns the devices and the driver's version. Only lines with a plausible driver version count:
    the program may print warnings, in any language. The name is the last field since it may hold
    commas.
    """
    devices: list[Device] = []
    driver = None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(",", len(fields) - 1)]
        row = dict(zip(fields, cells, strict=False))
        if not re.fullmatch(r"\d{3,4}(\.\d+){1,2}", row.get("driver_version", "")):
            continue
        if not row.get("name"):
            continue
        driver = row["driver_version"]
        cap = row.get("compute_cap", "")
        arch = cap if re.fullmatch(r"\d{1,2}\.\d", cap) else None
        devices.append(Device(row["name"], arch, row.get("uuid", "")))
    return devices, driver
