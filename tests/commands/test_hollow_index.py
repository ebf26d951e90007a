"""A mirror whose index of a channel is valid, and has no packages, or no Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.prefixes import records, whole
from support.running import Result
from support.sites import ASK, Sites

pytest_plugins = ("support.site_fixtures",)


def without(*names: str):
    """A fault: an index without these packages, or without any."""

    def answer(exchange) -> None:
        path = exchange.file()
        assert path is not None
        index = json.loads(path.with_name("repodata.json").read_text(encoding="utf-8"))
        for section in ("packages", "packages.conda"):
            index[section] = {
                fn: one
                for fn, one in index.get(section, {}).items()
                if names and one["name"] not in names
            }
        exchange.send_content(json.dumps(index).encode())

    return answer


@pytest.mark.parametrize("lacking", [(), ("python",)], ids=["everything", "Python"])
@pytest.mark.parametrize("plan", [False, True], ids=["installed", "planned"])
def test_a_base_channel_without_python_is_left_for_the_next(
    sites: Sites,
    prefix: Path,
    conda_in_process: Callable[..., Result],
    tmp_path: Path,
    plan: bool,
    lacking: tuple[str, ...],
) -> None:
    """The solver's conflict ended the run, and the next mirror was never asked."""
    sites.first.fail("*/conda-forge/linux-64/repodata.json", without(*lacking))
    sites.first.fail("*/conda-forge/*.zst", "not_found")
    save = ("--save-plan", tmp_path / "plan") if plan else ()
    result = conda_in_process(*ASK, "-p", prefix, *save).ok()
    assert "first has an index without python: `conda-forge` from second" in result.words
    if plan:
        conda_in_process("torch-install", "-y", "-p", prefix, "--plan", tmp_path / "plan").ok()
    assert whole(prefix)
    urls = {name: one["url"] for name, one in records(prefix).items()}
    assert urls["python"].startswith(sites.second.url)
    assert urls["pytorch"].startswith(sites.first.url)


def test_where_every_mirror_lacks_it_the_official_channel_is_asked(
    sites: Sites, prefix: Path, conda_in_process: Callable[..., Result]
) -> None:
    for mirror in (sites.first, sites.second):
        mirror.fail("*/conda-forge/linux-64/repodata.json", without())
        mirror.fail("*/conda-forge/*.zst", "not_found")
    conda_in_process(*ASK, "-p", prefix).ok()
    assert records(prefix)["python"]["url"].startswith(sites.upstream.url)


def test_a_request_that_has_no_solution_asks_no_other_mirror(
    sites: Sites, prefix: Path, conda_in_process: Callable[..., Result]
) -> None:
    result = conda_in_process(*ASK, "zlib=9", "-p", prefix)
    assert result.rc == 1
    assert not sites.second.asked("*/conda-forge/*")
    assert "without python" not in result.words
