"""The mirror registry and the choice of a mirror for each channel. Pure: no conda, no HTTP.

Owns: what a mirror carries (`data/mirrors.json`, with sources and dates), the meaning of a
preference item (a registry name, "upstream" or a URL), which mirror a channel is read from
(`locate`). What a URL names is the other way round, in `addresses`.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..models import Route
from .lookup import DEFAULT_MIRRORS

#: Where conda itself looks for a channel name, and for the parts of `defaults`.
UPSTREAM_CLOUD = "https://conda.anaconda.org"
UPSTREAM_PKGS = "https://repo.anaconda.com/pkgs"

#: The name that stands for no mirror, in preferences and results.
UPSTREAM = "upstream"

#: The channels that a mirror given as a parent URL is taken to carry.
URL_CHANNELS = ("pytorch", "pytorch-lts")


class MirrorError(ValueError):
    """A preference item or a registry entry that cannot be used. The text is for the user."""


class UnknownMirror(MirrorError):
    """A name that is not in the registry. `nearest` is the name that was likely meant."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        """Keep the name asked for beside the ones that exist."""
        self.name = name
        self.known = tuple(known)
        import difflib  # only a wrong name needs it

        close = difflib.get_close_matches(name.lower(), self.known, n=1, cutoff=0.5)
        self.nearest = close[0] if close else None
        meant = f" Did you mean {self.nearest}?" if self.nearest else ""
        super().__init__(
            f"No mirror is named {name!r}.{meant} Known: {', '.join(self.known)}, {UPSTREAM}; "
            "or give a URL that starts with https://."
        )


class InsecureMirror(MirrorError):
    """A mirror URL over plain http to another computer."""

    def __init__(self, url: str) -> None:
        """Keep the URL without its secrets."""
        self.url = _public(url)
        super().__init__(
            f"The mirror {self.url} is not https, so anyone on the way could change what is "
            "installed. Use its https address; plain http is taken only from this computer."
        )


class BadMirrorUrl(MirrorError):
    """Something that looks like a URL but names no place that channels can be read from."""

    def __init__(self, url: str, why: str) -> None:
        """Keep the URL without its secrets; `why` ends the sentence."""
        self.url = _public(url)
        super().__init__(f"The mirror URL {self.url} cannot be used: {why}.")


class Carried(NamedTuple):
    """One channel at a mirror.

    `status` is yes, redirect, campus, unknown or no; only yes counts when choosing. `subdirs` is
    None where the mirror's own list is not known, which is taken as all. `labels` says whether
    `<channel>/label/<x>` is there as well.
    """

    url: str
    subdirs: frozenset[str] | None = None
    status: str = "yes"
    labels: bool = False

    def has(self, subdir: str | None) -> bool:
        """Whether this channel can be read here for `subdir`; None asks for any platform."""
        if self.status != "yes":
            return False
        return subdir is None or self.subdirs is None or subdir in self.subdirs


class Wheels(NamedTuple):
    """A mirror of download.pytorch.org/whl.

    `layout` is "index" (PEP 503 pages, for --index-url) or "flat" (one listing for each
    directory, for --find-links only). `dirs` are the directories known to exist, None for all.
    `html` says whether `torch_stable.html` is served. `also` are other addresses of the same.
    """

    url: str
    layout: str
    dirs: frozenset[str] | None = None
    html: bool = False
    also: tuple[str, ...] = ()


class Mirror(NamedTuple):
    """One site. `confidence` and `chosen` are by kind: conda, pypi, wheels.

    A kind that is not in `chosen` is used only where the user named the mirror. `roots` are the
    addresses above `cloud/` and `pkgs/`; `parents` are addresses right above channel names.
    `pypi` holds index URLs, the one to use first. `drops_tar_bz2` says that the site does not keep
    a .tar.bz2 that also exists as .conda.
    """

    name: str
    title: str = ""
    home: str = ""
    roots: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    channels: Mapping[str, Carried] = MappingProxyType({})
    pypi: tuple[str, ...] = ()
    wheels: Wheels | None = None
    redirects_to: tuple[str, ...] = ()
    drops_tar_bz2: bool = False
    confidence: Mapping[str, str] = MappingProxyType({})
    chosen: tuple[str, ...] = ()
    support: str | None = None
    note: str = ""
    as_of: str | None = None
    source: tuple[str, ...] = ()

    def url_of(self, channel: str, subdir: str | None = None) -> str | None:
        """The URL of a channel that is carried for `subdir`, else None. Labels are kept."""
        carried = self.channels.get(channel)
        base, slash, label = channel.partition("/label/")
        if carried is None and slash:
            carried = self.channels.get(base)
            if carried is None or not carried.labels:
                return None
            return f"{carried.url}/label/{label}" if carried.has(subdir) else None
        return carried.url if carried is not None and carried.has(subdir) else None


def parse_mirror(name: str, entry: Mapping[str, Any]) -> Mirror:
    """Read one registry entry, ours or a lab's own with the same fields (see the data file).

    Raises MirrorError for an entry without a usable channel URL or with a wrong type.
    """
    try:
        return _parse_mirror(name, entry)
    except MirrorError:
        raise
    except (AttributeError, KeyError, TypeError) as error:
        raise MirrorError(f"The entry of mirror {name!r} cannot be read: {error}.") from error


def _parse_mirror(name: str, entry: Mapping[str, Any]) -> Mirror:
    roots = tuple(_clean(url) for url in entry.get("roots", ()))
    channels = {}
    for channel, raw in entry.get("channels", {}).items():
        url = raw.get("url") or (roots[0] + below_root(channel) if roots else None)
        if url is None:
            raise MirrorError(f"Mirror {name!r} gives no url for {channel} and has no roots.")
        listed = raw.get("subdirs", "*")
        subdirs = listed.split() if isinstance(listed, str) else list(listed)
        channels[channel] = Carried(
            url=_clean(url),
            subdirs=None if subdirs == ["*"] else frozenset(subdirs),
            status=raw.get("status", "yes"),
            labels=bool(raw.get("labels", False)),
        )
    pypi = entry.get("pypi", ())
    return Mirror(
        name=name.lower(),
        title=entry.get("title", name),
        home=entry.get("home", ""),
        roots=roots,
        parents=tuple(_clean(url) for url in entry.get("parents", ())),
        channels=MappingProxyType(channels),
        pypi=tuple(_clean(url) for url in ([pypi] if isinstance(pypi, str) else pypi)),
        wheels=_parse_wheels(entry.get("wheels")),
        redirects_to=tuple(entry.get("redirects_to", ())),
        drops_tar_bz2=bool(entry.get("drops_tar_bz2", False)),
        confidence=MappingProxyType(dict(entry.get("confidence", {}))),
        chosen=tuple(entry.get("chosen", ())),
        support=entry.get("support"),
        note=entry.get("note", ""),
        as_of=entry.get("as_of"),
        source=tuple(entry.get("source", ())),
    )


def _parse_wheels(raw: Mapping[str, Any] | None) -> Wheels | None:
    if raw is None:
        return None
    dirs = raw.get("dirs")
    return Wheels(
        url=_clean(raw["url"]),
        layout=raw["layout"],
        dirs=None if dirs is None else frozenset(dirs.split()),
        html=bool(raw.get("html", False)),
        also=tuple(_clean(url) for url in raw.get("also", ())),
    )


@cache
def registry() -> Mapping[str, Mirror]:
    """The built-in mirrors by name, in order of preference; read from the package once."""
    text = (Path(__file__).parents[1] / "data" / "mirrors.json").read_text(encoding="utf-8")
    entries = json.loads(text)["mirrors"]
    return MappingProxyType({name: _parse_mirror(name, entry) for name, entry in entries.items()})


def automatic(kind: str = "conda", mirrors: Mapping[str, Mirror] | None = None) -> tuple[str, ...]:
    """The names of the mirrors that may be chosen on their own for conda, pypi or wheels."""
    known = registry() if mirrors is None else mirrors
    return tuple(name for name, mirror in known.items() if kind in mirror.chosen)


def parts_of_defaults(subdir: str) -> tuple[str, ...]:
    """The channels that conda's `defaults` stands for on a platform."""
    names = ("pkgs/main", "pkgs/r")
    return (*names, "pkgs/msys2") if subdir.startswith("win-") else names


def resolve(
    preference: Sequence[str],
    mirrors: Mapping[str, Mirror] | None = None,
    *,
    allow_http: bool = False,
) -> tuple[Mirror, ...]:
    """The mirrors that a preference list names, up to "upstream", which ends it.

    Raises UnknownMirror, InsecureMirror or BadMirrorUrl.
    """
    known = registry() if mirrors is None else mirrors
    found = []
    for item in preference:
        if "://" in item:
            found.append(_mirror_at(item, allow_http))
        elif item.lower() == UPSTREAM:
            break
        elif (mirror := known.get(item.lower())) is not None:
            found.append(mirror)
        else:
            raise UnknownMirror(item, known)
    return tuple(found)


def _mirror_at(url: str, allow_http: bool) -> Mirror:
    """A mirror made from a URL: one channel where it ends in /pytorch, else a parent."""
    address = check_url(url, allow_http=allow_http)
    single = address.endswith("/pytorch")
    channels = (
        {"pytorch": Carried(address)}
        if single
        else {name: Carried(f"{address}/{name}") for name in URL_CHANNELS}
    )
    return Mirror(
        name=_host_and_port(address),
        title=_public(address),
        home=_public(address),
        parents=() if single else (address,),
        channels=MappingProxyType(channels),
    )


def check_url(url: str, *, allow_http: bool = False) -> str:
    """A mirror's URL without trailing slashes, if it may be used.

    Raises InsecureMirror for plain http to another computer unless `allow_http`, and BadMirrorUrl
    for what is not a plain http or https address.
    """
    address = url.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise BadMirrorUrl(url, str(error)) from error
    if parts.scheme not in {"http", "https"}:
        raise BadMirrorUrl(url, "it must start with https://")
    if not host:
        raise BadMirrorUrl(url, "it names no host")
    if parts.query or parts.fragment or re.search(r"\s", address):
        raise BadMirrorUrl(url, "spaces, ? and # have no place in it")
    if parts.scheme == "http" and not (allow_http or is_loopback(host)):
        raise InsecureMirror(url)
    return address


def host_of(url: str) -> str:
    """`host[:port]` in lower case, without user and password."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this computer."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def upstream_url(channel: str) -> str:
    """Where conda reads a channel name from when no mirror stands in."""
    if channel.startswith("pkgs/"):
        return f"{UPSTREAM_PKGS}/{channel.removeprefix('pkgs/')}"
    return f"{UPSTREAM_CLOUD}/{channel}"


def locate(
    channel: str,
    subdir: str | None,
    preference: Sequence[str] | None = None,
    mirrors: Mapping[str, Mirror] | None = None,
    *,
    allow_http: bool = False,
) -> Route:
    """Where to read a channel: the first preferred mirror that has it for `subdir`, else upstream.

    `channel` is a name such as `pytorch`, `pkgs/main` or `nvidia/label/cuda-12.4.0`, never a URL
    and never `defaults` (see `parts_of_defaults`). `subdir` None asks for any platform. Raises
    what `resolve` raises.
    """
    chosen = DEFAULT_MIRRORS if preference is None else preference
    return locate_in(resolve(chosen, mirrors, allow_http=allow_http), channel, subdir)


def locate_in(chosen: Sequence[Mirror], channel: str, subdir: str | None) -> Route:
    """`locate` for a preference that `resolve` has read already."""
    for mirror in chosen:
        url = mirror.url_of(channel, subdir)
        if url is not None:
            return Route(channel, url, mirror.name)
    return Route(channel, upstream_url(channel), UPSTREAM)


def below_root(channel: str) -> str:
    """The path of a channel under a root."""
    return f"/{channel}" if channel.startswith("pkgs/") else f"/cloud/{channel}"


def _clean(url: str) -> str:
    return url.rstrip("/")


def _host_and_port(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def _public(url: str) -> str:
    """A URL that may be shown: without user, password and token."""
    shown = re.sub(r"(?<=://)[^/@\s]*@", "", url.strip())
    return re.sub(r"/t/[^/]+", "/t/<TOKEN>", shown)
