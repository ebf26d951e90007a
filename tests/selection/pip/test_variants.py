"""Reading few directories of a mirror must give what reading all of them would give."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import pytest
from support.wheels import asked, links

from conda_torchmirror.models import Machine
from conda_torchmirror.selection.pip.variants import also, to_read
from conda_torchmirror.selection.wheels.choose import WheelSet, choose
from conda_torchmirror.selection.wheels.link import Link
from conda_torchmirror.selection.wheels.tables import tables

#: Driver, release and what is chosen: strict before minor, but only within a release.
SAME_RELEASE = [
    ("12.0", "torch==2.5.1", "2.5.1+cu118"),
    ("12.0", "torch==2.4.1", "2.4.1+cu118"),
    ("12.1", "torch==2.5.1", "2.5.1+cu121"),
    ("12.3", "torch==2.5.1", "2.5.1+cu121"),
    ("12.4", "torch==2.5.1", "2.5.1+cu124"),
    ("12.4", "torch==2.7.1", "2.7.1+cu118"),
    ("12.6", "torch==2.7.1", "2.7.1+cu126"),
    ("12.0", "torch>=2.5", "2.14.0+cu126"),
    ("11.0", "torch==1.12.1", "1.12.1+cu102"),
    ("13.1", "torch==2.9.1", "2.9.1+cu130"),
]


@cache
def of_python(python: str) -> tuple[Link, ...]:
    tag = "cp" + python.replace(".", "")
    return tuple(link for link in links("linux-64") if f"-{tag}-" in link.filename)


def read(on: Machine, words: tuple[str, ...], **options: Any) -> tuple[Any, Any, set[str]]:
    """The choice by the directories that are read for a request, the one by all of them, and the
    directories read."""
    request, pages = asked(*words, **options), of_python(on.python or "3.10")
    first, lower = to_read(on, request, tables())

    def within(names: tuple[str, ...]) -> Any:
        return choose(request, on, [link for link in pages if link.variant in names])

    found = within(first)
    if isinstance(found, WheelSet):
        lower = also(lower, found.choice, on, request, tables())
    names = (*first, *lower)
    every = tuple({link.variant for link in pages} - {""})
    return within(names), within(every), set(names)


def versions(found: Any) -> Any:
    if not isinstance(found, WheelSet):
        return None
    return [(build.name, build.version) for build in found.choice.builds]


@pytest.mark.parametrize(("driver", "word", "torch"), SAME_RELEASE)
def test_within_a_release_the_drivers_own_cuda_comes_before_a_newer_minor(driver, word, torch):
    on = Machine("linux-64", cuda=driver, cuda_arch="7.5", python="3.10")
    if word == "torch==1.12.1":
        on = on._replace(cuda_arch="6.1")
    found, every, _ = read(on, (word,))
    assert versions(found) == versions(every) == [("torch", torch)]


def test_few_directories_give_what_all_of_them_would():
    drivers = ("11.0", "12.0", "12.1", "12.4", "13.0")
    words = ((), ("torch<2.9", "torchvision"), ("torchvision==0.20.1",))
    options = ({}, {"compat": "strict"}, {"allow_cpu": True})
    for python, driver, arch in product(("3.8", "3.11"), drivers, ("3.7", "8.6")):
        on = Machine("linux-64", cuda=driver, cuda_arch=arch, python=python)
        for asked_for, more in product(words, options):
            found, every, _ = read(on, asked_for, **more)
            assert versions(found) == versions(every), (on, asked_for, more)


@pytest.mark.parametrize("driver", ["11.8", "12.0", "12.4", "12.8", "13.0", "13.2"])
def test_the_newest_release_needs_no_other_directories(driver):
    on = Machine("linux-64", cuda=driver, cuda_arch="8.6", python="3.12")
    major = driver.partition(".")[0]
    _, _, names = read(on, ())
    assert {name[:4] for name in names} == {f"cu{major}"}


def test_a_release_that_the_table_does_not_know():
    """It is where the newest one is."""
    request, on = asked("torch"), Machine("linux-64", cuda="13.0", python="3.12")
    found = choose(request, on, [link for link in of_python("3.12") if link.variant == "cu130"])
    assert isinstance(found, WheelSet)
    torch, *rest = found.choice.builds
    newer = found.choice._replace(builds=(torch._replace(version="99.0+cu132"), *rest))
    lower = ("cu129", "cu128", "cu126", "cu118")
    assert also(lower, newer._replace(compat="minor"), on, request, tables()) == ("cu126",)
    assert also(lower, newer._replace(compat="strict"), on, request, tables()) == ()
