"""What leaves an environment with some of its packages, and what stays."""

from __future__ import annotations

import json

import pytest

from conda_torchmirror.machine.dependents import departure, unneeded
from conda_torchmirror.models import Departure

#: name, channel, depends: an environment of the official command, in small.
OFFICIAL = (
    ("python", "conda-forge", ()),
    ("numpy", "conda-forge", ("python",)),
    ("mkl", "conda-forge", ()),
    ("cuda-version", "nvidia", ()),
    ("cuda-libraries", "nvidia", ("libcublas", "cuda-version")),
    ("libcublas", "nvidia", ()),
    ("pytorch-mutex", "pytorch", ()),
    ("pytorch-cuda", "pytorch", ("cuda-libraries >=12.4,<12.5",)),
    ("torchtriton", "pytorch", ("pytorch", "python")),
    ("pytorch", "pytorch", ("python", "mkl", "pytorch-cuda", "pytorch-mutex", "torchtriton")),
    ("torchvision", "pytorch", ("pytorch 2.5.1", "numpy")),
)
NAMES = ("pytorch", "torchvision", "pytorch-cuda", "pytorch-mutex", "cpuonly")
#: And as conda-forge has it.
FORGE = (
    ("python", "conda-forge", ()),
    ("numpy", "conda-forge", ("python",)),
    ("cuda-version", "conda-forge", ()),
    ("libcublas", "conda-forge", ("cuda-version >=12.9,<12.10.0a0",)),
    ("cudnn", "conda-forge", ("cuda-version >=12,<13", "libcublas")),
    ("libtorch", "conda-forge", ("cudnn", "cuda-version")),
    ("pytorch", "conda-forge", ("python", "numpy", "libtorch 2.8.0 cuda129_mkl_h0_300")),
)


@pytest.fixture
def prefix(tmp_path):
    """`prefix(packages, "spec", ...)`: an environment of these; the specs were asked for."""

    def make(packages, *asked):
        meta = tmp_path / "conda-meta"
        meta.mkdir()
        for name, channel, depends in packages:
            url = f"https://conda.anaconda.org/{channel}/noarch"
            found = {"name": name, "version": "1.0", "build": "0", "build_number": 0}
            found |= {"channel": url, "url": f"{url}/{name}-1.0-0.conda", "subdir": "noarch"}
            found |= {"fn": f"{name}-1.0-0.conda", "files": [], "depends": list(depends)}
            (meta / f"{name}-1.0-0.json").write_text(json.dumps(found))
        (meta / "history").write_text(
            f"==> 2026-01-01 00:00:00 <==\n# cmd: conda create\n# update specs: {list(asked)}\n"
        )
        return str(tmp_path)

    return make


OTHERS = ("pytorch", "nvidia")


def test_cuda_and_what_is_of_the_channels_goes_along(prefix):
    found = departure(prefix(OFFICIAL, "python=3.12", "pytorch"), NAMES, OTHERS)
    assert found == Departure(
        named=("pytorch", "pytorch-cuda", "pytorch-mutex", "torchvision"),
        orphans=("cuda-libraries", "cuda-version", "libcublas", "torchtriton"),
    )


def test_of_one_channel_only_cuda_goes_along(prefix):
    found = departure(prefix(FORGE, "python=3.12", "pytorch"), ("pytorch", "libtorch"))
    assert found.named == ("libtorch", "pytorch")
    assert found.orphans == ("cuda-version", "cudnn", "libcublas")


def test_what_was_asked_for_stays_with_all_that_it_needs(prefix):
    found = departure(prefix(OFFICIAL, "pytorch", "cuda-libraries"), NAMES, OTHERS)
    assert found.orphans == ("torchtriton",)


def test_what_another_package_needs_stays(prefix):
    packages = (*OFFICIAL, ("cupy", "conda-forge", ("libcublas", "python")))
    found = departure(prefix(packages, "pytorch", "cupy"), NAMES, OTHERS)
    assert found.orphans == ("cuda-libraries", "cuda-version", "torchtriton")
    assert found.dependents == ()


def test_without_a_history_nothing_else_leaves(prefix):
    """As of an explicit file: nobody knows what was asked for."""
    found = departure(prefix(OFFICIAL), NAMES, OTHERS)
    assert not {"numpy", "mkl", "python"} & set(found.hidden)


DEPENDENTS = (
    *OFFICIAL,
    ("torchmetrics", "conda-forge", ("pytorch >=1.10", "python")),
    ("lightning", "conda-forge", ("torchmetrics", "pytorch", "python")),
    ("timm", "conda-forge", ("torchvision", "python")),
)


@pytest.mark.parametrize(
    ("asked", "specs"),
    [
        (("lightning=2.4",), ("lightning=2.4", "timm")),
        (("lightning", "torchmetrics >=1"), ("lightning", "timm", "torchmetrics[version='>=1']")),
        ((), ("lightning", "timm")),
    ],
)
def test_what_needs_it_is_asked_for_again(prefix, asked, specs):
    found = departure(prefix(DEPENDENTS, *asked), NAMES, OTHERS)
    assert found.dependents == ("lightning", "timm", "torchmetrics")
    assert found.specs == specs
    assert not set(found.dependents) & {*found.named, *found.orphans}


def test_what_is_not_there_does_not_leave(prefix):
    assert departure(prefix(OFFICIAL), ("cpuonly",)) == Departure()


@pytest.mark.parametrize(
    ("needed", "left"),
    [
        ((), {"cuda-libraries", "cuda-version", "libcublas", "pytorch-cuda", "torchtriton"}),
        (("cuda-libraries", "pytorch", "new"), {"pytorch-cuda", "torchtriton"}),
    ],
)
def test_what_builds_for_the_cpu_need_stays(prefix, needed, left):
    """The printed command removes it by force, so that they would lack it."""
    found = unneeded(
        prefix(OFFICIAL, "pytorch"),
        ("pytorch-cuda",),
        family=NAMES[:2],
        channels=("nvidia",),
        asked=("python",),
        needed=needed,
    )
    assert {*found} == left
