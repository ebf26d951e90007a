"""Handing wheels to uv instead of pip, if a setting asks for it: the same files, page of links and
index, without uv's own configuration.

The reason for each part of the command line, tried with uv 0.13.9 (2026-11):

    --no-config          no uv.toml, whose index or constraint would be used beside ours; for the
                         same reason no UV_* variable except those of its cache
    --python             the environment, wherever uv itself is
    --find-links         the same page of links as for pip; uv refuses a file with another hash
    --index-url          one index for everything else
    --only-binary        no source archive of the family from the index
    NAME @ URL           where there is no +LOCAL, as for pip

If any file fails, uv leaves the environment as it was: it fetches and compares all files before it
installs any.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from ...envfiles.file_io import write_file
from ...machine.environment import python_path
from ...text.messages import text as sentence
from ...text.sanitize import safe
from . import process
from .ended import InstallerExit, failed, unstarted
from .process import Workplace

#: Variables of uv that are kept, since they do not affect what it installs.
_KEPT = ("UV_CACHE_DIR", "UV_LINK_MODE")
#: Environment variables that mean the same to uv as an option means to pip.
_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "--proxy": ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"),
    "--cert": ("SSL_CERT_FILE",),
    "--client-cert": ("SSL_CLIENT_CERT",),
    "--timeout": ("UV_HTTP_TIMEOUT",),
    "--retries": ("UV_HTTP_RETRIES",),
}
#: Options that mean the same to uv as an option means to pip.
_OPTIONS = {"--trusted-host": "--allow-insecure-host"}
#: Patterns of uv's messages for each kind of failure; the kinds are those of `pip`.
_SAID = {
    "hash": re.compile(r"Hash mismatch"),
    "space": re.compile(r"No space left on device|os error (?:28|112)\b"),
    "broken": re.compile(r"The structure of `(?P<what>[^`\s]{1,200})` [^\n]{0,200}was invalid"),
    "managed": re.compile(r"externally managed"),
    "python": re.compile(
        r"(?P<what>[A-Za-z0-9][^\s,]{0,200}) (?:depends on Python[<>=!~]|requires Python )"
    ),
    "missing": re.compile(
        r"Because (?:there (?:is|are) no versions? of )?(?P<what>[A-Za-z0-9][^\s,]{0,200}) "
        r"(?:was not found|and )"
    ),
    "network": re.compile(r"error sending request|Failed to fetch|Request failed|timed out"),
    "conflict": re.compile(r"No solution found"),
}
#: The projects whose versions a conflict is about.
_BOUND = re.compile(r"([A-Za-z0-9][\w.-]{0,200})==")
#: Most characters to read from the end of uv's output, and most to show of one of its lines.
_MOST, _LINE = 400_000, 300
#: Most characters and lines to show of a whole output.
_SHOWN, _LINES = 20_000, 200


def find(prefix: str | None) -> str | None:
    """The path of uv: of the environment, else beside this Python, else on the PATH; or None."""
    name = "uv.exe" if os.name == "nt" else "uv"
    folders = [os.path.dirname(sys.executable)]
    if prefix:
        folders = [os.path.join(prefix, "Scripts" if os.name == "nt" else "bin"), *folders]
    places = (shutil.which(name, path=folder) for folder in folders)
    return next(filter(None, places), None) or shutil.which(name)


def command(
    uv: str,
    prefix: str,
    requirements: Sequence[str],
    *,
    family: Sequence[str],
    index: str,
    links: str,
    options: Sequence[str] = (),
) -> list[str]:
    """The command line of the run; the arguments are those of `pip.command`."""
    return [
        *_start(uv, python_path(prefix), index),
        *("--find-links", links),
        *(word for name in family for word in ("--only-binary", name)),
        *_translated(options),
        *requirements,
    ]


def by_hand(
    uv: str, python: str, requirements: Sequence[str], index: str, options: Sequence[str]
) -> list[str]:
    """The command line that does the same for a person, with requirements by URL."""
    return [
        *_start(uv, python, index),
        *_translated(options),
        *requirements,
    ]


def _start(uv: str, python: str, index: str) -> list[str]:
    indexed = ("--index-url", index) if index else ()
    return [uv, "--no-config", "pip", "install", "--python", python, *indexed]


def run(
    words: Sequence[str],
    at: Workplace,
    *,
    text: str,
    options: Sequence[str] = (),
    quiet: bool = False,
) -> InstallerExit:
    """Run uv; the arguments are those of `pip.run`. `options` are pip's: those that are environment
    variables to uv are set.

    An index with credentials is passed in an environment variable, which other users cannot see.
    """
    process.write_page(process.links_of(words), text)
    words, hidden = process.without_credentials(words, {"--index-url": "UV_INDEX_URL"})
    try:
        done = process.run(
            [*words, "--no-progress", *(["--quiet"] if quiet else [])],
            _clean(at.variables) | _of_options(options) | hidden,
            at.folder,
            stdout=subprocess.DEVNULL if quiet else None,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        return unstarted(words[0], error)
    said = done.stderr.decode("utf-8", "replace")
    ended = _ended(done.returncode, said[-_MOST:])
    if quiet or not said:
        return ended
    return ended._replace(output=_shown(said.rstrip(), os.path.dirname(process.links_of(words))))


def _shown(said: str, folder: str) -> str:
    """The end of uv's output; what is longer is kept in a file there, which the text names."""
    end = "\n".join(said[-_SHOWN:].splitlines()[-_LINES:])
    if len(end) >= len(said):
        return said
    log = os.path.join(folder, "uv.log")
    try:
        write_file(Path(log), said)
    except OSError:
        return end
    return f"{sentence('uv_log', {'file': safe(log)})}\n{end}"


def _translated(options: Sequence[str]) -> list[str]:
    """Pip's options as uv's, without those that are environment variables to uv."""
    found: list[str] = []
    words = iter(options)
    for word in words:
        if word in _VARIABLES:
            next(words, None)
        else:
            found.append(_OPTIONS.get(word, word))
    return found


def _of_options(options: Sequence[str]) -> dict[str, str]:
    return {name: value for word, value in pairwise(options) for name in _VARIABLES.get(word, ())}


def _clean(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables without those that configure uv, pip or Python."""
    kept = {
        name: value
        for name, value in process.clean(variables).items()
        if name in _KEPT or not name.upper().startswith("UV_")
    }
    return {**kept, "UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}


def _ended(code: int, said: str) -> InstallerExit:
    if code == 0:
        return InstallerExit(0)
    lines = [line.strip() for line in said.splitlines() if "error" in line or "cause" in line]
    # The first says what failed, the last why.
    said_last = lines[-1] if lines else ""
    line = (said_last.partition(": ")[2] or said_last)[:_LINE]
    return failed(code, said, line, _SAID, _BOUND)
