"""Handing wheels to the environment's own pip: one run, with a page of links that has the chosen
files alone, and with nothing of pip's own configuration but what is carried over by name.

What each part of the command line is for was tried with pip 20.3.4 to 26.3 (2026-11):

    -I                   no PYTHONPATH and no user site: a numpy found there would count as there
    PIP_CONFIG_FILE      the empty file, and no other PIP_* variable: an extra index adds to ours,
                         and a torch of the same version from there may win; PIP_TARGET ends well
                         and puts nothing into the environment
    --index-url          one index for everything else
    --find-links         our page, whose links carry hashes
    --only-binary        no source archive of the family from the index
    NAME==VERSION+LOCAL  leaves no record of a URL behind
    NAME @ URL#sha256=   where there is no +LOCAL: the index may have the same version with other
                         content, and which of the two pip takes depends on its version
"""

from __future__ import annotations

import html
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ...envfiles.file_io import write_file
from ...machine.environment import python_path
from ...machine.python.activation import environment
from ...selection.wheels.link import Link

#: pip before this knows no manylinux_2_28, and finds "no version" of what is there.
OLDEST = (20, 3)
#: What of pip's configuration is carried over; an index goes another way.
CARRIED = ("cert", "client-cert", "proxy", "trusted-host", "timeout", "retries")
#: What pip says, by what it means here.
_SAID = {
    "hash": re.compile(r"DO NOT MATCH THE HASHES"),
    "space": re.compile(r"No space left on device|\[Errno 28\]"),
    "managed": re.compile(r"externally-managed-environment"),
    "missing": re.compile(r"No matching distribution found for (?P<what>[^\s(]{1,200})"),
    "network": re.compile(
        r"Connection(?:Error| refused| reset)|Max retries exceeded|NewConnectionError|"
        r"HTTP error \d{3}|\d{3} (?:Client|Server) Error|Read timed out|SSLError|ProxyError|"
        r"Could not fetch URL"
    ),
    "conflict": re.compile(r"ResolutionImpossible|conflicting dependencies"),
}
#: Characters of pip's log that are looked at, from its end, and of a line of it that is shown.
_LOG, _LINE = 400_000, 300


class PipExit(NamedTuple):
    """How pip ended: its exit code; for another than 0 what it means (a key of `_SAID`, or
    "other"), what was missing, and the last line of error."""

    code: int
    kind: str = ""
    what: str = ""
    line: str = ""


def page(links: Iterable[Link]) -> str:
    """The page of links that pip is given."""
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
    """One wheel as a requirement."""
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
    """The words of the run. `index` is a URL, "" for pip's own; `links` is the path of the page;
    `family` are the projects that no source archive may stand in for."""
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
    prefix: str,
    words: Sequence[str],
    *,
    index: str,
    text: str,
    quiet: bool = False,
) -> PipExit:
    """Run pip. `text` is the content of the page of links, which is written where `words` say;
    `quiet` shows nothing of what pip prints.

    An index with a password goes through the environment, where no other user sees it.
    """
    links = words[words.index("--find-links") + 1]
    os.makedirs(os.path.dirname(links), exist_ok=True)
    write_file(Path(links), text)
    variables = clean(environment(prefix)[0])
    words = list(words)
    if "@" in index:
        at = words.index("--index-url")
        del words[at : at + 2]
        variables["PIP_INDEX_URL"] = index
    with tempfile.TemporaryDirectory(prefix="torchmirror-pip-") as folder:
        log = os.path.join(folder, "pip.log")
        at = words.index("install") + 1
        words[at:at] = ["--log", log, *(["--quiet"] if quiet else [])]
        done = subprocess.run(  # noqa: S603
            words,
            env=variables,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if quiet else None,
            stderr=subprocess.DEVNULL if quiet else None,
            check=False,
        )
        return _ended(done.returncode, log)


def clean(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables without those of pip and of the Python that conda was started with."""
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
    for kind, pattern in _SAID.items():
        if found := pattern.search(said):
            what = found.groupdict().get("what") or ""
            return PipExit(code, kind, what, line)
    return PipExit(code, "other", "", line)
