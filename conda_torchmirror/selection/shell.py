"""Words and variables for a shell: POSIX, or what cmd and PowerShell have in common."""

import re
import shlex
from collections.abc import Iterable, Mapping

#: What every shell takes as it is.
_BARE = r"[A-Za-z0-9_@+=:./-]+"
_BARE_IN_POSIX = r"[A-Za-z0-9_@%+=:,./-]+"
#: What double quotes keep as it is, cmd's too, which knows no others.
_QUOTED = r"[\w@%+=:,./<>|~*#&;?\[\](){} '^-]*"
_QUOTED_ON_WINDOWS = r"[\w@%+=:,./<>|~*#&;?\[\](){} '^!\\-]*"
#: Values in a match spec, for which single quotes do as well.
_VALUES = r"(?<=[\[=,])\"([^\"']*)\"(?=[\],])"


def quoted(word: str, *, windows: bool = False) -> str:
    """A word that the shell hands over as it is: nothing in it is a variable or a command.

    >>> quoted("numpy<2"), quoted("$(id)")
    ('"numpy<2"', "'$(id)'")
    """
    if re.fullmatch(_BARE if windows else _BARE_IN_POSIX, word):
        return word
    word = re.sub(_VALUES, r"'\1'", word)
    if re.fullmatch(_QUOTED_ON_WINDOWS if windows else _QUOTED, word):
        # Where it ends in a backslash, that would take the quote along.
        return f'"{word}{word[len(word.rstrip(chr(92))) :]}"'
    if windows:
        # PowerShell's, in which nothing is a variable; cmd has no quotes for such a word.
        return "'" + word.replace("'", "''") + "'"
    return shlex.quote(word)


def command(words: Iterable[str], *, windows: bool = False) -> str:
    """A command line."""
    return " ".join(quoted(word, windows=windows) for word in words)


def variables(values: Mapping[str, str], *, windows: bool = False) -> list[str]:
    """The lines that set environment variables; on Windows those of cmd."""
    if windows:
        return [f'set "{name}={value}"' for name, value in values.items()]
    return [f"export {name}={shlex.quote(value)}" for name, value in values.items()]


def comments(sentences: Iterable[str], *, windows: bool = False) -> list[str]:
    """Sentences as comments; what is typed into cmd has none."""
    return [] if windows else [f"# {line}" for said in sentences for line in said.splitlines()]
