"""Short ways to ask the pure choice, with conda's own match specs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from conda_torchmirror.index import builtin, sources
from conda_torchmirror.index import repodata as catalog
from conda_torchmirror.install import request
from conda_torchmirror.mirrors.registry import Route
from conda_torchmirror.models import Build, Choice, Machine, NoChoice
from conda_torchmirror.selection import choose
from conda_torchmirror.selection.facts.record import Knowledge

DATA = Path(__file__).resolve().parent.parent / "data"
#: The channel `pytorch`, and what a choice among its builds goes by.
SOURCE = sources.of_channel("pytorch")
KNOWLEDGE = SOURCE.knowledge
#: Compute capabilities of all GPUs from Kepler to Blackwell. Source: NVIDIA, "CUDA GPU Compute
#: Capability" and its page of legacy GPUs.
CAPABILITIES = (
    *("3.5", "3.7", "5.0", "5.2", "5.3", "6.0", "6.1", "6.2", "7.0", "7.2", "7.5"),
    *("8.0", "8.6", "8.7", "8.9", "9.0", "10.0", "10.3", "11.0", "12.0", "12.1"),
)
FAMILY = ("pytorch", "torchvision", "torchaudio", "torchtext", "pytorch-cuda")


@cache
def real(subdir: str, channel: str = "pytorch") -> tuple[Build, ...]:
    """The real records of the family for a subdir, as builds."""
    found: list[Build] = []
    for part in (subdir, "noarch"):
        path = DATA / "channels" / channel / part / "repodata.json"
        if path.exists():
            repodata = json.loads(path.read_text(encoding="utf-8"))
            located = Route(channel, f"https://mirror.test/{channel}", "test")
            names = {
                r["name"]
                for section in ("packages", "packages.conda")
                for r in repodata.get(section, {}).values()
            }
            found += [b for b in catalog._builds(repodata, located, part, names) if b]
    return tuple(found)


@cache
def known(subdir: str) -> tuple[Build, ...]:
    """The built-in index of a subdir."""
    records = builtin.load(subdir, channel="pytorch")
    assert records is not None
    return records.builds


def ask(
    *words: str,
    subdir: str = "linux-64",
    driver: str | None = None,
    cuda: str = "auto",
    python: str | None = None,
    builds: Iterable[Build] | None = None,
    compat_mode: Any = "minor",
    allow_cpu: bool = False,
    knowledge: Knowledge = KNOWLEDGE,
    **machine: Any,
) -> Choice | NoChoice:
    """The choice for these specs. `driver` is the CUDA that the driver runs."""
    asked = request.make(words, cuda_word=cuda, compat=compat_mode, allow_cpu=allow_cpu)
    given = asked.cuda if asked.cuda not in ("auto", "cpu") else None
    on = Machine(
        subdir,
        cuda=driver or given,
        cuda_from="libcuda" if driver else "--cuda" if given else "none",
        python=python,
        python_from="--python" if python else "newest",
        **machine,
    )
    records = known(subdir) if builds is None else builds
    return choose.choose(on, asked, records, knowledge)


def chosen(*words: str, **facts: Any) -> Choice:
    """`ask`, where there must be a choice."""
    found = ask(*words, **facts)
    assert isinstance(found, Choice), found
    return found


def refused(*words: str, **facts: Any) -> NoChoice:
    """`ask`, where there must be none."""
    found = ask(*words, **facts)
    assert isinstance(found, NoChoice), found
    return found


def versions(choice: Choice) -> dict[str, str]:
    """Name to version of the chosen builds."""
    return {build.name: build.version for build in choice.builds}


def specs(choice: Choice) -> Sequence[str]:
    """The exact specs of the chosen builds."""
    return [build.spec for build in choice.builds]


LINUX = real("linux-64")


def codes(found: Choice | NoChoice) -> set[str]:
    return {rejection.code for rejection in found.rejected}


def told(choice: Choice) -> list[str]:
    return [notice.code for notice in choice.notices]
