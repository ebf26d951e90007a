"""The folder of a plan that has to stay where it is."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from conda_torchmirror.envfiles import file_io
from conda_torchmirror.plans.folder import named, put
from conda_torchmirror.plans.saved_plan import check_folder


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """A folder that cannot be renamed, as a mount point, with an older plan and its package."""
    folder = tmp_path / "plan"
    folder.mkdir()
    for name in ("plan.json", "explicit.txt", "numpy-2.2.6-py3-none-any.whl"):
        (folder / name).write_text("old")
    rename = Path.rename

    def busy(self, target):
        if self == folder:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", busy)
    return folder


def held(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_it_gets_the_files_in_place(mounted):
    put(mounted, {"plan.json": "new", "explicit.txt": "new"})
    assert held(mounted) == {"plan.json": "new", "explicit.txt": "new"}
    assert os.listdir(mounted.parent) == ["plan"]


def test_it_is_touched_only_when_all_of_them_are_written(mounted, monkeypatch):
    """A kill before the first rename, with both files written, leaves the old plan whole."""
    seen = []
    replace = os.replace

    def killed(source, target):
        if os.path.dirname(target) == str(mounted):
            beside = mounted / ".plan.torchmirror-tmp"
            seen.append(sorted(path.read_text() for path in beside.iterdir()))
            raise SystemExit(9)
        replace(source, target)

    before = held(mounted)
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", killed)
        with pytest.raises(SystemExit):
            put(mounted, {"plan.json": "new", "explicit.txt": "new"})
    assert seen == [["new", "new"]]
    assert held(mounted) == before


def test_what_a_killed_run_left_goes_with_the_next(mounted):
    (mounted / ".plan.torchmirror-tmp").mkdir()
    (mounted / ".plan.torchmirror-tmp" / "plan.json").write_text("half")
    put(mounted, {"plan.json": "new", "explicit.txt": "new"})
    assert held(mounted) == {"plan.json": "new", "explicit.txt": "new"}


def test_nor_does_it_count_as_something_of_another(tmp_path):
    """In a folder that was empty before; it had to be emptied by hand."""
    (tmp_path / ".plan.torchmirror-tmp").mkdir()
    (tmp_path / ".plan.json.abcdefgh.torchmirror-tmp").write_text("half")
    check_folder(tmp_path)


@pytest.mark.parametrize("there", [True, False], ids=["a plan", "empty"])
def test_what_goes_wrong_leaves_it_as_it_was(mounted, there):
    if not there:
        for path in mounted.iterdir():
            path.unlink()
    before = held(mounted)
    with pytest.raises(OSError, match="no-folder"):
        put(mounted, {"plan.json": "new", "no-folder/explicit.txt": "new"})
    assert held(mounted) == before


def test_another_run_that_writes_there_is_not_written_over(tmp_path, monkeypatch):
    (tmp_path / "plan").mkdir()

    def busy(*_):
        raise TimeoutError("another run")

    monkeypatch.setattr(file_io, "write_folder", busy)
    with pytest.raises(TimeoutError):
        put(tmp_path / "plan", {"plan.json": "new"})
    assert held(tmp_path / "plan") == {}


@pytest.mark.parametrize("there", [True, False], ids=["a plan", "nothing"])
@pytest.mark.parametrize("end", [OSError(28, "full"), KeyboardInterrupt()], ids=["full", "Ctrl-C"])
def test_a_plan_is_not_given_up_before_all_its_packages_are_copied(
    tmp_path, monkeypatch, there, end
):
    """The new plan came first, and the packages of the older one had gone."""
    folder = tmp_path / "plan"
    archives = {}
    for name in ("a.conda", "b.conda"):
        archives[name] = str(tmp_path / name)
        (tmp_path / name).write_text("new")
    if there:
        folder.mkdir()
        for name in ("plan.json", "explicit.txt", "a.conda"):
            (folder / name).write_text("old")
    before = held(folder) if there else None
    files = {"plan.json": "new", "explicit.txt": "new"}
    copy = file_io.copy_whole

    def stopped(source, target):
        if source == archives["b.conda"]:
            raise end
        copy(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(file_io, "copy_whole", stopped)
        with pytest.raises(type(end)):
            put(folder, files, archives)
    assert (held(folder) if folder.exists() else None) == before
    # What a kill leaves, which ends without any of this, is no reason to refuse the folder.
    (folder / ".plan.torchmirror-tmp").mkdir(parents=True)
    (folder / ".plan.torchmirror-tmp" / "a.conda").write_text("half")
    put(folder, files, archives)
    assert held(folder) == dict.fromkeys((*files, *archives), "new")


def test_where_there_is_no_folder_what_goes_wrong_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        put(tmp_path / "file" / "plan", {"plan.json": "new"})


def test_a_plan_may_be_named_by_a_file_of_it(tmp_path):
    (tmp_path / "plan.json").write_text("")
    assert named(tmp_path / "plan.json", ("plan.json", "explicit.txt")) == tmp_path
    assert named(tmp_path / "explicit.txt", ("plan.json", "explicit.txt")) != tmp_path
    assert named(tmp_path, ("plan.json", "explicit.txt")) == tmp_path
    (tmp_path / "below" / "plan.json").mkdir(parents=True)
    assert named(tmp_path / "below" / "plan.json", ("plan.json",)).name == "plan.json"
