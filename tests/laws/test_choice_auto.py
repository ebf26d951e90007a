"""The laws of `--source auto`, through the stage that carries its rule out, and an oracle.

conda-forge's builds are its real records and stubs of its matrices, the channel pytorch's are the
built-in index. The oracle tries every pytorch with every partner, and reads what a build is for out
of its build string, by expressions of its own.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.both_channels import Reader, builds
from support.choosing import CAPABILITIES

from conda_torchmirror.exceptions.choice import NoFittingBuild
from conda_torchmirror.index import match
from conda_torchmirror.index.sources import SOURCES, named
from conda_torchmirror.install import request as requests
from conda_torchmirror.install.sources import answer as answers
from conda_torchmirror.install.sources.answer import SourceChoice
from conda_torchmirror.install.sources.told import of_source
from conda_torchmirror.install.task import Target, Task
from conda_torchmirror.machine.survey import Survey
from conda_torchmirror.mirrors.registry import Route
from conda_torchmirror.models import Build, Machine, Request
from conda_torchmirror.options import InstallOptions
from conda_torchmirror.selection.facts.cuda import runs_on
from conda_torchmirror.selection.specs import number, release

FORGE, CHANNEL = "conda-forge", "pytorch"
DRIVERS = (None, "10.2", "11.2", "11.8", "12.0", "12.4", "12.6", "12.9", "13.0")
PYTHONS = (None, "3.8", "3.9", "3.12", "3.13", "3.14")
WORDS = (
    (),
    ("pytorch",),
    ("pytorch", "torchvision"),
    ("torchaudio",),
    ("pytorch>=2.4",),
    ("pytorch<2.8", "torchvision"),
    ("pytorch=2.5.1",),
    ("pytorch=2.10", "torchaudio"),
)


class Case(NamedTuple):
    """Words on a machine."""

    words: tuple[str, ...]
    on: Machine
    compat: Any = "minor"


def made(subdir: str, driver: str | None, arch: str | None, python: str | None) -> Machine:
    mac = subdir.startswith("osx-")
    driver = None if mac else driver
    origin = "libcuda" if driver else "none"
    arch = arch if driver else None
    return Machine(subdir, cuda=driver, cuda_from=origin, cuda_arch=arch, python=python)


machines = st.builds(
    made,
    subdir=st.sampled_from(("linux-64", "win-64", "linux-aarch64", "osx-arm64")),
    driver=st.sampled_from(DRIVERS),
    arch=st.sampled_from((None, *CAPABILITIES)),
    python=st.sampled_from(PYTHONS),
)
cases = st.builds(
    Case,
    words=st.sampled_from(WORDS),
    on=machines,
    compat=st.sampled_from(["minor", "minor", "strict"]),
)


def asked(case: Case) -> Request:
    return requests.make(case.words, sources=SOURCES, compat=case.compat)


def answer(
    case: Case, source: str = "auto", order: random.Random | None = None
) -> SourceChoice | NoFittingBuild:
    """What the stage comes to."""
    options = InstallOptions(specs=case.words, source=source, cuda_compat=case.compat)
    request = asked(case)
    sources = answers.in_order(options, request, case.on)
    first = named(sources.sources[0])
    task = Task(options, None, Target(None), request, Survey(case.on), first, ("defaults",))
    try:
        return answers.find(task, sources, Reader(case.on.subdir, order))  # type: ignore[arg-type]
    except NoFittingBuild as error:
        return error


def rank(found: SourceChoice) -> tuple[Any, ...]:
    return found.choice.cuda is not None, release(found.choice.torch.version)


# The laws


@settings(max_examples=40, deadline=None)
@given(case=cases)
def test_law_auto_is_never_worse_than_a_source_alone(case):
    found = answer(case)
    alone = {name: answer(case, name) for name in (CHANNEL, FORGE)}
    sets = {name: each for name, each in alone.items() if isinstance(each, SourceChoice)}
    assert isinstance(found, SourceChoice) == bool(sets)
    if not isinstance(found, SourceChoice):
        return
    source = found.attempt.task.source.name
    assert found.choice.builds == sets[source].choice.builds
    options = InstallOptions(specs=case.words, source="auto")
    sources = answers.in_order(options, asked(case), case.on)
    if sources.newest:
        assert rank(found) == max(map(rank, sets.values()))
        # At the same release the channel of its own comes first.
        assert source == CHANNEL or CHANNEL not in sets or rank(sets[CHANNEL]) < rank(found)
    else:
        assert source == next(name for name in sources.sources if name in sets)


@settings(max_examples=15, deadline=None)
@given(case=cases, seed=st.integers(0, 2**16))
def test_law_the_order_of_the_records_does_not_show(case, seed):
    found, again = answer(case), answer(case, order=random.Random(seed))
    assert type(found) is type(again)
    if isinstance(found, SourceChoice) and isinstance(again, SourceChoice):
        assert (found.choice, found.why) == (again.choice, again.why)
        assert told(found) == told(again)
    else:
        assert str(found) == str(again)


def told(found: SourceChoice) -> Mapping[str, Any]:
    source = found.attempt.task.source
    return of_source(found, Route(source.channel, "https://mirror.test/x", "test")).facts


@settings(max_examples=40, deadline=None)
@given(case=cases)
# A newer driver brings a Python of 3.9 no newer release.
@example(case=Case(("torchaudio",), made("linux-64", "11.2", None, "3.9")))
def test_law_what_is_said_of_the_other_source_is_true(case):
    """Its release is what one gets by naming it; what it lacks is what keeps it out."""
    found = answer(case)
    if not isinstance(found, SourceChoice):
        return
    facts = told(found)
    other = facts["other"]
    assert (facts["source"], facts["version"]) == (
        found.attempt.task.source.name,
        found.choice.torch.version,
    )
    if other is None or not found.others:
        return
    assert other["source"] != facts["source"]
    alone = answer(case, other["source"])
    if other["needs"] is None:
        # No release above this one was passed over there.
        assert other["version"] == (
            alone.choice.torch.version if isinstance(alone, SourceChoice) else None
        )
        return
    assert release(other["version"]) > release(facts["version"])
    assert not isinstance(alone, SourceChoice) or rank(alone) <= rank(found)
    if driver := other["needs"].get("driver"):
        tables = named(other["source"]).tables()
        # A driver's own CUDA is that of the newest toolkit that it is enough for.
        every = [f"{major}.{minor}" for major in range(10, 14) for minor in range(10)]
        system = case.on.driver_os
        lowest = {cuda: tables.toolkit_driver(cuda, system) for cuda in every}
        own = [c for c, low in lowest.items() if low and number(low) <= number(driver)]
        on = case.on._replace(cuda=max(own, key=number), driver=driver)
        with_driver = answer(case._replace(on=on), other["source"])
        assert isinstance(with_driver, SourceChoice)
        assert with_driver.choice.torch.version == other["version"]


def test_a_driver_that_is_named_is_enough_without_minor_version_compatibility():
    on = made("linux-64", "11.8", "8.6", None)
    drivers = {
        compat: told(answer(Case((), on, compat)))["other"]["needs"]["driver"]
        for compat in ("minor", "strict")
    }
    assert drivers == {"minor": "525.60.13", "strict": "560.28.03"}


# The oracle


class Read(NamedTuple):
    """A build as its name says: its CUDA, and its Python."""

    cuda: str | None
    python: str | None


_FORGE_CUDA = re.compile(r"cuda_?(\d\d)(\d)(?=_|py)")
_OWN_CUDA = re.compile(r"_(?:cuda|cu)(\d\d)\.?(\d)(?:_|$)")
_PYTHON = re.compile(r"(?:^|_|(?<=\d))py(\d)\.?(\d+)(?:_|h|$)")


@cache
def spelt(build: Build) -> Read:
    form = _FORGE_CUDA if build.channel == FORGE else _OWN_CUDA
    cuda, python = form.search(build.build), _PYTHON.search(build.build)
    return Read(
        f"{int(cuda[1])}.{cuda[2]}" if cuda else None,
        f"{python[1]}.{python[2]}" if python else None,
    )


def best(source: str, case: Case) -> tuple[Any, ...] | None:
    """The rank of the best set of a source by trying all: CUDA or not, release, strict, CUDA,
    Python. None where no set runs."""
    request, on = asked(case), case.on
    found = [
        (cuda is not None, release(torch.version), strict, number(cuda or "0"), number(python))
        for torch in _torches(source, on.subdir, request.specs["pytorch"])
        for cuda, python in [spelt(torch)]
        if python
        and on.python in (None, python)
        and (strict := _runs(source, torch, cuda, case)) is not None
        and all(
            _partners(source, on.subdir, name, torch, specs)
            for name, specs in request.specs.items()
            if name != "pytorch" and name not in request.wishes
        )
    ]
    return max(found, default=None)


@cache
def _torches(source: str, subdir: str, specs: tuple[str, ...]) -> Sequence[Build]:
    return [
        build
        for build in builds(source, subdir)
        if build.name == "pytorch"
        and release(build.version)
        and all(match.admits(s, build.name, build.version, build.build) for s in specs)
    ]


def _runs(source: str, torch: Build, cuda: str | None, case: Case) -> bool | None:
    """Whether the machine runs a pytorch: outright, by minor-version compatibility (False), or not
    at all (None)."""
    on, facts = case.on, named(source).facts.read(torch)
    if cuda is None or on.cuda is None:
        return True if cuda is None and on.cuda is None else None
    strict = number(cuda) <= number(on.cuda)
    same_major = number(cuda)[0] == number(on.cuda)[0]
    if not strict and (not same_major or number(cuda)[0] < 11 or case.compat == "strict"):
        return None
    if on.cuda_arch is None:
        return strict if facts.arm != "tegra" else None
    tables = named(source).tables()
    carried = tables.architectures(
        torch.version, cuda, torch.subdir, build=facts.number, variant=facts.arm
    )
    floor = tables.cudnn_floor(facts.cudnn) if facts.cudnn else None
    if floor and number(on.cuda_arch) < number(floor):
        return None
    if (facts.arm == "tegra") != (on.cuda_arch in tables.integrated) and source == FORGE:
        return None
    if carried is None:
        return strict if tables.bound(torch.version, cuda, on.cuda_arch) is None else None
    ptx = tables.ptx_since if strict else None
    return strict if runs_on(on.cuda_arch, carried, ptx_since=ptx) else None


@cache
def _by_name(source: str, subdir: str) -> Mapping[str, Sequence[Build]]:
    found = defaultdict(list)
    for build in builds(source, subdir):
        found[build.name].append(build)
    return found


@cache
def _partners(source: str, subdir: str, name: str, torch: Build, specs: tuple[str, ...]) -> bool:
    """Whether any partner goes with a pytorch."""
    mine = spelt(torch)
    for partner in _by_name(source, subdir).get(name, ()):
        theirs = spelt(partner)
        wants = [s for s in partner.depends if s.split()[0] == "pytorch"]
        if (
            theirs.python in (None, mine.python)
            and wants
            and _same_accelerator(source, name, mine.cuda, theirs.cuda, partner)
            and all(match.admits(s, "pytorch", torch.version, torch.build) for s in wants)
            and all(match.admits(s, name, partner.version, partner.build) for s in specs)
        ):
            return True
    return False


def _same_accelerator(
    source: str, name: str, torch: str | None, partner: str | None, build: Build
) -> bool:
    """torchvision compares majors, torchaudio all of it; the channel pytorch has one for each."""
    if partner is None and not re.search(r"cpu|cuda", build.build):
        return source == CHANNEL  # it is for neither
    if torch is None or partner is None:
        return torch is partner
    if source == FORGE and name == "torchvision":
        return number(torch)[0] == number(partner)[0]
    return torch == partner


def _ranked(found: SourceChoice) -> tuple[Any, ...]:
    choice, cuda = found.choice, found.choice.cuda
    return (
        cuda is not None,
        release(choice.torch.version),
        choice.compat == "strict",
        number(cuda or "0"),
        number(choice.python),
    )


def _some() -> list[Case]:
    """200 machines with words, the same in every run."""
    draw = random.Random(12)
    subdirs = ("linux-64", "linux-64", "win-64", "linux-aarch64")
    return [
        Case(
            draw.choice(WORDS),
            made(
                draw.choice(subdirs),
                draw.choice(DRIVERS),
                draw.choice((None, *CAPABILITIES)),
                draw.choice(PYTHONS),
            ),
            draw.choice(("minor", "minor", "strict")),
        )
        for _ in range(200)
    ]


@pytest.mark.parametrize("source", [CHANNEL, FORGE])
def test_the_choice_is_the_best_of_all_sets(source):
    """Release, driver fit, CUDA and Python of 200 machines, by trying everything."""
    fitting = 0
    for case in _some():
        found, expected = answer(case, source), best(source, case)
        assert isinstance(found, SourceChoice) == (expected is not None), (case, expected)
        if isinstance(found, SourceChoice) and expected is not None:
            fitting += 1
            mine = _ranked(found)
            wished = "torchaudio" in asked(case).wishes
            # For a wish another Python may be taken.
            assert mine[:-1] == expected[:-1], (case, found.choice, expected)
            assert wished or mine == expected, (case, found.choice, expected)
    assert fitting > 30
