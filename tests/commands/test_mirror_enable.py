"""`torch-mirror enable` and `disable`: what they say is so, and --dry-run changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from support.files import contents

from conda_torchmirror.redirect import condarc
from conda_torchmirror.text.layout import width

pytest_plugins = ("support.lab_fixtures",)

FILE = ".conda/condarc.d/torchmirror.yml"


@pytest.fixture
def file(sandbox) -> Path:
    return sandbox.home / FILE


@pytest.fixture
def shared(sandbox) -> Path:
    return sandbox.system / "root" / "condarc.d" / condarc.NAME


def flat(result) -> str:
    return " ".join(result.ok().stdout.split())


#: What a state of the user's file comes from.
BEFORE = {"enabled": ("enable", "pytorch"), "disabled": ("disable",)}


@pytest.mark.parametrize("before", ["nothing", *BEFORE])
@pytest.mark.parametrize(
    ("words", "state", "unchanged"),
    [
        (("enable", "pytorch"), "enabled", "enabled"),
        (("enable", "--hook-only"), "hook_only", "nothing"),
        (("disable",), "disabled", "disabled"),
        (("enable", "--system", "pytorch"), "enabled", None),
        (("disable", "--system"), "disabled", None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_dry_run_changes_nothing(
    at_lab, conda_in_process, sandbox, file, before, words, state, unchanged
):
    at_lab(channels=["pytorch"])
    if before in BEFORE:
        conda_in_process("torch-mirror", *BEFORE[before]).ok()
    there = {**contents(sandbox.home), **contents(sandbox.system)}
    found = conda_in_process("torch-mirror", *words, "--dry-run", "--json").ok().json()
    assert found["dry_run"] is True
    assert found["torchmirror"]["state"] == state
    assert found["torchmirror"]["would_write"] is (before != unchanged)
    assert "written" not in found["torchmirror"]
    said = conda_in_process("torch-mirror", *words, "--dry-run").ok().stdout
    assert ("because of --dry-run" in said) or (before == unchanged == "nothing")
    assert {**contents(sandbox.home), **contents(sandbox.system)} == there
    if state == "hook_only":
        assert file.exists() is (before != "nothing")


def test_a_real_run_says_that_it_is_one(at_lab, conda_in_process):
    found = conda_in_process("torch-mirror", "enable", "pytorch", "--json").ok().json()
    assert found["dry_run"] is False
    assert found["torchmirror"]["written"] is True


def test_the_switch_of_everybody_outlives_the_users_file(at_lab, conda_in_process, shared, lab):
    """`disable --system`, then `enable --hook-only`: nothing is redirected, and it is said."""
    at_lab(channels=["pytorch"])
    conda_in_process("torch-mirror", "disable", "--system").ok()
    found = conda_in_process("torch-mirror", "enable", "--hook-only", "--json").ok().json()
    assert found["torchmirror"]["auto"] is False
    said = flat(conda_in_process("torch-mirror", "enable", "--hook-only"))
    assert "redirected as they run" not in said
    assert f"not redirected, because {shared} holds the switch" in said
    assert "`conda torch-mirror enable --hook-only --system` removes it" in said
    conda_in_process("torch-mirror", "enable", "--hook-only", "--system").ok()
    said = flat(conda_in_process("torch-mirror", "enable", "--hook-only"))
    assert said == "- Conda's own commands are redirected as they run."
    assert str(lab.port) in conda_in_process("info").ok().stdout


def test_the_switch_of_everybody_is_named_by_enable(at_lab, conda_in_process, shared):
    at_lab(channels=["pytorch"])
    conda_in_process("torch-mirror", "disable", "--system").ok()
    said = flat(conda_in_process("torch-mirror", "enable", "pytorch"))
    assert f"not redirected as they run: torchmirror_auto is false in {shared}" in said


def test_disabling_tells_what_still_leads_to_mirrors(at_lab, lab, conda_in_process, shared):
    at_lab(channels=["pytorch"])
    conda_in_process("torch-mirror", "enable", "--system", "pytorch").ok()
    said = flat(conda_in_process("torch-mirror", "disable"))
    assert f"{shared} still maps channels to mirrors" in said
    assert "`conda torch-mirror disable --system` ends that" in said
    assert lab.channel_url("pytorch") in conda_in_process("info").ok().stdout
    assert "still" not in flat(conda_in_process("torch-mirror", "disable", "--system"))
    assert str(lab.port) not in conda_in_process("info").ok().stdout


def test_disabling_tells_what_the_users_own_configuration_does(at_lab, lab, conda_in_process):
    parent = lab.channel_url("pytorch").removesuffix("/pytorch")
    at_lab(channels=["pytorch"], custom_channels={"pytorch": parent})
    said = flat(conda_in_process("torch-mirror", "disable"))
    assert "Your own configuration still leads these channels to mirrors: pytorch" in said


def test_what_mamba_reads_of_the_file_is_said(at_lab, lab, file, conda_in_process):
    """Names lead to the mirror for every reader; URLs by a key that conda alone has."""
    at_lab(channels=["pytorch"])
    said = flat(conda_in_process("torch-mirror", "enable", "pytorch"))
    assert "conda, mamba, micromamba and conda-lock read these channels from mirrors now" in said
    assert "mamba and micromamba find channels that are named, as `pytorch`" in said
    assert "full https://conda.anaconda.org/... URLs, and files of explicit URLs, they read" in said
    written = YAML(typ="safe").load(file)
    assert f"{written['custom_channels']['pytorch']}/pytorch" == lab.channel_url("pytorch")
    assert not [name for name in written["custom_channels"] if "://" in name]
    assert list(written.pop("migrated_custom_channels")) == ["pytorch"]
    assert list(written) == ["custom_channels"]
    dry = flat(conda_in_process("torch-mirror", "enable", "pytorch", "--dry-run"))
    assert "mamba and micromamba find" not in dry


@pytest.mark.parametrize("words", [("enable", "pytorch"), ("disable",)], ids=" ".join)
def test_what_a_killed_run_left_is_cleared(at_lab, conda_in_process, file, words):
    at_lab()
    file.parent.mkdir(parents=True)
    file.with_name(f".{condarc.NAME}.abcdefgh.torchmirror-tmp").write_text("half")
    conda_in_process("torch-mirror", *words).ok()
    assert list(file.parent.iterdir()) == [file]


def test_what_a_group_of_the_users_has_since_is_left(at_lab, conda_in_process, file):
    """A mapping of an earlier run was kept, and conda read the channel at two places."""
    at_lab()
    conda_in_process("torch-mirror", "enable", "pytorch", "conda-forge").ok()
    at_lab(custom_multichannels={"all": ["pytorch"]})
    done = conda_in_process("torch-mirror", "enable", "pytorch", "conda-forge")
    assert "Left as your own configuration has them: pytorch" in flat(done)
    assert "pytorch" not in YAML(typ="safe").load(file)["custom_channels"]


def test_every_line_fits_a_terminal(at_lab, conda_in_process, sandbox):
    at_lab(channels=["pytorch"])
    for words in (("enable",), ("disable",), ("enable", "--hook-only")):
        for line in conda_in_process("torch-mirror", *words).ok().stdout.splitlines():
            assert width(line) <= 80 or str(sandbox.root) in line, line


def test_every_line_fits_a_terminal_with_the_real_mirrors(sandbox, conda_in_process):
    for words in ((), ("--mirror", "auto")):
        shown = conda_in_process("torch-mirror", "enable", *words, "--dry-run").ok().stdout
        urls = [line.strip() for line in shown.splitlines() if "://" in line]
        assert "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch-test" in urls
        for line in shown.splitlines():
            assert width(line) <= 80 or str(sandbox.root) in line, line


def test_a_dry_run_does_not_say_that_it_is_so(at_lab, conda_in_process):
    at_lab(channels=["pytorch"])
    said = conda_in_process("torch-mirror", "enable", "pytorch", "--dry-run").ok().words
    assert "conda-lock would read these channels from mirrors" in said
    assert " now" not in said


@pytest.mark.parametrize("words", [("--mirror", "tuna"), ("nvidia",)], ids=" ".join)
def test_removing_the_file_takes_nothing_else(sandbox, conda_in_process, words):
    result = conda_in_process("torch-mirror", "enable", "--hook-only", *words)
    assert result.rc == 2
    assert f"`--hook-only` and `{' '.join(words)}` contradict each other" in result.words


def test_the_official_channels_are_no_mirror_to_enable(sandbox, file, conda_in_process):
    result = conda_in_process("torch-mirror", "enable", "--mirror", "upstream")
    assert result.rc == 2
    assert "`upstream` cannot be used as a mirror" in result.words
    assert "`conda torch-mirror disable`" in result.words
    assert not file.exists()


@pytest.mark.parametrize(
    "written",
    [
        "plugins:\n",
        "plugins:\n  torchmirror_registry:\n    lab: {roots: [x]}\n",
        "plugins:\n  torchmirror_registry: '{lab: {as_of: 2026-11-01}}'\n",
        "plugins:\n  torchmirror_mirrors: [tsinhua]\n",
    ],
    ids=["nothing", "map", "no-address", "no-mirror"],
)
def test_settings_that_cannot_be_used_do_not_keep_anybody_from_disabling(
    sandbox, conda_in_process, file, written
):
    """As the hints of their errors say."""
    sandbox.condarc.write_text(written)
    conda_in_process("torch-mirror", "disable").ok()
    assert "torchmirror_auto: false" in file.read_text()


def test_every_channel_is_told_of(at_lab, conda_in_process, lab):
    """Those that the user's entries lead nowhere, or that an allowlist keeps, were in no line."""
    cloud = f"{lab.url}/anaconda/cloud"
    at_lab(
        {"torchmirror_mirrors": ["lab"]},
        custom_channels={"pytorch": f"{cloud}/pytorch", "bioconda": "https://mine.invalid/c"},
        allowlist_channels=["conda-forge", "pytorch", "bioconda"],
    )
    named = ("conda-forge", "pytorch", "bioconda", "nvidia", "dglteam")
    said = conda_in_process("torch-mirror", "enable", *named).ok().words
    assert f"conda-forge lab {cloud}/conda-forge" in said
    assert "Left as your own configuration has them: pytorch, bioconda" in said
    assert (
        "Still from upstream, because no mirror that you prefer is known to have them: dglteam"
        in said
    )
    assert "nvidia: allowlist_channels or denylist_channels keeps lab out" in said


@pytest.mark.parametrize("path", ["", "/a,b", "/a:", "/[x]", "/a%20b", "/ü"])
def test_a_mirror_by_url_is_kept_by_its_url(at_lab, lab, conda_in_process, file, path):
    """Its host, which our reports call it, names nothing in a preference list."""
    url = f"{lab.url}{path}"
    conda_in_process("torch-mirror", "enable", "--mirror", url, "pytorch").ok()
    found = conda_in_process("torch-mirror", "status", "pytorch", "--json").ok().json()
    assert found["torchmirror"]["preference"] == [url]
    assert found["torchmirror"]["channels"][0]["code"] == "enabled"
    assert found["torchmirror"]["channels"][0]["url"] == f"{url}/pytorch"


@pytest.mark.parametrize("name", ["yes", "123", "1e5", "12:30", "2024-01-01", "nan"])
def test_a_mirror_of_any_name_is_kept(at_lab, lab, conda_in_process, name):
    entry = {"roots": [f"{lab.url}/anaconda"], "channels": {"pytorch": {}}}
    own = json.dumps({name: entry})
    at_lab({"torchmirror_registry": own}, channels=["pytorch"])
    conda_in_process("torch-mirror", "enable", "--mirror", name, "pytorch").ok()
    found = conda_in_process("torch-mirror", "status", "--json").ok().json()["torchmirror"]
    assert found["preference"] == [name]
    assert found["channels"][0]["code"] == "enabled"
