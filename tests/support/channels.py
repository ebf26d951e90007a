"""Channels for conda to install from: real records, and for each a tiny package that is real too.

A record keeps its name, version, build, dependencies and everything else that a solver or our own
code looks at. Only `size`, `md5` and `sha256` differ from the real ones: they are those of the
package that is really served, a few hundred bytes in the format that the file's name says, so that
conda downloads, checks, extracts and links it as it would the original.
"""

from __future__ import annotations

import bz2
import contextlib
import hashlib
import importlib
import io
import json
import os
import shlex
import stat
import sys
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from .leaves import leaf_records

Record = dict[str, Any]
#: Path -> (content, mode); of a symbolic link, by its mode, the content is the target.
Files = dict[str, tuple[bytes, int]]

#: The real records, see `SOURCES.md` beside them.
DATA = Path(__file__).resolve().parent.parent / "data" / "channels"

_DATED = 1700000000  # every file's time, in seconds since 1970: the same bytes on every run


def _zstd() -> tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]:
    for name in ("compression.zstd", "backports.zstd"):  # Python 3.14; what new conda comes with
        with contextlib.suppress(ImportError):
            module = importlib.import_module(name)
            return module.compress, module.decompress
    import zstandard  # what old conda comes with

    return zstandard.compress, zstandard.decompress


zstd_compress, zstd_decompress = _zstd()


def real_records(channel: str, subdir: str) -> dict[str, Record]:
    """The real records of one folder by file name; {} where none are known."""
    path = DATA / channel / subdir / "repodata.json"
    if not path.exists():
        return {}
    repodata = json.loads(path.read_text(encoding="utf-8"))
    return {**repodata.get("packages", {}), **repodata.get("packages.conda", {})}


def real_folders() -> list[tuple[str, str]]:
    """(channel, subdir) of all the real records, label channels included, sorted."""
    folders = (path.parent.relative_to(DATA) for path in DATA.rglob("repodata.json"))
    return sorted((folder.parent.as_posix(), folder.name) for folder in folders)


def _payload(record: Mapping[str, Any]) -> Files:
    """The files that the package puts into a prefix."""
    name, version = record["name"], record["version"]
    files = {f"share/stubs/{name}.txt": (f"{name} {version} {record['build']}\n".encode(), 0o644)}
    if name == "python":
        # Answers for its own version and leaves the rest to the Python that runs the tests.
        script = (
            "#!/bin/sh\n"
            f'case "$1" in -V|--version) echo "Python {version}"; exit 0;; esac\n'
            f'exec {shlex.quote(sys.executable)} "$@"\n'
        )
        path = "python.exe" if record["subdir"].startswith("win-") else "bin/python"
        files[path] = (script.encode(), 0o755)
    for path, script in record.get("scripts", {}).items():
        files[path] = (script.encode(), 0o755)
    return files


def _info(record: Mapping[str, Any], files: Files) -> dict[str, bytes]:
    hashed = ("fn", "md5", "sha256", "size", "url", "scripts")
    paths = [
        {
            "_path": path,
            "path_type": "softlink" if stat.S_ISLNK(mode) else "hardlink",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_in_bytes": len(content),
        }
        for path, (content, mode) in files.items()
    ]
    index = {key: value for key, value in record.items() if key not in hashed}
    return {
        "info/index.json": json.dumps(index).encode(),
        "info/files": "".join(f"{path}\n" for path in files).encode(),
        "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}).encode(),
    }


def _tar(members: Files) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, (content, mode) in members.items():
            member = tarfile.TarInfo(name)
            member.mode, member.mtime = stat.S_IMODE(mode), _DATED
            if stat.S_ISLNK(mode):
                member.type, member.linkname = tarfile.SYMTYPE, os.fsdecode(content)
                content = b""
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def package(fn: str, record: Mapping[str, Any], files: Files | None = None) -> bytes:
    """The bytes of a package, `.tar.bz2` or `.conda` as `fn` says, of `files`, else a tiny one.

    The same on every run.
    """
    if files is not None:
        return _package(fn, record, files)
    return _tiny(fn, json.dumps(record))


@lru_cache(maxsize=8192)
def _tiny(fn: str, record: str) -> bytes:
    """A tiny package, made once: many channels hold the same real records."""
    found = json.loads(record)
    return _package(fn, found, _payload(found))


def _package(fn: str, record: Mapping[str, Any], files: Files) -> bytes:
    info = {path: (content, 0o644) for path, content in _info(record, files).items()}
    if fn.endswith(".tar.bz2"):
        return bz2.compress(_tar({**info, **files}), 1)
    stem = fn.removesuffix(".conda")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (
            ("metadata.json", b'{"conda_pkg_format_version": 2}'),
            (f"pkg-{stem}.tar.zst", zstd_compress(_tar(files))),
            (f"info-{stem}.tar.zst", zstd_compress(_tar(info))),
        ):
            archive.writestr(zipfile.ZipInfo(name, (2023, 11, 14, 22, 13, 20)), content)
    return buffer.getvalue()


def write_channel(
    root: Path,
    subdir: str,
    records: Mapping[str, Record],
    contents: Mapping[str, Files] | None = None,
) -> Path:
    """Build a package for each record (by file name) and write them and their index to
    `root/subdir`; the index also as `.zst`. Returns that folder. `scripts` of a record are files
    (path -> text) that the package has besides, such as `bin/.NAME-post-link.sh`; `contents` are
    the files, by file name, of packages that are not tiny ones."""
    folder = root / subdir
    folder.mkdir(parents=True, exist_ok=True)
    index: dict[str, dict[str, Record]] = {"packages": {}, "packages.conda": {}}
    for fn, record in sorted(records.items()):
        content = package(fn, record, (contents or {}).get(fn))
        (folder / fn).write_bytes(content)
        section = "packages.conda" if fn.endswith(".conda") else "packages"
        index[section][fn] = {
            **record,
            "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
        }
    write_index(folder, {"info": {"subdir": subdir}, **index, "repodata_version": 1})
    return folder


def write_index(folder: Path, repodata: Mapping[str, Any]) -> None:
    """Write `repodata.json` and `repodata.json.zst`."""
    text = json.dumps(repodata).encode()
    (folder / "repodata.json").write_bytes(text)
    (folder / "repodata.json.zst").write_bytes(zstd_compress(text))


def file_name(record: Mapping[str, Any], suffix: str = ".tar.bz2") -> str:
    """`name-version-build.tar.bz2`."""
    return f"{record['name']}-{record['version']}-{record['build']}{suffix}"


def all_records(real: Iterable[str] = ("pytorch", "nvidia")) -> dict[tuple[str, str], Any]:
    """(channel, subdir) -> records by file name: the real ones of the channels in `real` and of
    their labels, and the leaves. A channel that has anything has a noarch folder too."""
    found: defaultdict[tuple[str, str], dict[str, Record]] = defaultdict(dict)
    wanted = tuple(real)
    for channel, subdir in real_folders():
        if channel.split("/")[0] in wanted:
            found[channel, subdir].update(real_records(channel, subdir))
    for channel, record in leaf_records():
        found[channel, record["subdir"]].setdefault(file_name(record), record)
    for channel, _ in list(found):
        found[channel, "noarch"].update({})
    return dict(found)


def build_channels(root: Path, real: Iterable[str] = ("pytorch", "nvidia")) -> Path:
    """Write `root/<channel>/<subdir>/...` for everything in `all_records`; returns `root`.

    conda-forge is leaves alone by default: its own torch is a matter of a few tests, and slows the
    classic solver for all.
    """
    for (channel, subdir), records in all_records(real).items():
        write_channel(root / channel, subdir, records)
    return root
