"""`--source wheels -f FILE --print environment.yml`: files are completed, and conda makes the
environment of each."""

from __future__ import annotations

import re

import pytest
from ruamel.yaml import YAML
from support.wheel_commands import CUDA, FAMILY, SET, dists, names
from support.wheel_fixtures import imported
from support.wheel_lab import PYTHON

from conda_torchmirror.exceptions.choice import NoFittingWheel
from conda_torchmirror.exceptions.file import NoTorchInFile
from conda_torchmirror.exceptions.usage import NotForWheels

pytest_plugins = ("support.wheel_fixtures",)

COMPLETE = ("torch-install", "--source", "wheels", "--print", "environment.yml")


@pytest.fixture
def file(tmp_path):
    """`file(text)`: write an environment file."""

    def write(text):
        path = tmp_path / "environment.yml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def complete(wheel_lab, conda_in_process, tmp_path):
    """`complete(path, *words)`: the path of the completed file, and its content."""

    def run(path, *words):
        done = conda_in_process(*COMPLETE, "-f", path, *words).ok()
        new = tmp_path / "completed.yml"
        new.write_text(done.stdout)
        return new, YAML(typ="safe").load(done.stdout)

    return run


def pip_of(document):
    (section,) = [entry for entry in document["dependencies"] if isinstance(entry, dict)]
    return section["pip"]


def conda_of(document):
    return [entry for entry in document["dependencies"] if isinstance(entry, str)]


def test_an_exported_environment_is_recreated(
    wheel_lab, lab_env, install, complete, file, run_conda, tmp_path
):
    """Its export alone cannot be: it names no place of the wheels, and the index has none."""
    install().ok()
    exported = run_conda("env", "export", "-p", lab_env).ok().stdout
    assert "torch==2.7.1+cu126" in exported
    assert "://" not in exported.partition("prefix:")[0].partition("dependencies:")[2]
    again = ("-p", tmp_path / "again")
    ones_own = {"PIP_INDEX_URL": wheel_lab.index.simple, "PIP_CONFIG_FILE": None}
    assert run_conda("env", "create", *again, "-f", file(exported), env=ones_own).rc
    completed, document = complete(file(exported))
    del wheel_lab.first.requests[:]
    run_conda("env", "create", "-p", tmp_path / "third", "-f", completed).ok()
    assert dists(tmp_path / "third") == dists(lab_env)
    assert imported(tmp_path / "third", *FAMILY) == dict.fromkeys(FAMILY, "mirror cu126")
    assert names(wheel_lab.first.sent()) == SET
    assert wheel_lab.decoys.requests == []
    # And a completed file is completed again.
    file(completed.read_text())
    assert pip_of(complete(tmp_path / "environment.yml")[1]) == pip_of(document)


FILE = f"""\
name: course  # of spring
channels:
- conda-forge
dependencies:
- python={PYTHON}
- pip
# what the notebooks need
- pip:
  - --index-url https://download.pytorch.org/whl/cu118
  - torch==2.7.1
  - torchvision
  - sympy>=1.13  # for homework
variables:
  SEED: "1"
"""


def test_the_index_of_a_file_says_which_wheels_are_meant(complete, file):
    """All that is not about wheels stays, comments too."""
    new, document = complete(file(FILE))
    index, torch, vision, sympy = pip_of(document)
    assert index.startswith("--index-url http://127.0.0.1:")
    assert "/cu118/torch-2.7.1%2Bcu118-" in torch
    assert re.search("#sha256=[0-9a-f]{64}$", torch)
    assert "/cu118/torchvision-0.22.1%2Bcu118-" in vision
    assert sympy == "sympy>=1.13"
    text = new.read_text()
    for line in ("# of spring", "# what the notebooks need", "# for homework"):
        assert line in text
    assert document["variables"] == {"SEED": "1"}
    assert (document["name"], document["channels"]) == ("course", ["conda-forge"])


@pytest.mark.parametrize(
    ("specs", "variant", "left"),
    [
        (["pytorch=2.7.1", "torchvision", "pytorch-cuda=11.8"], "cu118", []),
        (["pytorch", "torchvision=0.22.1", "cpuonly"], "cpu", []),
        (["pytorch==2.7.1", "cudatoolkit=11.8", "tqdm"], "cu118", ["tqdm"]),
        (["pytorch=2.7.1=cpu_mkl_py312_0", "pytorch-cpu"], "cpu", []),
        (["conda-forge::pytorch-gpu=2.7", "cudatoolkit=12.6", "numpy<2"], "cu126", ["numpy<2"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_condas_packages_give_way_to_wheels(complete, file, specs, variant, left):
    lines = "".join(f"- {spec}\n" for spec in specs)
    _, document = complete(file(f"name: x\ndependencies:\n- python={PYTHON}\n{lines}"))
    _, torch, *_ = pip_of(document)
    assert f"/{variant}/torch-2.7.1%2B{variant}-" in torch
    assert conda_of(document) == [f"python={PYTHON}", *left, "pip>=20.3"]


def test_other_lines_of_the_pip_section_stay(complete, file):
    own = [
        "--extra-index-url https://pypi.company.example/simple",
        "-r more.txt",
        "rich[jupyter]==13.0 ; python_version > '3'",
        "tool @ https://company.example/tool-1.0-py3-none-any.whl",
    ]
    text = f"dependencies:\n- python={PYTHON}\n- pip:\n  - torch==2.7.1+cpu\n"
    yaml = YAML()
    document = yaml.load(text)
    document["dependencies"][1]["pip"] += own
    path = file("")
    with path.open("w") as out:
        yaml.dump(document, out)
    found = pip_of(complete(path)[1])
    assert set(own) <= set(found)
    assert found.index(own[0]) < found.index(own[2])


def test_the_command_line_decides(complete, file):
    text = f"dependencies:\n- python={PYTHON}\n- pip: [torch]\n"
    for words, variant in (((), "cpu"), (CUDA, "cu126"), (("--cuda", "11.8"), "cu118")):
        assert f"/{variant}/torch-" in pip_of(complete(file(text), *words)[1])[1]


def test_what_no_mirror_has_is_said(complete, conda_in_process, file):
    path = file(f"dependencies:\n- python={PYTHON}\n- pip: [torch==2.7.1+cu999]\n")
    assert isinstance(conda_in_process(*COMPLETE, "-f", path).error, NoFittingWheel)


def test_a_file_without_torch_is_refused(wheel_lab, conda_in_process, file):
    path = file(f"dependencies:\n- python={PYTHON}\n- pip: [rich]\n")
    assert isinstance(conda_in_process(*COMPLETE, "-f", path).error, NoTorchInFile)


@pytest.mark.parametrize(
    ("words", "error"), [(("--source", "wheels"), NotForWheels), ((), NoTorchInFile)]
)
def test_installing_by_a_file_names_the_way(
    wheel_lab, conda_in_process, run_conda, file, sandbox, words, error
):
    """Both commands of it are run."""
    path = file(f"name: made\ndependencies:\n- python={PYTHON}\n- pip: [torch==2.7.1+cu126]\n")
    done = conda_in_process("torch-install", *words, "-f", path, "-y", "--json")
    assert isinstance(done.error, error), str(done)
    hints = {hint["hint_code"]: hint["text"] for hint in done.json()["guidance"]["hints"]}
    (command,) = re.findall("`(conda torch-install [^`]*)`", hints["complete_file"])
    said = run_conda(*command.split()[1:]).ok().stdout
    path.write_text(said)
    run_conda("env", "create", "-f", path).ok()
    assert imported(sandbox.envs / "made", "torch") == {"torch": "mirror cu126"}


# The Python of the wheels


@pytest.mark.parametrize(
    ("line", "words", "python", "lines"),
    [
        ("python", (), "3.12", ["python=3.12"]),
        ("conda-forge::python", (), "3.12", ["conda-forge::python=3.12"]),
        ("python>=3.9", (), "3.12", ["python>=3.9", "python=3.12"]),
        ("python=3", (), "3.12", ["python=3", "python=3.12"]),
        ("python>=3.9,<3.11", (), "3.10", ["python>=3.9,<3.11", "python=3.10"]),
        ("python=3.9|3.11", (), "3.11", ["python=3.9|3.11", "python=3.11"]),
        ("python!=3.12.*", (), "3.11", ["python!=3.12.*", "python=3.11"]),
        ("python=3.10.13", (), "3.10", ["python=3.10.13"]),
        ("python=3.10", ("--python", "3.11"), "3.11", ["python=3.11"]),
        ("python>=3.9", ("--python", "3.11"), "3.11", ["python>=3.9", "python=3.11"]),
    ],
)
def test_the_file_has_the_python_of_its_wheels(conda_in_process, file, line, words, python, lines):
    """Where it left Python open, conda would take a newer one, into which pip installs none of
    these wheels."""
    path = file(f"dependencies:\n- '{line}'\n- pip\n- pip: [torch==2.4.0]\n")
    listed = ("--offline", "--platform", "linux-64", *CUDA)
    done = conda_in_process(*COMPLETE, "-f", path, *listed, *words).ok()
    document = YAML(typ="safe").load(done.stdout)
    tag = f"cp{python.replace('.', '')}"
    assert f"-{tag}-{tag}-" in pip_of(document)[0]
    assert conda_of(document) == [*lines, "pip"]
    over = f"`{line}` is left out, as `--python 3.11` takes its place"
    assert (over in " ".join(done.stderr.split())) == (line not in lines and bool(words))


@pytest.mark.parametrize("line", ["python=2.7", "python>=3.13"])
def test_a_python_without_such_wheels_is_refused(conda_in_process, file, line):
    path = file(f"dependencies:\n- '{line}'\n- pip: [torch==2.4.0]\n")
    listed = ("--offline", "--platform", "linux-64", *CUDA)
    assert isinstance(conda_in_process(*COMPLETE, "-f", path, *listed).error, NoFittingWheel)
    refused = conda_in_process("torch-install", "-f", path, *listed, "--dry-run", "--json")
    hints = [hint["hint_code"] for hint in refused.json()["guidance"]["hints"]]
    assert "file_torch_to_conda" in hints
    assert "complete_file" not in hints


def test_conda_takes_a_file_with_both_lines(complete, file, run_conda, sandbox):
    path = file("name: made\ndependencies:\n- python>=3\n- pip: [torch==2.7.1+cu126]\n")
    new, document = complete(path)
    assert conda_of(document)[:2] == ["python>=3", f"python={PYTHON}"]
    run_conda("env", "create", "-f", new).ok()
    assert imported(sandbox.envs / "made", "torch") == {"torch": "mirror cu126"}
