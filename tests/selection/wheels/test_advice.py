"""What helps where no set of wheels fits: each step is offered only where it works."""

from __future__ import annotations

from typing import Any

import pytest
from support.wheels import ask, asked, link, links

from conda_torchmirror.models import Machine, NoChoice, Notice
from conda_torchmirror.selection.wheels.advice import Refusal, find
from conda_torchmirror.selection.wheels.choose import WheelSet, choose
from conda_torchmirror.selection.wheels.request import accelerator
from conda_torchmirror.text import reasons
from conda_torchmirror.text.messages import text


def advice(*words: str, subdir: str = "linux-64", of: Any = None, **facts: Any) -> Refusal:
    """The advice on a request that is refused."""
    cuda = accelerator(facts.pop("cuda", "auto")) or ""
    request = asked(*words, cuda=cuda, **{k: facts.pop(k) for k in ("compat",) if k in facts})
    machine = Machine(subdir, cuda=facts.pop("driver", None), **facts)
    there = links(subdir) if of is None else of
    failed = choose(request, machine, there)
    assert isinstance(failed, NoChoice)
    found = find(request, machine, there)
    # Everything that is said has its sentence, the reasons too.
    for notice in (*found.steps, *([found.cause] if found.cause else ())):
        assert "?" not in text(notice.code, notice.facts)
    for item in failed.rejected:
        assert "?" not in reasons.reason([item])
    return found


def steps(found: Refusal) -> dict[str, Notice]:
    return {notice.code: notice for notice in found.steps}


def test_another_directory_than_the_one_that_is_named():
    """The article's command, on Windows: what it says in turn is taken."""
    found = advice(
        *("torch==1.10.1+cu111", "torchvision==0.11.2+cu111", "torchaudio==0.10.1"),
        **{"subdir": "win-64", "driver": "12.4", "python": "3.9"},
    )
    facts = steps(found)["open_variant"].facts
    assert facts["variant"] == "cu113"
    again = ask(*facts["instead"].split(), subdir="win-64", driver="12.4", python="3.9")
    assert isinstance(again, WheelSet)
    assert facts["instead"] == (
        "torch==1.10.1+cu113 torchvision==0.11.2+cu113 torchaudio==0.10.1+cu113"
    )
    assert found.blamed == {"partner_missing"}


def test_a_python_that_has_wheels():
    found = steps(advice("torch==1.10.1", "torchvision", driver="11.3", python="3.12"))
    assert found["use_python"].facts["pythons"] == "3.6, 3.7, 3.8, 3.9"
    assert (
        found["use_python"]
        .facts["command"]
        .endswith("--python 3.9 torch==1.10.1 torchvision --source wheels")
    )


def test_a_newer_driver():
    found = steps(advice("torch==2.15.0", driver="12.9", python="3.12"))
    assert found["upgrade_driver"].facts["driver"] == "580"
    assert "older_release" in found


def test_a_release_with_code_for_the_gpu():
    found = steps(advice("torch==2.14.0", driver="12.9", cuda_arch="3.7", python="3.11"))
    assert found["older_release"].facts["torch"] == "torch 2.3.1"


def test_the_cpu_where_nothing_else_fits():
    assert "use_cpu" in steps(advice("torch==2.14.0", driver="10.2", python="3.12"))


def test_a_partner_that_goes_with_the_release():
    found = steps(advice("torch==2.7.1", "torchvision==0.21.0", driver="12.8", python="3.12"))
    assert found["open_partner"].facts["instead"] == "torchvision=0.22.1"
    assert "drop_partner" not in found


def test_a_partner_that_one_python_has_no_wheel_of():
    """There are wheels of torchvision 0.20.1 for four Pythons, and none was said to be there."""
    words = ("torch==2.5.1+cu121", "torchvision==0.16.0")
    found = advice(*words, driver="12.1", cuda="12.1")
    said = {reasons.reason([one]) for one in found.rejected if one.code == "partner_missing"}
    lacking = [one for one in said if "no wheel" in one]
    assert lacking == [
        "no wheel of torchvision 0.20.1 is there for torch 2.5.1, cu121 and Python 3.13, and "
        "torchvision is asked for"
    ]


def test_nothing_of_the_channels_is_said_where_wheels_were_asked_for():
    found = advice("torch==2.14.0", driver="10.2", python="3.12")
    assert not {code for code in steps(found) if "conda_forge" in code or "channel" in code}


@pytest.mark.parametrize("word", ["torch==2.99", "torch==1.7"])
def test_a_release_that_is_not_there(word: str):
    """By the built-in list, of which it is said; of pages, see `test_install_wheels_words`."""
    found = advice(word, driver="12.8", python="3.12")
    assert found.cause
    assert found.cause.code == "no_such_wheel_built_in"
    assert found.cause.facts["subdir"] == "linux-64"


def test_no_wheel_at_all():
    found = advice("torch", of=[link("torch-2.7.1+cpu-cp312-cp312-win_amd64.whl", "cpu")])
    assert found.cause == Notice("no_wheel_at_all", {"subdir": "linux-64"})


ROCM = [
    link(f"{name}-{version}+{home}-cp312-cp312-manylinux_2_28_x86_64.whl", home)
    for home, names in (
        ("rocm6.3", {"torch": "2.7.1", "torchvision": "0.22.1"}),
        ("rocm6.4", {"torch": "2.8.0"}),
        ("xpu", {"torch": "2.7.1", "torchvision": "0.22.1"}),
    )
    for name, version in names.items()
]


def test_another_rocm_than_the_one_that_is_named():
    found = advice("torch", "torchvision", cuda="rocm7.2", of=ROCM)
    assert found.cause
    assert found.cause.code == "no_variant_but"
    assert found.cause.facts["there"] == "rocm6.4, rocm6.3, xpu"
    assert steps(found)["other_variant"].facts == {
        "variant": "rocm6.3",
        "command": "conda torch-install torch torchvision --cuda rocm6.3 --source wheels",
    }


def test_another_release_for_the_rocm_that_is_named():
    found = advice("torch==2.7.1", cuda="rocm6.4", of=ROCM)
    assert found.cause
    assert found.cause.code == "no_wheel_of_variant"
    assert steps(found)["open_versions"].facts["torch"] == "torch 2.8.0"
    assert advice("torch", cuda="xpu", of=ROCM[:3]).cause == Notice(
        "no_variant_but", {"variant": "xpu", "subdir": "linux-64", "there": "rocm6.4, rocm6.3"}
    )
    assert advice("torch", cuda="xpu", of=[]).cause == Notice(
        "no_variant", {"variant": "xpu", "subdir": "linux-64"}
    )


@pytest.mark.parametrize(
    ("cuda", "said"),
    [
        ("rocm6.4", "torch, on linux-64, for rocm6.4"),
        ("12.4", "torch, on linux-64, with CUDA 12.4"),
    ],
)
def test_the_request_in_one_phrase(cuda: str, said: str):
    assert reasons.asked(asked("torch", cuda=cuda), Machine("linux-64")) == said
