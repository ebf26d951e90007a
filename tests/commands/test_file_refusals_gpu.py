"""A full export, with the exact builds of another machine, on a GPU that these have no code for."""

from __future__ import annotations

import shlex

import pytest
from support.auto_fixtures import cuda

pytest_plugins = ["support.auto_fixtures"]

CUDA = ("--cuda", "11.8")
RTX_50, RTX_30 = cuda("13.0", "12.0"), cuda("13.0", "8.6")
EXPORT = """name: old
channels:
  - pytorch
  - nvidia
  - conda-forge
dependencies:
  - _libgcc_mutex=0.1=conda_forge
  - cuda-cudart=12.1.105=0
  - cuda-runtime=12.1.0=0
  - mkl=2023.1.0=h213fc3f_46344
  - numpy=1.26.4=py312h24aa872_0
  - python=3.12.4=h194c7f8_0_cpython
  - pytorch=2.4.1=py3.12_cuda12.1_cudnn9.1.0_0
  - pytorch-cuda=12.1=ha16c6d3_6
  - pytorch-mutex=1.0=cuda
  - torchaudio=2.4.1=py312_cu121
  - torchvision=0.19.1=py312_cu121
  - pip:
      - tqdm==4.66.5
"""
PARTNER_LEFT = EXPORT.replace("  - torchaudio=2.4.1=py312_cu121\n", "")


@pytest.fixture
def preview(at_both, conda_in_process, monkeypatch, tmp_path):
    """`preview(export, *words, **variables)`: a dry run of a file that an export wrote."""

    def run(export, *words, **variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        file = tmp_path / "full.yml"
        file.write_text(export)
        return conda_in_process("torch-install", "-d", "--json", "-f", file, *words)

    return run


@pytest.mark.parametrize("export", [EXPORT, PARTNER_LEFT], ids=["whole", "without a partner"])
@pytest.mark.parametrize("words", [(), ("--offline",)], ids=["online", "offline"])
def test_pytorch_is_taken_without_the_file(preview, conda_in_process, export, words):
    """All that was offered was to have conda install these builds."""
    refused = preview(export, *words, **RTX_50)
    assert refused.rc == 1
    hints = {one["hint_code"]: one["text"] for one in refused.json()["guidance"]["hints"]}
    assert "no GPU build of its PyTorch runs on this GPU" in hints["file_as_it_is_in_vain"]
    command = shlex.split(hints["file_family_alone"].split("`")[1])
    assert ("--offline" in command) is bool(words)
    found = conda_in_process(*command[1:], "--json").ok().json()["torchmirror"]["selected"]
    assert found["source"] == "conda-forge"
    assert found["cuda"]
    assert {"pytorch", "torchvision"} <= {build["name"] for build in found["builds"]}


def test_a_file_that_names_no_release_is_not_in_vain(preview):
    """Conda does not look at `--cuda`, which alone keeps newer builds out here."""
    refused = preview("name: old\ndependencies: [pytorch, torchvision]\n", *CUDA, **RTX_50)
    hints = {one["hint_code"] for one in refused.json()["guidance"]["hints"]}
    assert {"file_as_it_is", "other_cuda"} <= hints


def test_where_its_builds_run_nothing_of_this_is_said(preview):
    assert not preview(EXPORT, **RTX_30).rc
