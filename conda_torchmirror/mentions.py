"""Which channels a command names: on its command line, in conda's configuration, in files, and in
the history of the environment.

Too many names do no harm, a missing one is read from upstream. So whatever cannot be looked into
(a file at a URL, one that is fetched by name) counts as naming every channel.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: Hosts of conda's own addresses, and what stands before the name of a channel there.
UPSTREAM_HOSTS = {"conda.anaconda.org": "", "repo.anaconda.com": "pkgs/"}

#: Larger files are no environment files; in bytes.
MOST = 2_000_000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_KEY = re.compile(r"^[ \t]*(['\"]?)channels\1[ \t]*:[ \t]*(.*)$", re.MULTILINE)
#: `channel::name`, `channel/linux-64::name`, `url::name`; the channel of `name[channel=...]`.
_SPEC = re.compile(r"([^\s'\",\[\]=]+)::|\bchannel=['\"]?([^'\",\]\s]+)")
_URL = re.compile(r"https?://[^\s'\",\]]+")
_PACKAGE = (".conda", ".tar.bz2")
#: `+channel/linux-64::name-version-build` of a history, and the specs that it remembers.
_INSTALLED = re.compile(rb"^\+(\S+)/[^/\s]+::", re.MULTILINE)
_REMEMBERED = re.compile(rb"^# [a-z]+ specs: (.*)$", re.MULTILINE)


class Mentions:
    """What was found. `asked` are channels that the command reads, in order, and `installed` those
    that the environment's packages came from; both without labels.

    `labels` holds the label channels by their channel, `secret` the channels whose URL has a token
    or a password in it, `urls` URLs at other hosts by the channel that they may be. `everything`
    says that something could not be looked into.
    """

    def __init__(self) -> None:
        self.asked: dict[str, None] = {}
        self.installed: dict[str, None] = {}
        self.labels: dict[str, set[str]] = {}
        self.secret: set[str] = set()
        self.urls: dict[str, set[str]] = {}
        self.everything = False

    def channel(self, word: str, *, into: dict[str, None] | None = None) -> None:
        """Take a channel in: a name or a URL, with or without label and subdir."""
        found = self.asked if into is None else into
        word = word.strip().strip("'\"").rstrip("/")
        if "://" in word:
            self._url(word, found)
        else:
            self._name(word, found)

    def _url(self, url: str, found: dict[str, None]) -> None:
        place, _, path = url.partition("://")[2].partition("/")
        auth, _, host = place.rpartition("@")
        token = re.match(r"t/[^/]+/", path)
        if token:
            path = path[token.end() :]
        prefix = UPSTREAM_HOSTS.get(host.lower())
        if prefix is not None and path.startswith(prefix):
            name = self._name(path, found)
            if name and (auth or token):
                self.secret.add(name)
            return
        # A mirror's: which channel it is can be seen when the mirrors' own URLs are known.
        parts = path.split("/")
        for at, part in enumerate(parts):
            if part == "pkgs" and parts[at + 1 : at + 2]:
                part = f"pkgs/{parts[at + 1]}"
            if part:
                self.urls.setdefault(part, set()).add(url)

    def _name(self, path: str, found: dict[str, None]) -> str | None:
        first, _, rest = path.partition("/")
        if first == "pkgs" and rest:
            second, _, rest = rest.partition("/")
            first = f"pkgs/{second}"
        if not _NAME.fullmatch(first.removeprefix("pkgs/")):
            return None
        found.setdefault(first)
        if rest.startswith("label/"):
            label = "/".join([first, *rest.split("/")[:2]])
            self.labels.setdefault(first, set()).add(label)
        return first

    def specs(self, text: str) -> None:
        """Take in the channels of match specs: `pytorch::x`, `x[channel=pytorch]`, URLs."""
        for before, inside in _SPEC.findall(text):
            self.channel(before or inside)
        for url in _URL.findall(text):
            # The URL of a package file is fetched as it stands, whatever its channel maps to.
            if "::" not in url and not url.partition("#")[0].endswith(_PACKAGE):
                self.channel(url)

    def file(self, text: str) -> bool:
        """Take in an environment file or a list of specs; whether it asks for no other channels."""
        alone = False
        for item in _listed(text):
            alone = alone or item == "nodefaults"
            self.channel(item)
        self.asked.pop("nodefaults", None)
        self.specs(text)
        return alone

    def history(self, content: bytes) -> None:
        """Take in an environment's history: what is installed, and the specs that still count."""
        for name in {match[1] for match in _INSTALLED.finditer(content)}:
            self.channel(name.decode("utf-8", "replace"), into=self.installed)
        for match in _REMEMBERED.finditer(content):
            if b"::" in match[1]:
                self.specs(match[1].decode("utf-8", "replace"))


def _listed(text: str) -> Iterator[str]:
    """The items under every `channels:` of a YAML or JSON text, block or flow."""
    for key in _KEY.finditer(text):
        rest = key[2].strip()
        if rest.startswith("["):
            start = key.start(2)
            inner = text[start + 1 : text.find("]", start)]
            yield from (word.strip(" \t\r\n'\"") for word in re.sub(r"#.*", "", inner).split(","))
            continue
        for line in text[key.end() :].splitlines():
            bare = line.strip()
            if bare.startswith("-"):
                yield re.sub(r"\s#.*", "", bare[1:]).strip(" \t'\"")
            elif bare and not bare.startswith("#"):
                break


def read(path: str) -> str | None:
    """The text of a file that a command names; None where it is not to be had from here."""
    if "://" in path:
        return None
    try:
        if os.path.getsize(path) > MOST:
            return None
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return ""  # conda says what is wrong with it
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    return content.decode("utf-16" if wide else "utf-8-sig", "replace")


def mentioned(
    arguments: Mapping[str, Any],
    channels: Iterable[str],
    *,
    prefix: str | None = None,
    specs: Iterable[str] = (),
) -> Mentions:
    """The channels that a command names.

    `arguments` are its parsed words by name, `channels` those of conda's configuration, `prefix`
    an environment whose history counts, `specs` further specs from the configuration.
    """
    found = Mentions()
    alone = bool(arguments.get("override_channels"))
    for name in arguments.get("channel") or ():
        found.channel(str(name))
    for spec in (*_words(arguments), *specs):
        if "::" in spec or "=" in spec or "://" in spec:
            found.specs(spec)
    files = arguments.get("file") or ()
    for path in [files] if isinstance(files, str) else list(files):
        text = read(str(path))
        if text is None:
            found.everything = True
        else:
            alone = found.file(text) or alone
    if arguments.get("remote_definition"):
        found.everything = True
    if not alone:
        for name in channels:
            found.channel(str(name))
    if prefix:
        try:
            with open(os.path.join(prefix, "conda-meta", "history"), "rb") as history:
                found.history(history.read())
        except OSError:
            pass
    return found


def _words(arguments: Mapping[str, Any]) -> Iterator[str]:
    for name, value in arguments.items():
        if name in ("channel", "file", "prefix", "cmd"):
            continue
        if isinstance(value, str):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from (str(item) for item in value)
