"""The lines of a file's pip section, in the forms that pip reads: a name with versions, a name or
nothing with an address, the path of a wheel; with markers, options and comments. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote, urlsplit

from ...selection.facts.names import PIP_NAMES
from ...selection.pip.metadata import applies
from ...selection.specs import package_name
from ...selection.wheels.link import Link
from ...selection.wheels.name import Refused, Wheel, parse
from ...selection.wheels.request import requested_name

#: Longer lines are of no project.
_LONGEST = 4096
#: What may follow a requirement: options of it, a comment.
_MORE = re.compile(r"\s(?=--|#)")


def project(line: str) -> str | None:
    """The project that a line installs; None if it does not tell."""
    if len(line) >= _LONGEST:
        return None
    plain = _plain(line)
    wheel = _wheel(plain)
    return wheel.project if wheel else requested_name(plain)


def of_torch(lines: Iterable[str]) -> list[str]:
    """The lines that install PyTorch or a partner, in whatever form."""
    return [line for line in lines if {project(line), package_name(line)} & {*PIP_NAMES}]


def word(line: str) -> str:
    """A line that tells its project as a word: a direct address as the version that it is of."""
    plain = _plain(line)
    if wheel := _wheel(plain):
        return f"{wheel.project}=={wheel.full_version}"
    name, at, address = plain.partition("@")
    if not at:
        return plain.partition(";")[0].strip()
    wheel = _wheel(address.split()[0]) if address.strip() else None
    return f"{name.strip()}=={wheel.full_version}" if wheel else name.strip()


def words(lines: Sequence[str], subdir: str, python: str | None) -> list[str]:
    """The lines of one project as words: those whose markers hold on a platform and a Python
    (major.minor), the last if none does."""
    held = [line for line in lines if python is None or applies(_plain(line), subdir, python)]
    return list(dict.fromkeys(map(word, held or lines[-1:])))


def _plain(line: str) -> str:
    """A line without what follows its requirement."""
    return _MORE.split(line.strip(), maxsplit=1)[0].rstrip()


def _wheel(address: str) -> Wheel | None:
    """The wheel that an address or a path leads to, None for anything else."""
    place = address.partition(" ;")[0].strip()
    path = urlsplit(place).path if "://" in place else place.partition("#")[0]
    if not path.endswith(".whl") or " @ " in place:
        return None
    found = parse(Link(unquote(re.split(r"[\\/]", path)[-1]), "", ""))
    return None if isinstance(found, Refused) else found
