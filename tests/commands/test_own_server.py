"""A server of the user's own configuration that no registry knows, and that does not serve: one
that is gone, or that never had any channel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.files import contents
from support.isolation import Sandbox
from support.mirror import Exchange, Mirror
from support.prefixes import records
from support.running import Result
from support.sites import ASK, SET, Sites

pytest_plugins = ("support.site_fixtures",)

Conda = Callable[..., Result]

GONE = "https://gone.invalid/anaconda/cloud"


@pytest.fixture(params=["gone", "empty"])
def led(
    request: pytest.FixtureRequest,
    sites: Sites,
    condarc: Callable[..., Path],
    make_mirror: Callable[..., Mirror],
    tmp_path: Path,
) -> Callable[..., str]:
    """`led(*channels)`: the user's configuration leads them to the server; what is wrong with
    it."""
    (tmp_path / "nothing").mkdir()
    here = make_mirror(tmp_path / "nothing", {}).url
    parent = GONE if request.param == "gone" else f"{here}/anaconda/cloud"

    def lead(*channels: str) -> str:
        settings: dict[str, Any] = sites.settings()
        settings["plugins"]["torchmirror_auto"] = True
        condarc(**settings, custom_channels=dict.fromkeys(channels, parent))
        host = parent.split("/")[2]
        said = "is not known by DNS" if parent == GONE else "does not have "
        return f"{host} {said}"

    return lead


@pytest.mark.parametrize("channels", [("pytorch",), ("conda-forge",), ("pytorch", "conda-forge")])
def test_torch_install_names_it_and_offers_what_works(
    led: Callable[..., str],
    sandbox: Sandbox,
    prefix: Path,
    conda_in_process: Conda,
    channels: tuple[str, ...],
) -> None:
    said = led(*channels)
    before = contents(prefix)
    refused = conda_in_process(*ASK, "-p", prefix)
    assert refused.rc == 1
    assert contents(prefix) == before
    assert said in refused.words
    assert "no network" not in refused.words
    entry = f"your own `custom_channels` in {sandbox.condarc} leads `{channels[0]}` there"
    assert entry in refused.words
    assert "`--mirror first` reads it from first in this run" in refused.words
    sandbox.take_blocked()
    conda_in_process(*ASK, "--mirror", "first", "-p", prefix).ok()
    assert set(records(prefix)) == SET
    sandbox.take_blocked()


def test_so_do_condas_own_commands(
    led: Callable[..., str], sandbox: Sandbox, tmp_path: Path, conda_in_process: Conda
) -> None:
    said = led("conda-forge")
    words = ("create", "-y", "-p", tmp_path / "one", "-c", "conda-forge", "filelock")
    refused = conda_in_process(*words)
    assert refused.rc == 1
    assert said in refused.words
    assert f"your own `custom_channels` in {sandbox.condarc} leads `conda-forge` there" in (
        refused.words
    )
    sandbox.take_blocked()


def authorized(exchange: Exchange) -> None:
    """401 for whoever does not log in."""
    token = "/t/tk-1/" in exchange.record.path
    if token or exchange.headers.get("Authorization", "").startswith("Basic "):
        exchange.serve()
    else:
        exchange.send(401, b"", {"WWW-Authenticate": 'Basic realm="mine"'})


@pytest.mark.parametrize("key", ["channel_alias", "custom_channels"])
@pytest.mark.parametrize("login", ["user", "token"])
def test_one_that_wants_a_log_in_gets_it_with_every_request(
    sites: Sites,
    condarc: Callable[..., Path],
    prefix: Path,
    conda_in_process: Conda,
    key: str,
    login: str,
) -> None:
    """By `channel_alias` it was asked for the chosen files without, and left for its 401."""
    mine = sites.third  # at another address than the registry's
    names = ("pytorch", "conda-forge", "nvidia")
    for start in ("/", "/t/tk-1/"):
        mine.mounts |= {f"{start}{name}/": sites.root / name for name in names}
    mine.fail("*", authorized)
    url = mine.url.replace("://", "://me:hunter2@") if login == "user" else f"{mine.url}/t/tk-1"
    led = url if key == "channel_alias" else dict.fromkeys(names, url)
    condarc(**{**sites.settings(), key: led})
    shown = conda_in_process(*ASK, "-p", prefix).ok()
    assert set(records(prefix)) == SET
    assert all(request.status != 401 for request in mine.requests)
    for said in (shown.stdout, shown.stderr):
        assert "hunter2" not in said
        assert "tk-1" not in said


def test_other_addresses_of_tuna_are_tuna() -> None:
    from conda_torchmirror.mirrors import addresses

    for host in ("mirrors4", "mirrors6"):
        url = f"https://{host}.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch"
        there = addresses.identify(url)
        assert there is not None
        assert (there.mirror, there.channel) == ("tuna", "pytorch")
