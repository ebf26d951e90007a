"""`conda torch-install -f`: real files, real conda, real transactions over loopback."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "environments"
needs_real = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the real environment files of others are not carried here"
)

PYTORCH = "pytorch=2.5.1=py3.12_cuda12.4_cudnn9.1.0_0"
TORCHVISION = "torchvision=0.20.1=py312_cu124"
FILE = """\
name: lab  # of the lab
channels:
  - conda-forge
  - nvidia
  - pytorch
dependencies:
  - python=3.12
  - pytorch=2.5.1
  - torchvision
  - pytorch-cuda=12.4
  - tqdm
"""


def installed(prefix: Path) -> dict[str, str]:
    """Name to `version=build` of what conda-meta holds."""
    records = [json.loads(p.read_text()) for p in (prefix / "conda-meta").glob("*.json")]
    return {r["name"]: f"{r['version']}={r['build']}" for r in records}


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """`file(text, "environment.yml")`: a file in a folder of its own."""

    def write(text: str = FILE, name: str = "environment.yml") -> Path:
        path = tmp_path / "project" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write


@pytest.fixture
def preview(mirrored, conda_in_process):
    """`preview(path, ...)`: what `torchmirror` holds in the JSON of a dry run."""

    def run(*words: str | Path) -> dict[str, Any]:
        files = [part for word in words if isinstance(word, Path) for part in ("-f", word)]
        rest = [word for word in words if not isinstance(word, Path)]
        done = conda_in_process("torch-install", "-d", "--json", *files, *rest).ok()
        return {**done.json()["torchmirror"], "prefix": done.json()["prefix"]}

    return run


def codes(found: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in found["warnings"]]


def said(result: Any) -> str:
    """Everything on both streams, without line breaks."""
    return " ".join(f"{result.stdout} {result.stderr}".split())


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
def test_the_target(file, preview, sandbox, head, words, prefix):
    path = file(FILE.replace("name: lab  # of the lab\n", head))
    expected = prefix and prefix.format(envs=sandbox.envs)
    assert preview(path, *words)["prefix"] == expected


def test_base_is_not_touched_because_a_file_says_so(mirrored, file, conda_in_process):
    path = file(FILE.replace("name: lab", "name: base"))
    assert "NoEnvironment" in conda_in_process("torch-install", "-y", "-f", path).stderr


# What goes to the solver


def test_a_preview_offline(mirrored, file, conda_in_process):
    words = ("torch-install", "-d", "--offline", "--json", "-f", file())
    found = conda_in_process(*words).ok().json()["torchmirror"]
    assert found["selected"]["index"] == "built-in"
    assert found["specs"] == [PYTORCH, TORCHVISION, "pytorch-cuda=12.4", "python=3.12", "tqdm"]
    assert found["solved"] is False


def test_a_solved_preview(file, mirrored, conda_in_process, sandbox):
    found = conda_in_process("torch-install", "-d", "--solve", "--json", "-f", file()).ok().json()
    linked = {item["name"]: item["version"] for item in found["actions"]["LINK"]}
    assert (linked["pytorch"], linked["tqdm"]) == ("2.5.1", "4.67.0")
    assert not (sandbox.envs / "lab").exists()


def test_specs_are_handed_over_as_they_are_written(file, preview):
    path = file(
        """\
        channels: [pytorch, nvidia, conda-forge]
        dependencies:
          - "python >=3.10,<3.12"
          - pytorch::pytorch==2.5.*
          - 'numpy=1.26=*_0'
          - conda-forge::scikit-learn[version='>=1']
          - https://repo.lab.example/cloud/own::thing
          - cudatoolkit=11.8
        """
    )
    found = preview(path, "--offline")
    assert found["selected"]["python"] == "3.11"
    assert found["specs"] == [
        "pytorch=2.5.1=py3.11_cuda11.8_cudnn9.1.0_0",
        "pytorch-cuda=11.8",
        "python >=3.10,<3.12",
        "numpy=1.26=*_0",
        "conda-forge::scikit-learn[version='>=1']",
        "https://repo.lab.example/cloud/own::thing",
        "cudatoolkit=11.8",
    ]


def test_an_exported_file_keeps_its_builds(file, preview):
    path = file(
        """\
        name: old
        channels: [pytorch, conda-forge]
        dependencies:
          - _libgcc_mutex=0.1=main
          - cudatoolkit=11.3.1=h2bc3f7f_2
          - python=3.9.7=h12debd9_1
          - pytorch=1.11.0=py3.9_cuda11.3_cudnn8.2.0_0
          - torchvision=0.12.0=py39_cu113
        prefix: /home/somebody/anaconda3/envs/old
        """
    )
    found = preview(path)
    assert found["specs"] == [
        "pytorch=1.11.0=py3.9_cuda11.3_cudnn8.2.0_0",
        "torchvision=0.12.0=py39_cu113",
        "cudatoolkit=11.3",
        "_libgcc_mutex=0.1=main",
        "cudatoolkit=11.3.1=h2bc3f7f_2",
        "python=3.9.7=h12debd9_1",
    ]
    assert found["machine"]["python_from"] == "file"


def test_a_build_of_the_runtime_stays(file, preview):
    found = preview(file(FILE.replace("pytorch-cuda=12.4", "pytorch-cuda=12.4=hc786d27_6")))
    assert "pytorch-cuda=12.4=hc786d27_6" in found["specs"]


def test_specs_of_the_command_line_are_taken_too(file, preview):
    found = preview(file(), "torchaudio", "scipy", "--offline")
    assert "torchaudio=2.5.1=py312_cu124" in found["specs"]
    assert "scipy" in found["specs"]


def test_the_word_for_everything_is_a_spec(file, preview):
    found = preview(file(FILE.replace("pytorch=2.5.1", "pytorch")))
    assert found["selected"]["builds"][0]["version"] == "2.5.1"


# CUDA


def test_without_a_driver_the_cuda_of_the_file_counts(file, preview):
    found = preview(file())
    assert (found["machine"]["cuda"], found["machine"]["cuda_from"]) == ("12.4", "file")
    assert "file_cuda" in codes(found)


def test_the_solver_hears_of_that_cuda(mirrored, file, conda_in_process, monkeypatch):
    heard = []
    from conda_torchmirror.handover import conda

    real = conda._subshell
    monkeypatch.setattr(
        conda,
        "_subshell",
        lambda command: (heard.append(os.environ.get("CONDA_OVERRIDE_CUDA")), real(command))[1],
    )
    conda_in_process("torch-install", "-d", "--solve", "-f", file()).ok()
    assert heard == ["12.4"]


def test_a_driver_that_is_there_counts_first(file, mirrored, conda_in_process, monkeypatch):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "11.8")
    result = conda_in_process("torch-install", "-d", "--offline", "-f", file())
    assert result.rc == 1
    assert "NoFittingBuild" in result.stderr
    assert "the driver runs CUDA 11.8 or older" in said(result)
    assert "conda env create -f" in result.stderr


def test_cpu_by_request_leaves_the_runtime_out(file, preview):
    path = file(FILE + "  - cudatoolkit=11.8\n")
    found = preview(path, "--cuda", "cpu", "--offline")
    assert found["selected"]["cuda"] is None
    assert not [spec for spec in found["specs"] if "cuda" in spec]
    assert codes(found).count("file_left_out") == 2


def test_cpu_by_the_file(file, preview, monkeypatch):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    found = preview(file(FILE.replace("pytorch-cuda=12.4", "cpuonly")), "--offline")
    assert found["selected"]["cuda"] is None
    assert "cpuonly" not in found["specs"]


def test_a_runtime_without_a_version_needs_one_to_be_named(mirrored, file, conda_in_process):
    path = file(FILE.replace("pytorch-cuda=12.4", "pytorch-cuda>=12"))
    result = conda_in_process("torch-install", "-d", "--offline", "-f", path)
    assert result.rc == 1
    assert "`--cuda 12.4` chooses for a driver" in said(result)


# Python


def test_python_of_the_command_line_takes_the_place_of_the_files(file, preview):
    found = preview(file(), "--python", "3.11", "--offline")
    assert found["specs"][0] == "python=3.11"
    assert found["specs"].count("python=3.12") == 0
    assert found["selected"]["python"] == "3.11"
    assert "file_left_out" in codes(found)


def test_a_python_without_a_build_is_named_with_its_file(mirrored, file, conda_in_process):
    path = file(FILE.replace("python=3.12", "python>=3.13"))
    result = conda_in_process("torch-install", "-d", "--offline", "-f", path)
    assert result.rc == 1
    assert "python>=3.13 (environment.yml)" in said(result)


# Channels


def channels_of(command: str) -> list[str]:
    words = command.split()
    return [words[at + 1] for at, word in enumerate(words) if word == "-c"]


def test_channels_keep_their_order(file, preview):
    found = preview(file())
    assert channels_of(found["command_by_name"]) == ["conda-forge", "nvidia", "pytorch"]
    assert [channel["name"] for channel in found["channels"]] == ["pytorch", "nvidia"]
    assert "file_channel_added" not in codes(found)


def test_what_the_builds_need_is_added_behind_and_said(file, preview):
    found = preview(file(FILE.replace("  - nvidia\n  - pytorch\n", "")))
    assert channels_of(found["command_by_name"]) == ["conda-forge", "pytorch", "nvidia"]
    assert codes(found).count("file_channel_added") == 2


def test_what_the_builds_need_is_really_added(mirrored, file, conda_in_process, sandbox):
    path = file(FILE.replace("  - nvidia\n", ""))
    conda_in_process("torch-install", "-y", "-q", "-f", path).ok()
    assert installed(sandbox.envs / "lab")["pytorch-cuda"].startswith("12.4=")


def test_channels_of_the_command_line_come_first(file, preview):
    found = preview(file(), "-c", "bioconda")
    assert channels_of(found["command_by_name"])[0] == "bioconda"


@pytest.mark.parametrize(
    ("url", "mirror"),
    [
        ("https://mirrors.bfsu.edu.cn/anaconda/cloud/pytorch/", "bfsu"),
        ("https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch/linux-64", "tuna"),
        ("https://conda.anaconda.org/pytorch", "upstream"),
    ],
    ids=["other", "with-platform", "upstream"],
)
def test_a_mirror_that_the_file_names_counts_as_the_channel(condarc, file, url, mirror):
    from argparse import Namespace

    from conda_torchmirror.install import file_request
    from conda_torchmirror.models import Route

    path = file(FILE.replace("- pytorch\n", f"- {url}\n", 1))
    args = Namespace(
        file=[str(path)], specs=[], name=None, prefix=None, python=None, channel=None, cuda="auto",
        save_plan=None, urls=None, download_only=False,
    )  # fmt: skip
    given = file_request.take(args)
    assert given is not None
    wanted = [Route("pytorch", "https://here/pytorch", "here")]
    (every,), lacking, notices = given.located(wanted, "linux-64")
    assert (every.name, every.mirror) == ("pytorch", mirror)
    assert every.url == url.removesuffix("/").removesuffix("/linux-64")
    assert (lacking, notices) == ([], [])


@pytest.mark.parametrize("allowed", [True, False])
def test_nodefaults(mirrored, file, conda_in_process, allowed):
    mirrored(override_channels_enabled=allowed)
    path = file(FILE.replace("  - pytorch\n", "  - pytorch\n  - nodefaults\n", 1))
    conda_in_process("torch-install", "-y", "-q", "-f", path).ok()


def test_nodefaults_keeps_other_channels_out(mirrored, file, mirror, conda_in_process):
    mirrored(override_channels_enabled=True)
    path = file(FILE.replace("  - pytorch\n", "  - pytorch\n  - nodefaults\n", 1))
    conda_in_process("torch-install", "-y", "-q", "-f", path).ok()
    assert not any("/pkgs/main/" in request.path for request in mirror.requests)


def test_where_no_channel_has_python_one_is_added(mirrored, file, preview):
    mirrored(channels=["nvidia"])
    found = preview(file(FILE.replace("  - conda-forge\n", "")))
    assert channels_of(found["command_by_name"]) == ["nvidia", "pytorch", "conda-forge"]
    assert "no_channels" in codes(found)


# Several files


def test_several_files_are_one_environment(file, preview):
    base = file("name: lab\nchannels: [conda-forge]\ndependencies: [python=3.12, tqdm]\n", "a.yml")
    more = file(
        "channels: [pytorch, nvidia]\ndependencies: [pytorch=2.5.1, pytorch-cuda=12.4]\n", "b.yml"
    )
    found = preview(base, more)
    assert found["specs"] == [PYTORCH, "pytorch-cuda=12.4=hc786d27_7", "python=3.12", "tqdm"]
    # As conda 26.7 merges files: the later comes first.
    assert channels_of(found["command_by_name"]) == ["pytorch", "nvidia", "conda-forge"]
    assert [Path(taken["path"]).name for taken in found["files"]] == ["a.yml", "b.yml"]


def test_files_that_name_different_environments(mirrored, file, conda_in_process):
    one, two = file(name="a.yml"), file(FILE.replace("lab", "barn"), "b.yml")
    result = conda_in_process("torch-install", "-d", "-f", one, "-f", two)
    assert result.rc == 2
    assert "FilesDisagree" in result.stderr
    conda_in_process("torch-install", "-d", "--offline", "-f", one, "-f", two, "-n", "x").ok()


# Known-bad pairs


def test_a_file_that_contradicts_a_rule_is_taken_as_written(file, preview):
    path = file(
        FILE.replace("2.5.1", "2.1.0").replace("12.4", "12.1").replace("3.12", "3.11")
        + "  - mkl=2025\n"
    )
    found = preview(path)
    assert found["pins"] == ["numpy<2"]
    (told,) = [w for w in found["warnings"] if w["code"] == "file_against_rule"]
    assert "`mkl=2025`, though PyTorch needs mkl<2024.1" in told["text"]
    assert "mkl=2025" in found["specs"]


# What cannot be used


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("dependencies: [numpy]\n", "e.yml", "NoTorchInFile"),
        ("dependencies: [python, pip: [torch==2.7.1+cu128]]\n", "e.yml", "torch==2.7.1+cu128"),
        ("dependencies: [conda-forge::pytorch]\n", "e.yml", "FileOtherChannel"),
        ("dependencies: ['pytorch[channel=conda-forge]']\n", "e.yml", "FileOtherChannel"),
        ("dependencies: [pytorch, pytorch-gpu]\n", "e.yml", "FileElsewhere"),
        ("dependencies: [pytorch, npm: [left-pad]]\n", "e.yml", "a section `npm`"),
        ("@EXPLICIT\nhttps://x.example/linux-64/a-1-0.conda\n", "e.txt", "conda create -n NEW"),
        ("pytorch=2.1=py3.11_cpu_0\n", "e.txt", "put its specs on the command line"),
        ("torch==2.1\n", "requirements.txt", "put its specs on the command line"),
        ("[project]\nname='x'\n", "pixi.toml", "a TOML file"),
        ("version: 6\nenvironments: {}\npackages: []\n", "pixi.lock", "`pixi lock`"),
        ("dependencies:\n\t- pytorch\n", "e.yml", "line 2: found character"),
        ("name: [\n", "e.yml", "FileNotReadable"),
        ("", "e.yml", "FileNotReadable"),
        ("- pytorch\n", "e.yml", "FileNotReadable"),
        ("dependencies: pytorch\n", "e.yml", "FileNotReadable"),
        ("channels: pytorch\ndependencies: [pytorch]\n", "e.yml", "FileNotReadable"),
        ("channels:\ndependencies: [pytorch]\n", "e.yml", "a section is empty"),
        ("dependencies: [pytorch, null]\n", "e.yml", "FileNotReadable"),
        ("dependencies: [pytorch, numpy==1==2]\n", "e.yml", "numpy==1==2"),
        ("a: 1\n---\ndependencies: [pytorch]\n", "e.yml", "FileNotReadable"),
        ("name: a/b\ndependencies: [pytorch]\n", "e.yml", "CondaValueError"),
        (None, "e.yml", "EnvironmentFileNotFound"),
        (bytes(range(1, 9)), "e.yml", "it is not a text file"),
    ],
)
def test_what_cannot_be_used(mirrored, tmp_path, conda_in_process, text, name, says):
    path = tmp_path / name
    if isinstance(text, bytes):
        path.write_bytes(text)
    elif text is not None:
        path.write_text(text)
    result = conda_in_process("torch-install", "-d", "--offline", "-f", path)
    assert result.rc == 1
    assert says in said(result)
    assert "Traceback" not in result.stderr


def test_a_folder(mirrored, tmp_path, conda_in_process):
    result = conda_in_process("torch-install", "-d", "--offline", "-f", tmp_path)
    assert "it is a folder" in said(result)


def test_a_saved_plan_takes_no_file(mirrored, file, conda_in_process, tmp_path):
    result = conda_in_process("torch-install", "--plan", tmp_path, "-f", file())
    assert result.rc == 2
    assert "`--plan` does not go with --file" in result.stderr


def test_a_plan_that_is_saved_says_what_it_lacks(mirrored, file, conda_in_process, tmp_path):
    path = file(FILE + "  - pip: [labtools]\nvariables: {LAB_HOME: /data}\n")
    plan = tmp_path / "plan"
    found = conda_in_process("torch-install", "--json", "--save-plan", plan, "-f", path).ok()
    assert "file_section_kept" in codes(found.json()["torchmirror"])
    assert "pytorch-2.5.1" in (plan / "explicit.txt").read_text()


# What real files are like


@pytest.mark.parametrize(
    ("codec", "bom"), [("utf-8", b""), ("utf-8-sig", b""), ("utf-16", b"")], ids=str
)
def test_encodings(file, preview, codec, bom):
    path = file()
    path.write_bytes(FILE.replace("# of the lab", "# 实验室").encode(codec))
    assert preview(path, "--offline")["specs"][0] == PYTORCH


def test_a_file_at_a_url(file, preview, make_mirror, tmp_path):
    file()
    server = make_mirror(tmp_path, {"project": ""})
    found = preview("-f", f"{server.url}/project/environment.yml")
    assert found["specs"][0] == PYTORCH
    assert found["files"][0]["path"] == f"{server.url}/project/environment.yml"


def test_pips_torch_beside_condas_is_said(file, preview):
    found = preview(file(FILE + "  - pip: [torch==2.7.1+cu128, wandb]\n"), "--offline")
    (told,) = [w["text"] for w in found["warnings"] if w["code"] == "file_pip_over"]
    assert "torch==2.7.1+cu128" in told
    assert "wandb" not in told


def test_secrets_are_not_shown(file, mirrored, conda_in_process):
    path = file(
        FILE.replace("- pytorch\n", "- https://me:hush@lab.example/t/hush-2/own\n  - pytorch\n", 1)
        + "  - https://me:hush@lab.example/own::thing\n"
        + "  - pip: ['git+https://me:hush@lab.example/x']\nvariables: {KEY: hush}\n"
    )
    for words in ((), ("--json",), ("-v",)):
        result = conda_in_process("torch-install", "-d", "--offline", *words, "-f", path).ok()
        assert "hush" not in said(result)


@needs_real
def test_every_real_file_gives_a_decision_or_one_clear_error(mirrored, conda_in_process):
    decided = 0
    paths = sorted(SHARED.glob("*.yml"))
    for path in paths:
        before = path.read_bytes()
        result = conda_in_process("torch-install", "-d", "--offline", "--json", "-f", path)
        found = result.json()
        assert path.read_bytes() == before
        if result.rc == 0:
            decided += 1
            chosen = found["torchmirror"]
            assert chosen["specs"][0].startswith("pytorch="), path.name
            named = {spec.partition("::")[2] or spec for spec in chosen["files"][0]["specs"]}
            others = set(chosen["request"]["others"])
            # Everything that was not chosen by us is there as written.
            assert {spec for spec in named if "torch" not in spec and spec != "cpuonly"} <= {
                other.partition("::")[2] or other for other in others
            } | {spec for spec in named if spec.startswith(("cpuonly", "pytorch"))}, path.name
        else:
            assert result.rc == 1, path.name
            assert found["exception_name"] in (
                "CondaValueError",
                "FileElsewhere",
                "FileNotReadable",
                "NoFittingBuild",
                "NoTorchInFile",
            ), (path.name, found)
            assert "Traceback" not in result.stderr
    assert len(paths) == 65
    assert decided > 30
