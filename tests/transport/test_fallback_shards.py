"""`torch-install` at official channels whose shards fail, where their whole indexes are good."""

from __future__ import annotations

import pytest
from support import shards
from support.files import contents
from support.isolation import CONDARC
from support.mirror import Exchange
from support.prefixes import records
from support.sites import ASK, SET, Row, move_upstream, open_sites, write_channels

pytest_plugins = ("support.site_fixtures",)

SHARD = f"*/{'?' * 64}.msgpack.zst"
INDEX = "*/repodata_shards.msgpack.zst"
OFFICIAL = (*ASK, "--mirror", "upstream")
AT_FORGE = ("torch-install", "pytorch", "--cuda", "12.9", "--python", "3.12", "--dry-run")
SAYS = "upstream's sharded index of `{}` cannot be read; the whole one is used"

_CUDA, _LIB = "cuda-version >=12.9,<13", "cuda129_h0000000_300"
_NEEDS = ["__cuda", _CUDA, f"libtorch 2.7.0 {_LIB}", "python >=3.12,<3.13.0a0"]
#: A pytorch of conda-forge, of which we read shards ourselves.
ROWS: list[Row] = [
    ("pytorch", "2.7.0", "cuda129_mkl_py312_h0000000_300", _NEEDS),
    ("libtorch", "2.7.0", _LIB, [_CUDA]),
    ("cuda-version", "12.9", "h0_3", []),
]


@pytest.fixture
def sharded(tmp_path, sandbox, condarc, monkeypatch):
    """The sites, with shards beside every index."""
    if not shards.READ:
        pytest.skip("this conda reads no shards")
    root = write_channels(tmp_path / "sharded", ROWS)
    for folder in root.glob("*/*"):
        shards.write(folder)
    with open_sites(root, sandbox.home / "mirrors.json") as served:
        move_upstream(monkeypatch, served.upstream.url)
        condarc(**served.settings())
        yield served


def empty(exchange: Exchange) -> None:
    """200 and nothing."""
    exchange.send(200, b"")


def other(exchange: Exchange) -> None:
    """Nothing that is compressed."""
    exchange.send(200, b"\0\1\2\3" * 300)


@pytest.fixture
def solver_reads(sharded, from_pytorch):
    """The sites, if conda's solver reads their shards: of the channel `pytorch` we read none."""
    if CONDARC["solver"] == "classic":
        pytest.skip("this solver reads no shards")
    return sharded


def test_the_shards_of_official_channels_are_read(solver_reads, conda_in_process, prefix):
    done = conda_in_process(*OFFICIAL, "-p", prefix).ok()
    assert solver_reads.upstream.asked(INDEX)
    assert set(records(prefix)) == SET
    assert "sharded" not in done.words


FAULTS = ["truncated", "reset", "html", "not_found", empty, other]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("files", [SHARD, INDEX], ids=["shard", "index"])
def test_a_solver_that_cannot_read_them_is_asked_again(
    solver_reads, conda_in_process, prefix, files, fault
):
    solver_reads.upstream.fail(files, fault)
    done = conda_in_process(*OFFICIAL, "-p", prefix).ok()
    assert set(records(prefix)) == SET
    if files == SHARD:  # without an index of shards, conda itself reads the whole one
        assert "upstream's sharded index of `" in " ".join(f"{done.words} {done.stderr}".split())


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("files", [SHARD, INDEX], ids=["shard", "index"])
def test_a_preview_reads_the_whole_index_where_they_fail(sharded, conda_in_process, files, fault):
    sharded.upstream.fail(files, fault)
    done = conda_in_process(*AT_FORGE, "--mirror", "upstream", "--source", "conda-forge").ok()
    assert sharded.upstream.asked("*/conda-forge/linux-64/repodata.json*")
    assert "PyTorch 2.7.0 for CUDA 12.9" in done.words
    assert files == INDEX or SAYS.format("conda-forge") in done.words


@pytest.mark.parametrize("fault", ["html", "truncated"])
def test_where_the_whole_index_fails_too_that_is_the_cause(
    solver_reads, conda_in_process, prefix, fault
):
    before = contents(prefix)
    solver_reads.upstream.fail(SHARD, fault)
    solver_reads.upstream.fail("*/repodata.json*", fault)
    done = conda_in_process(*OFFICIAL, "-p", prefix)
    assert done.rc == 1
    assert "Traceback" not in done.stderr
    assert "upstream" in done.stderr
    assert contents(prefix) == before


def test_shards_that_were_asked_for_by_name_end_the_run(sharded, conda_in_process):
    """The argument is stronger than what a run sets for itself, which is tried once."""
    sharded.upstream.fail(SHARD, "truncated")
    words = (*AT_FORGE, "--mirror", "upstream", "--source", "conda-forge")
    done = conda_in_process(*words, "--repodata-use-shards")
    assert done.rc == 1
    assert "Traceback" not in done.stderr
