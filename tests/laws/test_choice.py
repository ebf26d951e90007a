"""The laws of the choice, over machines, requests and pins of every kind."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.choosing import CAPABILITIES, KNOWLEDGE, LINUX, ask, known

from conda_torchmirror.index import match
from conda_torchmirror.install import request
from conda_torchmirror.models import Choice, Gpu, Installed, Machine, NoChoice, Pin
from conda_torchmirror.selection import choose
from conda_torchmirror.selection.facts import cuda as compat
from conda_torchmirror.selection.facts.pytorch import read as facts
from conda_torchmirror.selection.specs import number, release
from conda_torchmirror.text import reasons

DRIVERS = [
    "9.2",
    "10.1",
    "10.2",
    *(f"11.{n}" for n in range(9)),
    *(f"12.{n}" for n in range(9)),
    "13.0",
]
PYTHONS = [None, "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]
facts_of_a_machine = {
    "subdir": st.sampled_from(["linux-64", "win-64"]),
    "python": st.sampled_from(PYTHONS),
    "cuda_arch": st.none() | st.sampled_from(CAPABILITIES),
    "compat_mode": st.sampled_from(["minor", "strict"]),
}
wanted = st.lists(
    st.sampled_from(
        ["pytorch", "pytorch=2.3", "pytorch<2", "torchvision", "torchaudio", "torchtext"]
    ),
    max_size=3,
    unique=True,
)


@settings(max_examples=150, deadline=None)
@given(words=wanted, driver=st.sampled_from(DRIVERS), **facts_of_a_machine)
def test_law_the_choice_never_exceeds_the_driver(words, driver, compat_mode, **machine):
    found = ask(*words, driver=driver, compat_mode=compat_mode, **machine)
    if isinstance(found, NoChoice):
        return
    assert found.cuda is not None
    built, limit = number(found.cuda), number(driver)
    if found.compat == "strict":
        assert built <= limit
    else:
        assert compat_mode == "minor"
        assert built > limit
        assert built[0] == limit[0] >= 11


@settings(max_examples=100, deadline=None)
@given(
    words=wanted,
    older=st.sampled_from(DRIVERS),
    newer=st.sampled_from(DRIVERS),
    **facts_of_a_machine,
)
def test_law_a_newer_driver_never_gives_an_older_torch(words, older, newer, **facts_):
    older, newer = sorted((older, newer), key=number)
    before, after = ask(*words, driver=older, **facts_), ask(*words, driver=newer, **facts_)
    if isinstance(before, Choice):
        assert isinstance(after, Choice)
        assert release(after.torch.version) >= release(before.torch.version)


@settings(max_examples=60, deadline=None)
@given(
    words=wanted,
    driver=st.sampled_from([None, *DRIVERS]),
    seed=st.integers(0, 2**16),
    **facts_of_a_machine,
)
def test_law_the_order_of_records_does_not_matter(words, driver, seed, subdir, **facts_):
    shuffled = list(known(subdir))
    random.Random(seed).shuffle(shuffled)
    asked = {"subdir": subdir, "driver": driver, **facts_}
    assert ask(*words, builds=shuffled, **asked) == ask(*words, **asked)


@settings(max_examples=100, deadline=None)
@given(
    words=wanted,
    driver=st.sampled_from([None, *DRIVERS]),
    **facts_of_a_machine,
)
def test_law_the_set_admits_itself(words, driver, **facts_):
    found = ask(*words, driver=driver, **facts_)
    if isinstance(found, NoChoice):
        return
    names = {build.name: build for build in found.builds}
    for build in found.builds:
        read = facts(build)
        assert read.python == found.python
        assert read.cuda in (None, found.cuda)
        for spec in build.depends:
            other = names.get(spec.split(" ")[0])
            if other:
                assert match.admits(spec, other.name, other.version, other.build)


PINS = [
    "pytorch 2.1.*",
    "pytorch<2",
    "torchvision 0.17.*",
    "python 3.10.*",
    "pytorch-cuda 11.8.*",
    "cudatoolkit 11.3.*",
]
#: `__cuda` as detected with the driver's own version, on either side of the floors.
VERSIONS = [None, "440.33", "450.51.05", "450.80.02", "525.60.13", "527.41", "580.65.06"]


@st.composite
def machines(draw) -> Machine:
    """Any machine, whether or not there is one like it."""
    pins = draw(st.lists(st.sampled_from(PINS), max_size=2, unique=True))
    there = draw(
        st.sampled_from([(), (Installed("torchaudio", "2.1.0", "py311_cu118", "pytorch"),)])
    )
    return Machine(
        subdir=draw(st.sampled_from(["linux-64", "win-64"])),
        cuda=draw(st.sampled_from([None, *DRIVERS])),
        cuda_from="libcuda",
        driver=draw(st.sampled_from(VERSIONS)),
        cuda_arch=draw(st.none() | st.sampled_from(CAPABILITIES)),
        gpus=draw(st.sampled_from([(), (Gpu("NVIDIA device"),)])),
        python=draw(st.sampled_from(PYTHONS)),
        python_from="prefix",
        installed=there,
        pins=tuple(Pin(spec, "conda-meta/pinned") for spec in pins),
    )


def _admitted(pin: str, name: str, version: str) -> bool:
    return match.admits(pin, name, version, "")


@settings(max_examples=300, deadline=None)
@given(
    words=wanted,
    on=machines(),
    cuda=st.sampled_from(["auto", "cpu", "12.1"]),
    compat_mode=st.sampled_from(["minor", "strict"]),
    whole=st.booleans(),
)
def test_law_every_rejections_facts_clash(words, on, cuda, compat_mode, whole):
    """Read again from machine and record, both facts that are given hold, and they clash."""
    asked = request.make(words, cuda_word=cuda, compat=compat_mode)
    if cuda not in ("auto", "cpu"):
        on = on._replace(cuda=cuda, cuda_from="--cuda")
    builds = LINUX if whole and on.subdir == "linux-64" else known(on.subdir)
    found = choose.choose(on, asked, builds, KNOWLEDGE)
    by_spec = {build.spec: build for build in builds}
    for item in found.rejected:
        build = by_spec[f"{item.name}={item.version}={item.build}"]
        read, says, needs = facts(build), item.machine.facts, item.needs.facts
        assert "?" not in reasons.reason([item])
        # What a fact repeats of the record or of the machine is what stands there.
        assert needs.get("cuda", read.cuda) == read.cuda or item.needs.code == "code_first"
        assert needs.get("python", read.python) == read.python
        assert says.get("arch", on.cuda_arch) == on.cuda_arch
        assert says.get("driver", on.driver) == on.driver
        match item.code:
            case "python_mismatch":
                assert says["python"] == on.python != read.python
            case "cuda_too_new":
                built, limit = number(read.cuda), number(on.cuda)
                assert says["cuda"] == on.cuda
                # Newer, and not of a major that minor-version compatibility spans.
                assert built > limit
                assert built[0] != limit[0] or built[0] < 11
            case "driver_too_old":
                assert number(read.cuda) > number(on.cuda)
                assert number(needs["driver"]) > number(on.driver)
            case "driver_unusable":
                assert on.cuda is None
                assert on.gpus
            case "minor_version_only":
                assert compat_mode == "strict"
                assert number(read.cuda) > number(on.cuda)
            case "cpu_build":
                assert read.accelerator == "cpu"
                assert says.get("cuda") == cuda if item.machine.code == "cuda_asked" else on.has_gpu
            case "cuda_build":
                assert read.accelerator == "cuda"
                assert cuda == "cpu" or not on.has_gpu
            case "pinned":
                name = says["spec"].split(" ")[0].split("<")[0]
                of_partner = needs.get("spec", "=").split("=")
                version = {
                    of_partner[0]: of_partner[1],
                    "python": f"{read.python}.4",
                    read.runtime: read.cuda,
                    build.name: build.version,
                }[name]
                assert Pin(says["spec"], says["source"]) in on.pins
                assert not _admitted(says["spec"], name, version)
            case "arch_missing":
                carried = compat.tables().architectures(build.version, read.cuda, on.subdir)
                if carried is None:
                    major = int(on.cuda_arch.partition(".")[0])
                    alone = on.cuda_arch in compat.tables().integrated
                    assert major >= 8 or number(on.cuda_arch) < (3, 7) or alone
                else:
                    strict = number(read.cuda) <= number(on.cuda)
                    since = compat.tables().ptx_since if strict else None
                    assert not compat.runs_on(on.cuda_arch, carried, ptx_since=since)
            case "cudnn_too_new":
                assert "cudnn9" in build.build
                assert number(on.cuda_arch) < (5, 0)
            case "partner_missing":
                assert says["name"] == needs["name"]
                assert needs["torch"] == build.spec
                alike = [
                    b
                    for b in builds
                    if b.name == says["name"]
                    and f"pytorch {build.version}" in b.depends
                    and facts(b).python == read.python
                    and facts(b).cuda in (None, read.cuda)
                    and (facts(b).accelerator in ("any", read.accelerator))
                    and all(
                        _admitted(pin.spec, b.name, b.version)
                        for pin in on.pins
                        if pin.spec.startswith(b.name + " ")
                    )
                ]
                assert alike == []
            case _:
                pytest.fail(f"unexpected code {item.code}")
