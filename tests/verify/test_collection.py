"""The reports of many machines as one table: `conda torch-verify --collect DIR`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.machine_files import write

from conda_torchmirror.models import Notice
from conda_torchmirror.text.layout import width
from conda_torchmirror.verify import verdict
from conda_torchmirror.verify.collection import BYTES, collect
from conda_torchmirror.verify.verdict import Check

TORCH = {"torch": "2.3.1", "cuda": "12.1", "python": "3.11"}
FINE = Check("fine", **TORCH, devices=tuple(verdict.Tested(n, "NVIDIA A100") for n in range(4)))
OLD = Check("no_gpu", **TORCH, notices=(Notice("driver_too_old", {"cuda": "12.1"}),))
MKL = Check("broken", python="3.11", error="x", notices=(Notice("mkl_ijit", {"error": "x"}),))


def document(check: Check, prefix: str = "/opt/envs/torch", schema: int = 1) -> dict[str, Any]:
    about = {"schema": schema, "check": check.document()}
    return {"success": check.status == "fine", "prefix": prefix, "torchmirror": about}


def put(folder: Path, host: str, what: Any, encoding: str = "utf-8") -> None:
    (folder / f"{host}.json").write_text(json.dumps(what), encoding=encoding)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Six machines, one of which has facts beside its report and one facts alone."""
    folder = tmp_path / "reports"
    folder.mkdir()
    for host, check in {"a1": FINE, "a2": FINE, "b1": OLD, "b2": OLD, "c1": MKL}.items():
        put(folder, host, document(check))
    write(folder, "ampere").rename(folder / "b1.facts.json")
    write(folder, "ampere").rename(folder / "d1.json")
    return folder


def test_a_folder_is_one_table(conda_in_process, lab) -> None:
    done = conda_in_process("torch-verify", "--collect", lab)
    assert done.rc == 1
    assert done.stderr == ""
    rows = {
        line.split()[0]: " ".join(line.split()[1:]) for line in done.stdout.splitlines() if line
    }
    assert rows["a1"] == "works 2.3.1 (CUDA 12.1) 4 x NVIDIA A100"
    assert rows["b2"] == "not on GPU 2.3.1 (CUDA 12.1) -"
    assert rows["b1"].startswith("not on GPU 2.3.1 (CUDA 12.1) RTX 3090"), "its facts have the GPU"
    assert rows["d1"].startswith("not tried - RTX 3090")
    flat = " ".join(done.stdout.split())
    assert "The NVIDIA driver is too old for CUDA 12.1. On: b1, b2" in flat
    assert '`conda install -p /opt/envs/torch "mkl<2024.1"`' in flat
    assert all(width(line) <= 80 for line in done.stdout.splitlines())


def test_as_json(conda_in_process, lab) -> None:
    done = conda_in_process("torch-verify", "--collect", lab, "--json")
    found = done.json()
    assert (done.rc, found["success"]) == (1, False)
    about = found["torchmirror"]["collection"]
    assert about["counts"] == {"fine": 2, "no_gpu": 2, "untried": 1, "broken": 1, "unread": 0}
    assert [(one["code"], one["machines"]) for one in about["groups"]] == [
        ("driver_too_old", ["b1", "b2"]),
        ("mkl_ijit", ["c1"]),
        ("collect_untried", ["d1"]),
    ]


@pytest.mark.parametrize(
    ("checks", "code"),
    [((FINE, FINE), 0), ((FINE, OLD), 3), ((FINE, OLD, MKL), 1)],
    ids=["all work", "not on the GPU", "broken"],
)
def test_exit_codes(conda_in_process, tmp_path, checks, code) -> None:
    for n, check in enumerate(checks):
        put(tmp_path, f"host{n}", document(check))
    assert conda_in_process("torch-verify", "--collect", tmp_path).rc == code


def changed(**values: Any) -> dict[str, Any]:
    found = document(FINE)
    found["torchmirror"]["check"].update(values)
    return found


def noticed(code: Any, facts: Any) -> dict[str, Any]:
    return changed(status="broken", exit_code=1, notices=[{"code": code, "facts": facts}])


@pytest.mark.parametrize(
    ("written", "status", "code"),
    [
        ("", "unread", "collect_unread"),
        ("not json", "unread", "collect_unread"),
        ("[" * 100_000, "unread", "collect_unread"),
        ('{"torchmirror": {}, "torchmirror": {}}', "unread", "collect_unread"),
        ('{"a": NaN}', "unread", "collect_unread"),
        ('{"a": 1e999}', "unread", "collect_unread"),
        (" " * (BYTES + 1), "unread", "collect_unread"),
        ([], "unread", "collect_other"),
        ({"torchmirror": {"schema": 1, "decision": {}}}, "unread", "collect_other"),
        ({"kind": "conda-torchmirror machine", "schema": 99}, "unread", "collect_facts"),
        (document(FINE, schema=7), "unread", "collect_newer"),
        (changed(status=["fine"]), "unread", "collect_field"),
        (changed(exit_code=1), "unread", "collect_field"),
        (changed(torch="\ud800"), "unread", "collect_field"),
        (changed(torch="x" * 5000), "unread", "collect_field"),
        (changed(devices=[{"name": "a\x1b[2Jb"}]), "unread", "collect_field"),
        (changed(devices={}), "unread", "collect_field"),
        (changed(notices=[{"code": "mkl_ijit", "facts": {}}] * 51), "unread", "collect_field"),
        (noticed(["x"], {}), "unread", "collect_field"),
        (noticed("of_tomorrow", {}), "broken", "collect_code"),
        (noticed("timed_out", {"seconds": "soon", "step": "x"}), "broken", "collect_code"),
        ({"exception_name": "CondaValueError"}, "broken", "collect_error"),
        ({"exception_name": "EnvironmentLocationNotFound"}, "broken", "collect_no_environment"),
        ({"exception_name": "EnvironmentMissing"}, "broken", "collect_no_environment"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_file_that_is_no_report_is_a_row(tmp_path, written, status, code) -> None:
    put(tmp_path, "fine", document(FINE))
    if isinstance(written, str):
        (tmp_path / "odd.json").write_text(written)
    else:
        put(tmp_path, "odd", written)
    found = collect(str(tmp_path))
    assert [(row.host, row.status) for row in found.rows] == [("fine", "fine"), ("odd", status)]
    assert [(group.code, group.hosts) for group in found.groups] == [(code, ("odd",))]
    assert found.groups[0].cause
    assert found.exit_code == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_reports_as_powershell_writes_them(tmp_path, encoding) -> None:
    put(tmp_path, "pc", document(FINE), encoding)
    assert collect(str(tmp_path)).exit_code == 0


@pytest.mark.skipif(os.name == "nt", reason="needs pipes and links")
def test_what_is_no_file_is_a_row(tmp_path) -> None:
    os.mkfifo(tmp_path / "a.json")
    (tmp_path / "b.json").mkdir()
    (tmp_path / "c.json").symlink_to("nowhere")
    put(tmp_path, "e", document(FINE))
    (tmp_path / "d.json").symlink_to("e.json")
    found = collect(str(tmp_path))
    assert [row.status for row in found.rows] == ["unread", "unread", "unread", "fine", "fine"]


def test_two_reports_of_one_machine_are_not_guessed_between(tmp_path) -> None:
    put(tmp_path, "a", document(FINE))
    put(tmp_path, "a.facts", document(OLD))
    found = collect(str(tmp_path))
    assert [(row.host, row.status) for row in found.rows] == [("a", "unread")]
    assert found.groups[0].code == "collect_twice"


def test_no_command_is_made_of_what_a_report_says(tmp_path) -> None:
    put(tmp_path, "a", noticed("module_missing", {"module": "x`rm -rf ~`"}))
    put(tmp_path, "b", {**noticed("mkl_ijit", {}), "prefix": "/a; rm -rf ~"})
    hints = " ".join(group.hint for group in collect(str(tmp_path)).groups)
    assert "'/a; rm -rf ~'" in hints
    assert "x`rm" not in hints


@pytest.mark.parametrize("kind", ["missing", "empty", "file"])
def test_a_folder_without_reports_is_an_error(conda_in_process, tmp_path, kind) -> None:
    folder = tmp_path / "reports"
    if kind == "empty":
        folder.mkdir()
    if kind == "file":
        folder.write_text("")
    refused = conda_in_process("torch-verify", "--collect", folder)
    assert (refused.rc, refused.stdout) == (1, "")
    assert type(refused.error).__name__ == "NoReports"


@pytest.mark.parametrize(
    "option", [("--facts",), ("--require-gpu",), ("--report", "x"), ("-n", "x"), ("-p", "x")]
)
def test_a_collection_checks_nothing_here(conda_in_process, lab, option) -> None:
    refused = conda_in_process("torch-verify", "--collect", lab, *option)
    assert type(refused.error).__name__ == "Contradiction"


def test_a_class_of_five_hundred(tmp_path) -> None:
    for n in range(500):
        put(tmp_path, f"pc{n:03}", document(FINE if n % 50 else OLD))
    found = collect(str(tmp_path))
    assert (len(found.rows), found.count("no_gpu"), len(found.groups)) == (500, 10, 1)


def test_the_gpu_is_named_in_the_language_of_the_reader(conda_in_process, lab, monkeypatch) -> None:
    """A report is written once: its facts hold no words of one language."""
    notice = Notice("no_kernel_image", {"cuda": "12.1", "arch": "12.0"})
    put(lab, "e1", document(Check("no_gpu", **TORCH, notices=(notice,))))
    monkeypatch.setenv("CONDA_TORCHMIRROR_LANG", "zh")
    assert "算力 12.0" in conda_in_process("torch-verify", "--collect", lab).stdout
    monkeypatch.setenv("CONDA_TORCHMIRROR_LANG", "en")
    said = conda_in_process("torch-verify", "--collect", lab).stdout
    assert "This build has no code for this GPU (compute capability 12.0)." in said


@pytest.mark.parametrize("installed", [" pytorch=2.3.1 torchvision=0.18.1", ""])
@pytest.mark.parametrize("build", ["py3.11_cuda12.1_cudnn8.9.2_0", f"torch 2.3.1{verdict.OF_PIP}"])
@pytest.mark.parametrize("expect_gpu", [True, False])
def test_the_step_is_that_of_the_machine(
    tmp_path: Path, expect_gpu: bool, build: str, installed: str
) -> None:
    """A wheel was to be installed again by an option that wheels refuse, a CUDA build as one for
    the CPU, a release as the newest one."""
    subject = verdict.CheckSubject(
        "/p", expect_gpu, 1, build, None, " -p /opt/envs/torch", 1, there=installed
    )
    steps = [{"step": "torch", "error": "No module named 'torch'"}]
    check = verdict.judge(steps, verdict.CheckExit(0, ""), subject)
    put(tmp_path, "a", document(check))
    [group] = collect(str(tmp_path)).groups
    assert group.hint == check.hint(check.notices[0])
    put(tmp_path, "b", document(Check("broken", notices=check.notices, build=build)))
    assert [one.hosts for one in collect(str(tmp_path)).groups] == [("a", "b")]


@pytest.mark.parametrize("version", ["1; ls", "", 2, "`id`", "1" * 40, None])
def test_a_version_of_a_report_is_no_word_of_a_command_as_it_stands(
    tmp_path: Path, version: Any
) -> None:
    report = document(Check("broken", notices=(Notice("library_missing"),)))
    report["torchmirror"]["check"]["installed"] = {"pytorch": version, "torchvision": "0.18.1"}
    put(tmp_path, "a", report)
    [group] = collect(str(tmp_path)).groups
    command = "conda torch-install -p /opt/envs/torch torchvision=0.18.1 --force-reinstall"
    assert group.hint == f"Run `{command}`."
