"""What Windows refuses, and for how long it is tried. The refusals here are made up; what follows
them is real."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from conda_torchmirror.envfiles import file_io
from conda_torchmirror.envfiles.disk import windows


class _Scanner:
    """Holds files open, as a virus scanner does: so many times, renaming is refused."""

    def __init__(self, times: int, real) -> None:
        self.times, self.real = times, real

    def __call__(self, *paths):
        if self.times:
            self.times -= 1
            raise PermissionError(13, "The process cannot access the file", str(paths[0]))
        return self.real(*paths)


@pytest.fixture
def patience(monkeypatch):
    monkeypatch.setattr(windows, "_PATIENCE", 5.0)
    monkeypatch.setattr(windows, "_PAUSE", 0.001)


@pytest.mark.usefixtures("patience")
def test_a_file_that_a_scanner_holds_for_a_moment_is_replaced(tmp_path, monkeypatch):
    file = tmp_path / "environment.yml"
    file.write_text("old", encoding="utf-8")
    monkeypatch.setattr(os, "replace", _Scanner(3, os.replace))
    file_io.write_file(file, "new")
    assert file.read_text(encoding="utf-8") == "new"


@pytest.mark.usefixtures("patience")
def test_a_folder_that_a_scanner_holds_for_a_moment_is_replaced(tmp_path, monkeypatch):
    folder = tmp_path / "plan"
    file_io.write_folder(folder, {"plan.json": "old"})
    scanner = _Scanner(3, Path.rename)
    monkeypatch.setattr(Path, "rename", lambda *paths: scanner(*paths))
    file_io.write_folder(folder, {"plan.json": "new"})
    assert (folder / "plan.json").read_text(encoding="utf-8") == "new"
    assert os.listdir(tmp_path) == ["plan"]


def test_a_refusal_for_good_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(windows, "_PATIENCE", 0.05)
    file = tmp_path / "environment.yml"
    file.write_text("old", encoding="utf-8")
    monkeypatch.setattr(os, "replace", _Scanner(10**6, os.replace))
    with pytest.raises(PermissionError):
        file_io.write_file(file, "new")
    assert os.listdir(tmp_path) == ["environment.yml"]


def test_another_error_is_told_at_once(monkeypatch):
    monkeypatch.setattr(windows, "_PATIENCE", 600.0)

    def missing():
        raise FileNotFoundError

    with pytest.raises(FileNotFoundError):
        windows.patiently(missing)


def test_trying_leaves_nothing(tmp_path):
    windows.try_writing(tmp_path)
    assert os.listdir(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        windows.try_writing(tmp_path / "missing")


@pytest.mark.skipif(not os.path.isdir("/sys/kernel"), reason="needs a folder closed even to root")
def test_a_folder_that_cannot_be_written_refuses_whatever_access_says(monkeypatch):
    """As Windows answers for each folder: with it, `tempfile` would try on without end."""
    monkeypatch.setattr(os, "access", lambda *_, **__: True)
    with pytest.raises(OSError, match="/sys/kernel"):
        windows.try_writing("/sys/kernel")


def test_a_folder_goes_with_its_read_only_files(tmp_path, monkeypatch):
    folder = tmp_path / "env"
    (folder / "Library").mkdir(parents=True)
    file = folder / "Library" / "torch.dll"
    file.touch()
    file.chmod(0o444)
    real = os.unlink

    def unlink(path, *, dir_fd=None):
        if not os.stat(path, dir_fd=dir_fd).st_mode & stat.S_IWRITE:  # as on Windows
            raise PermissionError(13, "Access is denied", str(path))
        real(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", unlink)
    monkeypatch.setattr(shutil, "_use_fd_functions", False)  # Windows has none
    windows.remove_tree(folder)
    assert not folder.exists()


def test_a_missing_folder_is_gone(tmp_path):
    windows.remove_tree(tmp_path / "missing")
