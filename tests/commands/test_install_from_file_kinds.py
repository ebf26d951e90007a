"""Files from public repositories, reconstructed: handled, or named for what stands in the way."""

from __future__ import annotations

import pytest
from support.file_requests import codes

pytest_plugins = ("support.file_fixtures",)

HEAD = "channels: [pytorch, nvidia, conda-forge]\ndependencies:\n  - python=3.10\n"


def test_two_pip_sections_are_both_taken(file, preview_file):
    path = file(HEAD + "  - pytorch=2.3.1\n  - pip:\n    - einops\n  - pip:\n    - timm\n")
    found = preview_file(path, "-n", "x", "--offline")
    assert found["files"][0]["pip"] == ["einops", "timm"]
    (told,) = [w for w in found["warnings"] if w["code"] == "file_section_after"]
    assert "(2 lines)" in told["text"]


@pytest.mark.parametrize(
    ("prefix", "foreign"),
    [
        (r"D:\Anaconda3\envs\x", True),
        ("C:/Users/somebody/envs/x", True),
        (r"\\server\share\envs\x", True),
        ("/home/somebody/anaconda3/envs/x", False),
    ],
)
def test_a_prefix_of_another_system_is_not_used(file, preview_file, prefix, foreign):
    found = preview_file(file(f"{HEAD}  - pytorch=2.3.1\nprefix: '{prefix}'\n"), "--offline")
    assert ("file_prefix_foreign" in codes(found)) is foreign
    assert found["prefix"] == (None if foreign else prefix)


@pytest.mark.parametrize("name", [r"C:\Users\x\envs\torch", "/home/x/torch", "a/b", "my torch"])
def test_a_name_that_no_environment_can_have_is_not_used(
    mirrored, file, preview_file, conda_in_process, name
):
    """Old condas exported the path of an environment as its name: conda's own words named neither
    the file nor a way on."""
    path = file(f"name: '{name}'\n{HEAD}  - pytorch=2.1.0\n")
    found = preview_file(path, "--offline")
    assert "file_name_unusable" in codes(found)
    assert found["prefix"] is None
    assert "NoEnvironment" in conda_in_process("torch-install", "-y", "-f", path).stderr


def test_nothing_is_made_at_a_prefix_of_another_system(mirrored, file, conda_in_process):
    path = file(f"{HEAD}  - pytorch=2.3.1\nprefix: D:\\Anaconda3\\envs\\x\n")
    result = conda_in_process("torch-install", "-y", "-f", path)
    assert "NoEnvironment" in result.stderr


def test_selectors_of_a_recipe_are_named(mirrored, file, conda_in_process):
    path = file(
        HEAD.replace("3.10", "3.10  # [not win]")
        + "  - pytorch=2.3.1  # [linux]\n  - pytorch=2.2.0  # [osx]\n"
    )
    result = conda_in_process("torch-install", "-d", "--offline", "-f", path, "-n", "x")
    assert result.rc == 1
    assert "names `pytorch` more than once, with selectors such as `# [linux]`" in result.words
    assert "every line counts" in result.words


def test_a_selector_behind_a_single_line_is_a_comment(file, preview_file):
    path = file(HEAD.replace("3.10", "3.10  # [not win]") + "  - pytorch=2.3.1  # [linux]\n")
    assert preview_file(path, "-n", "x", "--offline")["selected"]["python"] == "3.10"


@pytest.mark.parametrize("name", ["123", "2.5", "true"])
@pytest.mark.parametrize("words", [(), ("-n", "x")], ids=["its own", "another"])
def test_a_name_that_yaml_reads_as_another_type(file, preview_file, name, words):
    path = file(f"{HEAD}  - pytorch=2.3.1\nname: {name}\n")
    there = preview_file(path, *words, "--offline")["prefix"]
    assert there.endswith(words[1] if words else name.title())


@pytest.mark.parametrize(
    "lines",
    [
        "  - pytorch-cuda=11.8  # [linux]\n  - pytorch-cuda=11.8  # [win]\n",
        "  - pytorch::pytorch-cuda=11.8 # [linux]\n  - pytorch-cuda=11.8 # [win]\n",
        "  - pytorch-cuda =11.8  # [linux]\n  - pytorch-cuda=11.8\n",
    ],
    ids=["twice", "with its channel", "with a space"],
)
def test_the_same_spec_twice_is_no_contradiction(file, preview_file, lines):
    path = file(f"{HEAD}  - pytorch=2.3.1  # [not osx]\n{lines}")
    assert preview_file(path, "-n", "x", "--offline")["selected"]["cuda"] == "11.8"


def test_a_metapackage_of_conda_forge_beside_what_only_the_channel_has(file, preview_file):
    path = file(HEAD + "  - pytorch-gpu\n  - pytorch-cuda=11.8\n  - torchvision\n")
    found = preview_file(path, "-n", "x", "--offline")
    assert found["selected"]["cuda"] == "11.8"
    assert "file_metapackage_out" in codes(found)
    assert not any("pytorch-gpu" in spec for spec in found["specs"])


@pytest.mark.parametrize(
    "line", ["pytorch-gpu", "pytorch-cpu", "pytorch-cpu\n  - pytorch-cuda=11.8"]
)
def test_a_metapackage_of_conda_forge_for_which_pytorch_is_written(
    mirrored, file, conda_in_process, line
):
    path = file(f"{HEAD}  - {line}\n")
    result = conda_in_process("torch-install", "-d", "--offline", "-f", path, "-n", "x")
    assert (result.rc, "FileElsewhere" in result.stderr) == (1, True)
    assert "write `pytorch` instead" in result.words
    path.write_text(path.read_text().replace("pytorch-gpu", "pytorch").replace("-cpu", ""))
    conda_in_process("torch-install", "-d", "--offline", "-f", path, "-n", "x").ok()


def test_the_build_of_the_runtime_that_a_file_names(file, preview_file):
    path = file(HEAD + "  - pytorch=2.3.1\n  - pytorch-cuda=11.8=h7e8668a_6\n")
    found = preview_file(path, "-n", "x", "--offline", "--cuda", "12.4")
    assert "pytorch-cuda=11.8=h7e8668a_6" in found["specs"]


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("python=3.10\npytorch=2.3.1\ntorchvision\n", "list.txt", "a list of specs"),
        ("numpy >=1.20\npytorch::pytorch=2.3\n", "list.txt", "a list of specs"),
    ],
)
def test_a_list_of_specs_is_known_by_its_content(
    mirrored, tmp_path, conda_in_process, text, name, says
):
    path = tmp_path / name
    path.write_text(text)
    result = conda_in_process("torch-install", "-d", "--offline", "-f", path, "-n", "x")
    assert result.rc == 1
    assert says in result.words
    assert "conda torch-install SPEC" in result.words


@pytest.mark.parametrize(
    "text", ["name: a\n", "dependencies: [pytorch=2.3]\n", "pytorch\n", "- a=1\n"]
)
def test_what_is_no_list_of_specs(text):
    from conda_torchmirror.envfiles.kind import recognise

    assert recognise(text) != "specs"


@pytest.mark.parametrize("name", ["environment.yml", "env.YAML"])
def test_a_file_without_its_option(file, conda_in_process, name):
    """Conda said of it, after a preview of the default set, that no channel has such a package."""
    path = file(name=name)
    done = conda_in_process("torch-install", "-d", "--offline", "pytorch", path)
    assert (done.rc, done.error.code) == (2, "file_as_spec")
    assert f"did you mean `-f {path}`?" in done.words


@pytest.mark.parametrize("source", ["auto", "wheels"])
def test_a_list_without_an_option(file, conda_in_process, source):
    """It is a file that `-f` would refuse: the step is what that says."""
    path = file("torch==2.3.1\n-r more.txt\n", "requirements.txt")
    done = conda_in_process("torch-install", "-d", "--offline", path, "--source", source)
    assert (done.rc, done.error.code) == (1, "not_environment_file")
    assert "name its PyTorch on the command line" in done.words
    assert "did you mean" not in done.words


@pytest.mark.parametrize("name", ["ruamel.yaml", "nothing.yml", "environment.yml"])
def test_a_package_may_be_called_as_a_file_is(mirrored, conda_in_process, name):
    words = ("pytorch", name, "--cuda", "cpu", "--offline")
    assert name in conda_in_process("torch-install", "-d", *words).ok().stdout


@pytest.mark.parametrize(
    ("line", "chosen", "others"),
    [
        ("pytorch-mutex=1.0=cuda", "`pytorch=2.3.1`, `pytorch-cuda=12.1`", 2),
        ("cpuonly", "`pytorch=2.3.1`, `cpuonly`", 1),
        ("pytorch-mutex=1.0=cpu", "`pytorch=2.3.1`", 2),
    ],
)
def test_what_is_said_of_a_file_is_what_becomes_of_it(file, preview_file, line, chosen, others):
    """A pytorch-mutex, as `conda env export` writes it, was told as a build above it, and handed
    to the solver."""
    runtime = "  - pytorch-cuda=12.1\n" if line.endswith("cuda") else ""
    path = file(f"{HEAD}  - pytorch=2.3.1\n{runtime}  - {line}\n")
    found = preview_file(path, "-n", "x", "--offline")
    (told,) = [w["text"] for w in found["warnings"] if w["code"].startswith("file_narrowed")]
    assert f": {chosen} became the builds above; {others} other spec" in told
    assert (line in found["request"]["others"]) is (others == 2)
