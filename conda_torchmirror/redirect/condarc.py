"""The persistent form: one file that every tool which reads condarc files heeds, and its removal.

The user's file is `~/.conda/condarc.d/torchmirror.yml`. Of the places that conda looks into for a
user, it is the one that mamba and micromamba 1 know as well (`~/.config/conda/condarc.d` came with
2.0; libmamba/src/api/configuration.cpp, compute_default_rc_sources, seen 2026-07-24), and it counts
less than `~/.condarc`, so that what users set themselves wins. An administrator's is
`condarc.d/torchmirror.yml` in the base environment. The same file holds the switch that
`conda torch-mirror disable` leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..mirrors.urls import upstream_parent

NAME = "torchmirror.yml"

#: The first line of every file of ours; a file without it is left alone.
MARK = "# Written by conda torch-mirror"

OFF = f"""{MARK} disable; conda torch-mirror enable removes it.
plugins:
  torchmirror_auto: false
"""


def user_file() -> Path:
    """Where the file of the user is."""
    return Path("~/.conda/condarc.d").expanduser() / NAME


def system_file() -> Path:
    """Where the file of everybody who uses this conda is: beside that of `config --system`."""
    from conda.base.context import sys_rc_path

    return Path(sys_rc_path).parent / "condarc.d" / NAME


def files() -> tuple[Path, ...]:
    """Where our files can be: everybody's, the user's."""
    return (system_file(), user_file())


def is_off(path: Path) -> bool:
    """Whether a file of ours holds the switch of `torch-mirror disable` alone."""
    try:
        return path.read_text(encoding="utf-8") == OFF
    except (OSError, UnicodeDecodeError):
        return False


def is_ours(source: Any) -> bool:
    """Whether a source of conda's configuration is a file that `enable` or `disable` wrote.

    Asked by the automatic redirect, so what only a failure needs is imported there.
    """
    return isinstance(source, Path) and source.name == NAME and _marked(source)


def _marked(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline().startswith(MARK)
    except (OSError, UnicodeDecodeError):
        return False


def render(
    parents: Mapping[str, str],
    defaults: Sequence[str],
    *,
    about: str,
    guarded: Iterable[str] = (),
    mirrors: Sequence[str] = (),
) -> str:
    """The text of the file: a condarc that maps each channel of `parents` to the URL above it.

    `defaults` are the URLs that `default_channels` is to hold, none to leave it. Labels of the
    `guarded` channels stay at upstream. `mirrors` is the preference list to keep, if it was given.
    `about` is a comment of one line.
    """
    lines = [f"{MARK} enable; conda torch-mirror disable removes it.", f"# {about}"]
    if defaults:
        lines += ["default_channels:", *(f"  - {url}" for url in defaults)]
    lines += ["custom_channels:"]
    lines += [f"  {name}: {url}" for name, url in parents.items()]
    lines += [f"  {name}/label: {upstream_parent(name)}" for name in guarded]
    if "pkgs/pro" not in parents:
        # What conda maps by itself only as long as nothing else is mapped.
        lines += [f"  pkgs/pro: {upstream_parent('pkgs/pro')}"]
    lines += ["migrated_custom_channels:"]
    lines += [f"  {name}: {upstream_parent(name)}" for name in parents]
    if mirrors:
        lines += ["plugins:", f"  torchmirror_mirrors: [{', '.join(mirrors)}]"]
    return "\n".join(lines) + "\n"


def differs(path: Path, content: str | None) -> bool:
    """Whether `write` with this content, or `remove` for None, would change anything.

    Raises: ForeignFile.
    """
    _check_ours(path)
    if content is None or not path.exists():
        return path.exists() or content is not None
    return path.read_text(encoding="utf-8") != content


def write(path: Path, content: str) -> bool:
    """Make the file hold `content`; False where it does already. At no moment it is half there.

    Raises: ForeignFile where a file of somebody else has this name, CannotWrite.
    """
    from ..envfiles.file_io import write_file
    from ..exceptions.mirror import CannotWrite

    _check_ours(path)
    try:
        if path.exists() and path.read_text(encoding="utf-8") == content:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, content, mode=0o644)
    except OSError as error:
        raise CannotWrite.of(error, path) from error
    return True


def remove(path: Path) -> bool:
    """Remove the file, and its folder if that is empty then; False where there is none.

    Raises: ForeignFile, CannotWrite.
    """
    from ..envfiles.file_io import remove_file
    from ..exceptions.mirror import CannotWrite

    _check_ours(path)
    try:
        if not remove_file(path):
            return False
    except FileNotFoundError:  # nor is there a folder that it could be in
        return False
    except OSError as error:
        raise CannotWrite.of(error, path) from error
    with suppress(OSError):  # other files may be in it
        path.parent.rmdir()
    return True


def _check_ours(path: Path) -> None:
    if (path.exists() or path.is_symlink()) and not _marked(path):
        from ..exceptions.mirror import ForeignFile

        raise ForeignFile(file=str(path))
