"""A plan whose PyTorch has no code for the GPU here: it is said before anything is installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from conda.models.records import PackageRecord

from conda_torchmirror.handover import solve
from conda_torchmirror.models import Machine
from conda_torchmirror.plans import saved_plan, suited
from conda_torchmirror.plans.saved_plan import SavedPlan
from conda_torchmirror.plans.wheel_part import PlanWheel, WheelPart
from conda_torchmirror.selection.wheels.link import Link

pytest_plugins = ("support.planning_fixtures",)

RTX_50, RTX_30, K80 = "12.0", "8.6", "3.7"
OLD = ("pytorch", "2.5.1", "py3.12_cuda11.8_cudnn9.1.0_0")
OLDER = ("pytorch", "1.12.1", "py3.10_cuda10.2_cudnn7.6.5_0")
FORGE = ("conda-forge", "2.8.0", "cuda129_mkl_py312_h19d0f4f_302")


def of_conda(channel: str, version: str, build: str, cuda: str | None) -> SavedPlan:
    package = {
        "name": "pytorch",
        "version": version,
        "build": build,
        "build_number": int(build.rpartition("_")[2]),
        "subdir": "linux-64",
        "channel": f"https://m.example/anaconda/cloud/{channel}",
        "depends": [f"cuda-version >={cuda},<13", "python >=3.12,<3.13.0a0"] if cuda else [],
    }
    return plan(cuda, (package,), None, source=channel)


def of_wheels(variant: str, cuda: str, release: str = "2.8.0") -> SavedPlan:
    version = f"{release}+{variant}" if variant else release
    name = f"torch-{version}-cp312-cp312-manylinux_2_28_x86_64.whl"
    file = PlanWheel("torch", version, Link(name, f"https://m.example/{name}", variant))
    return plan(cuda, (), WheelPart("3.12", (file,)))


def plan(
    cuda: str | None, packages: tuple, wheels: WheelPart | None, source: str = "wheels"
) -> SavedPlan:
    decision = {"selected": {"cuda": cuda, "source": source}}
    created = "2026-11-27T00:00:00+00:00"
    return SavedPlan(Path("plan"), "linux-64", created, decision, packages, wheels=wheels)


@pytest.mark.parametrize(
    ("found", "driver", "arch", "code"),
    [
        (of_conda(*OLD, "11.8"), "12.8", RTX_50, "plan_gpu"),
        (of_conda(*OLD, "11.8"), "12.8", RTX_30, None),
        (of_conda(*OLD, "11.8"), "12.8", None, None),
        (of_conda(*OLD, "11.8"), "11.4", K80, "plan_gpu"),
        (of_conda(*OLD, "11.8"), "10.2", K80, "plan_driver"),
        (of_conda(*OLD, "11.8"), None, None, "plan_no_driver"),
        (of_conda(*OLDER, "10.2"), "10.0", K80, "plan_driver"),
        (of_conda(*OLDER, "10.2"), "10.2", K80, None),
        (of_wheels("cu102", "10.2", "1.12.1"), "10.0", K80, "plan_driver"),
        (of_conda(*FORGE, "12.9"), "12.9", RTX_50, None),
        (of_conda(*FORGE, "12.9"), "12.9", K80, "plan_gpu"),
        (of_wheels("cu126", "12.6"), "12.8", RTX_50, "plan_gpu"),
        (of_wheels("cu128", "12.8"), "12.8", RTX_50, None),
        (of_wheels("", "12.8"), "12.8", RTX_50, None),
        (of_wheels("", "12.8"), "12.8", K80, "plan_gpu"),
        (of_conda("pytorch", "2.5.1", "py3.12_cpu_0", None), "12.8", RTX_50, None),
    ],
)
def test_the_gpu_is_held_against_the_plan(found, driver, arch, code):
    on = Machine("linux-64", cuda=driver, cuda_from="libcuda", cuda_arch=arch)
    assert [notice.code for notice in suited.of_machine(found, on)] == [code][: code is not None]


def test_it_is_said_before_the_installation(
    sandbox, make_plan, conda_in_process, tmp_path, monkeypatch
):
    """A driver that is too old was said, and of the GPU not a word before the check at the end."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.8")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", RTX_50)
    made = make_plan("filelock")
    (torch,) = of_conda(*OLD, "11.8").packages
    name = "pytorch-2.5.1-py3.12_cuda11.8_cudnn9.1.0_0.tar.bz2"
    url = f"https://m.example/cloud/pytorch/linux-64/{name}"
    record = PackageRecord(**torch, fn=name, url=url, md5="0" * 32, sha256="0" * 64, size=1)
    found = solve.Transaction((record,), (record,), ())
    plan = saved_plan.drafted(tmp_path / "of gpu", made.decision, "linux-64", found).write()
    words = ("torch-install", "-p", tmp_path / "env", "--plan", plan.folder, "--offline")
    for more in (("--dry-run",), ("-y",)):
        done = conda_in_process(*words, *more)
        assert "does not run on the GPU here, which has compute capability 12.0" in done.words
    assert not (tmp_path / "env").exists()
