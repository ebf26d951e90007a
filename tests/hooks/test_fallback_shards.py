"""Conda's own commands at a mirror that is known to have shards, when one of them fails."""

from __future__ import annotations

import json
import shutil

import pytest
from support import shards
from support.isolation import CONDARC
from support.mirror import Exchange
from support.prefixes import records
from support.sites import move_upstream, open_sites

pytest_plugins = ("support.site_fixtures",)

SHARD = f"*/{'?' * 64}.msgpack.zst"
INDEX = "*/repodata_shards.msgpack.zst"


@pytest.fixture
def sharded(small_channels, tmp_path, sandbox, condarc, monkeypatch, from_pytorch):
    """The sites with shards beside every index, of which the first mirror's are known."""
    if not shards.READ or CONDARC["solver"] == "classic":
        pytest.skip("this conda, or its solver, reads no shards")
    root = shutil.copytree(small_channels, tmp_path / "sharded")
    for folder in root.glob("*/*"):
        shards.write(folder)
    with open_sites(root, sandbox.home / "mirrors.json") as served:
        move_upstream(monkeypatch, served.upstream.url)
        settings = served.settings()
        registry = served.registry()
        registry["mirrors"]["first"]["shards"] = True
        served.file.write_text(json.dumps(registry))
        settings["plugins"]["torchmirror_auto"] = True
        condarc(**settings)
        yield served


def create(prefix):
    return ("create", "-y", "-p", prefix, "-c", "conda-forge", "filelock")


def empty(exchange: Exchange) -> None:
    """200 and nothing."""
    exchange.send(200, b"")


def other(exchange: Exchange) -> None:
    """Nothing that is compressed."""
    exchange.send(200, b"\0\1\2\3" * 300)


def test_shards_are_read_where_they_are_known(sharded, conda_in_process, tmp_path):
    conda_in_process(*create(tmp_path / "one")).ok()
    assert sharded.first.asked(INDEX)
    assert records(tmp_path / "one")["filelock"]["url"].startswith(sharded.first.url)


@pytest.mark.parametrize(
    "fault", ["truncated", "reset", "stall", "html", "not_found", empty, other]
)
@pytest.mark.parametrize("files", [SHARD, INDEX], ids=["shard", "index"])
def test_one_that_fails_costs_one_run_at_most(sharded, conda_in_process, tmp_path, files, fault):
    """A shard that was cut or garbled ended every run in conda's unexpected error."""
    sharded.first.fail(files, fault)
    failed = conda_in_process(*create(tmp_path / "one"))
    if failed.rc == 0:  # conda has read the whole index instead
        assert files == INDEX
        return
    assert "the same command, run again, reads `conda-forge` from second" in failed.stderr
    conda_in_process(*create(tmp_path / "one")).ok()
    assert records(tmp_path / "one")["filelock"]["url"].startswith(sharded.second.url)
