"""The folder of a plan: where it is, and how files are put there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from ..envfiles import file_io
from ..envfiles.disk.windows import remove_tree

#: Where the files are written until all of them are; what a killed run leaves, the next replaces.
_WRITTEN = f".plan{file_io.LEFTOVER}"


def named(path: Path, files: Collection[str]) -> Path:
    """The folder of a plan that is named by itself, or by one of these files of it."""
    return path.parent if path.name in files and path.is_file() else path


def put(folder: Path, files: Mapping[str, str]) -> None:
    """Put a folder with exactly these files at `folder`, completely or not at all, in place of one
    that is there.

    A folder that has to stay gets the files one by one, once all of them are written: the one that
    the user's shell is in, which would show nothing any more, a mount point, or one below a folder
    that cannot be written. Only a run that is killed between two renames leaves it altered.

    Raises: OSError.
    """
    if not _is_entered(folder):
        try:
            file_io.write_folder(folder, files)
        except OSError as error:
            # Another run that is writing there is waited for, and not written over.
            if isinstance(error, TimeoutError) or not folder.is_dir():
                raise
        else:
            return
    before = {name: (folder / name).read_bytes() for name in files if (folder / name).is_file()}
    written = folder / _WRITTEN
    try:
        file_io.write_folder(written, files)
        file_io.move_files(written, folder, files)
    except OSError:
        with suppress(OSError):
            for name in files:
                if name in before:
                    file_io.write_file(folder / name, before[name])
                else:
                    (folder / name).unlink(missing_ok=True)
        raise
    finally:
        remove_tree(written)
    for path in folder.iterdir():
        if path.name not in files and path.is_file():
            path.unlink()


def _is_entered(folder: Path) -> bool:
    """Whether this process, and so the shell that started it, is in a folder or below it."""
    try:
        here = Path.cwd()
        return folder.is_dir() and folder.resolve() in (here, *here.parents)
    except OSError:
        return False
