"""The lists of requirements that the pip section of an environment file names (`-r FILE`).

Reads as much as it takes to know whether PyTorch is among them: what cannot be read has nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ...envfiles import file_io
from ...text.sanitize import safe
from . import pip_lines
from .environment_file import EnvironmentFile

_OPTION = re.compile(r"(?:-r|--requirement)(?:\s|=|(?<=-r))(?P<path>.{1,1000})")
_COMMENT = re.compile(r"\s#")
#: Upper limits: bytes of a list, and lists of a section, which may name each other.
_BYTES, _MOST = 1_000_000, 20


def torch_lines(file: EnvironmentFile) -> list[str]:
    """The lines of torch and its partners that pip installs for the file, those of a list with its
    name; to be shown."""
    own = [safe(line) for line in pip_lines.of_torch(file.pip)]
    if "://" in file.path:
        return own
    above = os.path.dirname(os.path.abspath(os.path.expanduser(file.path)))
    for name, lines in _lists(file.pip, above):
        own += [f"{safe(line)} ({safe(name)})" for line in pip_lines.of_torch(lines)]
    return own


def _lists(lines: Iterable[str], above: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the lists that lines name, and those that these name, each with its name there. Pip
    looks for them beside the file that names them."""
    waiting = [(name, above) for name in _named(lines)]
    seen: set[str] = set()
    while waiting and len(seen) < _MOST:
        name, folder = waiting.pop(0)
        path = os.path.normpath(os.path.join(folder, os.path.expanduser(name)))
        if "://" in name or path in seen:
            continue
        seen.add(path)
        try:
            content = file_io.read(Path(path), _BYTES).decode("utf-8-sig")
        except (file_io.FileTrouble, ValueError):
            continue
        found = content.splitlines()
        yield name, found
        waiting += [(inner, os.path.dirname(path)) for inner in _named(found)]


def _named(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if found := _OPTION.fullmatch(_COMMENT.split(line, maxsplit=1)[0].strip()):
            yield found["path"].strip(" '\"")
