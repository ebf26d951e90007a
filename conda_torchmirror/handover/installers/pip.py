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
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from ...machine.environment import python_path
from ...selection.wheels.link import Link
from . import process
from .ended import InstallerExit, failed, unstarted
from .process import Workplace

#: Older pip does not know manylinux_2_28, and reports "no version" for existing wheels.
OLDEST = (20, 3)
#: Options that are carried over from pip's configuration; its index is handled separately.
CARRIED = ("cert", "client-cert", "proxy", "trusted-host", "timeout", "retries")
#: Options whose addresses may have credentials, and their variables.
_HIDDEN = {"--index-url": "PIP_INDEX_URL", "--proxy": "PIP_PROXY"}
#: Patterns of pip's messages for each kind of failure, in the order of precedence.
_SAID = {
    "hash": re.compile(r"DO NOT MATCH THE HASHES"),
    "space": re.compile(r"No space left on device|\[Errno 28\]|\[WinError 112\]"),
    "broken": re.compile(r"Wheel '[^'\n]{1,200}' located at (?P<what>[^\n]{1,1000}?) is invalid"),
    "managed": re.compile(r"externally-managed-environment"),
    "python": re.compile(r"Package '(?P<what>[^'\n]{1,200})' requires a different Python: "),
    "missing": re.compile(r"No matching distribution found for (?P<what>[^\s(]{1,200})"),
    "conflict": re.compile(r"ResolutionImpossible|conflicting dependencies"),
    "network": re.compile(
        r"Connection(?:Error| refused| reset)|Max retries exceeded|NewConnectionError|"
        r"HTTP error \d{3}|\d{3} (?:Client|Server) Error|Read timed out|SSLError|ProxyError|"
        r"Could not fetch URL"
    ),
}
#: A file that pip skipped because of its Python.
_FOR = re.compile(r"Link requires a different Python \([^\n]{1,300}\): [^\s#]*/([^\s/#]{1,300})")
#: A page that pip could not read, and why. One that is not there (404) was read: it has nothing.
_UNREAD = re.compile(r"Could not fetch URL \S{0,2000}/([^\s/]{1,200})/?: (?!404 )([^\n]{0,2000})")
#: The project of a constraint that rules out a solution.
_BOUND = re.compile(r"The user requested \(constraint\) ([^\s=]{1,200})")
#: Most characters to read from the end of pip's log, and most to show of one of its lines.
_LOG, _LINE = 400_000, 300


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
    text: str,
    quiet: bool = False,
) -> InstallerExit:
    """Run pip with the command line `words`. `text` is the page of links, written to the path that
    `--find-links` has; `quiet` hides pip's output.

    An index, or a proxy, with credentials is passed in an environment variable, which other users
    cannot see.
    """
    process.write_page(process.links_of(words), text)
    words, hidden = process.without_credentials(words, _HIDDEN)
    log = os.path.join(at.folder, "pip.log")
    place = words.index("install") + 1
    words[place:place] = ["--log", log, *(["--quiet"] if quiet else [])]
    try:
        shown = subprocess.DEVNULL if quiet else None
        variables = process.clean(at.variables) | hidden
        done = process.run(words, variables, at.folder, stdout=shown, stderr=shown)
    except OSError as error:
        return unstarted(words[0], error)
    return _ended(done.returncode, log)


def _ended(code: int, log: str) -> InstallerExit:
    if code == 0:
        return InstallerExit(0)
    try:
        said = Path(log).read_text(encoding="utf-8", errors="replace")[-_LOG:]
    except OSError:
        said = ""
    errors = [line for line in said.splitlines() if "ERROR" in line]
    # Each line of the log begins with its time.
    line = errors[-1].partition("ERROR: ")[2][:_LINE] if errors else ""
    ended = failed(code, said, line, _SAID, _BOUND)
    # Pip calls a version missing that the index has for other Pythons.
    if ended.kind == "missing" and any(_meets(ended.what, name) for name in _FOR.findall(said)):
        return ended._replace(kind="python")
    if ended.kind == "missing":  # so it calls a project too of which it could not read the page
        for project, why in _UNREAD.findall(said):
            if _is_name_of(project, ended.what):
                line = why.removesuffix(" - skipping")[:_LINE]
                return ended._replace(kind="network", line=line)
    return ended


def _is_name_of(project: str, word: str) -> bool:
    try:
        return canonicalize_name(project) == canonicalize_name(Requirement(word).name)
    except ValueError:
        return False


def _meets(word: str, filename: str) -> bool:
    """Whether a file is of a version that a requirement asks for."""
    try:
        asked, name = Requirement(word), unquote(filename)
        project, version = (
            parse_wheel_filename(name)[:2] if name.endswith(".whl") else parse_sdist_filename(name)
        )
    except ValueError:
        return False
    known = canonicalize_name(asked.name) == project
    return known and asked.specifier.contains(version, prereleases=True)
