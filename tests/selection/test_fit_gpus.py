"""A machine with GPUs of several generations: the oldest decides, what runs on all goes before what
runs on it alone, and a GPU that is not served is told."""

from __future__ import annotations

import pytest
from support import choosing, wheels

from conda_torchmirror.machine.facts import floor
from conda_torchmirror.models import Choice, Gpu, Machine

TURING, AMPERE, ADA = Gpu("RTX 2080", "7.5"), Gpu("RTX 3090", "8.6"), Gpu("RTX 4090", "8.9")
BLACKWELL, KEPLER, PLAIN = Gpu("RTX 5090", "12.0"), Gpu("Tesla K80", "3.7"), Gpu("GPU", None)


def unserved(choice: Choice) -> list[str]:
    """The GPUs that the choice says it has no code for."""
    return [one.facts["gpus"] for one in choice.notices if one.code == "gpus_without_code"]


@pytest.mark.parametrize(
    ("arch", "gpus", "said"),
    [
        ("8.6", (AMPERE, BLACKWELL), ["RTX 5090 (12.0)"]),
        ("8.6", (BLACKWELL, AMPERE, BLACKWELL, AMPERE), ["RTX 5090 (12.0)"]),
        ("3.7", (KEPLER, ADA, BLACKWELL), ["RTX 5090 (12.0)"]),
        ("7.5", (TURING, AMPERE, ADA), []),
        ("8.6", (AMPERE, AMPERE), []),
        ("8.6", (AMPERE, PLAIN), []),
        ("8.6", (), []),
        # A capability that is given in place of the devices' own.
        ("8.0", (AMPERE, BLACKWELL), []),
        (None, (AMPERE, BLACKWELL), []),
    ],
)
def test_a_gpu_that_the_chosen_code_does_not_serve_is_told(arch, gpus, said):
    """2.5.1 was taken for an RTX 5090 beside a 3090, which "decides for" it, without a word; of
    the 5090 alone it is refused."""
    found = choosing.chosen("pytorch", driver="12.8", cuda_arch=arch, gpus=gpus)
    assert unserved(found) == said


def test_a_gpu_alone_that_no_code_serves_is_refused():
    found = choosing.refused("pytorch", driver="12.8", cuda_arch="12.0", gpus=(BLACKWELL,))
    assert "arch_missing" in choosing.codes(found)


def test_a_cpu_build_is_for_every_gpu():
    found = choosing.chosen("pytorch", cuda="cpu", cuda_arch="8.6", gpus=(AMPERE, BLACKWELL))
    assert unserved(found) == []


@pytest.mark.parametrize(
    ("word", "cuda", "said"),
    [
        ("torch==2.13.0", "12.9", []),
        ("torch", "12.9", []),
        ("torch==2.6.0", "12.6", ["RTX 5090 (12.0)"]),
    ],
)
def test_what_runs_on_every_gpu_goes_before_what_runs_on_the_oldest(word, cuda, said):
    """Of 2.13.0 it was cu126, which the driver runs outright, and which has no code for a 5090."""
    machine = {"driver": "12.8", "python": "3.12", "cuda_arch": "8.6"}
    found = wheels.chosen(word, **machine, gpus=(AMPERE, BLACKWELL))
    told = [one.facts["gpus"] for one in found.notices if one.code == "gpus_without_code"]
    assert (found.cuda, told) == (cuda, said)


def test_a_cpu_build_that_is_allowed_is_no_way_to_serve_every_gpu():
    machine = {"driver": "12.8", "cuda_arch": "8.6", "gpus": (AMPERE, BLACKWELL)}
    found = choosing.chosen("pytorch", **machine, allow_cpu=True)
    assert (found.cuda, unserved(found)) == ("12.4", ["RTX 5090 (12.0)"])


def test_of_machines_that_share_a_plan_each_is_judged_by_its_own_driver():
    """The PTX that serves the newer GPU needs its own driver, and not that of the other machine."""
    new = Machine("linux-64", cuda="12.8", cuda_arch="9.0", gpus=(Gpu("H100", "9.0"),))
    old = Machine("linux-64", cuda="11.4", cuda_arch="3.7", gpus=(KEPLER,))
    both = floor([new, old])
    found = choosing.chosen(
        "pytorch", driver=both.cuda, cuda_arch=both.cuda_arch, gpus=both.gpus, glibc=both.glibc
    )
    assert (found.cuda, unserved(found)) == ("11.8", [])
