"""What kind of file a text is, told by its content alone. Pure.

Kinds: explicit (`@EXPLICIT`), requirements (pip's), specs (`conda list --export`), environment, and
empty. A lock file of another tool, conda's own configuration and anything else are told apart, so
that each is refused with the way that does work.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["environment", "requirements", "explicit", "specs", "empty"]


@dataclass(frozen=True)
class Foreign:
    """A file that is not ours to edit: whose it is, and what to do instead (a command)."""

    code: str
    tool: str
    command: str


_HEAD = 8192

_EXPLICIT = re.compile(r"^[ \t]*@EXPLICIT[ \t]*\r?$", re.M)
_PACKAGE_URL = re.compile(r"^[ \t]*https?://\S+?\.(?:conda|tar\.bz2)(?:#|[ \t]*\r?$)", re.M)

#: Lock files by marks that all must be there. Commands are each tool's own.
_LOCKS = (
    ("conda-lock", "conda-lock lock -f environment.yml", (r"^metadata:", r"^package:",
      r"content_hash:")),
    ("pixi", "pixi lock", (r"^version: *\d", r"^environments:", r"^packages:")),
    ("anaconda-project", "anaconda-project lock", (r"^locking_enabled:",)),
    ("poetry", "poetry lock", (r"^\[\[package\]\]", r"^content-hash *=")),
    ("uv", "uv lock", (r"^\[\[package\]\]", r"^requires-python *=", r"^version *= *\d")),
    ("pdm", "pdm lock", (r"^\[\[package\]\]", r"^lock_version *=")),
    ("pylock.toml", "pip lock", (r"^lock-version *=", r"^created-by *=")),
    ("pipenv", "pipenv lock", (r'^[ \t]*"_meta" *:', r'"pipfile-spec" *:')),
    ("npm", "npm install", (r'"lockfileVersion" *:',)),
)  # fmt: skip

_LOCK_PATTERNS = [
    (tool, command, [re.compile(mark, re.M) for mark in marks]) for tool, command, marks in _LOCKS
]

_TOML = re.compile(r"^\[(?:project|workspace|tool\.[\w.-]+|build-system|dependencies)\]", re.M)

#: What a line of pip's requirements may be, besides blank and comment.
_REQUIREMENT = re.compile(
    r"""(?:
        -{1,2}[A-Za-z][\w-]*(?:[ =].*)?                                   # an option
      | [A-Za-z0-9][\w.-]*[ ]*(?:\[[^\]]*\])?[ ]*                         # a name, extras
        (?:(?:===|==|~=|!=|<=|>=|<|>)[^=].*|@[ ]*\S.*|\(.*\).*|;.*|--\S.*|\\)?
      | (?:git|hg|svn|bzr)\+\S+.*                                         # a repository
      | (?:https?|file|ftp)://\S+.*                                       # a URL
      | \.{0,2}/\S*.* | \S+\.(?:whl|zip|tar\.gz)(?:[ ;].*)?               # a path
      | \$\{[A-Z_]+\}.*
    )""",
    re.X,
)

_SPEC = re.compile(r"(?:[A-Za-z0-9_.:/-]+::)?[A-Za-z0-9_][\w.-]*(?:[ =<>!~].*)?")

#: Keys that only conda's configuration file has.
CONFIGURATION_KEYS = frozenset(
    (
        "auto_activate",
        "auto_activate_base",
        "changeps1",
        "channel_alias",
        "custom_channels",
        "custom_multichannels",
        "default_channels",
        "envs_dirs",
        "migrated_custom_channels",
        "pkgs_dirs",
        "plugins",
        "proxy_servers",
        "report_errors",
        "show_channel_urls",
        "solver",
        "ssl_verify",
    )
)


def recognise(text: str) -> Kind | Foreign | None:
    """The kind of a file; None if it has to be read as YAML to know. Time is linear."""
    if _EXPLICIT.search(text):
        return "explicit"
    foreign = _foreign(text)
    if foreign is not None:
        return foreign
    content = list(_content(text))
    if not content:
        return "empty"
    if _PACKAGE_URL.match(content[0]) and all(map(_PACKAGE_URL.match, content)):
        return "explicit"
    if all(map(_REQUIREMENT.fullmatch, content)):
        return "requirements"
    if any("=" in line for line in content) and all(map(_SPEC.fullmatch, content)):
        return "specs"
    return None


def _foreign(text: str) -> Foreign | None:
    for tool, command, marks in _LOCK_PATTERNS:
        if all(mark.search(text) for mark in marks):
            return Foreign("foreign_lock", tool, command)
    if _TOML.search(text[:_HEAD]):
        return Foreign("manifest", "TOML", "")
    return None


def _content(text: str) -> list[str]:
    """The logical lines of a requirements file, without comments."""
    lines = []
    joined = ""
    for raw in text.splitlines():
        line = " ".join(re.sub(r"(?:^|\s)#.*", "", raw).split())
        if line.endswith("\\"):
            joined += line[:-1] + " "
            continue
        line = (joined + line).strip()
        joined = ""
        if line:
            lines.append(line)
    return [*lines, joined.strip()] if joined.strip() else lines
