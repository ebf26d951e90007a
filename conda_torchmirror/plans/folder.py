"""The folder of a plan: where it is, and how files are put there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from ..envfiles import file_io
from ..envfiles.disk.lock import LOCK, locked
from ..envfiles.disk.windows import LEFTOVER, remove_tree

#: Where the files are written until all of them are; what a killed run leaves, the next replaces.
_WRITTEN = f".plan{LEFTOVER}"


def named(path: Path, files: Collection[str]) -> Path:
    """The folder of a plan that is named by itself, or by one of these files of it."""
    return path.parent if path.name in files and path.is_file() else path


def put(
    folder: Path, files: Mapping[str, str], archives: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Put a folder with exactly these files at `folder`, completely or not at all, in place of one
    that is there. `archives` are paths of large files that are copied into it, by name.

    A folder that has to stay gets the files one by one, once all of them are written: the one that
    the user's shell is in, which would show nothing any more, a mount point, one below a folder
    that cannot be written, or one that gets archives, for which other plans beside it do not wait.
    Only a run that is killed between two renames leaves it altered, or without some archives.

    Raises: OSError.
    """
    if not (archives or _is_entered(folder)):
        try:
            file_io.write_folder(folder, files)
        except OSError as error:
            # Another run that is writing there is waited for, and not written over.
            if isinstance(error, TimeoutError) or not folder.is_dir():
                raise
        else:
            return
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with locked(folder):
            _put_into(folder, files, archives)
    except BaseException:
        if made:
            with suppress(OSError):
                folder.rmdir()
        raise


def _put_into(folder: Path, files: Mapping[str, str], archives: Mapping[str, str]) -> None:
    there = {path.name for path in folder.iterdir() if path.is_file() and path.name != LOCK}
    before = {name: (folder / name).read_bytes() for name in files if name in there}
    older = sorted(there - {*files})
    written = folder / _WRITTEN
    aside = written / "older"
    try:
        if written.exists():
            remove_tree(written)
        written.mkdir()
        for name, path in archives.items():
            file_io.copy_whole(path, written / name)
        for name, content in files.items():
            file_io.write_file(written / name, content)
        # The archives of the older plan go first, and the new plan comes before its own: what lies
        # beside a plan that a killed run left, and is not its own, would have the folder refused.
        aside.mkdir()
        file_io.move_files(folder, aside, older)
        file_io.move_files(written, folder, [*files, *archives])
    except BaseException:  # as by Ctrl-C
        if aside.is_dir():
            with suppress(OSError):
                file_io.move_files(aside, folder, [n for n in older if (aside / n).exists()])
                for name in {*files, *archives} - there:
                    (folder / name).unlink(missing_ok=True)
                for name, old in before.items():
                    file_io.write_file(written / name, old)
                    file_io.move_files(written, folder, [name])
        raise
    finally:
        remove_tree(written)


def _is_entered(folder: Path) -> bool:
    """Whether this process, and so the shell that started it, is in a folder or below it."""
    try:
        here = Path.cwd()
        return folder.is_dir() and folder.resolve() in (here, *here.parents)
    except OSError:
        return False
