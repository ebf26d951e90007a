"""The commands that a refusal offers have the channels, packages and files of the one refused."""

from __future__ import annotations

import re
import shlex

import pytest
from support.torches import record

FILE = """\
name: lab
channels:
  - pytorch
  - nvidia
  - bioconda
dependencies:
  - pytorch=2.5
  - samtools
  - pip
  - pip:
    - einops
"""


@pytest.fixture
def offered(condarc, conda_in_process):
    """`offered(*words)`: by hint, the command that the refusal of a preview offers."""

    def run(*words):
        condarc(channels=["defaults"], override_channels_enabled=True)
        asked = ("torch-install", "-d", "--offline", "--json", "--cuda", "12.4", *words)
        done = conda_in_process(*asked)
        assert done.rc == 1, done
        hints = {one["hint_code"]: one["text"] for one in done.json()["guidance"]["hints"]}
        found = {
            code: re.search("`(conda torch-install [^`]*)`", said) for code, said in hints.items()
        }
        return {code: shlex.split(match[1]) for code, match in found.items() if match}

    return run


def channels(words):
    return [words[at + 1] for at, word in enumerate(words) if word == "-c"]


TOOLS = ("pytorch=2.5", "samtools", "-n", "new")


@pytest.mark.parametrize(
    ("named", "hint", "kept"),
    [
        (["bioconda"], "use_python", ["bioconda"]),
        (["bioconda", "own"], "use_python", ["bioconda", "own"]),
        (["pytorch", "nvidia", "bioconda"], "use_python", ["pytorch", "nvidia", "bioconda"]),
        (["pytorch", "nvidia", "bioconda"], "use_conda_forge", ["bioconda"]),
        ([], "use_python", []),
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_an_offered_command_has_the_channels(offered, named, hint, kept, alone):
    alone = alone and bool(named)
    words = [word for name in named for word in ("-c", name)]
    words += ["--override-channels"] if alone else []
    found = offered(*TOOLS, "--python", "3.13", "--source", "pytorch", *words)
    assert channels(found[hint]) == kept
    assert found[hint].count("--override-channels") == alone
    assert "samtools" in found[hint]


def test_another_source_is_offered_with_the_channels(offered):
    words = ("pytorch", "torchaudio", "samtools", "-n", "new", "--platform", "win-64")
    found = offered(*words, "-c", "conda-forge", "-c", "bioconda")
    assert channels(found["use_source"]) == ["conda-forge", "bioconda"]


def test_pip_is_not_offered_for_packages_of_a_channel(offered):
    words = (*TOOLS, "--python", "3.13", "--source", "pytorch")
    assert "use_wheel_set" in offered(*words)
    assert "use_wheel_set" in offered(*words, "-c", "pytorch", "-c", "nvidia")
    assert "use_wheel_set" not in offered(*words, "-c", "bioconda")
    bare = ("pytorch=2.5", "-n", "new", "--python", "3.13", "--source", "pytorch")
    assert "use_wheel_set" in offered(*bare, "-c", "bioconda")


#: Requests for which no single change is enough, and that fit without a new Python.
LESS = ("pytorch=2.99", "pytorch-cuda=12.6", "--source", "pytorch")


@pytest.mark.parametrize("option", ["-n", "-p"])
def test_less_is_asked_for_in_the_environment_that_was_named(offered, tmp_path, option):
    named = (option, "new" if option == "-n" else str(tmp_path / "new"))
    found = offered(*LESS, *named)["ask_less"]
    assert found[2:4] == list(named)
    assert offered(*LESS)["ask_less"][2] == "pytorch"


def test_another_directory_of_wheels_is_for_the_environment_that_was_named(offered):
    words = ("torch==2.9.1", "--source", "wheels", "--cuda", "rocm6.0")
    assert offered(*words, "-n", "new")["other_variant"][2:4] == ["-n", "new"]
    assert "-n" not in offered(*words)["other_variant"]


@pytest.mark.parametrize(
    ("words", "kept"), [((), []), (("-n", "lab"), []), (("-n", "new"), ["-n", "new"])]
)
def test_a_file_is_offered_for_the_environment_that_was_named(offered, tmp_path, words, kept):
    path = tmp_path / "environment.yml"
    path.write_text(FILE.replace("pytorch=2.5", "pytorch=2.99\n  - cuda-version=12.6"))
    found = offered("-f", path, "--source", "pytorch", *words)["file_open_and_leave"]
    assert found[4 : 4 + len(kept)] == kept
    assert found.count("-n") == bool(kept)


def test_pytorch_is_named_beside_a_file_in_the_same_run(offered, tmp_path):
    path = tmp_path / "environment.yml"
    path.write_text("name: lab\ndependencies: [numpy]\n")
    options = ["-n", "new", "--cuda", "12.4", "--python", "3.11", "--source", "pytorch"]
    options += ["-c", "own", "--override-channels", "--platform", "win-64"]
    found = offered("scipy", "-f", path, *options)["file_name_torch"]
    said = ["-f", str(path), "-n", "new", "--python", "3.11", "scipy", "pytorch", "torchvision"]
    said += ["--cuda", "12.4", "--platform", "win-64", "--source", "pytorch"]
    said += ["-c", "own", "--override-channels", "--offline", "--dry-run"]
    assert found[2:] == said


def test_a_label_that_is_to_be_dropped_is_not_offered_again(offered):
    found = offered("pytorch=2.99", "-n", "new", "-c", "nvidia/label/cuda-11.3.0", "-c", "bioconda")
    assert all("nvidia/label/cuda-11.3.0" not in words for words in found.values())


@pytest.mark.parametrize("hint", ["use_python", "use_conda_forge"])
def test_a_file_is_offered_as_the_file(offered, tmp_path, hint):
    path = tmp_path / "environment.yml"
    path.write_text(FILE)
    found = offered("torchvision", "scipy", "-f", path, "-c", "own", "--python", "3.13")[hint]
    # Its pip section and its channels are in it.
    assert found[2:4] == ["-f", str(path)]
    assert {"torchvision", "scipy"} <= set(found)
    assert "pytorch=2.5" not in found
    assert channels(found) == ["own"]


def test_a_python_is_offered_with_the_file(offered, tmp_path):
    path = tmp_path / "environment.yml"
    path.write_text(FILE)
    found = offered("-f", path, "--python", "3.13")["use_python"]
    said = ["conda", "torch-install", "-f", str(path), "--python", "3.12", "--cuda", "12.4"]
    assert found[: len(said)] == said  # the environment of the file is to be made


@pytest.mark.parametrize("beside", [(), ("torchvision",), ("scipy",)], ids=" ".join)
def test_a_package_is_named_once(offered, sandbox, beside):
    """Beside a release that stays because it is not named: pytorch was named twice."""
    meta = sandbox.envs / "there" / "conda-meta"
    meta.mkdir(parents=True)
    (meta / "history").touch()
    for name, version, build, channel in (
        ("pytorch", "2.1.0", "py3.11_cuda12.1_cudnn8.9.2_0", "pytorch"),
        ("torchvision", "0.16.0", "py311_cu121", "pytorch"),
        ("python", "3.11.7", "h0_0", "conda-forge"),
    ):
        record(meta.parent, name, version, build, channel=channel)
    words = offered("-n", "there", "python=3.12", *beside)["name_torch"]
    assert words.count("pytorch") == 1
    assert {"python=3.12", *beside} <= set(words)
