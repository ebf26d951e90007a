"""`conda torch-install -f`: real files, real conda, real transactions over loopback."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from support.file_requests import FILE, PYTORCH, TORCHVISION
from support.prefixes import installed

pytest_plugins = ("support.file_fixtures",)

# A transaction


def wheel(folder: Path, name: str = "labtools") -> str:
    """Build a tiny wheel, and return its file name."""
    info = f"{name}-1.0.dist-info"
    parts = {
        f"{name}.py": "ANSWER = 42\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
    }
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return path.name


@pytest.fixture
def pip_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pip puts things. The Python of the tests' environments is a script that runs the
    tests' own, which must stay as it is."""
    pytest.importorskip("pip")
    target = tmp_path / "pip-target"
    monkeypatch.setenv("PIP_TARGET", str(target))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return target


def test_a_new_environment(mirrored, file, pip_target, run_conda, sandbox, tmp_path):
    path = file(
        FILE
        + "  - pip:\n    - ./labtools-1.0-py3-none-any.whl\n"
        + "variables:\n  LAB_HOME: /data\n  LAB_LEVEL: 3\n"
    )
    wheel(path.parent)
    before = path.read_bytes()
    # From elsewhere, so that the relative path is one of the file's folder.
    result = run_conda("torch-install", "-y", "-f", path, cwd=tmp_path).ok()
    prefix = sandbox.envs / "lab"
    found = installed(prefix)
    assert found["pytorch"] == PYTORCH.partition("=")[2]
    assert found["torchvision"] == TORCHVISION.partition("=")[2]
    assert found["pytorch-cuda"] == "12.4=hc786d27_7"
    assert {"tqdm", "pip"} <= found.keys()
    assert (pip_target / "labtools.py").exists()
    state = json.loads((prefix / "conda-meta" / "state").read_text())
    assert state["env_vars"] == {"LAB_HOME": "/data", "LAB_LEVEL": "3"}
    specs = (prefix / "conda-meta" / "history").read_text().rpartition("update specs: ")[2]
    assert "pytorch==2.5.1=py3.12_cuda12.4_cudnn9.1.0_0" in specs
    assert "python=3.12" in specs
    assert "PyTorch 2.5.1 for CUDA 12.4" in result.stdout
    assert "Variables are set: LAB_HOME, LAB_LEVEL" in result.stdout
    # The file is as it was, and nothing is left beside it.
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "environment.yml",
        "labtools-1.0-py3-none-any.whl",
    ]


def test_an_existing_environment(mirrored, file, conda_in_process, tmp_path, sandbox):
    prefix = tmp_path / "there"
    conda_in_process("create", "-y", "-q", "-p", prefix, "python=3.11", "six").ok()
    path = file(FILE.replace("python=3.12", "python>=3.9").replace("  - torchvision\n", ""))
    conda_in_process("torch-install", "-y", "-q", "-p", prefix, "-f", path).ok()
    found = installed(prefix)
    assert found["pytorch"] == "2.5.1=py3.11_cuda12.4_cudnn9.1.0_0"
    assert found["python"].startswith("3.11.")
    assert {"six", "tqdm"} <= found.keys()
    assert not (sandbox.envs / "lab").exists()


def test_another_python_as_the_file_says(mirrored, file, conda_in_process, tmp_path):
    prefix = tmp_path / "there"
    conda_in_process("create", "-y", "-q", "-p", prefix, "python=3.11").ok()
    result = conda_in_process("torch-install", "-y", "-p", prefix, "-f", file()).ok()
    assert "Python 3.11.10 becomes 3.12" in result.stdout
    assert installed(prefix)["python"].startswith("3.12.")


def test_json_of_an_installation_is_one_document(mirrored, file, pip_target, run_conda, sandbox):
    path = file(FILE + "  - pip:\n    - ./labtools-1.0-py3-none-any.whl\n")
    wheel(path.parent)
    found = run_conda("torch-install", "--json", "-n", "other", "-f", path).ok().json()
    assert found["success"] is True
    assert found["actions"]["PREFIX"] == str(sandbox.envs / "other")
    assert found["actions"]["PIP"] == ["labtools-1.0"]
    (taken,) = found["torchmirror"]["files"]
    assert (taken["name"], taken["pip"]) == ("lab", ["./labtools-1.0-py3-none-any.whl"])


def test_a_pip_section_that_fails(mirrored, file, pip_target, run_conda, sandbox):
    path = file(FILE + "  - pip:\n    - no-such-project\nvariables:\n  LAB_HOME: /data\n")
    result = run_conda("torch-install", "--json", "-f", path)
    assert result.rc == 1
    error = result.json()
    assert error["exception_name"] == "SectionFailed"
    assert [hint["hint_code"] for hint in error["guidance"]["hints"]] == ["run_again"]
    assert "no-such-project" in result.stderr
    prefix = sandbox.envs / "lab"
    assert installed(prefix)["pytorch"] == PYTORCH.partition("=")[2]
    state = prefix / "conda-meta" / "state"
    assert "env_vars" not in (json.loads(state.read_text()) if state.exists() else {})
    # Once it is mended, the same command does what is left.
    path.write_text(path.read_text().replace("no-such-project", f"./{wheel(path.parent)}"))
    again = run_conda("torch-install", "--json", "-f", path).ok().json()
    assert again["actions"] == {"PIP": ["labtools-1.0"]}
    assert json.loads(state.read_text())["env_vars"] == {"LAB_HOME": "/data"}


def test_a_leftover_stays_removed_when_pip_fails(mirrored, file, pip_target, run_conda, tmp_path):
    prefix = tmp_path / "there"
    run_conda("create", "-y", "-q", "-p", prefix, "python=3.12", "pytorch::cpuonly").ok()
    path = file(FILE + "  - pip:\n    - no-such-project\n")
    assert run_conda("torch-install", "-y", "-p", prefix, "-f", path).rc == 1
    found = installed(prefix)
    assert "cpuonly" not in found
    assert found["pytorch"] == PYTORCH.partition("=")[2]


def test_declined_does_nothing(mirrored, file, pip_target, conda_in_process, sandbox):
    path = file(FILE + "  - pip:\n    - ./labtools-1.0-py3-none-any.whl\n")
    wheel(path.parent)
    result = conda_in_process("torch-install", "-f", path, input="n\n")
    assert "Proceed" in result.stdout
    assert not (sandbox.envs / "lab").exists()
    assert not pip_target.exists()


def test_what_is_there_already_is_not_a_dry_run(mirrored, file, pip_target, conda_in_process):
    path = file(FILE + "  - pip:\n    - ./labtools-1.0-py3-none-any.whl\n")
    wheel(path.parent)
    conda_in_process("torch-install", "-y", "-q", "-f", path).ok()
    shutil.rmtree(pip_target)
    # Conda ends a dry run without changes as if it had been no dry run.
    conda_in_process("torch-install", "-d", "--solve", "-f", path).ok()
    assert not pip_target.exists()


# The environment that is meant


@pytest.mark.parametrize(
    ("head", "words", "prefix"),
    [
        ("name: lab\nprefix: /elsewhere/lab\n", (), "{envs}/lab"),
        ("prefix: /elsewhere/lab\n", (), "/elsewhere/lab"),
        ("name: lab\n", ("-n", "mine"), "{envs}/mine"),
        ("name: lab\n", ("-p", "/elsewhere/mine"), "/elsewhere/mine"),
        ("", (), None),
        ("name: base\n", (), None),
    ],
    ids=["name-first", "prefix", "-n", "-p", "none", "base"],
)
def test_the_target(file, preview_file, sandbox, head, words, prefix):
    path = file(FILE.replace("name: lab  # of the lab\n", head))
    expected = prefix and prefix.format(envs=sandbox.envs)
    assert preview_file(path, *words)["prefix"] == expected


def test_base_is_not_touched_because_a_file_says_so(mirrored, file, conda_in_process):
    path = file(FILE.replace("name: lab", "name: base"))
    assert "NoEnvironment" in conda_in_process("torch-install", "-y", "-f", path).stderr
