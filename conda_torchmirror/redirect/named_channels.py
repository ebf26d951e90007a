"""Which channels a command names: on its command line, in conda's configuration, in files, and in
the history of the environment.

A name too many does no harm, while a channel that is missed is read from upstream. So whatever
cannot be inspected (a file at a URL or fetched by name, a pipe, the part of a large file after its
first `MOST` bytes) counts as naming every channel. Text is scanned in one pass, since it may be
anybody's file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

#: The folder with one file for each channel that may be redirected; see `candidates`.
REDIRECTS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "redirect")

#: Bytes of a file that are scanned: a lock file of three platforms has a fifth of that, and more
#: would be a noticeable delay.
MOST = 2_000_000

#: Characters of a text that is parsed as YAML where reading it by lines would miss something: the
#: parser takes 0.5 s for so many.
PARSED = 30_000

# Patterns are compiled when they are used first: each takes 0.2 ms, and few commands need any.
_KEY = r"[ \t]*(['\"]?)channels\1[ \t]*:[ \t]*(.*)$"
#: The key in a line where `_KEY` does not find it: behind a brace, a question mark, a document's
#: dashes.
_KEY_WITHIN = r"(?<![\w-])channels['\"]?[ \t]*:|[ \t]*\?[ \t]*['\"]?channels\b"
#: What an entry may begin with that is not its text: anchors, tags, aliases, other collections.
_INDICATORS = frozenset("&!*|>[{?")
#: A word such as `channel::name`, `channel/linux-64::name` or `url::name` in other text.
_WORD = r"[^\s'\",\[\]=]+"
#: The channel of `name[channel=...]`.
_INSIDE = r"\bchannel=['\"]?([^'\",\]\s]+)"
_URL = r"https?://[^\s'\",\]]+"
_PACKAGE = (".conda", ".tar.bz2")
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")

#: The arguments of torch-install that name channels; those of files are among them by then.
NAMING = ("channel", "override_channels", "specs")


class NamedChannels:
    """The channels found. `asked` are those that the command reads, in order, and `installed` those
    that the environment's packages came from; both without labels.

    `labels` holds the label channels by their channel, `whole` those in `asked` that are named
    without a label as well, `secret` the channels whose URL has a token or a password in it, `urls`
    the URLs at other hosts by each channel that they may stand for. `everything` says that
    something could not be inspected.

    `packages` holds the channels whose package files are named by their official URLs, which no
    redirect reaches; `explicit` says that a file of the command is a list of such URLs.
    """

    def __init__(self) -> None:
        self.asked: dict[str, None] = {}
        self.installed: dict[str, None] = {}
        self.labels: dict[str, set[str]] = {}
        self.whole: set[str] = set()
        self.secret: set[str] = set()
        self.urls: dict[str, set[str]] = {}
        self.packages: dict[str, None] = {}
        self.explicit = False
        self.everything = False

    def channel(self, word: str, *, into: dict[str, None] | None = None) -> None:
        """Add a channel, given as a name or a URL with or without label and subdir, to `asked` or
        `into`."""
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
        from ..mirrors.urls import UPSTREAM_HOSTS  # most commands name channels and no URL

        prefix = UPSTREAM_HOSTS.get(host.lower())
        if prefix is not None and path.startswith(prefix):
            name = self._name(path, found)
            if name and (auth or token):
                self.secret.add(name)
            return
        # Perhaps a mirror's: which channel it is can be told once the mirrors' URLs are known.
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
        name = first.removeprefix("pkgs/")
        if not _NAME.issuperset(name) or name[:1] in ("", ".", "-", "_"):
            return None
        found.setdefault(first)
        if rest.startswith("label/"):
            label = "/".join([first, *rest.split("/")[:2]])
            self.labels.setdefault(first, set()).add(label)
        elif found is self.asked:
            self.whole.add(first)
        return first

    def specs(self, text: str) -> None:
        """Add the channels of match specs: `pytorch::x`, `x[channel=pytorch]`, URLs."""
        # By words: one expression for a word and its `::` would backtrack at every character.
        words = re.findall(_WORD, text) if "::" in text else ()
        for before in dict.fromkeys(word.rpartition("::")[0] for word in words):
            if before:
                self.channel(before)
        for inside in re.findall(_INSIDE, text) if "channel=" in text else ():
            self.channel(inside)
        for url in dict.fromkeys(re.findall(_URL, text)) if "://" in text else ():
            # The URL of a package file is fetched as it stands, whatever its channel maps to.
            if url.partition("#")[0].endswith(_PACKAGE):
                self._package(url)
            elif "::" not in url:
                self.channel(url)

    def _package(self, url: str) -> None:
        from ..mirrors.urls import UPSTREAM_HOSTS

        host, _, path = url.partition("://")[2].partition("/")
        prefix = UPSTREAM_HOSTS.get(host.lower())
        if prefix is not None and path.startswith(prefix):
            self.packages.setdefault(prefix + path[len(prefix) :].partition("/")[0])

    def file(self, text: str) -> bool:
        """Add the channels of an environment file or a list of specs; return whether it excludes
        all others (`nodefaults`)."""
        alone = False
        try:
            items = dict.fromkeys(_listed(text))
        except _OddYaml:
            found = _parsed(text)
            self.everything = self.everything or found is None
            items = dict.fromkeys(found or ())
        for item in items:
            alone = alone or item == "nodefaults"
            self.channel(os.path.expandvars(item))  # as conda does
        self.asked.pop("nodefaults", None)
        self.explicit = self.explicit or "@EXPLICIT" in text
        self.specs(text)
        return alone

    def history(self, content: bytes) -> None:
        """Add the channels in an environment's history: of packages it installed, and of specs."""
        channels = set()
        for line in content.splitlines():
            if line.startswith(b"+"):  # +channel/linux-64::name-version-build
                channels.add(line[1:].partition(b"::")[0].rpartition(b"/")[0])
            elif b"::" in line and b" specs: " in line:
                self.specs(line.decode("utf-8", "replace"))
        for channel in sorted(channels):
            self.channel(channel.decode("utf-8", "replace"), into=self.installed)


class _OddYaml(ValueError):
    """A text has a form of YAML that reading it by lines would misread."""


def _listed(text: str) -> Iterator[str]:
    """The items under every `channels:` of a YAML or JSON text, block or flow. Raises _OddYaml."""
    lines = iter(text.splitlines())
    within = False
    for line in lines:
        if "channels" in line and (key := re.match(_KEY, line)):
            value = key[2]
            within = not value or value[0] == "#"
            if within:
                continue
            if value[0] != "[":
                raise _OddYaml
            inner = value[1:].partition("#")[0]
            while "]" not in inner and (more := next(lines, None)) is not None:
                yield from map(_item, inner.split(","))
                inner = more.partition("#")[0]
            yield from map(_item, inner.partition("]")[0].split(","))
            continue
        bare = line.strip()
        if not bare or bare[0] == "#":
            continue
        if "channels" in line and re.search(_KEY_WITHIN, line):
            raise _OddYaml
        if within and bare[0] == "-":
            item = _item(re.sub(r"\s#.*", "", bare[1:]))
            if not item:  # it begins in the next line
                raise _OddYaml
            yield item
        elif within:
            if bare[0] in _INDICATORS:
                raise _OddYaml
            within = False


def _item(written: str) -> str:
    """The text of an entry, without its quotes. Raises _OddYaml."""
    word = written.strip()
    if word[:1] in _INDICATORS or "\\" in word:
        raise _OddYaml
    return word.strip(" \t'\"")


def _parsed(text: str) -> list[str] | None:
    """The items under every `channels:` of a text, by the YAML parser; none where it is no YAML, as
    conda then refuses the file. None for a text too long to be parsed."""
    if len(text) > PARSED:
        return None
    from ruamel.yaml import YAML

    try:
        nodes = [YAML(typ="safe", pure=True).load(text)]
    except Exception:  # conda says what is wrong with it
        return []
    found: list[str] = []
    seen: set[int] = set()  # aliases may lead to one node again and again
    while nodes:
        node = nodes.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, dict):
            listed = node.get("channels")
            if isinstance(listed, list):
                found += [item for item in listed if isinstance(item, str)]
            nodes += node.values()
        elif isinstance(node, list):
            nodes += node
    return found


def read(path: str) -> tuple[str, bool]:
    """Read the first `MOST` bytes of a file that a command names; return them as text, and whether
    that is the whole file."""
    if "://" in path:
        return "", False
    if not os.path.isfile(path):  # what is read from a pipe is lost for conda
        return "", not os.path.exists(path)
    try:
        with open(path, "rb") as file:
            content = file.read(MOST + 1)
    except OSError:
        return "", True  # conda says what is wrong with it
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = content[:MOST].decode("utf-16" if wide else "utf-8-sig", "replace")
    return text, len(content) <= MOST


def mentioned(
    arguments: Mapping[str, Any],
    channels: Iterable[str],
    *,
    prefix: str | None = None,
    specs: Iterable[str] = (),
) -> NamedChannels:
    """Collect the channels that a command names.

    `arguments` are its parsed arguments by name, `channels` those of conda's configuration,
    `prefix` an environment whose history counts, `specs` further specs from the configuration.
    """
    found = NamedChannels()
    alone = bool(arguments.get("override_channels"))
    for name in arguments.get("channel") or ():
        found.channel(str(name))
    for spec in (*_words(arguments), *specs):
        if "::" in spec or "=" in spec or "://" in spec:
            found.specs(spec)
    files = arguments.get("file") or ()
    for path in [files] if isinstance(files, str) else list(files):
        text, whole = read(str(path))
        found.everything = found.everything or not whole
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


def of_this_command(
    *, installed: bool = False, words: Container[str] | None = None
) -> NamedChannels:
    """Collect the channels that the running command names, from conda's context.

    With `installed`, those of the target environment count too. `words` names the arguments to look
    at, None for all. Raises AttributeError if a later conda lacks an attribute used here.
    """
    from conda.base.context import context
    from conda.exceptions import CondaError

    there = {name for raw in context.raw_data.values() for name in raw}
    prefix = None
    if installed:
        try:
            prefix = context.target_prefix
        except CondaError:  # no such environment: conda says so by itself
            prefix = None
    packages = context.create_default_packages if "create_default_packages" in there else ()
    groups = dict(context._custom_multichannels) if "custom_multichannels" in there else {}
    arguments = context._argparse_args
    if words is not None:
        arguments = {name: value for name, value in arguments.items() if name in words}
    configured = tuple(context._channels)
    if arguments.get("channel") and "channels" not in there:
        # Old conda adds `defaults` if channels are given on the command line alone. The property
        # `context.channels` would tell, but validates the whole configuration first (10 ms).
        configured += tuple(vars(type(context))["_channels"].type.default.typify("default"))
    found = mentioned(arguments, configured, prefix=prefix, specs=map(str, packages))
    for url in dict.fromkeys(str(url) for group in groups.values() for url in group):
        found.channel(url, into={})  # for its token or password, if the group is named
    return found


def candidates(found: NamedChannels) -> tuple[str, ...]:
    """The mentioned channels that may be redirected, with `defaults` as it stands."""
    if found.everything:
        files = sorted(name for name in os.listdir(REDIRECTS) if name.endswith(".yml"))
        return tuple(name.removesuffix(".yml") for name in files)
    names = dict.fromkeys((*found.asked, *found.installed, *found.urls))
    return tuple(name for name in names if redirectable(name))


def redirectable(name: str) -> bool:
    """Whether there is a redirect file for a channel."""
    return name.startswith("pkgs/") or os.path.exists(os.path.join(REDIRECTS, f"{name}.yml"))
