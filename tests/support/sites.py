"""Three mirrors and the official channels on loopback, as the registry and conda name them.

The channels hold just what one set of builds needs, cut down from real records, so that a whole
installation takes a fraction of a second.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import pytest

import conda_torchmirror
from conda_torchmirror.mirrors import urls

from .channels import file_name, write_channel
from .mirror import Mirror

TORCH = "pytorch-2.5.1-py3.12_cuda12.4_cudnn9.1.0_0.tar.bz2"
OLDER = "pytorch-2.4.1-py3.12_cuda12.4_cudnn9.1.0_0.tar.bz2"
RUNTIME = "pytorch-cuda-12.4-hc786d27_7.tar.bz2"
CUDART = "cuda-cudart-12.4.127-0.tar.bz2"
LEAF = "filelock-3.16.1-stub_0.tar.bz2"
#: The command that asks for it.
ASK = ("torch-install", "-y", "--cuda", "12.4", "pytorch")
#: The Range of a probe.
FIRST = "bytes=0-15"
#: The names of all that the command installs.
SET = {"pytorch", "pytorch-cuda", "pytorch-mutex", "cuda-cudart", "python", "filelock"}
_RATTLER = os.environ.get("TORCHMIRROR_TEST_SOLVER") == "rattler"
if not (_RATTLER and metadata.version("conda-rattler-solver").startswith("0.1")):
    SET.add("pip")  # which is added to every Python, by rattler's solver from 0.2 on

#: name, version, build, depends.
Row = tuple[str, str, str, list[str]]
_PYTHON = "python >=3.12,<3.13.0a0"
_ROWS: dict[str, list[Row]] = {
    "pytorch": [
        *(
            (
                "pytorch",
                version,
                "py3.12_cuda12.4_cudnn9.1.0_0",
                [_PYTHON, "filelock", "pytorch-cuda >=12.4,<12.5", "pytorch-mutex 1.0 cuda"],
            )
            for version in ("2.4.1", "2.5.1")
        ),
        ("pytorch-cuda", "12.4", "hc786d27_7", ["cuda-cudart >=12.4.127,<12.5"]),
        ("pytorch-mutex", "1.0", "cuda", []),
    ],
    "nvidia": [("cuda-cudart", "12.4.127", "0", []), ("cuda-cudart", "12.4.99", "0", [])],
    "conda-forge": [
        ("python", "3.12.7", "stub_0_cpython", []),
        ("filelock", "3.16.1", "stub_0", ["python >=3.6"]),
        ("pip", "24.3.1", "stub_0", ["python >=3.6"]),
        ("zlib", "1.2.13", "stub_0", []),
    ],
}


@cache
def _load_copies() -> None:
    """Import the modules that hold a copy of the official address: one that is imported while the
    address is another keeps that one for the rest of the process."""
    package = Path(conda_torchmirror.__file__).parent
    for path in package.rglob("*.py"):
        if "UPSTREAM_CLOUD" in path.read_text(encoding="utf-8"):
            names = path.relative_to(package.parent).with_suffix("").parts
            import_module(".".join(names))


def move_upstream(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Let the official channels be at `url`."""
    _load_copies()
    monkeypatch.setattr(urls, "UPSTREAM_CLOUD", url)


def write_channels(root: Path, of_conda_forge: Sequence[Row] = ()) -> Path:
    """The three channels, each with linux-64 and an empty noarch; returns `root`. conda-forge has
    the rows `of_conda_forge` besides."""
    every = {**_ROWS, "conda-forge": [*_ROWS["conda-forge"], *of_conda_forge]}
    for channel, rows in every.items():
        records = {}
        for name, version, build, depends in rows:
            number = build.rpartition("_")[2]
            record: dict[str, Any] = {
                "name": name,
                "version": version,
                "build": build,
                "build_number": int(number) if number.isdigit() else 0,
                "depends": depends,
                "constrains": [],
                "subdir": "linux-64",
                "timestamp": 1720000000000 + (version == "2.5.1"),
            }
            records[file_name(record)] = record
        write_channel(root / channel, "linux-64", records)
        write_channel(root / channel, "noarch", {})
    return root


@dataclass
class Sites:
    """The servers. `first` and `second` carry pytorch and conda-forge, `third` nvidia too."""

    root: Path
    file: Path
    first: Mirror
    second: Mirror
    third: Mirror
    upstream: Mirror

    @property
    def all(self) -> dict[str, Mirror]:
        """Every server by the name that the registry has for it."""
        return {
            "first": self.first,
            "second": self.second,
            "third": self.third,
            "upstream": self.upstream,
        }

    def registry(self) -> dict[str, Any]:
        """The file of mirrors that the rc file names."""
        found = {
            name: {
                "title": f"The {name} mirror",
                "roots": [f"{mirror.url}/anaconda"],
                "channels": {channel: {} for channel in mirror.channels},
                "support": f"help@{name}.example",
            }
            for name, mirror in self.all.items()
            if name != "upstream"
        }
        return {"mirrors": found}

    def settings(self, *preference: str) -> dict[str, Any]:
        """The rc file that makes conda and the registry see them."""
        self.file.write_text(json.dumps(self.registry()))
        return {
            "channel_alias": self.upstream.url,
            "channels": ["conda-forge"],
            "default_channels": [],
            "remote_connect_timeout_secs": 1.0,
            # A healthy server on a machine that stood still for half a second is not a stalled one.
            "remote_read_timeout_secs": 2.0,
            "plugins": {
                "torchmirror_registry": str(self.file),
                "torchmirror_mirrors": list(preference or ("first", "second")),
                "torchmirror_auto": False,
            },
        }

    def fetched(self, file: str) -> dict[str, int]:
        """How often each server sent a file, or the rest of it; first bytes aside."""
        return self._count(file, lambda span: span != FIRST)

    def probed(self, file: str) -> dict[str, int]:
        """How often each server was asked for the first bytes of a file."""
        return self._count(file, lambda span: span == FIRST, {200, 206, 0, 404, 403, 500, 503})

    def _count(
        self, file: str, wanted: Callable[[str | None], bool], statuses: Container[int] = (200, 206)
    ) -> dict[str, int]:
        return {
            name: sum(
                request.path.endswith(f"/{file}")
                and request.status in statuses
                and wanted(request.headers.get("Range"))
                for request in list(mirror.requests)
            )
            for name, mirror in self.all.items()
        }


@contextmanager
def open_sites(root: Path, file: Path) -> Iterator[Sites]:
    """Serve the channels of `root` from all four servers until the block ends; `file` is where
    the registry is written."""
    with ExitStack() as stack:

        def serve(prefix: str, *names: str) -> Mirror:
            mounts = {f"{prefix}/{name}": root / name for name in names}
            return stack.enter_context(Mirror(mounts, dict.fromkeys(names, prefix)))

        cloud = "anaconda/cloud"
        yield Sites(
            root,
            file,
            first=serve(cloud, "pytorch", "conda-forge"),
            second=serve(cloud, "pytorch", "conda-forge"),
            third=serve(cloud, "pytorch", "conda-forge", "nvidia"),
            upstream=serve("", "pytorch", "conda-forge", "nvidia"),
        )
