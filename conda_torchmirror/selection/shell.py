"""Quote words and variables for a shell: POSIX, or what cmd and PowerShell have in common."""

import re
import shlex
from collections.abc import Iterable, Mapping

#: Words that need no quotes in any shell.
_BARE = r"[A-Za-z0-9_@+=:./-]+"
_BARE_IN_POSIX = r"[A-Za-z0-9_@%+=:,./-]+"
#: Words that double quotes keep as they are, in cmd too, which has no other quotes.
_QUOTED = r"[\w@%+=:,./<>|~*#&;?\[\](){} '^-]*"
_QUOTED_ON_WINDOWS = r"[\w@%+=:,./<>|~*#&;?\[\](){} '^!\\-]*"
#: Double-quoted values in a match spec, for which single quotes do as well.
_VALUES = r"(?<=[\[=,])\"([^\"']*)\"(?=[\],])"


def quoted(word: str, *, windows: bool = False) -> str:
    """Quote a word so that the shell passes it on as it is, with no variable or command in it.

    >>> quoted("numpy<2"), quoted("$(id)")
    ('"numpy<2"', "'$(id)'")
    """
    if re.fullmatch(_BARE if windows else _BARE_IN_POSIX, word):
        return word
    word = re.sub(_VALUES, r"'\1'", word)
    if re.fullmatch(_QUOTED_ON_WINDOWS if windows else _QUOTED, word):
        # Backslashes at the end are doubled, or the last would escape the quote.
        return f'"{word}{word[len(word.rstrip(chr(92))) :]}"'
    if windows:
        # PowerShell's single quotes, which expand nothing; cmd cannot quote such a word.
        return "'" + word.replace("'", "''") + "'"
    return shlex.quote(word)


def command(words: Iterable[str], *, windows: bool = False) -> str:
    """Join words to a command line, quoted where needed."""
    return " ".join(quoted(word, windows=windows) for word in words)


def variables(values: Mapping[str, str], *, windows: bool = False) -> list[str]:
    """The lines that set environment variables; on Windows those of cmd."""
    if windows:
        return [f'set "{name}={value}"' for name, value in values.items()]
    return [f"export {name}={shlex.quote(value)}" for name, value in values.items()]


def comments(sentences: Iterable[str], *, windows: bool = False) -> list[str]:
    """Sentences as comment lines; none on Windows, because cmd has no comments when typed."""
    return [] if windows else [f"# {line}" for said in sentences for line in said.splitlines()]
