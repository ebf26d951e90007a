"""The channels of an environment file: their order, what is added, mirrors, nodefaults."""

from __future__ import annotations

import pytest
from support.file_requests import FILE, channels_of, codes
from support.prefixes import installed

pytest_plugins = ("support.file_fixtures",)


def test_channels_keep_their_order(file, preview_file):
    found = preview_file(file())
    assert channels_of(found["command_by_name"]) == ["conda-forge", "nvidia", "pytorch"]
    assert [channel["name"] for channel in found["channels"]] == ["pytorch", "nvidia"]
    assert "file_channel_added" not in codes(found)


def test_what_the_builds_need_is_added_behind_and_said(file, preview_file):
    found = preview_file(file(FILE.replace("  - nvidia\n  - pytorch\n", "")))
    assert channels_of(found["command_by_name"]) == ["conda-forge", "pytorch", "nvidia"]
    assert codes(found).count("file_channel_added") == 2


def test_what_the_builds_need_is_really_added(mirrored, file, conda_in_process, sandbox):
    path = file(FILE.replace("  - nvidia\n", ""))
    conda_in_process("torch-install", "-y", "-q", "-f", path).ok()
    assert installed(sandbox.envs / "lab")["pytorch-cuda"].startswith("12.4=")


def test_channels_of_the_command_line_come_first(file, preview_file):
    found = preview_file(file(), "-c", "bioconda")
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
    from conda_torchmirror.install.files import reading
    from conda_torchmirror.mirrors.registry import Route
    from conda_torchmirror.options import InstallOptions

    path = file(FILE.replace("- pytorch\n", f"- {url}\n", 1))
    _, given = reading.take(InstallOptions(files=(str(path),)))
    wanted = [Route("pytorch", "https://here/pytorch", "here")]
    (every,), lacking, notices = given.located(wanted, "linux-64")
    assert (every.channel, every.mirror) == ("pytorch", mirror)
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


def test_where_no_channel_has_python_one_is_added(mirrored, file, preview_file):
    mirrored(channels=["nvidia"])
    found = preview_file(file(FILE.replace("  - conda-forge\n", "")))
    assert channels_of(found["command_by_name"]) == ["nvidia", "pytorch", "conda-forge"]
    assert "no_channels" in codes(found)


FORGE = """\
    name: lab
    channels:
      - {channels}
    dependencies:
      - pytorch
      - samtools
    """


@pytest.mark.parametrize(
    ("channels", "words", "passed"),
    [
        ("conda-forge bioconda", [], ["conda-forge", "bioconda"]),
        ("bioconda conda-forge", [], ["conda-forge", "bioconda"]),
        ("bioconda", [], ["conda-forge", "bioconda"]),
        ("conda-forge bioconda defaults", ["-c", "own"], ["conda-forge", "own", "bioconda"]),
        (
            "pytorch nvidia bioconda",
            ["--source", "conda-forge"],
            ["conda-forge", "bioconda"],
        ),
        (
            "conda-forge https://conda.company.example/team",
            [],
            ["conda-forge", "https://conda.company.example/team"],
        ),
    ],
    ids=["both", "in-front", "alone", "words", "other-source", "url"],
)
def test_channels_of_a_file_stay_where_defaults_is_left_out(
    condarc, file, conda_in_process, channels, words, passed
):
    condarc(channels=["defaults"])
    path = file(FORGE.format(channels="\n      - ".join(channels.split())))
    asked = ("torch-install", "-d", "--offline", "--json", "--cuda", "12.9", "-f", path, *words)
    found = conda_in_process(*asked).ok().json()["torchmirror"]
    assert channels_of(found["command_by_name"]) == passed
    assert "--override-channels" in found["command_by_name"].split()


@pytest.mark.parametrize(
    "words",
    [["-c", "bioconda", "--override-channels"], ["nodefaults"]],
    ids=["option", "nodefaults"],
)
def test_a_printed_command_keeps_to_the_channels_too(condarc, file, conda_in_process, words):
    condarc(channels=["defaults"], override_channels_enabled=True)
    listed = "\n      - ".join(["bioconda", *(w for w in words if w == "nodefaults")])
    options = words if words[0] == "-c" else ["-f", file(FORGE.format(channels=listed))]
    asked = ("torch-install", "-d", "--offline", "--json", "--cuda", "12.4", "-n", "new")
    for source in ("pytorch", "conda-forge"):
        done = conda_in_process(*asked, "--source", source, *options)
        found = done.ok().json()["torchmirror"]
        for command in (found["command"], found["command_by_name"]):
            assert command.split().count("--override-channels") == 1


@pytest.mark.parametrize(
    ("named", "specs", "cuda", "source"),
    [
        ("pytorch, nvidia, conda-forge", ("conda-forge::pytorch",), "12.4", "conda-forge"),
        (
            "conda-forge, nvidia",
            ("pytorch::pytorch=2.1.0", "pytorch::torchvision"),
            "12.4",
            "pytorch",
        ),
        (
            "conda-forge, nvidia",
            ("pytorch::pytorch=2.1.0", "pytorch::pytorch-cuda=11.8"),
            "cpu",
            "pytorch",
        ),
        ("conda-forge", ("torchvision", "pytorch::pytorch"), "cpu", "pytorch"),
    ],
)
def test_a_channel_that_a_line_names_decides_the_source(
    file, preview_file, named, specs, cuda, source
):
    """The line lost its channel, and the first of the file's channels decided."""
    lines = "".join(f"  - {spec}\n" for spec in ("python=3.11", *specs))
    text = f"channels: [{named}]\ndependencies:\n{lines}"
    words = ("-n", "new", "--cuda", cuda, "--offline", "--source", "auto")
    found = preview_file(file(text), *words)
    assert found["selected"]["source"] == source
