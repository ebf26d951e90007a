"""Short ways to ask for wheels: the built-in list, the real listing where it is, single links."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from conda_torchmirror.index.wheels import builtin
from conda_torchmirror.models import Machine, NoChoice, Request
from conda_torchmirror.selection.specs import cuda_version
from conda_torchmirror.selection.wheels import request
from conda_torchmirror.selection.wheels.choose import WheelSet, choose
from conda_torchmirror.selection.wheels.link import Link

from .material import FOLDER, material

ROOT = Path(__file__).resolve().parents[2]


def shared() -> Path:
    """The material folder, which is no part of the repository; skips where it is not."""
    material("wheels", "wheel_listing.tsv")
    return FOLDER


def rows(*parts: str) -> Iterator[dict[str, str]]:
    """The rows of a table of the material."""
    with shared().joinpath(*parts).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, delimiter="\t")


@cache
def listing() -> tuple[Link, ...]:
    """Every real wheel of the listing whose directory is known."""
    return tuple(
        link(row["filename"], "" if row["variant"] in ("pypi", "root") else row["variant"])
        for row in rows("wheels", "wheel_listing.tsv")
        if row["variant"] != "unknown"
    )


def link(filename: str, variant: str = "", **known: Any) -> Link:
    """A link to a file in a directory of a mirror."""
    url = f"https://wheels.test/{variant or 'pypi'}/{filename.replace('+', '%2B')}"
    return Link(filename, url, variant, **known)


def links(subdir: str) -> tuple[Link, ...]:
    """The built-in list of a platform."""
    known = builtin.load(subdir)
    assert known
    return known.links


def asked(*words: str, **options: Any) -> Request:
    """The request of some words."""
    found = request.read(words, **options)
    assert isinstance(found, Request), found
    return found


def ask(
    *words: str,
    subdir: str = "linux-64",
    driver: str | None = None,
    python: str | None = None,
    cuda: str = "auto",
    of: Iterable[Link] | None = None,
    compat: Any = "minor",
    allow_cpu: bool = False,
    **machine: Any,
) -> WheelSet | NoChoice:
    """The choice for some words. `driver` is the CUDA that the driver runs, `cuda` that of
    `--cuda`, which stands for a driver as on the command line."""
    wanted = request.accelerator(cuda)
    assert wanted, cuda
    given = wanted if cuda_version(wanted) else None
    found = asked(*words, cuda=wanted, compat=compat, allow_cpu=allow_cpu)
    on = Machine(subdir, cuda=given or driver, python=python, **machine)
    return choose(found, on, links(subdir) if of is None else of)


def chosen(*words: str, **facts: Any) -> WheelSet:
    """`ask`, where there must be a set."""
    found = ask(*words, **facts)
    assert isinstance(found, WheelSet), found
    return found


def refused(*words: str, **facts: Any) -> NoChoice:
    """`ask`, where there must be none."""
    found = ask(*words, **facts)
    assert isinstance(found, NoChoice), found
    return found


def versions(found: WheelSet) -> dict[str, str]:
    """Name to version, as pip has them."""
    return {wheel.project: wheel.full_version for wheel in found.wheels}


def told(found: WheelSet) -> list[str]:
    return [notice.code for notice in found.notices]


def codes(found: WheelSet | NoChoice) -> set[str]:
    return {item.code for item in found.rejected}


#: A set of wheels for each directory, in names of one release of each project.
RELEASES = {"2.6.0": "0.21.0", "2.7.1": "0.22.1", "2.13.0": "0.28.0", "2.14.1": "0.29.1"}


def made(
    *sets: str, torch: str = "2.7.1", python: str = "3.12", platform: str = "manylinux_2_28_x86_64"
) -> list[Any]:
    """The wheels of torch and torchvision in some directories, with their local version."""
    tag = "cp" + python.replace(".", "")
    return [
        link(f"{name}-{version}{f'+{home}' if home else ''}-{tag}-{tag}-{platform}.whl", home)
        for home in sets
        for name, version in (("torch", torch), ("torchvision", RELEASES[torch]))
    ]
