"""Laws of the choice of wheels, whatever is on the pages."""

from __future__ import annotations

import random
from functools import cache

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support.choosing import CAPABILITIES
from support.wheels import asked, links

from conda_torchmirror.models import Machine, Request
from conda_torchmirror.selection.facts.cuda import runs_on
from conda_torchmirror.selection.specs import number, release
from conda_torchmirror.selection.wheels.choose import WheelSet, choose
from conda_torchmirror.selection.wheels.link import Link
from conda_torchmirror.selection.wheels.tables import cuda_tables, tables
from conda_torchmirror.selection.wheels.tags import ranks

SUBDIRS = ("linux-64", "linux-aarch64", "win-64", "osx-arm64", "osx-64")
DRIVERS = ("10.2", "11.1", "11.4", "11.8", "12.0", "12.4", "12.6", "12.8", "12.9", "13.0", "13.2")
PYTHONS = ("3.7", "3.9", "3.11", "3.12", "3.13", "3.14")
RELEASES = ("1.8.1", "1.10.1", "1.13.1", "2.3.1", "2.5.1", "2.7.1", "2.10.0", "2.13.0", "2.14.1")
WORDS = st.one_of(
    st.just(()),
    st.sampled_from([(f"torch=={v}", "torchvision") for v in RELEASES]),
    st.sampled_from([(f"torch<={v}", "torchvision", "torchaudio") for v in RELEASES]),
    st.sampled_from([("torch",), ("torchaudio",), ("torch=2.7",), ("torchvision>=0.20",)]),
)
QUICK = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@cache
def by_python(subdir: str, python: str | None) -> tuple[Link, ...]:
    """The list of a platform, thinned to what a Python can take, for speed alone."""
    tag = None if python is None else "cp" + python.replace(".", "")
    return tuple(
        one
        for one in links(subdir)
        if tag is None or f"-{tag}-" in one.filename or "py3-" in one.filename
    )


@st.composite
def cases(draw: st.DrawFn, *, gpu: bool = False) -> tuple[Machine, Request, tuple[Link, ...]]:
    subdir = draw(st.sampled_from(SUBDIRS[:3] if gpu else SUBDIRS))
    mac = subdir.startswith("osx")
    cuda = draw(st.sampled_from(DRIVERS) if gpu else st.none() | st.sampled_from(DRIVERS))
    cuda = None if mac else cuda
    machine = Machine(
        subdir,
        cuda=cuda,
        cuda_arch=draw(st.none() | st.sampled_from(CAPABILITIES)) if cuda else None,
        python=draw(st.sampled_from(PYTHONS)),
        glibc=draw(st.sampled_from((None, "2.17", "2.28", "2.35"))) if "linux" in subdir else None,
        osx=draw(st.sampled_from((None, "11.0", "13.0", "14.5"))) if mac else None,
    )
    request = asked(
        *draw(WORDS),
        compat=draw(st.sampled_from(("minor", "strict"))),
        allow_cpu=not gpu and draw(st.booleans()),
    )
    everything = by_python(subdir, machine.python)
    # A mirror lacks this and that.
    kept = random.Random(draw(st.integers(0, 999))).sample(
        everything, k=draw(st.sampled_from((len(everything), len(everything) * 3 // 4)))
    )
    return machine, request, tuple(kept)


def chosen(machine: Machine, request: Request, of: tuple[Link, ...]) -> WheelSet:
    found = choose(request, machine, of)
    assume(isinstance(found, WheelSet))
    assert isinstance(found, WheelSet)
    return found


@QUICK
@given(cases())
def test_never_above_the_driver(case: tuple[Machine, Request, tuple[Link, ...]]):
    machine, request, of = case
    found = chosen(machine, request, of)
    if found.cuda is None:
        return
    assert machine.cuda
    built, driver = number(found.cuda), number(machine.cuda)
    assert built[0] <= driver[0]
    assert built <= driver or (built[0] == driver[0] >= 11 and request.compat == "minor")
    assert (found.compat == "strict") == (built <= driver)


@QUICK
@given(cases())
def test_never_a_gpu_without_code(case: tuple[Machine, Request, tuple[Link, ...]]):
    machine, request, of = case
    found = chosen(machine, request, of)
    if found.cuda is None or machine.cuda_arch is None:
        return
    known = cuda_tables(machine.subdir)
    carried = known.architectures(found.torch.version, found.cuda, machine.subdir)
    if carried is not None:
        assert runs_on(machine.cuda_arch, carried)
    else:
        assert known.bound(found.torch.version, found.cuda, machine.cuda_arch) is None


@QUICK
@given(cases())
def test_never_cpu_in_silence(case: tuple[Machine, Request, tuple[Link, ...]]):
    machine, request, of = case
    found = chosen(machine, request, of)
    if found.cuda is None:
        told = {notice.code for notice in found.notices}
        assert any(code.startswith("cpu_") for code in told)
        assert machine.cuda is None or request.allow_cpu


@QUICK
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_links_does_not_matter(
    case: tuple[Machine, Request, tuple[Link, ...]], shuffled: random.Random
):
    machine, request, of = case
    other = list(of)
    shuffled.shuffle(other)
    assert choose(request, machine, of) == choose(request, machine, other)


@QUICK
@given(cases(gpu=True), st.sampled_from(DRIVERS))
def test_a_newer_driver_never_gives_an_older_torch(
    case: tuple[Machine, Request, tuple[Link, ...]], newer: str
):
    machine, request, of = case
    assume(machine.cuda and number(newer) >= number(machine.cuda))
    found = chosen(machine, request, of)
    again = choose(request, machine._replace(cuda=newer), of)
    assert isinstance(again, WheelSet)
    before, after = release(found.torch.version), release(again.torch.version)
    assert before
    assert after
    assert after >= before
    if after == before:
        assert number(again.cuda or "0") >= number(found.cuda or "0") or found.compat == "minor"


@QUICK
@given(cases())
def test_every_member_runs_on_the_target_and_goes_with_the_others(
    case: tuple[Machine, Request, tuple[Link, ...]],
):
    machine, request, of = case
    found = chosen(machine, request, of)
    takes = ranks(found.python, machine.subdir, machine.glibc, machine.osx)
    assert {wheel.project for wheel in found.wheels} >= {"torch", *request.specs} - {
        *request.wishes
    }
    for wheel in found.wheels:
        assert wheel.link in of
        assert wheel.tags & takes.keys()
        if wheel.project == "torch":
            continue
        known = tables()
        home = known.home(wheel.project, wheel.version, wheel.link.variant, machine.subdir)
        if home.kind != "neutral" and not machine.subdir.startswith("osx"):
            assert wheel.link.variant == found.variant
        stated = known.stated.get(found.torch.version, {}).get(wheel.project, ())
        assert wheel.version in stated or known.open_since(wheel.project, wheel.version)
