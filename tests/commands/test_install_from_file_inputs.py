"""Files as they come: several, broken, in any encoding, at a URL, with secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.file_requests import FILE, PYTORCH, channels_of, codes
from support.material import FOLDER

from conda_torchmirror.exceptions.file import FileNotReadable

pytest_plugins = ("support.file_fixtures",)

SHARED = FOLDER / "environments"
needs_real = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the real environment files of others are not carried here"
)


# Several files


def test_several_files_are_one_environment(file, preview_file):
    base = file("name: lab\nchannels: [conda-forge]\ndependencies: [python=3.12, tqdm]\n", "a.yml")
    more = file(
        "channels: [pytorch, nvidia]\ndependencies: [pytorch=2.5.1, pytorch-cuda=12.4]\n", "b.yml"
    )
    found = preview_file(base, more)
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
        ("torch==2.1\n", "requirements.txt", "name its PyTorch on the command line"),
        ("[project]\nname='x'\n", "pixi.toml", "a TOML file"),
        ("channels: [pytorch]\nauto_stack: 1\n", "c.yml", "is conda's own configuration, not"),
        ("FROM x\nRUN y\n", "Dockerfile", "is a Dockerfile, not"),
        (
            "version: 6\nenvironments: {}\npackages: []\n",
            "pixi.lock",
            "the file that it was made from",
        ),
        ("dependencies:\n\t- pytorch\n", "e.yml", "line 2 is no valid YAML: found character"),
        ("name: [\n", "e.yml", "line 2 is no valid YAML"),
        ("", "e.yml", "it holds nothing, where the keys"),
        ("- pytorch\n- numpy\n", "e.yml", "it holds a list, where the keys"),
        ("hello world\n", "e.yml", "it holds a text, where the keys"),
        ("'pytorch'\n", "e.yml", "it holds a text, where the keys"),
        ("name: [x]\ndependencies: [pytorch]\n", "e.yml", "`name` holds a list, where a text"),
        ("prefix: {a: b}\ndependencies: [pytorch]\n", "e.yml", "`prefix` holds a mapping"),
        ("dependencies: {pytorch: 2.3}\n", "e.yml", "`dependencies` holds a mapping"),
        ("dependencies: pytorch\n", "e.yml", "`dependencies` holds a text, where a list"),
        ("channels: pytorch\ndependencies: [pytorch]\n", "e.yml", "`channels` holds a text"),
        ("channels:\ndependencies: [pytorch]\n", "e.yml", "`channels` holds nothing"),
        ("dependencies: [pytorch, null]\n", "e.yml", "an entry of `dependencies` is nothing"),
        ("dependencies: [2.3]\n", "e.yml", "an entry of `dependencies` is a number"),
        ("dependencies: [[pytorch]]\n", "e.yml", "an entry of `dependencies` is a list"),
        ("dependencies: [pytorch, pip: torch]\n", "e.yml", "`pip` holds a text, where a list"),
        ("dependencies: [pytorch]\nvariables: [a]\n", "e.yml", "`variables` holds a list"),
        ("dependencies: [pytorch, numpy==1==2]\n", "e.yml", "numpy==1==2"),
        ("a: 1\n---\ndependencies: [pytorch]\n", "e.yml", "it has several YAML documents"),
        (None, "e.yml", "EnvironmentFileNotFound"),
        (bytes(range(1, 9)), "e.yml", "it is not a text file"),
        (f"dependencies: {'[' * 3000}{']' * 3000}", "e.yml", "it is nested too deeply"),
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
    assert says in result.words
    assert "Traceback" not in result.stderr
    # No word of Python's types, and always a next step, but where conda's own words say it all.
    assert "object has no" not in result.words
    assert "object is not" not in result.words
    if isinstance(result.error, FileNotReadable):
        assert result.error._hints


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (["environment.yml"], 'did you mean `-f "{folder}/environment.yml"`?'),
        (["course.yaml", "a.txt"], 'name a file that is there: `-f "{folder}/course.yaml"`'),
        (["enviroment.py"], "in {folder} there is no environment file"),
        (["a.txt"], "in {folder} there is no environment file"),
        (None, "there is no folder {folder}"),
    ],
)
def test_a_file_that_is_not_there(mirrored, tmp_path, conda_in_process, there, says):
    folder = tmp_path / "my files"
    if there is not None:
        folder.mkdir()
    for name in there or ():
        (folder / name).touch()
    result = conda_in_process("torch-install", "-d", "-f", folder / "enviroment.yml")
    assert result.rc == 1
    assert "there is no such file" in result.words
    assert says.format(folder=folder) in result.words


@pytest.mark.parametrize(
    ("words", "fault", "says"),
    [
        (["--offline"], None, "nothing is fetched offline"),
        ([], "not_found", "the server answers 404"),
        ([], "refused", "the server cannot be reached"),
    ],
)
def test_a_file_at_an_address(mirrored, mirror, conda_in_process, words, fault, says):
    """Offline, conda's reader takes it for empty, and that was said of the file."""
    if fault:
        mirror.fail("*", fault)
    result = conda_in_process("torch-install", "-d", *words, "-f", f"{mirror.url}/e.yml")
    assert result.rc == 1
    assert says in result.words
    assert "it holds nothing" not in result.words
    assert "download it in another way, and name the file after `-f`" in result.words


def test_a_folder(mirrored, tmp_path, conda_in_process):
    result = conda_in_process("torch-install", "-d", "--offline", "-f", tmp_path)
    assert "it is a folder" in result.words


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
def test_encodings(file, preview_file, codec, bom):
    path = file()
    path.write_bytes(FILE.replace("# of the lab", "# 实验室").encode(codec))
    assert preview_file(path, "--offline")["specs"][0] == PYTORCH


def test_a_file_at_a_url(file, preview_file, make_mirror, tmp_path):
    file()
    server = make_mirror(tmp_path, {"project": ""})
    found = preview_file("-f", f"{server.url}/project/environment.yml")
    assert found["specs"][0] == PYTORCH
    assert found["files"][0]["path"] == f"{server.url}/project/environment.yml"


def test_secrets_are_not_shown(file, mirrored, conda_in_process):
    path = file(
        FILE.replace("- pytorch\n", "- https://me:hush@lab.example/t/hush-2/own\n  - pytorch\n", 1)
        + "  - https://me:hush@lab.example/own::thing\n"
        + "  - pip: ['git+https://me:hush@lab.example/x']\nvariables: {KEY: hush}\n"
    )
    for words in ((), ("--json",), ("-v",)):
        result = conda_in_process("torch-install", "-d", "--offline", *words, "-f", path).ok()
        assert "hush" not in result.words


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
                "FileOtherChannel",
                "NoFittingBuild",
                "NoTorchInFile",
            ), (path.name, found)
            assert "Traceback" not in result.stderr
    assert len(paths) == 65
    assert decided > 30
