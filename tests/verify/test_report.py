"""A check as text, as a document and as a report, and the sentences for all that it finds."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from support.torches import A100, MakeTorch

from conda_torchmirror.models import Notice
from conda_torchmirror.text.tables.check import TEXT
from conda_torchmirror.verify import run as trying
from conda_torchmirror.verify import static, verdict
from conda_torchmirror.verify.causes import KNOWN, sentence
from conda_torchmirror.verify.report import lines, report
from conda_torchmirror.verify.run import verify

pytest_plugins = ("support.torch_fixtures",)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the environments here are POSIX venvs")


def test_the_document_is_plain_json(make_torch: MakeTorch) -> None:
    check = verify(make_torch(cuda="12.4", gpus=[A100], wrong=True), expect_gpu=True)
    document = json.loads(json.dumps(check.document()))
    assert (document["status"], document["exit_code"]) == ("no_gpu", 3)
    assert document["devices"][0]["name"] == "NVIDIA A100"
    assert document["notices"][0]["text"] == "cuda:0 computes a wrong product."


def test_text_says_verdict_facts_and_what_to_do(make_torch: MakeTorch) -> None:
    check = verify(make_torch(cuda="12.4"), expect_gpu=True)
    said = "\n".join(lines(check))
    assert said.startswith("PyTorch works, but not on the GPU.")
    assert re.search(r"torch +2\.3\.1 \(CUDA 12\.4\), Python 3", said)
    assert TEXT["gpu_unseen.hint"] in re.sub(r"\s+", " ", said)
    assert max(map(len, said.splitlines())) <= 80


def test_the_advice_for_a_torch_of_pip_is_what_pip_can_do() -> None:
    """`conda torch-install` alone is refused there, and wheels take no `--force-reinstall`."""
    notices = (Notice("library_missing"), Notice("driver_too_old", {"cuda": "12.6"}))
    for build, said in {
        "py3.12_cuda12.1_0": ("-n x --force-reinstall", "-n x`, which takes a build"),
        f"torch 2.7.1{verdict.OF_PIP}": (
            "python -m pip uninstall -y torch`, then `conda torch-install -n x --source wheels`",
            "-n x --source wheels`, which takes a build",
        ),
    }.items():
        check = verdict.Check("broken", notices=notices, build=build, where=" -n x")
        hints = [each["hint"] for each in check.document()["notices"]]
        assert all(words in hint for words, hint in zip(said, hints, strict=True)), hints
        assert all(words in " ".join(" ".join(lines(check)).split()) for words in said)


@pytest.mark.parametrize(
    ("expect_gpu", "hidden_by", "build", "said"),
    [
        (False, None, "py3.12_cuda12.1_0", "-n x --cuda 12.1 --force-reinstall"),
        (False, None, "cuda126_mkl_py312h1_300", "-n x --cuda 12.6 --force-reinstall"),
        (False, None, f"torch 2.7.1+cu126{verdict.OF_PIP}", "-n x --source wheels --cuda 12.6"),
        (False, None, "py3.12_cpu_0", "-n x --force-reinstall"),
        (False, "-1", "py3.12_cuda12.1_0", "-n x --force-reinstall"),
        (None, None, "py3.12_cuda12.1_0", "-n x --force-reinstall"),
    ],
)
def test_what_is_installed_anew_stays_for_its_cuda_where_no_gpu_says_so(
    expect_gpu: bool | None, hidden_by: str | None, build: str, said: str
) -> None:
    """As on a login node: a build for the CPU would be chosen there."""
    subject = verdict.CheckSubject("/p", expect_gpu, 1, build, None, " -n x", 1, hidden_by)
    steps = [{"step": "torch", "error": "No module named 'torch'"}]
    notice, *_ = verdict.judge(steps, verdict.CheckExit(0, ""), subject).document()["notices"]
    assert said in notice["hint"]


def test_a_report_can_be_handed_in(make_torch: MakeTorch) -> None:
    """Five lines of figures and the verdict; no path, so no name of a person or a machine."""
    prefix = make_torch(cuda="12.1", gpus=[A100])
    text = report(verify(prefix, expect_gpu=True), system="Linux x86_64")
    assert "result: fine (exit code 0)" in text
    assert len(re.findall(r"^  0\.2500  0\.5000  0\.7500$", text, re.MULTILINE)) == 5
    assert prefix not in text
    assert str(Path.home()) not in text


def test_every_code_has_a_sentence_and_a_way_on() -> None:
    modules = (trying, verdict, static)
    source = "".join(Path(module.__file__).read_text("utf-8") for module in modules)
    used = set(re.findall(r'(?:Notice\(|fail\([\w"]+, )"(\w+)"', source)) | {c for c, _ in KNOWN}
    assert used - TEXT.keys() == set()
    assert {code for code, _ in KNOWN} <= {key[:-5] for key in TEXT if key.endswith(".hint")}


def test_sentences_need_no_fact_that_is_missing() -> None:
    for code, _ in KNOWN:
        assert sentence(Notice(code, {"error": "x"}))
        assert sentence(Notice(code), ".hint")
