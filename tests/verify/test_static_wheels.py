"""What is said of a torch that pip installed, by looking at it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.torches import codes, record, site_packages

from conda_torchmirror.hooks import health_check
from conda_torchmirror.models import Notice
from conda_torchmirror.selection.facts.record import Clash
from conda_torchmirror.selection.fit import OVERRIDDEN
from conda_torchmirror.verify.causes import sentence
from conda_torchmirror.verify.run import _origin, verify
from conda_torchmirror.verify.static import inspect_records
from conda_torchmirror.verify.static_wheels import code_of

pytest_plugins = ("support.torch_fixtures",)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the environments here are POSIX venvs")

PYTHON = ".".join(map(str, sys.version_info[:2]))


@pytest.fixture
def by_pip(venv: Path, condarc: Callable[..., Path]) -> Callable[..., Path]:
    """`by_pip("torch==2.7.1+cu126", ...)`: an environment of conda's with these of pip."""

    def make(*words: str) -> Path:
        condarc()
        record(venv, "python", f"{PYTHON}.1", "h_0")
        for word in words:
            name, _, version = word.partition("==")
            folder = site_packages(venv) / f"{name}-{version}.dist-info"
            folder.mkdir()
            (folder / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
            (folder / "INSTALLER").write_text("pip\n")
        return venv

    return make


@pytest.mark.parametrize(
    ("words", "cuda", "arch", "expected"),
    [
        pytest.param(["torch==2.7.1+cu126"], "12.8", "8.6", [], id="fits"),
        pytest.param(["torch==2.7.1+cu126"], "12.2", "8.6", [], id="minor-version compatibility"),
        pytest.param(["torch==2.7.1+cu126"], "11.8", "8.6", ["driver_too_old"], id="driver"),
        pytest.param(["torch==2.10.0+cu130"], "12.8", "8.6", ["driver_too_old"], id="CUDA 13"),
        pytest.param(["torch==2.6.0+cu124"], "12.8", "12.0", ["no_kernel_image"], id="RTX 50"),
        pytest.param(["torch==2.7.1+cpu"], "12.8", "8.6", ["cpu_build"], id="CPU build"),
        pytest.param(["torch==2.7.1+cpu"], "", "", [], id="CPU build without a GPU"),
        pytest.param(["torch==2.7.1"], "12.8", "8.6", [], id="PyPI's, which is for CUDA"),
        pytest.param(["torch==2.7.1"], "11.8", "8.6", ["driver_too_old"], id="PyPI's, too new"),
        pytest.param(["torch==2.9.0+rocm6.4"], "", "", [], id="ROCm"),
        pytest.param(["torch==2.7.1+own.build"], "11.8", "8.6", [], id="somebody's own"),
        pytest.param(
            ["torch==2.7.1+cu126", "torchvision==0.22.1+cu126"], "12.8", "8.6", [], id="a set"
        ),
        pytest.param(
            ["torch==2.7.1+cu126", "torchvision==0.21.0+cu126"],
            "12.8",
            "8.6",
            ["set_mismatch"],
            id="a partner of another release",
        ),
        pytest.param(
            ["torch==2.7.1+cu126", "torchvision==0.22.1+cpu"],
            "12.8",
            "8.6",
            ["set_mismatch"],
            id="a partner of another directory",
        ),
        pytest.param(
            ["torch==2.2.2+cu121", "numpy==2.1.0"], "12.8", "8.6", ["rule_broken_pip"], id="numpy 2"
        ),
        pytest.param(["torch==2.2.2+cu121", "numpy==1.26.4"], "12.8", "8.6", [], id="numpy 1"),
    ],
)
def test_what_is_wrong(
    by_pip: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    cuda: str,
    arch: str,
    expected: list[str],
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", cuda)
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", arch)
    found = inspect_records(str(by_pip(*words)))
    assert [notice.code for notice in found.notices] == expected
    assert found.by_pip
    assert found.torch is not None
    assert (found.torch.version, found.torch.build) == (words[0].partition("==")[2], "pip")
    assert all(sentence(notice) and sentence(notice, ".hint") for notice in found.notices)


def test_the_advice_stays_with_wheels(
    by_pip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "11.8")
    prefix = by_pip("torch==2.7.1+cu126", "torchvision==0.21.0+cu126")
    health_check.check(str(prefix), verbose=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "PyTorch 2.7.1+cu126 (pip) has problems" in said
    assert f"conda torch-install -p {prefix} --source wheels`" in said


def test_the_check_says_where_it_came_from(by_pip: Callable[..., Path]) -> None:
    assert _origin(str(by_pip("torch==2.7.1+cu126"))) == ("torch 2.7.1+cu126 (pip)", None)


def test_what_pip_lists_without_its_files_is_not_told_of_conda(by_pip: Callable[..., Path]) -> None:
    check = verify(str(by_pip("torch==2.7.1+cu126")), expect_gpu=False)
    assert codes(check) == ["wheel_files_missing"]
    assert sentence(check.notices[0]).startswith("pip lists torch 2.7.1+cu126 here")
    assert "--source wheels" in sentence(check.notices[0], ".hint", by_pip=check.by_pip)


@pytest.mark.parametrize(
    ("says", "code"), [("driver_unusable", "driver_unusable"), (OVERRIDDEN, None)]
)
def test_of_a_driver_behind_an_override_without_sense_nothing_is_said(says, code) -> None:
    assert code_of(Clash("driver_unusable", Notice(says), Notice("cuda", {"cuda": "12.6"}))) == code
