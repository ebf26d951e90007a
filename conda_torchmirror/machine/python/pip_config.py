"""Pip's own configuration: files and PIP_* variables, read as pip reads them.

We run pip with an empty configuration, so that no option slips in unnoticed; those that must apply
all the same (a proxy, a certificate, the user's own index) are carried over by name. Never raises:
any program may have written these files.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from configparser import Error, RawConfigParser
from typing import NamedTuple

from ..environment import decoded

#: The sections that apply to `pip install`; the later one wins.
_SECTIONS = ("global", "install")
#: Most bytes of a configuration file to read.
_LARGEST = 1_000_000
#: Options to leave out: the place of the configuration itself, and options that only affect output
#: or prompts.
_QUIET = frozenset(("config-file", "disable-pip-version-check", "no-input", "no-color"))


class PipConfig(NamedTuple):
    """The options of `pip install` that are set outside its command line, by their long names.

    `sources` has the file or variable that each comes from; `unreadable` are the files that cannot
    be read or parsed.
    """

    options: Mapping[str, str]
    sources: Mapping[str, str]
    unreadable: tuple[str, ...] = ()


def read(prefix: str | None = None) -> PipConfig:
    """Read the configuration of an environment's pip; without `prefix`, of a new environment's."""
    options: dict[str, str] = {}
    sources: dict[str, str] = {}
    unreadable: list[str] = []
    for path in _files(prefix):
        try:
            found = dict(_of_file(path))
        except (OSError, Error, UnicodeDecodeError, ValueError):
            unreadable.append(path)
            continue
        options.update(found)
        sources.update(dict.fromkeys(found, path))
    for variable, value in os.environ.items():
        name = _option(variable[4:]) if variable.startswith("PIP_") else ""
        if name and name not in _QUIET and value:
            options[name] = value
            sources[name] = variable
    if "default-timeout" in options:  # an undocumented alias of `timeout`
        options.setdefault("timeout", options.pop("default-timeout"))
        sources.setdefault("timeout", sources.pop("default-timeout"))
    return PipConfig(options, sources, tuple(unreadable))


def _option(word: str) -> str:
    return word.lower().replace("_", "-").lstrip("-")


def _of_file(path: str) -> Iterator[tuple[str, str]]:
    with open(path, "rb") as file:
        content = file.read(_LARGEST)
    text = decoded(content, "utf-8-sig")
    parser = RawConfigParser()
    parser.read_string(text)
    for section in _SECTIONS:
        if parser.has_section(section):
            for name, value in parser.items(section):
                if value and _option(name) not in _QUIET:
                    yield _option(name), value


def _files(prefix: str | None) -> Iterator[str]:
    """Yield the existing files that pip reads, in its order: a later one takes precedence."""
    named = os.environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return
    home = os.path.expanduser("~")
    name = "pip.ini" if os.name == "nt" else "pip.conf"
    if os.name == "nt":
        shared = [os.path.join(os.environ.get("PROGRAMDATA", "C:\\ProgramData"), "pip")]
        own = [os.path.join(home, "pip"), os.path.join(os.environ.get("APPDATA", home), "pip")]
    else:
        config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
        folders = os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        shared = [os.path.join(f, "pip") for f in folders.split(os.pathsep) if f] + ["/etc"]
        own = [os.path.join(home, ".pip"), os.path.join(config, "pip")]
        if sys.platform == "darwin":
            shared = [os.path.join("/Library/Application Support", "pip")]
            there = os.path.join(home, "Library", "Application Support", "pip")
            own = [os.path.join(home, ".pip"), there if os.path.isdir(there) else own[1]]
    # pip leaves the user's own files unread where the variable names a file that is there.
    heads = shared if os.path.exists(named) else [*shared, *own]
    places = [os.path.join(folder, name) for folder in heads]
    if prefix:
        places.append(os.path.join(prefix, name))
    if named:
        places.append(named)
    yield from (path for path in places if os.path.isfile(path))
