"""What a mirror can do wrong, with conda-forge as the source of PyTorch: named, and found by auto.

As in `test_fault_matrix`, every cell is a whole installation over loopback from two mirrors and the
official channels: it ends in success from the next of them, or in one error, with an environment
that is complete or as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.files import contents
from support.isolation import Sandbox
from support.prefixes import records, whole
from support.running import Result
from support.sites import Row, Sites, move_upstream, open_sites, write_channels

from conda_torchmirror.index.sources import named
from conda_torchmirror.install import request
from conda_torchmirror.models import Build, Choice, Machine
from conda_torchmirror.selection.choose import choose

pytest_plugins = ("support.site_fixtures",)

_CUDA = "cuda-version >=12.9,<13"
_LIB = "cuda129_h0000000_300"


def _newest() -> Build:
    """The newest pytorch that the built-in index knows for these words: a mirror that has an older
    one alone counts as old."""
    on = Machine("linux-64", cuda="12.9", cuda_from="--cuda", python="3.12")
    source = named("conda-forge")
    known = source.built_in("linux-64")
    assert known is not None
    found = choose(on, request.make(["pytorch"], cuda_word="12.9"), known.builds, source.knowledge)
    assert isinstance(found, Choice)
    return found.torch


NEWEST = _newest()


def _rows(version: str) -> list[Row]:
    """A pytorch and its libtorch, as their records are, cut down."""
    needs = ["__cuda", _CUDA, f"libtorch {version} {_LIB}", "filelock"]
    needs += ["python >=3.12,<3.13.0a0", "python_abi 3.12.* *_cp312"]
    return [("pytorch", version, NEWEST.build, needs), ("libtorch", version, _LIB, [_CUDA])]


ROWS: list[Row] = [
    *_rows("2.7.0"),
    *_rows(NEWEST.version),
    ("cuda-version", "12.9", "h0_3", []),
    ("python_abi", "3.12", "5_cp312", ["python 3.12.*"]),
]
ASK = ("torch-install", "-y", "--cuda", "12.9", "--python", "3.12", "pytorch", "--source")

#: What the first mirror does -> what is said of it, as an expression.
FAULTS = {
    "refused": "refuses connections|cut the connection",
    "stall": "did not send",
    "reset": "cut the connection",
    "blocked": "has shut out this network",
    "not_found": "does not have",
    "server_error": "fails with 500",
    "html": "sends a web page|sent .* with another content",
    "truncated": "",
    "wrong_hash": "",
}
INDEX, PACKAGE, LIBRARY, BESIDE = (
    "*/conda-forge/linux-64/*repodata.json*",
    f"*/pytorch-{NEWEST.version}-*",
    f"*/libtorch-{NEWEST.version}-*",
    "*/filelock-3.16.1*",
)


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_channels(tmp_path_factory.mktemp("small"), ROWS)


@pytest.fixture
def served(
    channels: Path,
    condarc: Callable[..., Path],
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Sites]:
    with open_sites(channels, sandbox.home / "mirrors.json") as found:
        move_upstream(monkeypatch, found.upstream.url)
        condarc(**found.settings())
        yield found


def check(result: Result, prefix: Path) -> None:
    """What holds however a run ends."""
    assert "Traceback" not in result.stderr
    names = re.findall(r"^\w*(?:Error|Source|Build|Conflict|Unconfirmed): ", result.stderr, re.M)
    assert len(names) == (0 if result.rc == 0 else 1)
    if result.rc == 0:
        assert whole(prefix)


def came_from(sites: Sites, prefix: Path, package: str) -> str:
    """The name of the server that a package was fetched from."""
    url = records(prefix)[package]["url"]
    return next(name for name, server in sites.all.items() if url.startswith(server.url))


#: Who asks for what.
CELLS = {
    "index": ("conda-forge", INDEX, "pytorch"),
    "index, auto": ("auto", INDEX, "pytorch"),
    "package, auto": ("auto", PACKAGE, "pytorch"),
    "libtorch": ("conda-forge", LIBRARY, "libtorch"),
    "beside, auto": ("auto", BESIDE, "filelock"),
}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_mirror_is_used(served, prefix, conda_in_process, fault, cell):
    source, glob, package = CELLS[cell]
    served.first.fail(glob, fault)
    result = conda_in_process(*ASK, source, "-p", prefix).ok()
    check(result, prefix)
    assert came_from(served, prefix, package) == "second"
    assert records(prefix)["pytorch"]["version"] == NEWEST.version
    assert not served.upstream.asked("*.tar.bz2")
    assert not served.first.asked("*/pytorch/linux-64/*")
    said = " ".join(f"{result.stdout} {result.stderr}".split())
    assert re.search(f"first ({FAULTS[fault]})", said)


@pytest.mark.parametrize("source", ["conda-forge", "auto"])
def test_a_truncated_zst_alone_is_no_reason_to_leave_a_mirror(
    served, prefix, conda_in_process, source
):
    served.first.fail(f"{INDEX}.zst", "truncated")
    result = conda_in_process(*ASK, source, "-p", prefix).ok()
    check(result, prefix)
    assert came_from(served, prefix, "pytorch") == "first"
    assert "first's compressed index of `conda-forge` is " in result.words


# Where all of them fail


@pytest.mark.parametrize("fault", ["blocked", "not_found", "server_error", "html"])
def test_without_conda_forge_auto_has_the_other_channel_and_says_so(
    served, prefix, conda_in_process, fault
):
    for server in served.all.values():
        server.fail(INDEX, fault)
    # What is not there for conda-forge is not there for Python either: a preview shows it.
    result = conda_in_process(*ASK, "auto", "-p", prefix, "--dry-run").ok()
    assert "PyTorch 2.5.1 for CUDA 12.4" in result.stdout
    assert "though conda-forge may have a newer one" in result.words


@pytest.mark.parametrize(
    ("source", "glob"),
    [("conda-forge", PACKAGE), ("auto", LIBRARY), ("auto", BESIDE)],
    ids=["torch", "libtorch", "beside"],
)
@pytest.mark.parametrize("fault", ["blocked", "not_found", "server_error", "html", "wrong_hash"])
def test_a_package_that_nobody_has_leaves_the_environment(
    served, prefix, conda_in_process, fault, source, glob
):
    before = contents(prefix)
    for server in served.all.values():
        server.fail(glob, fault)
    result = conda_in_process(*ASK, source, "-p", prefix)
    assert result.rc == 1
    check(result, prefix)
    assert contents(prefix) == before
    assert "`conda-forge`" in result.stderr


@pytest.mark.parametrize("fault", ["blocked", "not_found", "server_error", "html"])
def test_an_index_that_nobody_has_is_one_error(served, prefix, conda_in_process, fault):
    before = contents(prefix)
    for server in served.all.values():
        server.fail(INDEX, fault)
    result = conda_in_process(*ASK, "conda-forge", "-p", prefix)
    assert result.rc == 1
    check(result, prefix)
    assert contents(prefix) == before
    said = " ".join(result.stderr.split())
    assert "the channel `conda-forge` cannot be had from first, second, upstream" in said
