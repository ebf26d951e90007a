"""The law of advice: a next step is offered only if taking it, with everything else as asked, gives
a choice; and the cause names the part of the request that excludes everything.

Each step is taken here by its words alone, as a reader would, and the choice is asked again.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import product

import pytest
from support.choosing import known
from support.steps_taken import DATA, Asked, check

from conda_torchmirror.models import Build, Machine, Pin

# Every refusal of the sweep


@cache
def variants(subdir: str) -> tuple[Build, ...]:
    """One Python's builds of every release, all CUDAs and the CPU."""
    latest: dict[tuple[str, str], Build] = {}
    for build in known(subdir):
        if build.name == "pytorch" and build.version[0] in "12":
            kind = build.build.partition("_")[2]
            latest[build.version, kind] = build
    return tuple(latest.values())


DRIVERS = [("10.2", None), ("11.0", None), ("11.8", "520.61.05"), ("12.0", None), ("13.0", None)]
GPUS = ("3.5", "3.7", "5.0", "8.0", "9.0", "12.0")


@pytest.mark.parametrize("subdir", ["linux-64", "win-64"])
def test_every_step_that_the_sweep_offers_gives_a_choice(subdir):
    builds = variants(subdir)
    releases = sorted({build.version for build in builds})
    steps = {}
    for (driver, version), arch, release in product(DRIVERS, GPUS, releases):
        on = Machine(subdir, cuda=driver, cuda_from="libcuda", driver=version, cuda_arch=arch)
        codes = check(Asked((f"pytorch=={release}",), on), builds)
        for code in codes or ():
            steps[code] = steps.get(code, 0) + 1
    assert {"older_release", "upgrade_driver", "use_cpu"} <= steps.keys()


@pytest.mark.slow
@pytest.mark.parametrize("subdir", ["linux-64", "win-64"])
@pytest.mark.parametrize("compat", ["minor", "strict"])
def test_every_step_of_every_machine_gives_a_choice(subdir, compat):
    builds = variants(subdir)
    releases = sorted({build.version for build in builds})
    data = json.loads((DATA / "cuda.json").read_text())["drivers"]["versions"]
    for driver, arch, release in product(data, (*GPUS, "6.1", "7.0", "8.6", "10.0"), releases):
        on = Machine(subdir, cuda=driver, cuda_from="libcuda", cuda_arch=arch)
        check(Asked((f"pytorch=={release}",), on, compat=compat), builds)


# Requests of every kind

REQUESTS: dict[str, tuple[str, ...]] = {
    "default": (),
    "a release that is none": ("pytorch=2.7",),
    "a release below all": ("pytorch=0.1",),
    "long-term": ("pytorch=1.8.2", "torchvision"),
    "a build of Windows": ("pytorch=2.1.2=py3.10_cuda12.1_cudnn8_0",),
    "a build of Linux": ("pytorch=2.1.2=py3.10_cuda12.1_cudnn8.9.2_0",),
    "another platform": ("pytorch=2.4[subdir=win-64]",),
    "a build of conda-forge": ("pytorch=2.1.0=cuda118_py311h7595050_300",),
    "another release's partner": ("pytorch=2.3", "torchvision=0.20"),
    "two other partners": ("pytorch=2.3", "torchvision=0.20", "torchaudio=2.5"),
    "a partner of an old release": ("pytorch=1.11.0", "torchaudio=0.10.0", "cudatoolkit=11.3"),
    "two releases": ("pytorch=2.3", "pytorch=2.4"),
    "a CUDA of no release": ("pytorch=1.8.1", "cudatoolkit=11.3"),
    "a runtime of none": ("pytorch-cuda=11.9",),
    "a runtime": ("pytorch=2.4", "pytorch-cuda=12.1"),
    "a named CUDA": ("pytorch=2.3.1", "cuda-version=11.8"),
    "a CUDA that the release lacks": ("pytorch=2.3.1", "cuda-version=12.4"),
    "a wheel's CUDA": ("torch==2.3.1+cu121",),
    "a file": ("pytorch[sha256=00]",),
    "text": ("pytorch=2.4", "torchtext"),
}
MACHINES: dict[str, Machine] = {
    "no GPU": Machine("linux-64"),
    "12.4": Machine("linux-64", cuda="12.4", cuda_from="libcuda", cuda_arch="8.6"),
    "Python 3.13": Machine(
        "linux-64", cuda="12.4", cuda_from="libcuda", cuda_arch="8.6", python="3.13"
    ),
    "Python 3.9, pinned": Machine(
        "win-64",
        cuda="12.4",
        cuda_from="libcuda",
        cuda_arch="8.6",
        python="3.9",
        pins=(Pin("pytorch 1.10.*", "conda-meta/pinned"), Pin("torchvision <0.12", "pinned")),
    ),
    "mkl pinned": Machine(
        "linux-64",
        cuda="12.4",
        cuda_from="libcuda",
        cuda_arch="8.6",
        python="3.13",
        pins=(Pin("mkl 2025.*", "pinned_packages"),),
    ),
    "NumPy pinned": Machine(
        "win-64",
        cuda="11.8",
        cuda_from="libcuda",
        cuda_arch="8.6",
        python="3.7",
        pins=(Pin("numpy 2.*", "conda-meta/pinned"),),
    ),
    "NumPy of the history": Machine(
        "linux-64", cuda="10.2", cuda_from="libcuda", history=(Pin("numpy 2.*", "history"),)
    ),
    "RTX 5090": Machine("linux-64", cuda="13.0", cuda_from="libcuda", cuda_arch="12.0"),
    "K40": Machine("linux-64", cuda="11.4", cuda_from="libcuda", cuda_arch="3.5"),
    "old driver": Machine("win-64", cuda="10.2", cuda_from="libcuda", cuda_arch="7.5"),
    "broken driver": Machine("linux-64", failing=True),
    "Mac": Machine("osx-arm64", python="3.12"),
    "Intel Mac": Machine("osx-64", python="3.13"),
}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("what", REQUESTS)
def test_every_step_for_every_request_gives_a_choice(what, machine):
    on = MACHINES[machine]
    builds = known(on.subdir)
    asked = Asked(REQUESTS[what], on)
    codes = check(asked, builds)
    if codes is None:
        return
    cause = asked.advice(builds).cause
    # A build that came as far as being judged has reasons of its own.
    assert (cause is None) == bool(asked.choose(builds).rejected)


CAUSES: list[tuple[str, str, str, dict[str, str]]] = [
    ("a release that is none", "12.4", "no_such_release", {"last": "2.5.1"}),
    ("long-term", "12.4", "no_such_release", {"spec": "pytorch=1.8.2"}),
    ("a build of Windows", "12.4", "build_of_platform", {"of": "win-64"}),
    ("another platform", "12.4", "spec_of_platform", {"of": "win-64", "subdir": "linux-64"}),
    ("a build of Linux", "old driver", "build_of_platform", {"of": "linux-64"}),
    ("a build of conda-forge", "12.4", "build_of_conda_forge", {}),
    ("two releases", "12.4", "contradict", {"first": "pytorch=2.3", "second": "pytorch=2.4"}),
    ("a CUDA of no release", "12.4", "contradict", {"second": "cudatoolkit=11.3"}),
    ("a runtime of none", "12.4", "no_such_cuda", {"spec": "pytorch-cuda=11.9"}),
]


@pytest.mark.parametrize(("what", "machine", "code", "facts"), CAUSES)
def test_the_cause_names_what_excludes_everything(what, machine, code, facts):
    on = MACHINES[machine]
    advice = Asked(REQUESTS[what], on).advice(known(on.subdir))
    assert advice.cause.code == code
    assert facts.items() <= dict(advice.cause.facts).items()


FIRST: list[tuple[str, str, str, dict[str, str]]] = [
    (
        "a build of Windows",
        "12.4",
        "open_build",
        {"instead": "pytorch=2.1.2", "found": "pytorch=2.1.2=py3.11_cuda12.1_cudnn8.9.2_0"},
    ),
    ("a build of conda-forge", "12.4", "open_build", {"instead": "pytorch=2.1.0"}),
    (
        "another release's partner",
        "12.4",
        "open_partner",
        {"spec": "torchvision=0.20", "instead": "torchvision=0.18.1", "torch": "pytorch 2.3.1"},
    ),
    (
        "default",
        "Python 3.13",
        "use_python",
        {"command": "conda torch-install -n NEW --python 3.12"},
    ),
    ("a CUDA that the release lacks", "12.4", "drop_cuda", {"cuda": "12.1"}),
    ("default", "RTX 5090", "use_conda_forge", {"since": "2.7"}),
]


@pytest.mark.parametrize(("what", "machine", "code", "facts"), FIRST)
def test_the_nearest_step(what, machine, code, facts):
    on = MACHINES[machine]
    advice = Asked(REQUESTS[what], on).advice(known(on.subdir))
    assert advice.steps[0].code == code
    assert facts.items() <= dict(advice.steps[0].facts).items()


@pytest.mark.parametrize(
    ("what", "machine", "never"),
    [
        # No pin and no driver helps these GPUs.
        ("default", "RTX 5090", {"change_pins", "upgrade_driver"}),
        ("default", "K40", {"change_pins", "upgrade_driver"}),
        # The release is there; its build is not.
        ("a build of Windows", "12.4", {"older_release", "open_versions"}),
        ("default", "Python 3.13", {"upgrade_driver", "older_release", "use_cpu"}),
    ],
)
def test_what_does_not_help_is_not_offered(what, machine, never):
    on = MACHINES[machine]
    advice = Asked(REQUESTS[what], on).advice(known(on.subdir))
    assert not never & {step.code for step in advice.steps}


def test_a_mac_is_offered_the_cpu_for_a_file_with_cuda():
    on = MACHINES["Mac"]
    advice = Asked(("pytorch=2.3", "pytorch-cuda=12.1"), on).advice(known(on.subdir))
    assert "use_cpu_instead" in {step.code for step in advice.steps}
