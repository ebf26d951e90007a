"""The laws of the choice, over conda-forge's real records and those derived from its matrices."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import choosing, forge_stubs
from support.choosing import CAPABILITIES

from conda_torchmirror.index import match
from conda_torchmirror.models import Build, Choice, Installed, NoChoice
from conda_torchmirror.selection.facts import conda_forge
from conda_torchmirror.selection.facts import cuda as compat
from conda_torchmirror.selection.facts.conda_forge import read
from conda_torchmirror.selection.facts.record import Knowledge, dependencies
from conda_torchmirror.selection.specs import number, release

PLATFORMS = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")
DRIVERS = ("11.2", "11.4", "11.8", *(f"12.{n}" for n in range(10)), "13.0", "13.2")
ARCHES = (None, *CAPABILITIES)
PYTHONS = (None, "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
WORDS = ("pytorch", "pytorch=2.5.1", "pytorch<2.8", "pytorch=2.10", "torchvision", "torchaudio")
TABLES = compat.conda_forge_tables()
KNOWLEDGE = Knowledge(match.admits, TABLES, conda_forge.SOURCE)

machines = {
    "subdir": st.sampled_from(PLATFORMS),
    "python": st.sampled_from(PYTHONS),
    "cuda_arch": st.sampled_from(ARCHES),
    "compat_mode": st.sampled_from(["minor", "strict"]),
    "glibc": st.sampled_from([None, "2.17", "2.28", "2.35"]),
    "osx": st.sampled_from([None, "10.15", "11.0", "14.5"]),
}
wanted = st.lists(st.sampled_from(WORDS), max_size=2, unique=True)
SYSTEM = ("glibc_too_old", "macos_too_old")
#: The real records alone, or the whole channel.
whole = st.booleans()


def builds(subdir: str, *, whole: bool) -> tuple[Build, ...]:
    found = forge_stubs.builds(subdir)
    return found if whole else tuple(b for b in found if b.known_by == "record")


def ask(*words: str, subdir: str, whole: bool, **facts: Any) -> Choice | NoChoice:
    if subdir.startswith("osx-"):
        facts |= {"driver": None, "cuda_arch": None}
    if facts.get("driver") is None:
        facts["cuda_arch"] = None
    facts.setdefault("builds", builds(subdir, whole=whole))
    return choosing.ask(*words, subdir=subdir, knowledge=KNOWLEDGE, **facts)


@settings(max_examples=120, deadline=None)
@given(words=wanted, driver=st.sampled_from([None, *DRIVERS]), whole=whole, **machines)
def test_law_what_is_chosen_runs_on_the_machine(
    words, driver, whole, subdir, cuda_arch, glibc, osx, **facts
):
    found = ask(
        *words,
        subdir=subdir,
        driver=driver,
        whole=whole,
        cuda_arch=cuda_arch,
        glibc=glibc,
        osx=osx,
        **facts,
    )
    if isinstance(found, NoChoice):
        return
    if subdir.startswith("osx-") or driver is None:
        assert found.cuda is None
    else:
        # Never silently on the CPU, never above the driver's major.
        assert found.cuda
        built, limit = number(found.cuda), number(driver)
        assert built[0] <= limit[0]
        assert (found.compat == "strict") == (built <= limit)
        assert found.compat == "strict" or facts["compat_mode"] == "minor"
        if cuda_arch:
            of = read(found.torch)
            carried = TABLES.architectures(
                found.torch.version, found.cuda, subdir, build=of.number, variant=of.arm
            )
            assert carried
            assert compat.runs_on(cuda_arch, carried)
    for build in found.builds:
        of = read(build)
        assert not (of.glibc and glibc) or number(of.glibc) <= number(glibc)
        assert not (of.osx and osx) or number(of.osx) <= number(osx)


@settings(max_examples=100, deadline=None)
@given(words=wanted, driver=st.sampled_from([None, *DRIVERS]), whole=whole, **machines)
def test_law_the_set_admits_itself(words, driver, **facts):
    found = ask(*words, driver=driver, **facts)
    if isinstance(found, NoChoice):
        return
    torch = found.torch
    for build in found.builds:
        of = read(build)
        assert of.python == found.python
        assert of.cuda is None or number(of.cuda)[0] == number(found.cuda)[0]
        for spec in dependencies(build, "pytorch"):
            assert match.admits(spec, torch.name, torch.version, torch.build)


@settings(max_examples=60, deadline=None)
@given(
    words=wanted,
    steps=st.lists(st.sampled_from(DRIVERS), min_size=2, max_size=2),
    whole=whole,
    **machines,
)
def test_law_a_newer_driver_never_gives_an_older_torch(words, steps, **facts):
    older, newer = sorted(steps, key=number)
    before, after = ask(*words, driver=older, **facts), ask(*words, driver=newer, **facts)
    if isinstance(before, Choice):
        assert isinstance(after, Choice)
        assert release(after.torch.version) >= release(before.torch.version)


@settings(max_examples=40, deadline=None)
@given(
    words=wanted,
    driver=st.sampled_from([None, *DRIVERS]),
    seed=st.integers(0, 2**16),
    subdir=st.sampled_from(PLATFORMS),
    whole=whole,
)
def test_law_the_order_of_records_does_not_matter(words, driver, seed, subdir, whole):
    shuffled = list(builds(subdir, whole=whole))
    random.Random(seed).shuffle(shuffled)
    asked = {"subdir": subdir, "driver": driver, "whole": whole}
    assert ask(*words, builds=shuffled, **asked) == ask(*words, **asked)


@settings(max_examples=60, deadline=None)
@given(driver=st.sampled_from([None, *DRIVERS]), whole=whole, **machines)
def test_law_a_wish_costs_no_release_and_a_demand_is_kept(driver, **facts):
    wished = ask(driver=driver, **facts)
    without = ask("pytorch", "torchvision", driver=driver, **facts)
    named = ask("pytorch", "torchvision", "torchaudio", driver=driver, **facts)
    assert isinstance(wished, Choice) == isinstance(without, Choice)
    if isinstance(wished, Choice) and isinstance(without, Choice):
        assert (wished.torch.version, wished.cuda) == (without.torch.version, without.cuda)
        left = [n for n in wished.notices if n.code.startswith("partner_left_out")]
        assert bool(left) == ("torchaudio" not in {build.name for build in wished.builds})
    if isinstance(named, Choice):
        assert "torchaudio" in {build.name for build in named.builds}


RELEASES = ("2.0.0", "2.4.1", "2.5.1", "2.6.0", "2.7.1", "2.8.0", "2.10.0", "2.12.0", "2.13.0")


@pytest.mark.parametrize("subdir", PLATFORMS)
def test_every_release_on_every_machine(subdir):
    """Each release alone, by driver and GPU: it fits exactly where one of its builds does."""
    everything = builds(subdir, whole=True)
    drivers = (None,) if subdir.startswith("osx-") else ("11.8", "12.0", "12.6", "12.9", "13.0")
    for version in RELEASES:
        of_release = [b for b in everything if (b.name, b.version) == ("pytorch", version)]
        for driver in drivers:
            for arch in ARCHES if driver else (None,):
                found = ask(
                    "pytorch",
                    subdir=subdir,
                    whole=True,
                    driver=driver,
                    cuda_arch=arch,
                    builds=of_release,
                )
                fitting = [build for build in of_release if _runs(build, driver, arch)]
                where = (subdir, version, driver, arch)
                assert isinstance(found, Choice) == bool(fitting), where
                assert isinstance(found, NoChoice) or found.torch in fitting, where


def _runs(build: Build, driver: str | None, arch: str | None) -> bool:
    of = read(build)
    if driver is None or of.cuda is None:
        return (of.cuda is None) == (driver is None)
    if number(of.cuda)[0] > number(driver)[0]:
        return False
    if arch is None:
        return True
    carried = TABLES.architectures(
        build.version, of.cuda, build.subdir, build=of.number, variant=of.arm
    )
    runs = bool(carried and compat.runs_on(arch, carried))
    # No cuDNN of these builds runs on Kepler: 8.9 starts at 5.0, as do all later ones.
    runs = runs and not (of.cudnn and number(arch) < (5, 0))
    return runs and (of.arm != "tegra" or arch in TABLES.integrated)


def test_the_blas_of_the_environment_decides_and_mkl_where_it_has_none():
    asked = {"subdir": "linux-64", "whole": True, "driver": "12.9"}
    assert "_mkl_" in ask("pytorch=2.13", **asked).torch.build
    openblas = (Installed("libblas", "3.9.0", "1_hopenblas", "conda-forge"),)
    found = ask("pytorch=2.13", installed=openblas, **asked)
    assert "_generic_" in found.torch.build


def test_upstreams_pairing_comes_before_a_newer_partner():
    """Records of torchvision 0.28 admit torch 2.12 as well."""
    found = ask("pytorch=2.12.1", "torchvision", subdir="linux-64", whole=True, driver="12.9")
    assert choosing.versions(found) == {"pytorch": "2.12.1", "torchvision": "0.27.1"}


@pytest.mark.parametrize(
    ("subdir", "facts", "cuda", "version"),
    [
        ("linux-64", {"driver": "13.0", "glibc": "2.17"}, "12.6", "2.5.1"),
        ("linux-64", {"driver": "13.0", "glibc": "2.27"}, "12.6", "2.5.1"),
        ("linux-64", {"driver": "13.0", "glibc": "2.28"}, "13.0", "2.13.0"),
        ("osx-arm64", {"osx": "11.7"}, None, "2.12.1"),
        ("osx-arm64", {"osx": "12.0"}, None, "2.13.0"),
        ("osx-64", {"osx": "10.15"}, None, "2.7.1"),
    ],
)
def test_the_systems_age_counts(subdir, facts, cuda, version):
    found = ask("pytorch", subdir=subdir, whole=True, **facts)
    assert (found.cuda, found.torch.version) == (cuda, version)
    assert {r.code for r in found.rejected} <= {*SYSTEM, "cuda_build", "cpu_build"}


def test_where_no_build_is_old_enough_that_is_the_reason():
    found = ask("pytorch=2.13", subdir="osx-arm64", whole=True, osx="11.0")
    assert {rejection.code for rejection in found.rejected} == {"macos_too_old"}


@pytest.mark.parametrize(("arch", "fits"), [("8.7", True), ("9.0", False), ("12.0", False)])
def test_a_jetson_gets_its_own_build_and_nobody_else(arch, fits):
    tegra = [b for b in builds("linux-aarch64", whole=True) if read(b).arm == "tegra"]
    found = ask(
        *("pytorch",),
        subdir="linux-aarch64",
        whole=True,
        driver="12.9",
        cuda_arch=arch,
        builds=tegra,
    )
    assert isinstance(found, Choice) == fits
