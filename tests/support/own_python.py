"""What runs these tests, as a channel: their Python, pip, the builder, conda, each a real package.

The Python is that of this machine, laid out as a virtual environment is: a link to the interpreter
and the file that says where its standard library is. So an environment made of it runs, with
packages of its own. The others are the files of installed distributions.
"""

from __future__ import annotations

import importlib.util
import os
import stat
import sys
from collections.abc import Container, Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .channels import Files, Record, write_channel

MINOR = "{}.{}".format(*sys.version_info)
SITE_PACKAGES = f"lib/python{MINOR}/site-packages"

#: Distributions that are packages of the channel under their own name, each with what it requires.
PACKAGES = ("packaging", "ruamel-yaml", "pip", "hatchling", "hatch-vcs")
#: Conda's names for those that have another on PyPI.
RENAMED = {"ruamel-yaml": "ruamel.yaml"}
#: What carries conda where it comes from PyPI, and what makes that importable. Conda has no use for
#: what the first one requires, so both go without metadata, which pip would hold against that.
CARRIER, OFFER = "conda-lock", "conda-from-pypi"


def missing() -> list[str]:
    """The distributions that this Python lacks."""
    return [name for name in PACKAGES if not _installed(name)]


def write(root: Path, subdir: str) -> Path:
    """Write the channel to `root`; returns it."""
    records: dict[str, Record] = {}
    contents: dict[str, Files] = {}

    def add(name: str, version: str, depends: Iterable[str], files: Files) -> None:
        fn = f"{name}-{version}-0.conda"
        contents[fn] = files
        records[fn] = {
            "name": name,
            "version": version,
            "build": "0",
            "build_number": 0,
            "depends": list(depends),
            "subdir": subdir,
            "timestamp": 1700000000000,
        }

    version = "{}.{}.{}".format(*sys.version_info)
    add("python", version, (), interpreter(version))
    python = f"python {MINOR}.*"
    separate = {canonicalize_name(name) for name in PACKAGES}
    for name in PACKAGES:
        others = closure([name])
        files = _files(other for other in others if other not in separate - {name})
        needs = [RENAMED.get(other, other) for other in others if other in separate - {name}]
        add(RENAMED.get(name, name), metadata.version(name), [python, *needs], files)
    # Conda's requirements beyond those are in its own package.
    provider = OFFER if _installed(OFFER) else "conda"
    needed = [name for name in closure([provider], stop=CARRIER) if name not in separate]
    files = _files(needed, bare=(CARRIER, OFFER))
    if provider == "conda":  # which may be installed from a working tree
        files |= _folder(Path(str(importlib.import_module("conda").__file__)).parent, "conda")
    version = str(importlib.import_module("conda").__version__)
    add("conda", version, [python, "packaging", "ruamel.yaml"], files)
    write_channel(root, "noarch", {})
    write_channel(root, subdir, records, contents)
    return root


def closure(names: Iterable[str], stop: str = "") -> list[str]:
    """These distributions and all that they require here, by canonical name; of `stop` nothing."""
    found: dict[str, None] = {}
    waiting = [canonicalize_name(name) for name in names]
    while waiting:
        name = waiting.pop(0)
        if name in found or not _installed(name):
            continue
        found[name] = None
        if name == stop:
            continue
        for text in metadata.requires(name) or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(needed.name))
    return list(found)


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def interpreter(version: str) -> Files:
    """The files of a package of this machine's Python."""
    base = getattr(sys, "_base_executable", sys.executable)
    link = (os.fsencode(os.path.realpath(base)), stat.S_IFLNK | 0o777)
    settings = f"home = {os.path.dirname(os.path.realpath(base))}\nversion = {version}\n"
    names = ("python", "python3", f"python{MINOR}")
    return {
        **{f"bin/{name}": link for name in names},
        "pyvenv.cfg": (f"{settings}include-system-site-packages = false\n".encode(), 0o644),
        f"{SITE_PACKAGES}/README.txt": (b"Packages of this environment.\n", 0o644),
    }


def _files(names: Iterable[str], bare: Container[str] = ()) -> Files:
    """The files of installed distributions, but those that lie outside of site-packages, and the
    metadata of those in `bare`."""
    found: Files = {}
    for name in names:
        for path in metadata.distribution(name).files or ():
            real = Path(str(path.locate()))
            if ".." in path.parts or "__pycache__" in path.parts or not real.is_file():
                continue
            if name in bare and path.parts[0].endswith(".dist-info"):
                continue
            found |= _file(real, f"{SITE_PACKAGES}/{path.as_posix()}")
    return found


def _file(path: Path, at: str) -> Files:
    """A file, and what Python has compiled it to, which spares every environment that work."""
    found: Files = {at: (path.read_bytes(), 0o644)}
    if path.suffix != ".py":
        return found
    compiled = Path(importlib.util.cache_from_source(str(path)))
    content = compiled.read_bytes() if compiled.is_file() else b""
    written = int(path.stat().st_mtime) & 0xFFFFFFFF
    if content[4:12] == bytes(4) + written.to_bytes(4, "little"):  # of this very source
        # Not held against the time of the source, which is another in the package (PEP 552).
        header = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8)
        beside = f"{at.rpartition('/')[0]}/__pycache__/{compiled.name}"
        found[beside] = (header + content[16:], 0o644)
    return found


def _folder(folder: Path, at: str) -> Files:
    found: Files = {}
    for path in _walk(folder):
        found |= _file(path, f"{SITE_PACKAGES}/{at}/{path.relative_to(folder).as_posix()}")
    return found


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
