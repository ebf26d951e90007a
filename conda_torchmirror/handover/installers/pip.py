"""Handing wheels to the environment's own pip: one run, with a page of links to exactly the chosen
files, and without pip's own configuration except for options that are carried over by name.

The reason for each part of the command line, tried with pip 20.3.4 to 26.3 (2026-11):

    -I                   no PYTHONPATH and no user site: pip would count a numpy there as installed
    PIP_CONFIG_FILE      the empty file, and no other PIP_* variable: a configured extra index would
                         be used beside ours, and its torch of the same version might win; with
                         PIP_TARGET pip succeeds without installing into the environment
    --index-url          one index for everything else
    --find-links         our page, whose links carry hashes
    --only-binary        no source archive of the family from the index
    --constraint         where pip chooses the other packages: those that conda owns, which it would
                         replace in silence, while conda goes on listing them
    NAME==VERSION+LOCAL  preferred, because it leaves no record of a URL in the environment
    NAME @ URL#sha256=   where there is no +LOCAL: the index may have the same version with other
                         content, and which of the two pip takes depends on pip's version
"""

from __future__ import annotations

import html
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ...envfiles.file_io import write_file
from ...machine.environment import python_path
from ...selection.wheels.link import Link
from ...text.messages import of_os_error
from . import process

#: Older pip does not know manylinux_2_28, and reports "no version" for existing wheels.
OLDEST = (20, 3)
#: Options that are carried over from pip's configuration; its index is handled separately.
CARRIED = ("cert", "client-cert", "proxy", "trusted-host", "timeout", "retries")
#: Patterns of pip's messages for each kind of failure, in the order of precedence.
_SAID = {
    "hash": re.compile(r"DO NOT MATCH THE HASHES"),
    "space": re.compile(r"No space left on device|\[Errno 28\]"),
    "managed": re.compile(r"externally-managed-environment"),
    "missing": re.compile(r"No matching distribution found for (?P<what>[^\s(]{1,200})"),
    "conflict": re.compile(r"ResolutionImpossible|conflicting dependencies"),
    "network": re.compile(
        r"Connection(?:Error| refused| reset)|Max retries exceeded|NewConnectionError|"
        r"HTTP error \d{3}|\d{3} (?:Client|Server) Error|Read timed out|SSLError|ProxyError|"
        r"Could not fetch URL"
    ),
}
#: The project of a constraint that rules out a solution.
_BOUND = re.compile(r"The user requested \(constraint\) ([^\s=]{1,200})")
#: The exit code of shells for a program that cannot be started.
UNSTARTED = 126
#: Most characters to read from the end of pip's log, and most to show of one of its lines.
_LOG, _LINE = 400_000, 300


class Workplace(NamedTuple):
    """Where an installer runs: the variables of the activated environment, and a folder for its own
    files that is gone afterwards."""

    variables: Mapping[str, str]
    folder: str


class PipExit(NamedTuple):
    """The end of a run of pip. Unless `code`, its exit code, is 0: `kind` is the kind of failure (a
    key of `_SAID`, "unstarted" or "other"), `what` the missing requirement or, for a conflict, the
    projects whose bounds rule out a solution, `line` the last error line. `output` is what is still
    to be shown of the installer's own output; pip shows its own as it runs."""

    code: int
    kind: str = ""
    what: str = ""
    line: str = ""
    output: str = ""


class InstallerOutput(NamedTuple):
    """What an installer said, to be shown as it is."""

    text: str


def page(links: Iterable[Link]) -> str:
    """The HTML page of links for `--find-links`."""
    rows = []
    for link in links:
        said = ""
        if link.metadata and not link.url.startswith("file:"):
            value = f"sha256={link.metadata}" if isinstance(link.metadata, str) else "true"
            said = f' data-core-metadata="{value}" data-dist-info-metadata="{value}"'
        if link.requires_python:
            said += f' data-requires-python="{html.escape(link.requires_python)}"'
        href = html.escape(link.with_hash)
        rows.append(f'<a href="{href}"{said}>{html.escape(link.filename)}</a><br/>')
    listed = "\n".join(rows)
    return f"<!DOCTYPE html>\n<html><body>\n{listed}\n</body></html>\n"


def requirement(name: str, version: str, link: Link) -> str:
    """The requirement for one wheel: by version if that has a local part, else by URL."""
    if "+" in version:
        return f"{name}=={version}"
    return f"{name} @ {link.with_hash}"


def command(
    prefix: str,
    requirements: Sequence[str],
    *,
    family: Sequence[str],
    index: str,
    links: str,
    options: Sequence[str] = (),
) -> list[str]:
    """The command line of the run. `index` is a URL, "" for pip's own; `links` is the path of the
    page; `family` are the projects to take as wheels only."""
    return [
        python_path(prefix),
        *("-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check"),
        *("--no-cache-dir",),
        *(("--index-url", index) if index else ()),
        *("--find-links", links),
        f"--only-binary={','.join(family)}",
        *options,
        *requirements,
    ]


def run(
    words: Sequence[str],
    at: Workplace,
    *,
    index: str,
    text: str,
    quiet: bool = False,
) -> PipExit:
    """Run pip with the command line `words`. `text` is the page of links, written to the path that
    `--find-links` has; `quiet` hides pip's output.

    An index with credentials is passed in an environment variable, which other users cannot see.
    """
    write_page(links_of(words), text)
    words, hidden = without_credentials(words, index, "PIP_INDEX_URL")
    log = os.path.join(at.folder, "pip.log")
    place = words.index("install") + 1
    words[place:place] = ["--log", log, *(["--quiet"] if quiet else [])]
    try:
        shown = subprocess.DEVNULL if quiet else None
        variables = clean(at.variables) | hidden
        done = process.run(words, variables, at.folder, stdout=shown, stderr=shown)
    except OSError as error:
        return unstarted(words[0], error)
    return _ended(done.returncode, log)


def links_of(words: Sequence[str]) -> str:
    """The path that `--find-links` has in a command line."""
    return words[words.index("--find-links") + 1]


def write_page(path: str, text: str) -> None:
    """Write a file that a command line names, such as the page of links."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    write_file(Path(path), text)


def without_credentials(
    words: Sequence[str], index: str, variable: str
) -> tuple[list[str], dict[str, str]]:
    """The command line without an index that has credentials, and the environment variable that
    has it instead."""
    words = list(words)
    if "@" not in index:
        return words, {}
    at = words.index("--index-url")
    del words[at : at + 2]
    return words, {variable: index}


def unstarted(program: str, error: OSError) -> PipExit:
    """What became of a program that the system could not start, such as one for another machine."""
    return PipExit(UNSTARTED, "unstarted", program, of_os_error(error))


def clean(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables without those that configure pip or Python, and pip's configuration off."""
    kept = {
        name: value
        for name, value in variables.items()
        if not name.upper().startswith(("PIP_", "PYTHON"))
    }
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PYTHONIOENCODING": "utf-8"}


def _ended(code: int, log: str) -> PipExit:
    if code == 0:
        return PipExit(0)
    try:
        said = Path(log).read_text(encoding="utf-8", errors="replace")[-_LOG:]
    except OSError:
        said = ""
    errors = [line for line in said.splitlines() if "ERROR" in line]
    # Each line of the log begins with its time.
    line = errors[-1].partition("ERROR: ")[2][:_LINE] if errors else ""
    return failed(code, said, line, _SAID, _BOUND)


def failed(
    code: int, said: str, line: str, patterns: Mapping[str, re.Pattern[str]], bound: re.Pattern[str]
) -> PipExit:
    """The end of a run that failed, by the first of the `patterns` for its kind that is found in
    the output; `bound` finds the projects that a conflict is about."""
    for kind, pattern in patterns.items():
        if found := pattern.search(said):
            what = found.groupdict().get("what") or ""
            if kind == "conflict":
                what = " ".join(dict.fromkeys(bound.findall(said)))
            return PipExit(code, kind, what, line)
    return PipExit(code, "other", "", line)
