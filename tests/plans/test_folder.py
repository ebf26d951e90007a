"""The folder of a plan that has to stay where it is."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from conda_torchmirror.envfiles import file_io
from conda_torchmirror.envfiles.disk.windows import PASSING, try_writing
from conda_torchmirror.plans.folder import named, put
from conda_torchmirror.plans.saved_plan import check_folder

pytest_plugins = ("support.planning_fixtures",)


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
    """An end before the first rename, with both files written, leaves the old plan whole."""
    seen = []
    replace = os.replace

    def killed(source, target):
        if os.path.dirname(target) == str(mounted) and not seen:
            beside = mounted / ".plan.torchmirror-tmp"
            seen.append(sorted(path.read_text() for path in beside.iterdir() if path.is_file()))
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


def held_if_there(folder):
    return held(folder) if folder.exists() else None


def put_and_end(monkeypatch, instead, end, *given):
    """Call `put`, which ends with the exception `end` that a stand-in (where, name, it) raises."""
    with monkeypatch.context() as patched:
        patched.setattr(*instead)
        with pytest.raises(type(end)):
            put(*given)


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
    before = held_if_there(folder)
    files = {"plan.json": "new", "explicit.txt": "new"}
    copy = file_io.copy_whole

    def stopped(source, target):
        if source == archives["b.conda"]:
            raise end
        copy(source, target)

    put_and_end(monkeypatch, (file_io, "copy_whole", stopped), end, folder, files, archives)
    assert held_if_there(folder) == before
    # What a kill leaves, which ends without any of this, is no reason to refuse the folder.
    (folder / ".plan.torchmirror-tmp").mkdir(parents=True)
    (folder / ".plan.torchmirror-tmp" / "a.conda").write_text("half")
    put(folder, files, archives)
    assert held(folder) == dict.fromkeys((*files, *archives), "new")


@pytest.fixture
def successor(make_plan, tmp_path):
    """`successor(there)`: a folder with a plan and its packages, or none; and the files and
    archives of the next, which shares one of them."""

    def make(there):
        older, new = tmp_path / "plan", tmp_path / "new"
        for folder, names in ((older, ("filelock", "tqdm")), (new, ("filelock", "numpy"))):
            for package in make_plan(*names, folder=folder).packages:
                (folder / package["fn"]).write_text(package["name"])
        found = held(new)
        files = {name: found.pop(name) for name in ("plan.json", "explicit.txt")}
        if not there:
            shutil.rmtree(older)
        return older, files, {name: str(new / name) for name in found}

    return make


@pytest.mark.parametrize("there", [True, False], ids=["a plan", "nothing"])
@pytest.mark.parametrize("end", [OSError(5, "failed"), KeyboardInterrupt()], ids=["I/O", "Ctrl-C"])
def test_what_ends_between_two_renames_leaves_it_as_it_was(successor, monkeypatch, there, end):
    """The folder had packages of both, and was refused as no saved plan from then on."""
    folder, files, archives = successor(there)
    before = held_if_there(folder)
    replace, total = os.replace, len(files) + len(archives) + (2 if there else 0)
    for last in range(total):
        moved = []

        def ended(source, target, *, moved=moved, last=last):
            moved.append(target)
            if len(moved) == last + 1 + len(files):  # which are written by a rename each
                raise end
            replace(source, target)

        put_and_end(monkeypatch, (os, "replace", ended), end, folder, files, archives)
        assert held_if_there(folder) == before
    put(folder, files, archives)
    assert held(folder).keys() == {*files, *archives}


@pytest.mark.parametrize("there", [True, False], ids=["a plan", "nothing"])
def test_what_a_kill_between_two_renames_leaves_is_no_reason_to_refuse_it(
    successor, monkeypatch, tmp_path, there
):
    folder, files, archives = successor(there)
    replace, left = os.replace, []

    def seen(source, target):
        left.append(tmp_path / f"left-{len(left)}")
        shutil.copytree(folder, left[-1])
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", seen)
        put(folder, files, archives)
    assert len(left) == 2 * len(files) + len(archives) + (2 if there else 0)
    for one in left:
        check_folder(one, with_packages=True)
        put(one, files, archives)
        assert held(one).keys() == {*files, *archives}


def test_nor_is_the_file_by_which_it_was_tried(tmp_path, monkeypatch):
    """A run that is killed before it removes that file had the folder refused, for good."""
    monkeypatch.setattr(os, "unlink", lambda path: None)
    try_writing(tmp_path)
    assert len(list(tmp_path.iterdir())) == (0 if PASSING & getattr(os, "O_TEMPORARY", 0) else 1)
    check_folder(tmp_path)


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
