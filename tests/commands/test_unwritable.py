"""Folders that this account may not write to: what needs them says so before it downloads anything,
and the rest works."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.files import contents
from support.isolation import Sandbox
from support.prefixes import whole
from support.running import Result
from support.sites import ASK, TORCH, Sites

from conda_torchmirror.exceptions.mirror import CacheClosed, CannotWrite
from conda_torchmirror.exceptions.usage import BadCacheOption

pytest_plugins = ("support.site_fixtures",)

Conda = Callable[..., Result]


@contextmanager
def closed(*folders: Path) -> Iterator[None]:
    """Nothing can be written in these folders, or below them, within the block."""
    below = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    before = {path: path.stat().st_mode for path in below}
    try:
        for path in before:
            path.chmod(0o555 if path.is_dir() else 0o444)
        if any(os.access(folder, os.W_OK) for folder in folders):
            pytest.skip("this account, or this system, may write everywhere")
        yield
    finally:
        for path, mode in before.items():
            path.chmod(mode)


def fetched(sites: Sites) -> int:
    return sum(sites.fetched(TORCH).values())


@pytest.mark.parametrize("part", [".", "conda-meta"])
def test_an_environment_is_refused_before_the_download(
    sites: Sites, prefix: Path, conda_in_process: Conda, part: str
) -> None:
    before = contents(prefix)
    with closed(prefix / part):
        refused = conda_in_process(*ASK, "-p", prefix)
        previewed = conda_in_process(*ASK, "-p", prefix, "--dry-run")
        kept = conda_in_process(*ASK, "-p", prefix, "--download-only")
    assert refused.rc == 1
    assert f"{prefix / part} cannot be written" in refused.stderr.replace("\n", " ")
    assert "your account has no permission for it" in refused.words
    assert "run the same command with `-n NEW`" in refused.words
    assert previewed.rc == kept.rc == 0
    assert contents(prefix) == before
    assert fetched(sites) == 1  # for --download-only
    # What it offers works.
    conda_in_process(*ASK, "-n", "NEW").ok()


def test_so_is_a_new_one_where_none_can_be_made(
    sites: Sites, tmp_path: Path, conda_in_process: Conda
) -> None:
    (tmp_path / "there").mkdir()
    with closed(tmp_path / "there"):
        refused = conda_in_process(*ASK, "-p", tmp_path / "there" / "a" / "b")
    assert refused.rc == 1
    assert f"make {tmp_path / 'there'} writable for your account" in refused.words
    assert "another place for -p" in refused.words
    assert fetched(sites) == 0


@pytest.mark.parametrize("words", [(), ("--dry-run",), ("--list",), ("--download-only",)])
def test_the_package_cache(
    sites: Sites, prefix: Path, sandbox: Sandbox, conda_in_process: Conda, words: tuple[str, ...]
) -> None:
    sandbox.pkgs.mkdir()
    before = contents(prefix)
    with closed(sandbox.pkgs):
        refused = conda_in_process(*ASK, *words, "-p", prefix)
    assert refused.rc == 1
    assert f"CannotWrite: {sandbox.pkgs} cannot be written" in refused.words
    assert "conda config --prepend pkgs_dirs" in refused.words
    assert contents(prefix) == before


def test_a_home_is_not_needed(
    sites: Sites, prefix: Path, sandbox: Sandbox, conda_in_process: Conda
) -> None:
    sandbox.pkgs.mkdir()
    with closed(sandbox.home):
        conda_in_process(*ASK, "-p", prefix, "--dry-run").ok()
        conda_in_process("torch-mirror", "status").ok()
        conda_in_process(*ASK, "-p", prefix).ok()
        refused = conda_in_process("torch-mirror", "enable", "conda-forge")
    assert refused.rc == 1
    assert "torchmirror.yml cannot be written" in refused.stderr.replace("\n", " ")


@pytest.mark.parametrize("there", ["no folder", "no text", "a file"])
def test_the_list_of_environments_is_not_needed(
    sites: Sites,
    prefix: Path,
    sandbox: Sandbox,
    conda_in_process: Conda,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    there: str,
) -> None:
    """Conda took out what it had installed, with a bare message of the system."""
    monkeypatch.setenv("CONDARC", str(sandbox.condarc))
    home = tmp_path / "home"
    if there == "no folder":
        home = Path(os.devnull)
    elif there == "a file":
        home.mkdir()
        (home / ".conda").touch()
    else:
        (home / ".conda").mkdir(parents=True)
        (home / ".conda" / "environments.txt").write_bytes(b"/opt/\xff\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    conda_in_process(*ASK, "-p", prefix).ok()
    conda_in_process(*ASK, "-p", tmp_path / "new").ok()
    assert whole(prefix)
    assert whole(tmp_path / "new")
    if there == "no text":
        assert (home / ".conda" / "environments.txt").read_bytes() == b"/opt/\xff\n"
    # What fails after that is told as it is.
    refused = conda_in_process(*ASK, "-p", tmp_path / "other", "no-such-package")
    assert "no-such-package" in refused.words
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ((*ASK, "--python", "3.12", "--save-plan"), CannotWrite),
        (("torch-mirror", "cache", "--check"), BadCacheOption),
    ],
    ids=["plan", "cache"],
)
def test_a_name_that_no_folder_can_have(
    sites: Sites,
    conda_in_process: Conda,
    tmp_path: Path,
    words: tuple[str, ...],
    error: type[Exception],
) -> None:
    """`Path.exists` raises for it, up to Python 3.11."""
    done = conda_in_process(*words, tmp_path / ("x" * 300))
    assert isinstance(done.error, error), done


def test_a_package_cache_that_another_account_keeps_to_itself(
    sites: Sites,
    prefix: Path,
    sandbox: Sandbox,
    conda_in_process: Conda,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """One for everybody, filled with a umask that lets nobody else in: conda ends in its error
    report, and so did a plan."""
    plan, shared, before = tmp_path / "plan", tmp_path / "shared by all", contents(prefix)
    words = ("torch-install", "-y", "--plan", plan, "-p", prefix)
    conda_in_process(*ASK, "--python", "3.12", "--save-plan", plan).ok()
    (shared / "pytorch-2.5.1-0").mkdir(parents=True)
    monkeypatch.setenv("CONDA_PKGS_DIRS", f"{sandbox.pkgs},{shared}")
    shared.chmod(0)
    try:
        if os.access(shared, os.R_OK):
            pytest.skip("this account, or this system, may read everywhere")
        refused = conda_in_process(*words)
        assert isinstance(refused.error, CacheClosed), refused
        assert f'`chmod -R a+rX "{shared}"`' in refused.words
        assert contents(prefix) == before
    finally:
        shared.chmod(0o755)
    conda_in_process(*words).ok()
