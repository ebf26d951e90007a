"""The persistent redirect: one condarc file, heeded by every tool that reads condarc files.

The user's file is `~/.conda/condarc.d/torchmirror.yml`. Of the places where conda looks for a
user's files, it is the one that mamba and micromamba 1 know too (`~/.config/conda/condarc.d` came
with 2.0; libmamba/src/api/configuration.cpp, compute_default_rc_sources, seen 2026-07-24), and it
ranks below `~/.condarc`, so that what users set themselves wins. An administrator's file is
`condarc.d/torchmirror.yml` in the base environment. `conda torch-mirror disable` leaves its switch
in the same file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..mirrors.urls import upstream_parent

NAME = "torchmirror.yml"

#: The first line of every file of ours; a file without it is left alone.
MARK = "# Written by conda torch-mirror"

#: The words of small letters that YAML 1.1 does not read as a text.
_TRUTHS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))

OFF = f"""{MARK} disable; conda torch-mirror enable removes it.
plugins:
  torchmirror_auto: false
"""


def user_file() -> Path:
    """The path of the user's file."""
    return Path("~/.conda/condarc.d").expanduser() / NAME


def system_file() -> Path:
    """The path of the file for all users of this conda, beside that of `config --system`."""
    from conda.base.context import sys_rc_path

    return Path(sys_rc_path).parent / "condarc.d" / NAME


def files() -> tuple[Path, ...]:
    """The paths that our files can have: that for all users, then the user's."""
    return (system_file(), user_file())


def ours() -> tuple[Path, ...]:
    """The files of ours that there are."""
    return tuple(path for path in files() if _marked(path))


def is_off(path: Path) -> bool:
    """Whether the file is exactly what `torch-mirror disable` leaves."""
    return _holds(path, OFF)


def is_ours(source: Any) -> bool:
    """Whether a source of conda's configuration is a file that `enable` or `disable` wrote.

    The automatic redirect calls this, so the module imports what it needs elsewhere inside
    functions.
    """
    return isinstance(source, Path) and source.name == NAME and _marked(source)


def enabled() -> frozenset[str]:
    """The channels that only a file of `torch-mirror enable` maps."""
    from conda.base.context import context

    ours: set[str] = set()
    others: set[str] = set()
    for source, raw in context.raw_data.items():
        if "custom_channels" in raw:
            names = set(raw["custom_channels"].value(None) or ())  # None if nothing is under it
            (ours if is_ours(source) else others).update(names)
    return frozenset(ours - others)


def _marked(path: Path) -> bool:
    if not os.path.isfile(path):  # a pipe would keep us waiting
        return False
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline().startswith(MARK)
    except (OSError, UnicodeDecodeError):
        return False


def _scalar(word: str) -> str:
    """A name or a URL as YAML of any version reads it back: quoted, unless it is surely a text. In
    ASCII, as conda reads its files in the encoding of the system's language, on Windows GBK."""
    plain = re.fullmatch(r"https?://[\w.:/%@+~-]*[\w/%~-]|[a-z][\w./-]*", word, re.ASCII)
    if plain and word not in _TRUTHS:
        return word
    quoted = json.dumps(word, ensure_ascii=False)
    return re.sub(r"[^\x00-\x7f]", lambda found: f"\\U{ord(found[0]):08x}", quoted)


def render(
    parents: Mapping[str, str],
    defaults: Sequence[str],
    *,
    about: str,
    guarded: Iterable[str] = (),
    mirrors: Sequence[str] = (),
) -> str:
    """The text of the file: a condarc that maps each channel of `parents` to the URL above it.

    `defaults` are the URLs for `default_channels`, which is left alone if there are none. Labels of
    the `guarded` channels stay at upstream. `mirrors` is the preference list to store, if one was
    given. `about` is a comment of one line.
    """
    lines = [f"{MARK} enable, and removed by its option --hook-only.", f"# {about}"]
    if defaults:
        lines += ["default_channels:", *(f"  - {_scalar(url)}" for url in defaults)]
    lines += ["custom_channels:"]
    lines += [f"  {_scalar(name)}: {_scalar(url)}" for name, url in parents.items()]
    lines += [f"  {name}/label: {upstream_parent(name)}" for name in guarded]
    if "pkgs/pro" not in parents:
        # Conda's built-in entry, which it drops as soon as anything else is mapped.
        lines += [f"  pkgs/pro: {upstream_parent('pkgs/pro')}"]
    lines += ["migrated_custom_channels:"]
    lines += [f"  {_scalar(name)}: {upstream_parent(name)}" for name in parents]
    if mirrors:
        lines += ["plugins:", f"  torchmirror_mirrors: [{', '.join(map(_scalar, mirrors))}]"]
    return "\n".join(lines) + "\n"


def differs(path: Path, content: str | None) -> bool:
    """Whether `write` with this content, or `remove` for None, would change anything.

    Raises: ForeignFile.
    """
    _check_ours(path)
    if content is None:
        return os.path.exists(path)
    return not _holds(path, content)


def write(path: Path, content: str) -> bool:
    """Write the file atomically; return False if it holds `content` already.

    Raises: ForeignFile if the file is somebody else's, CannotWrite.
    """
    from ..envfiles.file_io import write_file
    from ..exceptions.mirror import CannotWrite

    _check_ours(path)
    try:
        if _holds(path, content):
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, content, mode=0o644)
    except OSError as error:
        raise CannotWrite.of(error, path) from error
    return True


def remove(path: Path) -> bool:
    """Remove the file, and its folder if that leaves it empty; return False if there is no file.

    Raises: ForeignFile, CannotWrite.
    """
    from ..envfiles.file_io import remove_file
    from ..exceptions.mirror import CannotWrite

    _check_ours(path)
    try:
        if not remove_file(path):
            return False
    except FileNotFoundError:  # the folder is missing too
        return False
    except OSError as error:
        raise CannotWrite.of(error, path) from error
    with suppress(OSError):  # other files may be in it
        path.parent.rmdir()
    return True


def _holds(path: Path, content: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == content
    except (OSError, UnicodeDecodeError):
        return False


def _check_ours(path: Path) -> None:
    # Path.exists raises an error for a folder that may not be entered.
    if os.path.lexists(path) and not _marked(path):
        from ..exceptions.mirror import ForeignFile

        raise ForeignFile(file=str(path))
