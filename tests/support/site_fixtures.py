"""Fixtures of `support.sites`, for test modules that name this one in `pytest_plugins`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .isolation import Sandbox
from .sites import Sites, move_upstream, open_sites, write_channels


@pytest.fixture(scope="session")
def small_channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The channels of `write_channels`. Do not change them."""
    return write_channels(tmp_path_factory.mktemp("small"))


@pytest.fixture
def sites(
    small_channels: Path,
    condarc: Callable[..., Path],
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    from_pytorch: None,
) -> Iterator[Sites]:
    """The servers, and an rc file that knows them; `upstream` is the official channel."""
    with open_sites(small_channels, sandbox.home / "mirrors.json") as served:
        move_upstream(monkeypatch, served.upstream.url)
        condarc(**served.settings())
        yield served


@pytest.fixture
def doubting(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Hashes are held against a built-in index that knows these packages; the hashes it has."""
    from conda_torchmirror.index import builtin

    index = json.loads((sites.root / "pytorch/linux-64/repodata.json").read_text())
    known = {f"linux-64/{fn}": record["sha256"] for fn, record in index["packages"].items()}
    monkeypatch.setattr(builtin, "hashes", lambda channel: known if channel == "pytorch" else {})
    monkeypatch.setenv("CONDA_PLUGINS_TORCHMIRROR_CHECK_HASHES", "true")
    return known


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """An environment with something in it."""
    folder = tmp_path / "env"
    (folder / "conda-meta").mkdir(parents=True)
    (folder / "conda-meta" / "history").touch()
    (folder / "share").mkdir()
    (folder / "share" / "mine.txt").write_text("mine\n")
    return folder
