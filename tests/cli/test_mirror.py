"""`conda torch-mirror`: its parser, `list` and `status`."""

from __future__ import annotations

import argparse
import json

import pytest
from support.lab import hosts

from conda_torchmirror.cli import mirror as cli_mirror
from conda_torchmirror.mirrors.registry import DEFAULT_MIRRORS, built_in
from conda_torchmirror.redirect import condarc as condarc_file
from conda_torchmirror.text.layout import width

pytest_plugins = ("support.lab_fixtures",)


@pytest.mark.parametrize("row", cli_mirror.COMMANDS, ids=lambda row: row.name)
def test_every_command_has_a_parser_and_a_handler(row):
    parser = argparse.ArgumentParser(add_help=False)
    row.configure(parser)
    assert callable(row.run)
    assert len(row.summary) <= 90
    assert row.summary.endswith(".")


@pytest.mark.parametrize("words", [(), ("list",), ("status",), ("enable",), ("disable",)])
def test_help(sandbox, conda_in_process, words):
    result = conda_in_process("torch-mirror", *words, "--help")
    assert "usage:" in result.stdout
    assert "--help" in result.stdout
    if not words:
        for row in cli_mirror.COMMANDS:
            assert row.name in result.stdout


def test_without_a_command_it_shows_its_help(sandbox, conda_in_process):
    result = conda_in_process("torch-mirror").ok()
    assert result.stdout.startswith("usage: conda torch-mirror [-h] COMMAND ...")
    for row in cli_mirror.COMMANDS:
        assert row.summary.split()[0] in result.stdout


@pytest.mark.parametrize("words", [("nothing",), ("list", "--nothing"), ("rewrite",)])
def test_usage_errors_are_argparses_own(sandbox, run_conda, words):
    assert run_conda("torch-mirror", *words).rc == 2


def test_list_shows_what_each_mirror_carries(sandbox, conda_in_process):
    text = conda_in_process("torch-mirror", "list").ok().stdout
    lines = {line.split()[-7]: line for line in text.splitlines() if len(line.split()) >= 7}
    assert lines["tuna"].split() == ["1", "tuna", "yes", "yes", "yes", "-", "yes", "-"]
    assert lines["nju"].split()[0] == "2"
    assert lines["sustech"].split() == ["sustech", *["likely"] * 5, "-"]
    assert lines["zju"].split()[4] == "campus"
    assert "xjtu" not in lines
    assert all(width(line) <= 80 for line in text.splitlines())


def test_list_as_json_has_every_fact(sandbox, conda_in_process):
    found = conda_in_process("torch-mirror", "list", "--json").ok().json()
    assert found["success"] is True
    assert found["torchmirror"]["schema"] == 1
    assert found["torchmirror"]["preference"] == list(DEFAULT_MIRRORS)
    rows = {row["name"]: row for row in found["torchmirror"]["mirrors"]}
    assert list(rows) == list(built_in())
    for name, mirror in built_in().items():
        assert rows[name]["source"] == list(mirror.source)
        assert rows[name]["as_of"] == mirror.as_of
        assert set(rows[name]["channels"]) == set(mirror.channels)
    assert rows["sustech"]["channels"]["nvidia"]["labels"] is True


def codes(result) -> dict[str, tuple[str, str]]:
    rows = result.ok().json()["torchmirror"]["channels"]
    return {row["name"]: (row["code"], row["mirror"]) for row in rows}


def test_status_says_where_and_why(sandbox, condarc, conda_in_process):
    condarc(
        channels=["conda-forge", "https://other.invalid/mine", "nowhere"],
        custom_channels={"bioconda": "https://mine.invalid/cloud"},
    )
    words = ("torch-mirror", "status", "bioconda", "conda-forge/label/x", "--json")
    assert codes(conda_in_process(*words)) == {
        "conda-forge": ("mirrored", "tuna"),
        "https://other.invalid/mine": ("url", None),
        "nowhere": ("not_carried", "upstream"),
        "pkgs/main": ("mirrored", "tuna"),
        "pkgs/r": ("mirrored", "nju"),
        "pytorch": ("mirrored", "tuna"),
        "nvidia": ("elsewhere", "upstream"),
        "bioconda": ("configured", None),
        "conda-forge/label/x": ("label", "upstream"),
    }
    text = conda_in_process("torch-mirror", "status", "bioconda").ok().stdout
    assert "https://mine.invalid/cloud/bioconda" in text
    assert str(sandbox.condarc) in text.replace("\n" + " " * 30, "")
    for line in text.splitlines():
        assert width(line) <= 80 or "https://" in line or str(sandbox.root) in line


def test_status_names_what_makes_several_channels_of_one(sandbox, condarc, conda_in_process):
    condarc(custom_multichannels={"pytorch": ["one", "two"]})
    said = conda_in_process("torch-mirror", "status").ok().words
    assert said.count(f"own configuration ({sandbox.condarc})") == 2
    assert "None" not in said


def test_status_shows_no_file_of_somebody_elses_as_ours(sandbox, conda_in_process):
    theirs = condarc_file.user_file()
    theirs.parent.mkdir(parents=True)
    theirs.write_text("channels: [mine]\n")
    assert str(theirs) not in conda_in_process("torch-mirror", "status").ok().stdout
    found = conda_in_process("torch-mirror", "status", "--json").ok().json()["torchmirror"]
    assert found["files"] == []
    theirs.write_text(condarc_file.OFF)
    found = conda_in_process("torch-mirror", "status", "--json").ok().json()["torchmirror"]
    assert found["files"] == [str(theirs)]


def test_status_of_channels_with_long_urls(sandbox, condarc, conda_in_process):
    url = "https://other.invalid/a/path/that/is/longer/than/any/name/of/a/channel/would/be"
    condarc(channels=[url, "a-channel-with-a-name-that-is-long"])
    lines = conda_in_process("torch-mirror", "status").ok().stdout.splitlines()
    at = lines.index(f"  {url}")
    assert lines[at + 1].split() == ["a", "URL", "of", "your", "own"]
    at = lines.index("  a-channel-with-a-name-that-is-long")
    assert lines[at + 1].strip() == "https://conda.anaconda.org/a-channel-with-a-name-that-is-long"
    told = [line for line in lines if "://" not in line]
    assert all(width(line) <= 80 for line in told)
    assert min(len(line.split()) for line in told if line.strip()) > 1 or len(told) < 40


def test_list_has_names_in_both_languages_and_addresses(sandbox, conda_in_process):
    text = conda_in_process("torch-mirror", "list").ok().stdout
    lines = text.splitlines()
    at = next(n for n, line in enumerate(lines) if "Tsinghua University TUNA" in line)
    assert lines[at].split(maxsplit=1) == ["tuna", "Tsinghua University TUNA, 清华大学 TUNA"]
    assert lines[at + 1].strip() == "https://mirrors.tuna.tsinghua.edu.cn"
    found = conda_in_process("torch-mirror", "list", "--json").ok().json()["torchmirror"]
    assert all(row["title_zh"] for row in found["mirrors"] if row["chosen_for"])


def test_list_on_a_console_without_chinese(sandbox, run_conda):
    text = run_conda("torch-mirror", "list", env={"PYTHONIOENCODING": "ascii"}).ok().stdout
    assert "Tsinghua University TUNA\n" in text
    assert "\\u" not in text


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ({"plugins": {"torchmirror_auto": False}}, "off"),
        ({"channel_alias": "https://mine.invalid/conda"}, "channel_alias"),
        ({"custom_channels": {"pytorch": "https://mine.invalid/x"}}, "configured"),
        (
            {"allowlist_channels": ["pytorch-x", "https://conda.anaconda.org/pytorch"]},
            "not_allowed",
        ),
        ({"plugins": {"torchmirror_mirrors": ["upstream"]}}, "elsewhere"),
        ({"plugins": {"torchmirror_only": ["ustc"]}}, "not_carried"),
        ({"channel_settings": [{"channel": "pytorch", "auth": "x"}]}, "credentials"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_every_reason_is_told(sandbox, condarc, conda_in_process, written, code):
    if "allowlist_channels" in written:
        written = {**written, "channels": ["https://conda.anaconda.org/pytorch"]}
    condarc(**written)
    words = ("torch-mirror", "status", "pytorch")
    assert codes(conda_in_process(*words, "--json"))["pytorch"][0] == code
    assert conda_in_process(*words).ok().stdout


def test_status_leaves_conda_as_it_was(at_lab, lab, conda_in_process, sandbox):
    from conda.base import context as module

    before = module.SEARCH_PATH
    shown = codes(conda_in_process("torch-mirror", "status", "--json"))
    assert shown["pytorch"] == ("mirrored", "lab")
    assert before == module.SEARCH_PATH
    assert not lab.requests
    assert not hosts(sandbox)


def test_secrets_are_not_shown(sandbox, condarc, conda_in_process):
    own = {
        "lab": {
            "roots": ["https://user:hunter2@lab.example/t/tk-123456/anaconda"],
            "channels": {"pytorch": {}},
        }
    }
    condarc(
        plugins={"torchmirror_registry": json.dumps(own)},
        channels=["https://user:hunter2@other.example/t/tk-123456/mine"],
    )
    for words in (("list",), ("status",), ("enable", "pytorch")):
        for more in ((), ("--json",)):
            result = conda_in_process("torch-mirror", *words, *more)
            assert "hunter2" not in result.stdout + result.stderr
            assert "tk-123456" not in result.stdout + result.stderr
            assert result.rc == 0


@pytest.mark.parametrize("command", ["list", "status", "enable"])
def test_a_bad_registry_is_an_error_with_its_reason(sandbox, condarc, run_conda, command):
    condarc(plugins={"torchmirror_registry": "/not/there.yml"})
    result = run_conda("torch-mirror", command, "--json")
    assert result.rc == 1
    found = result.json()
    assert found["exception_name"] == "BadRegistry"
    assert "/not/there.yml" in found["guidance"]["cause"]
    [hint] = found["guidance"]["hints"]
    assert f"torchmirror_registry in {sandbox.condarc}" in hint["text"]


def test_of_the_settings_of_mirrors_the_one_at_fault_is_named(sandbox, condarc, conda_in_process):
    held = {"torchmirror_mirrors": ["tuna"], "torchmirror_only": ["tuna"]}
    condarc(plugins={**held, "torchmirror_registry": "/not/there.yml"})
    [hint] = conda_in_process("torch-mirror", "status", "--json").json()["guidance"]["hints"]
    said = f"correct or remove torchmirror_registry in {sandbox.condarc}; "
    assert hint["text"].startswith(said)
    assert "torchmirror_mirrors" not in hint["text"]


@pytest.mark.parametrize(
    "words",
    [
        ("torch-mirror", "status"),
        ("torch-mirror", "enable"),
        ("torch-mirror", "test"),
        ("torch-mirror", "rewrite", "-"),
        ("torch-install", "--dry-run", "--offline"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("name", ["torchmirror_mirrors", "torchmirror_only"])
def test_a_setting_is_no_word_of_the_command_line(sandbox, condarc, run_conda, words, name):
    """A mirror that a setting names is not told as one that was typed, and its place is named. One
    that alone is allowed was passed over: everything came from upstream, and nothing said why."""
    condarc(plugins={name: ["tsinhua"]})
    found = run_conda(*words, "--json").json()
    assert found["exception_name"] == "BadRegistry"
    assert "Did you mean tuna?" in found["guidance"]["cause"]
    [hint] = found["guidance"]["hints"]
    assert f"{name} in {sandbox.condarc}" in hint["text"]


def test_what_alone_is_allowed_is_not_blamed_on_the_command_line(sandbox, condarc, run_conda):
    condarc(plugins={"torchmirror_only": ["tsinhua"]})
    found = run_conda("torch-install", "-d", "--offline", "--mirror", "tuna", "--json").json()
    assert found["exception_name"] == "BadRegistry"
    [hint] = found["guidance"]["hints"]
    assert f"torchmirror_only in {sandbox.condarc}" in hint["text"]


@pytest.mark.parametrize("command", ["enable", "test"])
def test_a_broken_registry_is_not_blamed_on_the_command_line(sandbox, condarc, run_conda, command):
    condarc(plugins={"torchmirror_registry": "/not/there.yml"})
    option = ("--mirror",) if command == "enable" else ()
    found = run_conda("torch-mirror", command, *option, "tuna", "--json").json()
    assert found["exception_name"] == "BadRegistry"


def test_a_mirror_that_does_not_exist_is_a_usage_error(sandbox, run_conda):
    result = run_conda("torch-mirror", "enable", "--mirror", "tsinghua")
    assert result.rc == 2
    assert "tuna" in result.stderr


def test_the_list_says_which_setting_names_no_mirror(condarc, conda_in_process):
    file = condarc(plugins={"torchmirror_mirrors": ["tsinghua"]})
    said = " ".join(conda_in_process("torch-mirror", "list").ok().stdout.split())
    assert f"torchmirror_mirrors in {file} cannot be used" in said
    assert "Did you mean tuna?" in said
    document = conda_in_process("torch-mirror", "list", "--json").ok().json()
    assert len(document["torchmirror"]["faults"]) == 1
    condarc(plugins={"torchmirror_mirrors": ["tuna"]})
    assert "cannot be used" not in conda_in_process("torch-mirror", "list").ok().stdout
