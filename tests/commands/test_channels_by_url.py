"""Channels that are named by the URL of a mirror, as guides have it, while that mirror fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.files import contents
from support.isolation import Sandbox
from support.mirror import Mirror
from support.prefixes import records
from support.running import Result
from support.sites import ASK, FIRST, SET, TORCH, Sites

pytest_plugins = ("support.site_fixtures",)

Conda = Callable[..., Result]
CondaRc = Callable[..., Path]

FAULTS = ("blocked", "not_found", "refused", "html")


def url(mirror: Mirror, channel: str = "pytorch", end: str = "/linux-64/") -> str:
    return f"{mirror.url}/anaconda/cloud/{channel}{end}"


def indexes(mirror: Mirror, channel: str = "pytorch") -> int:
    """How often a mirror was asked for an index of a channel as a whole."""
    ends = ("repodata.json", "repodata.json.zst")
    return sum(
        f"/{channel}/" in one.path and one.path.endswith(ends) and one.headers.get("Range") != FIRST
        for one in list(mirror.requests)
    )


@pytest.mark.parametrize("end", ["", "/", "/linux-64", "/linux-64/", "/win-64"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_channel_of_the_set_comes_from_the_next_mirror(
    sites: Sites, prefix: Path, conda_in_process: Conda, fault: str, end: str
) -> None:
    """The choice came from the next mirror, and conda was sent to the first one all the same."""
    sites.first.fail("*", fault)
    done = conda_in_process(*ASK, "-c", url(sites.first, end=end), "-p", prefix).ok()
    assert set(records(prefix)) == SET
    assert records(prefix)["pytorch"]["url"].startswith(sites.second.url)
    assert "`pytorch`, `conda-forge` from second" in done.words or "from second" in done.words
    assert sites.first.url not in " ".join(done.words.partition("The same in plain conda")[2:])


@pytest.mark.parametrize("fault", FAULTS)
def test_so_does_conda_forge_beside_it(
    sites: Sites, condarc: CondaRc, prefix: Path, conda_in_process: Conda, fault: str
) -> None:
    condarc(**{**sites.settings(), "channels": ["pytorch"]})
    sites.first.fail("*", fault)
    words = ("-c", url(sites.first), "-c", url(sites.first, "conda-forge", ""))
    conda_in_process(*ASK, *words, "-p", prefix).ok()
    assert set(records(prefix)) == SET
    assert records(prefix)["filelock"]["url"].startswith(sites.second.url)


def test_the_mirror_that_is_typed_is_asked_first(
    sites: Sites, prefix: Path, conda_in_process: Conda
) -> None:
    conda_in_process(*ASK, "-c", url(sites.second), "-p", prefix).ok()
    assert set(records(prefix)) == SET
    assert indexes(sites.first) == 0
    assert sites.fetched(TORCH) == {"first": 0, "second": 1, "third": 0, "upstream": 0}


@pytest.mark.parametrize("bound", [False, True], ids=["--mirror", "torchmirror_only"])
def test_a_mirror_that_is_asked_for_or_alone_allowed_goes_before_it(
    sites: Sites, condarc: CondaRc, prefix: Path, conda_in_process: Conda, bound: bool
) -> None:
    settings = sites.settings("first")
    if bound:
        settings["plugins"]["torchmirror_only"] = ["first"]
    condarc(**settings)
    words = () if bound else ("--mirror", "first")
    conda_in_process(*ASK, "-c", url(sites.second), *words, "-p", prefix).ok()
    assert sites.fetched(TORCH)["second"] == indexes(sites.second) == 0


def test_any_other_address_stays_as_it_is_typed(sites: Sites, conda_in_process: Conda) -> None:
    """The official one, a label, another channel, a server that nobody knows."""
    official = f"{sites.upstream.url}/pytorch"
    label = url(sites.first, "pytorch/label/x", "")
    other = url(sites.first, "bioconda", "")
    words = ("-c", official, "-c", label, "-c", other, "-c", "https://lab.example/pytorch")
    shown = conda_in_process(*ASK, *words, "--dry-run", "--offline", "--json").ok().json()
    assert " ".join(words[2:]) in shown["torchmirror"]["command"]


@pytest.mark.parametrize("fault", FAULTS)
def test_condas_own_command_says_that_the_name_works(
    sites: Sites, condarc: CondaRc, tmp_path: Path, conda_in_process: Conda, fault: str
) -> None:
    settings = sites.settings()
    settings["plugins"]["torchmirror_auto"] = True
    condarc(**settings)
    sites.first.fail("*", fault)
    words = ("create", "-y", "-p", tmp_path / "one", "--override-channels", "pytorch-mutex", "-c")
    refused = conda_in_process(*words, url(sites.first))
    assert refused.rc == 1
    assert f"write `pytorch` in place of `{url(sites.first)}`" in refused.words
    conda_in_process(*words, "pytorch").ok()
    there = records(tmp_path / "one")["pytorch-mutex"]["url"]
    assert there.startswith(sites.second.url)


@pytest.mark.parametrize("own", [False, True], ids=["torch-install", "conda"])
@pytest.mark.parametrize("fault", FAULTS)
def test_one_of_the_configuration_is_told_with_its_file(
    sites: Sites,
    condarc: CondaRc,
    sandbox: Sandbox,
    prefix: Path,
    conda_in_process: Conda,
    fault: str,
    own: bool,
) -> None:
    settings: dict[str, Any] = sites.settings()
    settings["plugins"]["torchmirror_auto"] = True
    there = url(sites.first, "conda-forge", "/")
    condarc(**{**settings, "channels": [there]})
    sites.first.fail("*", fault)
    words = ("install", "-y", "filelock", "-p", prefix) if own else (*ASK, "-p", prefix)
    before = contents(prefix)
    refused = conda_in_process(*words)
    assert refused.rc == 1
    assert contents(prefix) == before
    step = f"write `conda-forge` in place of `{there.rstrip('/')}"
    assert step in refused.words
    assert f" in {sandbox.condarc}: by its name it is read from the next mirror" in refused.words
    condarc(**{**settings, "channels": ["conda-forge"]})
    conda_in_process(*words).ok()
    assert records(prefix)["filelock"]["url"].startswith(sites.second.url)


@pytest.fixture
def mirrors(
    channels: Path, make_mirror: Callable[..., Mirror], upstream: Mirror, sandbox: Sandbox
) -> tuple[Mirror, Mirror, dict[str, Any]]:
    """Two mirrors as tuna's, and an rc file as its page has it: `default_channels` by URL."""
    cloud = {"pytorch": "anaconda/cloud", "conda-forge": "anaconda/cloud", "pkgs/main": "anaconda"}
    first, second = make_mirror(channels, cloud), make_mirror(channels, cloud)
    second.mounts["/anaconda/pkgs/r/"] = channels / "pkgs/main"
    entries = {
        name: {"roots": [f"{mirror.url}/anaconda"], "channels": {one: {} for one in carried}}
        for name, mirror, carried in (
            ("first", first, cloud),
            ("second", second, [*cloud, "pkgs/r"]),
        )
    }
    (sandbox.home / "mirrors.json").write_text(json.dumps(entries))
    settings = {
        "channels": ["defaults"],
        "default_channels": [f"{first.url}/anaconda/pkgs/{part}" for part in ("main", "r")],
        "custom_channels": upstream.custom_channels("nvidia"),
        "plugins": {
            "torchmirror_registry": str(sandbox.home / "mirrors.json"),
            "torchmirror_mirrors": ["first", "second"],
        },
    }
    return first, second, settings


@pytest.mark.parametrize("own", [False, True], ids=["torch-install", "conda"])
@pytest.mark.parametrize("fault", [None, "blocked", "refused"])
def test_so_are_default_channels(
    mirrors: tuple[Mirror, Mirror, dict[str, Any]],
    condarc: CondaRc,
    sandbox: Sandbox,
    tmp_path: Path,
    conda_in_process: Conda,
    from_pytorch: None,
    fault: str | None,
    own: bool,
) -> None:
    """A part that is not at the mirror any more (None), and a mirror that is gone."""
    first, second, settings = mirrors
    condarc(**settings)
    if fault:
        first.fail("*", fault)
    prefix = tmp_path / "one"
    words = ("create", "-y", "-p", prefix, "zlib")
    if not own:
        words = ("torch-install", "-y", "-p", prefix, "--cuda", "cpu", "pytorch", "--no-check")
    refused = conda_in_process(*words)
    assert refused.rc == 1
    part = "pkgs/main" if fault else "pkgs/r"
    led = f"your own `default_channels` in {sandbox.condarc} lead `{part}` there"
    assert led in refused.words
    assert not prefix.exists() or not records(prefix)
    assert "take that list out" in refused.words
    condarc(**{**settings, "default_channels": None})
    conda_in_process(*words).ok()
    if fault:
        assert any(one["url"].startswith(second.url) for one in records(prefix).values())


def test_the_file_of_enable_is_told_with_its_own_step(
    mirrors: tuple[Mirror, Mirror, dict[str, Any]],
    condarc: CondaRc,
    tmp_path: Path,
    conda_in_process: Conda,
    from_pytorch: None,
) -> None:
    first, _, settings = mirrors
    condarc(**{**settings, "default_channels": None})
    conda_in_process("torch-mirror", "enable", "defaults", "pytorch").ok()
    first.fail("*", "blocked")
    words = ("torch-install", "-y", "-p", tmp_path / "one", "--cuda", "cpu", "pytorch")
    refused = conda_in_process(*words)
    assert refused.rc == 1
    assert "`conda torch-mirror enable --hook-only` removes it" in refused.words
    conda_in_process("torch-mirror", "enable", "--hook-only").ok()
    conda_in_process(*words, "--no-check").ok()
