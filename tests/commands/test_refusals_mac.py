"""CUDA asked for on a Mac: there is none, and what its builds use is said."""

from __future__ import annotations

import pytest

PREVIEW = ("--dry-run", "--offline", "--json")


@pytest.mark.parametrize(
    "words",
    [
        ("--cuda", "12.4"),
        ("pytorch", "pytorch-cuda=12.1"),
        ("pytorch", "cudatoolkit=11.3"),
        ("pytorch", "cuda-version=12.4"),
        ("pytorch-gpu",),
        ("pytorch=2.2.2=*cuda*",),
        ("torch==2.2.2+cu121",),
        ("--source", "wheels", "--cuda", "cu121"),
        ("--source", "wheels", "torch==2.2.2+cu121"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(("subdir", "mps"), [("osx-arm64", True), ("osx-64", False)])
def test_a_mac_has_no_cuda_and_that_is_said(conda_in_process, words, subdir, mps):
    """Only a CPU build was offered, as if the GPU of the Mac were out of use."""
    refused = conda_in_process("torch-install", *PREVIEW, "--platform", subdir, *words)
    cause = refused.json()["guidance"]["cause"]
    assert "macOS has no CUDA" in cause
    assert cause.count("macOS has no CUDA") == 1
    assert ("MPS" in cause) is mps


@pytest.mark.parametrize("words", [("pytorch=9.9",), ("--python", "3.1")], ids=" ".join)
def test_nothing_is_said_of_it_where_no_cuda_is_asked_for(conda_in_process, words):
    refused = conda_in_process("torch-install", *PREVIEW, "--platform", "osx-arm64", *words)
    assert refused.rc
    assert "macOS" not in refused.json()["guidance"]["cause"]


def test_mps_after_cuda_is_meant_as_auto(conda_in_process):
    refused = conda_in_process("torch-install", *PREVIEW, "--cuda", "mps")
    assert "--cuda auto" in str(refused.json()["guidance"]["hints"])


@pytest.mark.parametrize("subdir", ["osx-arm64", "osx-64"])
def test_a_file_for_cuda_is_taken_without_its_line(conda_in_process, tmp_path, subdir):
    """`--allow-cpu` was offered too, which leaves the line to the solver: a Mac has no such
    package."""
    file = tmp_path / "environment.yml"
    lines = ("pytorch=2.0", "python=3.9", "cudatoolkit=11.3")
    file.write_text("dependencies:\n" + "".join(f"  - {one}\n" for one in lines))
    words = ("torch-install", *PREVIEW, "--platform", subdir, "-n", "new", "-f", file)
    refused = conda_in_process(*words)
    hints = {h["hint_code"]: h["text"] for h in refused.json()["guidance"]["hints"]}
    assert "use_cpu_only" in hints
    assert "--allow-cpu" not in str(hints)
    taken = conda_in_process(*words, "--cuda", "cpu").ok().json()["torchmirror"]
    assert not any(spec.startswith("cuda") for spec in taken["specs"])


@pytest.mark.parametrize("line", ["cuda-toolkit=11.8", "cuda=11.8", "cuda-nvcc=11.8", "cudnn=8.9"])
def test_no_package_of_cuda_is_left_to_the_solver(conda_in_process, tmp_path, line):
    """`--cuda cpu` was offered, and a Mac has no such package."""
    file = tmp_path / "environment.yml"
    file.write_text(f"dependencies:\n  - pytorch=2.3\n  - python=3.10\n  - {line}\n")
    words = ("torch-install", *PREVIEW, "--platform", "osx-arm64", "-n", "new", "-f", file)
    taken = conda_in_process(*words, "--cuda", "cpu").ok().json()["torchmirror"]
    assert not any(spec.startswith("cud") for spec in taken["specs"])
    assert "file_left_out" in {warning["code"] for warning in taken["warnings"]}
