"""The persistent form: a file that conda heeds without us, and its exact removal."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from support.lab import entry, hosts

from conda_torchmirror.exceptions.mirror import CannotWrite, ForeignFile
from conda_torchmirror.redirect import condarc

pytest_plugins = ("support.lab_fixtures",)

HOOK_OFF = {"CONDA_PLUGINS_TORCHMIRROR_AUTO": "false"}
FILE = ".conda/condarc.d/torchmirror.yml"


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, but for conda's own list of environments."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "environments.txt"
    }


@pytest.fixture
def file(sandbox) -> Path:
    return sandbox.home / FILE


def test_what_is_written_works_without_us(at_lab, lab, run_conda, sandbox, file):
    run_conda("torch-mirror", "enable", "pytorch", "defaults", "nvidia").ok()
    assert file.read_text().startswith(condarc.MARK)
    lab.requests.clear()
    for channel, package in (
        ("pytorch", "from-pytorch"),
        ("https://conda.anaconda.org/pytorch", "from-pytorch"),
        ("nvidia/label/cuda-12.4.0", "from-nvidia-label-cuda-12-4-0"),
        ("defaults", "from-pkgs-r"),
        ("https://repo.anaconda.com/pkgs/main", "from-pkgs-main"),
    ):
        run_conda("search", "-c", channel, "--override-channels", package, env=HOOK_OFF).ok()
    assert lab.asked("*/repodata.json*")
    assert not hosts(sandbox)


def test_a_label_that_the_mirror_lacks_stays_at_upstream(at_lab, run_conda, sandbox, lab):
    run_conda("torch-mirror", "enable", "pytorch").ok()
    lab.requests.clear()
    run_conda("search", "-c", "pytorch/label/rc", "--override-channels", "x", env=HOOK_OFF)
    assert hosts(sandbox) == {"conda.anaconda.org"}
    assert not lab.requests


@pytest.mark.parametrize("there", [True, False], ids=["folder-there", "no-folder"])
def test_it_is_removed_exactly(at_lab, run_conda, sandbox, file, there):
    if there:
        file.parent.mkdir(parents=True)
        (file.parent / "other.yml").write_text("show_channel_urls: true\n")
    before = tree(sandbox.home)
    written = run_conda("torch-mirror", "enable", "--json").ok().json()["torchmirror"]
    assert written["written"]
    assert set(tree(sandbox.home)) - set(before) == {FILE}
    again = run_conda("torch-mirror", "enable", "--json").ok().json()["torchmirror"]
    assert not again["written"]
    run_conda("torch-mirror", "enable", "--hook-only").ok()
    assert tree(sandbox.home) == before
    assert file.parent.exists() == there
    run_conda("torch-mirror", "enable", "--hook-only").ok()


def test_after_disable_nothing_is_redirected(at_lab, lab, run_conda, sandbox, file):
    at_lab(channels=["pytorch"])
    run_conda("torch-mirror", "enable").ok()
    done = run_conda("torch-mirror", "disable").ok()
    assert str(file) in done.stdout.replace("\n    ", "")
    assert file.read_text() == condarc.OFF
    assert str(lab.port) not in run_conda("info").ok().stdout
    run_conda("search", "from-pytorch")
    assert hosts(sandbox) == {"conda.anaconda.org"}
    assert not lab.requests
    run_conda("torch-mirror", "enable", "--hook-only").ok()
    assert str(lab.port) in run_conda("info").ok().stdout


def test_a_setting_that_wins_over_the_switch_is_named(at_lab, run_conda, sandbox):
    at_lab({"torchmirror_auto": True})
    done = run_conda("torch-mirror", "disable", "--json").ok().json()["torchmirror"]
    assert done["auto"] is True
    assert str(sandbox.condarc) in run_conda("torch-mirror", "disable").ok().stdout.replace(
        "\n    ", ""
    )


def test_a_users_own_configuration_stays_out_of_it(at_lab, run_conda, file):
    at_lab(
        custom_channels={"pytorch": "https://mine.invalid/cloud"},
        default_channels=["https://mine.invalid/main"],
    )
    found = run_conda("torch-mirror", "enable", "--json").ok().json()["torchmirror"]
    assert "pytorch" not in found["channels"]
    text = file.read_text()
    assert "default_channels" not in text
    assert "\n  pytorch:" not in text
    assert "\n  conda-forge:" in text


def test_packages_of_defaults_are_not_reinstalled(at_lab, lab, run_conda, sandbox):
    """`default_channels` alone would rename them, and conda 26.7 would take them anew."""
    prefix = sandbox.envs / "old"
    at_lab(channels=["defaults"])
    run_conda("create", "-y", "-q", "-p", prefix, "from-pkgs-main").ok()
    for record in (prefix / "conda-meta").glob("*.json"):
        text = record.read_text()
        record.write_text(text.replace(f"{lab.url}/anaconda", "https://repo.anaconda.com"))
    run_conda("torch-mirror", "enable").ok()
    found = run_conda("install", "-p", prefix, "from-pkgs-r", "--dry-run", "--json").json()
    assert {package["name"] for package in found["actions"]["LINK"]} == {"from-pkgs-r"}
    result = run_conda("search", "from-pkgs-main").ok()
    assert "torchmirror" not in result.stderr


def test_a_mirror_that_is_named_is_kept(at_lab, lab, run_conda, file):
    registry = {**json.loads(entry(lab)), "other": json.loads(entry(lab))["lab"]}
    at_lab({"torchmirror_registry": json.dumps(registry)})
    run_conda("torch-mirror", "enable", "--mirror", "other", "pytorch").ok()
    assert "torchmirror_mirrors: [other]" in file.read_text()
    shown = run_conda("torch-mirror", "status", "--json").ok().json()["torchmirror"]
    assert shown["preference"] == ["other"]


def test_for_everybody(at_lab, lab, run_conda, sandbox, file):
    """An administrator's file is beside the system's .condarc; a user's switch wins over it."""
    at_lab(channels=["pytorch"])
    run_conda("torch-mirror", "enable", "--system", "pytorch").ok()
    shared = sandbox.system / "root" / "condarc.d" / condarc.NAME
    assert shared.read_text().startswith(condarc.MARK)
    assert not file.exists()
    assert lab.channel_url("pytorch") in run_conda("info", env=HOOK_OFF).ok().stdout
    shown = run_conda("torch-mirror", "status", "--json").ok().json()["torchmirror"]
    assert shown["files"] == [str(shared)]
    assert {row["name"]: row["code"] for row in shown["channels"]}["pytorch"] == "enabled"
    run_conda("torch-mirror", "enable", "--system", "--hook-only").ok()
    assert not shared.parent.exists()


def test_a_file_of_somebody_else_is_not_touched(at_lab, run_conda, file):
    file.parent.mkdir(parents=True)
    file.write_text("channels: [mine]\n")
    for words in (("enable",), ("enable", "--hook-only"), ("disable",)):
        result = run_conda("torch-mirror", *words)
        assert result.rc == 1
        assert "ForeignFile" in result.stderr
    assert file.read_text() == "channels: [mine]\n"


def test_what_cannot_be_written_is_an_error(sandbox, file):
    file.parent.parent.mkdir(parents=True)
    file.parent.write_text("not a folder")
    with pytest.raises(CannotWrite):
        condarc.write(file, condarc.OFF)
    with pytest.raises(ForeignFile):
        condarc.write(file.parent, condarc.OFF)
    assert file.parent.read_text() == "not a folder"


@pytest.mark.parametrize("there", [True, False], ids=["enabled", "nothing"])
def test_what_a_killed_run_left_goes_with_the_file(tmp_path, there):
    path = tmp_path / "condarc.d" / condarc.NAME
    path.parent.mkdir()
    if there:
        condarc.write(path, condarc.OFF)
    path.with_name(f".{condarc.NAME}.abcdefgh.torchmirror-tmp").write_text("half")
    assert condarc.remove(path) is there
    assert list(tmp_path.glob("**/*.*")) == ([] if there else [path.parent])


def test_no_channel_no_file(at_lab, run_conda, file):
    result = run_conda("torch-mirror", "enable", "nowhere", "--json")
    assert result.rc == 1
    assert result.json()["exception_name"] == "NothingToEnable"
    assert not file.exists()


def test_the_mirror_that_was_meant_is_named(at_lab, run_conda, file):
    """What is typed after `enable` are channels."""
    refused = run_conda("torch-mirror", "enable", "ustc", "--json")
    assert refused.rc == 1
    hints = {one["hint_code"]: one["text"] for one in refused.json()["guidance"]["hints"]}
    assert "`conda torch-mirror enable --mirror ustc`" in hints["spec_meant"]
    run_conda("torch-mirror", "enable", "--mirror", "ustc").ok()
    assert file.exists()


def test_channels_of_an_own_alias_are_not_said_to_be_carried_nowhere(at_lab, run_conda, file):
    at_lab(channel_alias="https://own.example/conda")
    result = run_conda("torch-mirror", "enable", "pytorch", "nowhere")
    assert result.rc == 1
    assert "OwnChannels" in result.stderr
    assert "nothing to write, as these stay as they are: pytorch" in result.words
    assert "no mirror carries" not in result.words
    assert not file.exists()


def test_the_text_is_what_mirrors_tell_people_to_write():
    text = condarc.render(
        {"pkgs/main": "https://m.example/anaconda", "pytorch": "https://m.example/anaconda/cloud"},
        ["https://m.example/anaconda/pkgs/main", "https://repo.anaconda.com/pkgs/r"],
        about="Preference: m. Platform: win-64.",
        guarded=["pytorch"],
        mirrors=["m"],
    )
    assert text == (
        "# Written by conda torch-mirror enable, and removed by its option --hook-only.\n"
        "# Preference: m. Platform: win-64.\n"
        "default_channels:\n"
        "  - https://m.example/anaconda/pkgs/main\n"
        "  - https://repo.anaconda.com/pkgs/r\n"
        "custom_channels:\n"
        "  pkgs/main: https://m.example/anaconda\n"
        "  pytorch: https://m.example/anaconda/cloud\n"
        "  pytorch/label: https://conda.anaconda.org\n"
        "  pkgs/pro: https://repo.anaconda.com\n"
        "migrated_custom_channels:\n"
        "  pkgs/main: https://repo.anaconda.com\n"
        "  pytorch: https://conda.anaconda.org\n"
        "plugins:\n"
        "  torchmirror_mirrors: [m]\n"
    )


NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}(:[0-9]{1,3})?", fullmatch=True)
PATHS = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="?#"), max_size=12)


@given(NAMES, PATHS.map("http://127.0.0.1/{}".format), NAMES)
@example("yes", "http://127.0.0.1/a:", "1e5")
@example("12:30", "http://127.0.0.1/a,[b]", "2024-01-01")
@example("lab", "http://127.0.0.1/镜像/\U0001f98e", "m")
def test_whatever_is_written_is_read_as_it_was(channel, url, name):
    """By YAML of both versions: a bare yes or 12:30 is no text in the older one. And in whatever
    encoding: conda takes the system's, GBK on a Chinese Windows."""
    written = condarc.render({channel: url}, [url], about="a test", mirrors=(name, url))
    assert written.isascii()
    for version in ((1, 1), (1, 2)):
        yaml = YAML(typ="safe", pure=True)
        yaml.version = version
        found = yaml.load(written)
        assert found["default_channels"] == [url]
        assert found["custom_channels"][channel] == url
        assert channel in found["migrated_custom_channels"]
        assert found["plugins"]["torchmirror_mirrors"] == [name, url]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_pipe_in_the_place_of_the_file_keeps_nobody_waiting(sandbox, file):
    file.parent.mkdir(parents=True)
    os.mkfifo(file)
    assert condarc.ours() == ()
    with pytest.raises(ForeignFile):
        condarc.write(file, condarc.OFF)


def test_a_place_that_cannot_be_looked_at_is_an_error_of_ours(tmp_path):
    """As a folder that may not be entered, which no test can make for an administrator."""
    far = tmp_path / ("x" * 300) / condarc.NAME
    assert condarc.differs(far, condarc.OFF)
    assert not condarc.differs(far, None)
    with pytest.raises(CannotWrite):
        condarc.write(far, condarc.OFF)


def test_a_file_of_ours_with_other_bytes_in_it_is_written_anew(tmp_path):
    path = tmp_path / condarc.NAME
    path.write_bytes(condarc.OFF.encode() + b"#\n" * 9000 + b"\xff\xfe\n")
    assert condarc.differs(path, condarc.OFF)
    assert condarc.write(path, condarc.OFF)
    assert condarc.is_off(path)
