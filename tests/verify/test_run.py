"""The check in an environment: a real Python, and a `torch` that breaks as the real one does."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from support.torches import (
    CUDA_BUILD,
    TORCH,
    VISION,
    MakeTorch,
    codes,
    package,
    record,
    site_packages,
)

from conda_torchmirror.verify.causes import sentence
from conda_torchmirror.verify.run import batch, environment, verify

pytest_plugins = ("support.torch_fixtures",)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the environments here are POSIX venvs")


def test_an_environment_without_torch(venv: Path) -> None:
    check = verify(str(venv), expect_gpu=False)
    assert (check.exit_code, codes(check)) == (1, ["torch_missing"])


def test_an_environment_with_a_folder_of_torch_and_nothing_in_it(venv: Path) -> None:
    """What is left where a program kept a library open, or a disk was full: Python imports it."""
    [packages] = venv.glob("lib/python*/site-packages")
    (packages / "torch" / "lib").mkdir(parents=True)
    check = verify(str(venv), expect_gpu=False)
    assert (check.exit_code, codes(check)) == (1, ["torch_missing"])


def test_an_environment_without_python(tmp_path: Path) -> None:
    check = verify(str(tmp_path), expect_gpu=False)
    assert (check.exit_code, codes(check)) == (1, ["no_python"])


#: A Python that is no program of any platform here: the beginning of one for macOS.
MACH_O = b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01" + bytes(64)


@pytest.mark.parametrize("scripts", [False, True], ids=["itself", "activation"])
@pytest.mark.parametrize(
    ("mode", "code"), [(0o644, "python_forbidden"), (0o755, "python_foreign")], ids=str
)
def test_a_python_that_the_system_does_not_start(
    venv: Path, mode: int, code: str, scripts: bool
) -> None:
    """As on a disk with `noexec`, and where machines of several platforms share a folder."""
    if scripts:
        (venv / "etc/conda/activate.d").mkdir(parents=True)
        (venv / "etc/conda/activate.d" / "a.sh").write_text("A=1\n", encoding="utf-8")
    python = venv / "bin" / "python"
    python.unlink()
    python.write_bytes(MACH_O)
    python.chmod(mode)
    check = verify(str(venv), expect_gpu=False)
    assert (check.exit_code, codes(check)) == (1, [code])


@pytest.mark.parametrize(
    ("knobs", "code"),
    [
        ({"signal": 11}, "crashed"),
        ({"signal": 4}, "illegal_instruction"),
        (
            {"signal": 6, "print": "OMP: Error #15: Initializing libiomp5.so, but found it"},
            "openmp_twice",
        ),
        ({"sleep": 60}, "timed_out"),
        ({"rand_error": "no"}, "unexplained"),
    ],
    ids=["SIGSEGV", "SIGILL", "OpenMP", "hang", "rand"],
)
def test_a_torch_that_does_not_come_to_an_end(
    make_torch: MakeTorch, knobs: dict[str, Any], code: str
) -> None:
    began = time.monotonic()
    limit = 3 if code == "timed_out" else 40
    check = verify(make_torch(**knobs), expect_gpu=False, limit=limit)
    assert (check.exit_code, codes(check)) == (1, [code])
    assert time.monotonic() - began < 45  # not the 60 that one of them sleeps
    if code in ("crashed", "timed_out"):
        assert "import torch" in sentence(check.notices[0])


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("__version__ = '0.18.1'", "fine", None),
        (
            "raise RuntimeError('operator torchvision::nms does not exist')",
            "broken",
            "partner_mismatch",
        ),
        (
            (
                "import types\n__version__ = '0.18'\n"
                "extension = types.SimpleNamespace(_has_ops=lambda: False)"
            ),
            "broken",
            "partner_mismatch",
        ),
        ("import os; os.kill(os.getpid(), 11)", "broken", "crashed"),
    ],
    ids=["fine", "nms", "no ops", "crash"],
)
def test_partners_are_imported_too(
    make_torch: MakeTorch, venv: Path, text: str, status: str, code: str | None
) -> None:
    package(venv, "torchvision", text)
    check = verify(make_torch(), expect_gpu=False, partners=("torchvision",))
    assert (check.status, codes(check)) == (status, [code] if code else [])
    assert [partner.name for partner in check.partners] == ["torchvision"]
    assert (check.partners[0].version is not None) == ("__version__" in text)


def test_partners_that_are_installed_are_found(make_torch: MakeTorch, venv: Path) -> None:
    record(venv, *VISION)
    record(venv, *CUDA_BUILD)
    package(venv, "torchvision", "__version__ = '0.18.1'")
    check = verify(make_torch(), expect_gpu=False)
    assert [(partner.name, partner.version) for partner in check.partners] == [
        ("torchvision", "0.18.1")
    ]
    assert check.build == CUDA_BUILD[2]
    assert (
        check.url
        == f"https://conda.anaconda.org/pytorch/linux-64/pytorch-2.3.1-{check.build}.tar.bz2"
    )


def test_numpy_2_with_an_old_build_is_a_note(make_torch: MakeTorch, venv: Path) -> None:
    package(venv, "numpy", "")
    torch = make_torch(numpy_error="Numpy is not available")
    file = site_packages(venv) / "torch" / "__init__.py"
    file.write_text("import numpy\n" + file.read_text("utf-8"), encoding="utf-8")
    check = verify(torch, expect_gpu=False)
    assert (check.status, codes(check)) == ("fine", ["numpy_abi"])


def test_pythonpath_and_pythonhome_do_not_reach_it(
    make_torch: MakeTorch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They belong to the Python that conda runs in; `conda run` would pass them on."""
    (tmp_path / "torch.py").write_text("raise ImportError('the wrong one')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    check = verify(make_torch(), expect_gpu=False)
    assert check.status == "fine"
    told = [n.facts["name"] for n in check.notices if n.code == "ignored_variable"]
    assert told == ["PYTHONPATH", "PYTHONHOME"]


def test_a_torch_outside_the_environment_is_named(venv: Path, tmp_path: Path) -> None:
    """As one in the user's own site-packages, which shadows the environment's."""
    elsewhere = tmp_path / "user"
    elsewhere.mkdir()
    (elsewhere / "torch.py").write_text(TORCH.format(knobs={}), encoding="utf-8")
    (site_packages(venv) / "user.pth").write_text(str(elsewhere), encoding="utf-8")
    check = verify(str(venv), expect_gpu=False)
    assert (check.status, codes(check)) == ("fine", ["elsewhere"])


@pytest.mark.parametrize("how", ["script", "state"])
def test_it_runs_in_an_activated_environment(make_torch: MakeTorch, venv: Path, how: str) -> None:
    torch = make_torch(needs=("OF_THE_ENVIRONMENT", "yes it's"))
    assert verify(torch, expect_gpu=False).status == "broken"
    if how == "script":
        folder = venv / "etc" / "conda" / "activate.d"
        folder.mkdir(parents=True)
        text = 'echo "noise"; export OF_THE_ENVIRONMENT="yes it\'s"\n'
        (folder / "a b.sh").write_text(text, encoding="utf-8")
    else:
        state = {"env_vars": {"OF_THE_ENVIRONMENT": "yes it's"}}
        (venv / "conda-meta" / "state").write_text(json.dumps(state), encoding="utf-8")
    assert verify(torch, expect_gpu=False).status == "fine"


def test_a_script_of_the_environment_that_hangs_is_ended(make_torch: MakeTorch, venv: Path) -> None:
    folder = venv / "etc" / "conda" / "activate.d"
    folder.mkdir(parents=True)
    (folder / "hang.sh").write_text("sleep 60\n", encoding="utf-8")
    began = time.monotonic()
    check = verify(make_torch(), expect_gpu=False, limit=1)
    assert (check.exit_code, codes(check)) == (1, ["timed_out"])
    assert time.monotonic() - began < 45


@pytest.mark.parametrize("active", [None, "same", "other"])
def test_the_environment_comes_first_whatever_is_active(
    venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, active: str | None
) -> None:
    if active:
        folder = str(venv if active == "same" else tmp_path / "other")
        monkeypatch.setenv("CONDA_SHLVL", "1")
        monkeypatch.setenv("CONDA_PREFIX", folder)
        monkeypatch.setenv("PATH", os.pathsep.join((f"{folder}/bin", os.environ["PATH"])))
    found, leaving, entering = environment(str(venv))
    assert found["PATH"].split(os.pathsep)[0] == str(venv / "bin")
    assert found["CONDA_PREFIX"] == str(venv)
    assert (leaving, entering) == ((), ())
    assert all(isinstance(value, str) for value in found.values())


def test_a_damaged_state_file_does_not_hide_the_check(make_torch: MakeTorch, venv: Path) -> None:
    (venv / "conda-meta" / "state").write_text("not json", encoding="utf-8")
    assert verify(make_torch(), expect_gpu=False).status == "fine"


def test_what_lacks_its_files_is_offered_as_it_was(make_torch: MakeTorch) -> None:
    """The newest release, with partners that were not there, was offered in its place."""
    prefix = Path(make_torch(cuda="12.1"))
    shutil.rmtree(site_packages(prefix) / "torch")
    record(prefix, *CUDA_BUILD)
    record(prefix, *VISION)
    words = f"-p {prefix} pytorch=2.3.1 torchvision=0.18.1"
    for expect_gpu, more in ((True, ""), (False, " --cuda 12.1")):
        check = verify(str(prefix), expect_gpu=expect_gpu, partners=())
        assert codes(check) == ["torch_files_missing"]
        command = f"`conda torch-install {words}{more} --force-reinstall`"
        assert check.hint(check.notices[0]) == f"Run {command}."


def test_a_batch_file_quotes_what_a_path_on_windows_may_have() -> None:
    """`&` parts commands outside quotes, `%` is doubled for each time that cmd reads a line."""
    home = r"C:\R&D\张 三 (100%)\envs\mine"
    argv = [rf"{home}\python.exe", r"D:\conda torch\check_torch.py", "steps", "torchvision"]
    assert batch(argv, [rf"{home}\etc\conda\activate.d\openssl.bat"]).split("\r\n") == [
        "@ECHO OFF",
        "CHCP 65001 >NUL",
        r'CALL "C:\R&D\张 三 (100%%%%)\envs\mine\etc\conda\activate.d\openssl.bat"',
        r'"C:\R&D\张 三 (100%%)\envs\mine\python.exe" "D:\conda torch\check_torch.py" '
        r'"steps" "torchvision"',
        "EXIT /B %ERRORLEVEL%",
    ]
