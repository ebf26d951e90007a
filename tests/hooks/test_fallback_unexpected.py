"""What is said where conda reports an unexpected error: the mirror is broken, not a plugin."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.mirror import Exchange

pytest_plugins = ("support.site_fixtures",)


@pytest.fixture
def auto(sites, condarc):
    """The sites, with the automatic redirect on."""
    settings = sites.settings()
    settings["plugins"]["torchmirror_auto"] = True
    condarc(**settings)


def create(prefix: Path) -> tuple[str, ...]:
    return ("create", "-y", "-p", str(prefix), "-c", "conda-forge", "filelock")


def words(result) -> str:
    return " ".join(result.stderr.split())


@pytest.mark.parametrize("fault", ["truncated", "reset", "redirect_loop"])
def test_what_conda_reports_as_unexpected_ends_in_what_to_do(
    auto, sites, conda_in_process, tmp_path, fault
):
    """Conda's report has a hundred lines, and ends in the advice to turn plugins off."""
    sites.first.fail("*/linux-64/repodata.json.zst", fault)
    failed = conda_in_process(*create(tmp_path / "one"))
    assert failed.rc == 1
    assert failed.stderr.splitlines()[-1].endswith("run again, reads `conda-forge` from second")
    conda_in_process(*create(tmp_path / "two")).ok()


def test_it_is_the_end_of_a_whole_process(sites, condarc, run_conda, tmp_path):
    settings = sites.settings()
    settings["plugins"]["torchmirror_auto"] = True
    condarc(**settings, custom_channels=sites.first.custom_channels("conda-forge"))
    sites.first.fail("*/linux-64/repodata.json.zst", "reset")
    failed = run_conda(*create(tmp_path / "one"))
    assert failed.rc == 1
    assert "torchmirror: first cut the connection" in failed.stderr.splitlines()[-1]


def test_a_compressed_index_that_is_cut_is_named_itself(auto, sites, conda_in_process, tmp_path):
    """Conda 26.7 asks for it while it handles the 404 of a smaller one, which was named."""
    sites.first.fail("*/linux-64/repodata.json.zst", "truncated")
    failed = conda_in_process(*create(tmp_path / "one"))
    assert "first sends an index that cannot be read (" in words(failed)
    assert "current_repodata" not in words(failed).rpartition("torchmirror: ")[2]


def test_an_answer_that_is_not_in_the_encoding_it_names(auto, sites, conda_in_process, tmp_path):
    """It was told as a mirror that cannot be reached, and asked again by every run."""

    def encoded(exchange: Exchange) -> None:
        exchange.send(200, b"no gzip", {"Content-Encoding": "gzip"})

    sites.first.fail("*/conda-forge/*.tar.bz2", encoded)
    failed = conda_in_process(*create(tmp_path / "one"))
    assert failed.rc == 1
    assert "tar.bz2 that cannot be read (Error -3 while decompressing data" in words(failed)
    assert "check the network" not in words(failed)
    conda_in_process(*create(tmp_path / "two")).ok()
