"""A conda channel whose Python really is one, with a real pip in it: what conda makes from it is an
environment that pip installs into.

Python is a script that becomes the interpreter of these tests under the name of the environment;
with `pyvenv.cfg` beside it, that interpreter takes the environment for its own, as in a venv.

The modules of pip are unpacked and compiled once, beside the channel: a package of theirs would be
500 files to extract, link and compile in every environment, which took most of a test's time.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from .channels import file_name, write_channel

#: The Python of the environments: that of these tests, unless another is named.
BASE = os.environ.get("TORCHMIRROR_TEST_PYTHON") or os.path.realpath(sys.executable)


def _ask(code: str) -> str:
    words = [BASE, "-I", "-c", code]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


#: Its version, major.minor and whole, and the tag of its wheels.
FULL = _ask("import platform; print(platform.python_version())")
PYTHON = ".".join(FULL.split(".")[:2])
TAG = f"cp{PYTHON.replace('.', '')}"
_SITE = f"lib/python{PYTHON}/site-packages"


@cache
def bundled_pip() -> Path:
    """The wheel of pip that comes with Python."""
    folder = Path(_ask("import ensurepip; print(ensurepip.__file__)")).parent
    (found,) = (folder / "_bundled").glob("pip-*.whl")
    return found


def pip_record(wheel: Path, modules: Path, **more: Any) -> dict[str, Any]:
    """The record of a conda package of a wheel of pip: its metadata, and a package `pip` that is
    the one in `modules`."""
    version = wheel.name.split("-")[1]
    real = modules / "pip"
    hand_over = f"""__file__ = {str(real / "__init__.py")!r}
__path__ = [{str(real)!r}]
with open(__file__, encoding="utf-8") as file:
    exec(compile(file.read(), __file__, "exec"))
"""
    with zipfile.ZipFile(wheel) as archive:
        files = {
            f"{_SITE}/{name}": archive.read(name).decode("utf-8")
            for name in archive.namelist()
            if ".dist-info/" in name and not name.endswith("/")
        }
    files[f"{_SITE}/pip/__init__.py"] = hand_over
    return _record("pip", version, scripts=files, depends=[f"python {PYTHON}.*"], **more)


def unpack_pip(wheel: Path, folder: Path) -> Path:
    """Unpack a wheel of pip into a new `folder`, compiled for the environments; returns that."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    # An old pip has modules for Python 2, which do not compile and are not imported.
    words = [BASE, "-I", "-m", "compileall", "-qq", str(folder)]
    subprocess.run(words, check=False, capture_output=True)
    return folder


def python_record() -> dict[str, Any]:
    """The record of a Python that becomes `BASE`."""
    script = f'#!/bin/bash\nexec -a "$0" {shlex.quote(BASE)} "$@"\n'
    config = f"home = {os.path.dirname(BASE)}\ninclude-system-site-packages = false\n"
    files = {"bin/python": script, "bin/python3": script, "pyvenv.cfg": config}
    return _record("python", FULL, scripts=files)


def dist_record(name: str, version: str) -> dict[str, Any]:
    """The record of a conda package that holds a distribution of the same name."""
    info = f"{_SITE}/{name}-{version}.dist-info"
    files = {
        f"{_SITE}/{name}/__init__.py": f"__version__ = {version!r}\nSAYS = 'conda'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/RECORD": "",
        f"{info}/INSTALLER": "conda\n",
    }
    return _record(name, version, scripts=files, depends=[f"python {PYTHON}.*"])


def _record(name: str, version: str, *, depends: Any = (), **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "build": "lab_0",
        "build_number": 0,
        "depends": list(depends),
        "constrains": [],
        "subdir": "linux-64",
        "timestamp": 1720000000000,
        **more,
    }


def write_lab(root: Path, *records: dict[str, Any], pip: Path | None = None) -> Path:
    """Write the channel conda-forge with Python, pip (the bundled one, or a wheel) and more below
    `root`; returns `root`."""
    wheel = pip or bundled_pip()
    modules = unpack_pip(wheel, root / "pip")
    found = [python_record(), pip_record(wheel, modules), *records]
    by_name = {file_name(record): record for record in found}
    write_channel(root / "conda-forge", "linux-64", by_name)
    write_channel(root / "conda-forge", "noarch", {})
    return root
