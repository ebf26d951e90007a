"""`conda torch-verify` as a command, and the same check at the end of an installation."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stubs import Card, asked_afresh, build, needs_compiler, smi, variables
from support.running import Result
from support.torches import (
    A100,
    CPU_BUILD,
    CUDA_BUILD,
    RTX,
    MakeTorch,
    copy,
    install_torch,
    record,
)

from conda_torchmirror.machine import survey
from conda_torchmirror.machine.survey import native_subdir
from conda_torchmirror.models import Gpu, Machine, Notice
from conda_torchmirror.text.tables.check import TEXT
from conda_torchmirror.verify.causes import sentence
from conda_torchmirror.verify.report import lines_after
from conda_torchmirror.verify.run import verify_after

pytest_plugins = ("support.torch_fixtures",)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the environments here are POSIX venvs")

Conda = Callable[..., Result]
CARD = Card("NVIDIA A100", 80)


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("driver"))


def test_a_working_build_is_fine(conda_in_process: Conda, make_torch: MakeTorch) -> None:
    done = conda_in_process("torch-verify", "-p", make_torch()).ok()
    assert done.stdout.startswith("PyTorch works.\n")
    assert "torch       2.3.1 (CPU), Python 3." in done.stdout
    assert done.stderr == ""


def test_an_environment_by_name(
    conda_in_process: Conda, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_torch(copy(bare, Path(os.environ["CONDA_ENVS_PATH"]) / "mine"))
    assert "PyTorch works." in conda_in_process("torch-verify", "-n", "mine").ok().stdout


@pytest.mark.parametrize("words", [("-n", "nowhere"), ("-p", "/nowhere/at/all")], ids=str)
def test_an_environment_that_is_not_there_has_next_steps(
    conda_in_process: Conda, words: tuple[str, str]
) -> None:
    done = conda_in_process("torch-verify", *words)
    assert done.rc == 1
    assert type(done.error).__name__ == "EnvironmentMissing"
    assert "`conda env list` shows" in done.words
    assert f"`conda torch-install {' '.join(words)}` makes it" in done.words


@pytest.mark.parametrize("name", ["pyvenv.cfg", "notes.txt", None])
def test_a_folder_with_something_in_it_is_not_one_to_install_into(
    conda_in_process: Conda, tmp_path: Path, name: str | None
) -> None:
    """A virtual environment of Python's, or a project: conda would install over it."""
    folder = tmp_path / "folder"
    folder.mkdir()
    if name:
        (folder / name).write_text("home = /usr/bin\n", encoding="utf-8")
    done = conda_in_process("torch-verify", "--json", "-p", folder)
    hints = [hint["hint_code"] for hint in done.json()["guidance"]["hints"]]
    way = "name_to_verify" if name else "make_environment"
    assert (done.rc, hints) == (1, ["see_environments", way])


def test_nor_is_a_folder_that_does_not_show_what_is_in_it(
    conda_in_process: Conda, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As somebody else's home with the rights 711: it was a traceback."""
    listdir, folder = os.listdir, tmp_path / "folder"
    folder.mkdir()

    def closed(path: str = ".") -> list[str]:
        if str(path) == str(folder):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listdir(path)

    monkeypatch.setattr(os, "listdir", closed)
    done = conda_in_process("torch-verify", "--json", "-p", folder)
    hints = [hint["hint_code"] for hint in done.json()["guidance"]["hints"]]
    assert (done.rc, hints) == (1, ["see_environments", "name_to_verify"])


def test_a_conda_that_is_no_environment_itself_is_told_to_name_one(
    conda_in_process: Conda, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conda.base.context import context

    if os.path.isdir(os.path.join(context.root_prefix, "conda-meta")):
        pytest.skip("this conda is in an environment of its own")
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    done = conda_in_process("torch-verify", "--json")
    hints = [hint["hint_code"] for hint in done.json()["guidance"]["hints"]]
    assert (done.rc, hints) == (1, ["see_environments", "name_to_verify"])


@pytest.mark.parametrize(
    ("knobs", "words", "expected"),
    [
        ({}, ("--require-gpu",), (3, "cpu_build")),
        ({"cuda": "12.1"}, (), (0, "gpu_untried")),
        ({"cuda": "12.1"}, ("--require-gpu",), (3, "gpu_unseen")),
        ({"cuda": "12.1", "gpus": [A100]}, ("--require-gpu",), (0, None)),
        (
            {"import_error": "libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent"},
            (),
            (1, "mkl_ijit"),
        ),
    ],
    ids=["CPU, GPU required", "CUDA, no GPU", "CUDA, GPU required", "fine", "broken"],
)
def test_exit_codes(
    conda_in_process: Conda,
    make_torch: MakeTorch,
    knobs: dict[str, Any],
    words: tuple[str, ...],
    expected: tuple[int, str | None],
) -> None:
    done = conda_in_process("torch-verify", "-p", make_torch(**knobs), "--json", *words)
    document = done.json()
    check = document["torchmirror"]["check"]
    assert document["torchmirror"]["schema"] == 1
    assert (done.rc, done.rc) == (expected[0], check["exit_code"])
    assert document["success"] is (done.rc == 0)
    codes = [notice["code"] for notice in check["notices"] if notice["code"] != "ignored_variable"]
    assert codes == ([expected[1]] if expected[1] else [])


@needs_compiler
@pytest.mark.parametrize(
    ("words", "rc", "codes", "said"),
    [
        ((), 0, ["gpu_hidden"], "PyTorch works on the CPU; no GPU was tried."),
        (
            ("--require-gpu",),
            3,
            ["gpu_unseen", "machine.gpus_hidden"],
            "PyTorch works, but not on the GPU.",
        ),
    ],
    ids=["left open", "required"],
)
def test_a_gpu_that_the_user_hides_is_not_tried_and_no_fault(
    run_conda: Callable[..., Result],
    make_torch: MakeTorch,
    libraries: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    rc: int,
    codes: list[str],
    said: str,
) -> None:
    """As on a node whose scheduler gave the shell no GPU."""
    torch = make_torch(cuda="12.1")
    hidden = {**variables(libraries, [CARD]), "CUDA_VISIBLE_DEVICES": ""}
    env = {**hidden, "CONDA_OVERRIDE_CUDA": None}
    done = run_conda("torch-verify", "-p", torch, *words, env=env)
    assert (done.rc, done.stdout.splitlines()[0]) == (rc, said)
    document = run_conda("torch-verify", "-p", torch, *words, "--json", env=env).json()
    found = [notice["code"] for notice in document["torchmirror"]["check"]["notices"]]
    assert [code for code in found if code not in ("library_path", "ignored_variable")] == codes
    # Its report, among those of a class, says the same.
    (tmp_path / "node.json").write_text(json.dumps(document), encoding="utf-8")
    told = run_conda("torch-verify", "--collect", str(tmp_path), env=env).stdout
    assert ("CUDA_VISIBLE_DEVICES='' hides every GPU" in told) == ("gpu_hidden" in codes)


def test_text_explains_and_fits_a_terminal(
    conda_in_process: Conda, make_torch: MakeTorch, venv: Path
) -> None:
    record(venv, *CUDA_BUILD)
    error = "CUDA error: no kernel image is available for execution on the device"
    torch = make_torch(cuda="12.1", gpus=[A100, RTX], kernel_error=error, bad=["cuda:1"])
    done = conda_in_process("torch-verify", "-p", torch)
    assert done.rc == 3
    text = re.sub(r" +", " ", done.stdout)
    for expected in (
        "PyTorch works, but not on the GPU.",
        "from https://conda.anaconda.org/pytorch (upstream)",
        "build py3.11_cuda12.1_cudnn8.9.2_0",
        "GPU 0 NVIDIA A100 (8.0): computes correctly",
        "GPU 1 NVIDIA GeForce RTX 5090 (12.0): does not compute",
        "- This build has no code for this GPU (compute capability 12.0).",
        f"`conda torch-install -p {venv} pytorch --dry-run --explain`",
    ):
        assert expected in text
    assert f"RuntimeError: {error}" in " ".join(done.stdout.split())
    # A command stays on one line, however long the path of the environment is.
    assert all(len(line) <= 80 or str(venv) in line for line in done.stdout.splitlines())


def test_a_cuda_build_without_a_gpu_is_not_called_working(
    conda_in_process: Conda, make_torch: MakeTorch, venv: Path
) -> None:
    done = conda_in_process("torch-verify", "-p", make_torch(cuda="12.1")).ok()
    text = " ".join(done.stdout.split())
    assert text.startswith("PyTorch works on the CPU; no GPU was tried. ")
    assert "This build is for CUDA 12.1, and this machine has no GPU" in text
    assert f"`conda torch-verify -p {venv} --require-gpu`" in text


def test_advice_names_the_environment(
    conda_in_process: Conda, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = copy(bare, Path(os.environ["CONDA_ENVS_PATH"]) / "mine")
    install_torch(prefix, import_error="libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent")
    done = conda_in_process("torch-verify", "-n", "mine")
    assert '`conda install -n mine "mkl<2024.1"`' in done.stdout
    monkeypatch.setenv("CONDA_PREFIX", str(prefix))
    assert '`conda install "mkl<2024.1"`' in conda_in_process("torch-verify").stdout


#: What no command of ours or conda's can mend.
BY_HAND = frozenset(
    (
        *("driver_mixed", "driver_missing", "driver_unusable", "cuda_unknown", "gpu_unseen"),
        *("cudnn", "dll_init", "wrong_result", "unexplained", "pin_missing"),
        # A file to delete, and this project itself to be brought up to date.
        *("collect_twice", "collect_newer"),
    )
)


@pytest.mark.parametrize(
    "code", sorted(code.removesuffix(".hint") for code in TEXT if code.endswith(".hint"))
)
def test_advice_is_a_command(code: str) -> None:
    facts = {"module": "yaml", "pin": "mkl<2024.1", "library": "cuDNN 91900"}
    hint = sentence(Notice(code, facts), ".hint", where=" -n mine")
    commands = re.findall(r"`(conda [^`]+)`", hint)
    assert bool(commands) != (code in BY_HAND)
    for command in commands:
        words = shlex.split(command)
        assert words[1] in ("clean", "install", "remove", "run", "torch-install", "torch-verify")
        # Facts are a machine's, whatever its environments are.
        assert words[1] == "clean" or {"-n", "-p", "--list", "--facts"}.intersection(words)


@needs_compiler
@pytest.mark.parametrize(
    ("cards", "env", "knobs", "expected"),
    [
        ([CARD], {}, {"cuda": "12.1", "gpus": [A100]}, (0, [])),
        ([CARD], {}, {"cuda": "12.1"}, (3, ["gpu_unseen"])),
        ([CARD], {}, {}, (0, ["cpu_build"])),
        ([], {"cuInit": 100}, {"cuda": "12.1"}, (0, ["gpu_untried"])),
        (
            [CARD],
            {"cuInit": 803},
            {"cuda": "12.1"},
            # The stand-ins are in a folder of LD_LIBRARY_PATH.
            (3, ["gpu_unseen", "machine.driver_error", "machine.driver_shadowed"]),
        ),
    ],
    ids=["works", "torch sees none", "CPU build", "login node", "driver fails"],
)
def test_a_gpu_is_expected_where_there_is_one(
    conda_in_process: Conda,
    monkeypatch: pytest.MonkeyPatch,
    libraries: Path,
    make_torch: MakeTorch,
    tmp_path: Path,
    cards: list[Card],
    env: dict[str, Any],
    knobs: dict[str, Any],
    expected: tuple[int, list[str]],
) -> None:
    path = os.pathsep.join((str(smi(tmp_path / "none", "exit 9")), os.environ["PATH"]))
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA")
    for name, value in {**variables(libraries, cards, **env), "PATH": path}.items():
        monkeypatch.setenv(name, value)
    with asked_afresh():
        done = conda_in_process("torch-verify", "-p", make_torch(**knobs), "--json")
    unasked = {"library_path", "ignored_variable"}  # LD_LIBRARY_PATH is how the stand-ins are found
    notices = done.json()["torchmirror"]["check"]["notices"]
    codes = [notice["code"] for notice in notices if notice["code"] not in unasked]
    assert (done.rc, codes) == expected


def test_what_records_tell_is_added(
    conda_in_process: Conda, make_torch: MakeTorch, venv: Path
) -> None:
    record(venv, *CPU_BUILD)
    record(venv, "torchvision", "0.19.0", "py311_cpu", "pytorch 2.4.0")
    (Path(venv) / "conda-meta" / "pinned").write_text("numpy <2\n", encoding="utf-8")
    done = conda_in_process("torch-verify", "-p", make_torch(), "--json")
    codes = [n["code"] for n in done.json()["torchmirror"]["check"]["notices"]]
    assert codes[:1] == ["module_missing"]  # torchvision is recorded, and not there
    assert "set_mismatch" in codes


def test_a_broken_record_does_not_hide_whether_torch_works(
    run_conda: Conda, make_torch: MakeTorch, venv: Path
) -> None:
    file = Path(venv) / "conda-meta" / "numpy-1.26-0.json"
    file.write_text("[1]", encoding="utf-8")
    done = run_conda("torch-verify", "-p", make_torch()).ok()
    said = " ".join(done.stdout.split())
    assert said.startswith("PyTorch works.")
    assert f"Conda's record {file} cannot be read" in said
    assert f"Delete that file, then run `conda install -p {venv} numpy`." in said
    assert done.stderr == ""


def test_pins_in_utf_16_are_named(run_conda: Conda, make_torch: MakeTorch, venv: Path) -> None:
    file = Path(venv) / "conda-meta" / "pinned"
    file.write_bytes("numpy <2\r\n".encode("utf-16"))
    done = run_conda("torch-verify", "-p", make_torch()).ok()
    assert f"{file} is no UTF-8 text" in " ".join(done.stdout.split())
    assert done.stderr == ""


def test_a_report_is_written_whole(
    conda_in_process: Conda, make_torch: MakeTorch, venv: Path, tmp_path: Path
) -> None:
    home = str(Path.home())
    error = f"{venv}/lib/libtorch.so: undefined symbol: iJIT_NotifyEvent ({home}/x)"
    file = tmp_path / "check.txt"
    file.write_text("an older one", encoding="utf-8")
    done = conda_in_process("torch-verify", "-p", make_torch(import_error=error), "--report", file)
    text = file.read_text("utf-8")
    assert done.rc == 1
    assert "result: broken (exit code 1)" in text
    assert "ENVIRONMENT/lib/libtorch.so: undefined symbol" in text
    assert str(venv) not in text
    assert home not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [path.name for path in tmp_path.glob("*check.txt*")] == ["check.txt"]


@pytest.mark.parametrize("name", ["missing/check.txt", "env"], ids=["no folder", "a folder"])
def test_a_report_that_cannot_be_written_is_an_error(
    conda_in_process: Conda, make_torch: MakeTorch, tmp_path: Path, name: str
) -> None:
    done = conda_in_process("torch-verify", "-p", make_torch(), "--report", tmp_path / name)
    assert done.rc == 1
    assert f"{tmp_path / name} cannot be written" in " ".join(done.stderr.split())
    assert not list(tmp_path.glob(".*"))


HERE = Machine(native_subdir())


@pytest.mark.parametrize(
    ("on", "knobs", "expected"),
    [
        (HERE, {}, (0, "fine")),
        (HERE, {"cuda": "12.1"}, (0, "fine")),
        (Machine(HERE.subdir, cuda="12.4", cuda_from="libcuda"), {"cuda": "12.1"}, (3, "no_gpu")),
        (Machine(HERE.subdir, gpus=(Gpu("A100"),)), {"cuda": "12.1"}, (3, "no_gpu")),
        (Machine(HERE.subdir, cuda="12.4", cuda_from="--cuda"), {"cuda": "12.1"}, (0, "fine")),
        (HERE, {"import_error": "no"}, (3, "broken")),
        (Machine("zos-z"), {"import_error": "no"}, (0, None)),
    ],
    ids=["CPU", "no GPU", "driver", "GPU", "login node with --cuda", "broken", "elsewhere"],
)
def test_the_end_of_an_installation(
    make_torch: MakeTorch,
    monkeypatch: pytest.MonkeyPatch,
    on: Machine,
    knobs: dict[str, Any],
    expected: tuple[int, str | None],
) -> None:
    """Whatever fails is 3: the packages are installed, and stay."""
    monkeypatch.setattr(survey.nvidia, "signs", tuple)
    check = verify_after(make_torch(**knobs), on)
    assert ((check.exit_code_after, check.status) if check else (0, None)) == expected
    if check:
        said = "\n".join(lines_after(check))
        assert ("The packages are installed, but" in said) == (check.exit_code_after == 3)
        assert json.dumps(check.document())
