"""URLs of mirrors and channels: checks, hosts, official addresses, removal of secrets.

The automatic redirect loads this module on every command that names a mirrored channel, so what
only an error or a rare URL needs is imported in the function that needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

#: Where conda itself looks for a channel name, and for the parts of `defaults`.
UPSTREAM_CLOUD = "https://conda.anaconda.org"
UPSTREAM_REPO = "https://repo.anaconda.com"
UPSTREAM_PKGS = f"{UPSTREAM_REPO}/pkgs"

#: The former address of the parts of `defaults`, still in old files (as conda's constants have it).
FORMER_PKGS = "https://repo.continuum.io/pkgs"

#: The official hosts, each with the path that precedes a channel's bare name there.
UPSTREAM_HOSTS = {"conda.anaconda.org": "", "repo.anaconda.com": "pkgs/"}

#: The root of PyTorch's own wheels: a PEP 503 page at `<variant>/<project>/` for each.
WHEELS = "https://download.pytorch.org/whl"

#: The name that means the official site, not a mirror, in preferences and results.
UPSTREAM = "upstream"


class MirrorError(ValueError):
    """A preference item or a registry entry that cannot be used.

    `sentence` and the values `facts` of its fields are what `text.messages.fill` takes, which
    translates it; `str()` of the error is the sentence in English.
    """

    def __init__(self, sentence: str, /, **facts: object) -> None:
        """Keep the sentence and its facts apart, for translation."""
        self.sentence, self.facts = sentence, facts
        super().__init__(sentence.format_map(facts))


class UnknownMirror(MirrorError):
    """A name that is not in the registry. `nearest` is the name that was likely meant."""

    def __init__(
        self, name: str, known: Iterable[str], words: Mapping[str, str] | None = None
    ) -> None:
        """`known` are the names that exist; `words` maps other words for a mirror to its name."""
        self.name = name
        self.known = tuple(known)
        import difflib  # only a wrong name needs it

        said = {**(words or {}), **{one: one for one in self.known}}
        close = difflib.get_close_matches(name.lower(), said, n=1, cutoff=0.5)
        self.nearest = said[close[0]] if close else None
        super().__init__(
            "No mirror is named {name!r}. Did you mean {nearest}? Known: {known}; or give a URL "
            "that starts with https://."
            if self.nearest
            else "No mirror is named {name!r}. Known: {known}; or give a URL that starts with "
            "https://.",
            name=name,
            nearest=self.nearest,
            known=", ".join((*self.known, UPSTREAM)),
        )


class InsecureMirror(MirrorError):
    """A mirror URL over plain http to another computer."""

    def __init__(self, url: str) -> None:
        """Keep the URL without its secrets."""
        self.url = without_secrets(url)
        super().__init__(
            "The mirror {url} is not https, so anyone on the way could change what is "
            "installed. Use its https address; plain http is taken from this computer, and from "
            "others only with the setting torchmirror_http, for a cache in your own network.",
            url=self.url,
        )


class BadMirrorUrl(MirrorError):
    """Something that looks like a URL but names no place that channels can be read from."""

    def __init__(self, url: str, sentence: str, **facts: object) -> None:
        """Keep the URL without its secrets, and add it to the facts as `url`."""
        self.url = without_secrets(url)
        super().__init__(sentence, url=self.url, **facts)


def check_url(url: str, *, allow_http: bool = False) -> str:
    """Check that a mirror's URL may be used, and return it without trailing slashes.

    Raises InsecureMirror for plain http to another computer unless `allow_http`, and BadMirrorUrl
    for anything but a plain http or https address.
    """
    address = url.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        sentence = "The mirror URL {url} cannot be used: {detail}."
        raise BadMirrorUrl(url, sentence, detail=str(error)) from error
    if parts.scheme not in {"http", "https"}:
        raise BadMirrorUrl(url, "The mirror URL {url} cannot be used: it must start with https://.")
    if not host:
        raise BadMirrorUrl(url, "The mirror URL {url} cannot be used: it names no host.")
    if ":" in host:  # conda loses its brackets (24.7 to 26.7)
        raise BadMirrorUrl(
            url,
            "The mirror URL {url} cannot be used: conda reads from no IPv6 address, only from a "
            "host name that leads to it.",
        )
    if parts.query or parts.fragment or re.search(r"\s", address) or not address.isprintable():
        raise BadMirrorUrl(
            url,
            "The mirror URL {url} cannot be used: spaces, control characters, ? and # have no "
            "place in it.",
        )
    if parts.scheme == "http" and not (allow_http or is_loopback(host)):
        raise InsecureMirror(url)
    return address


def host_of(url: str) -> str:
    """`host[:port]` in lower case, without user and password."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def with_login_of(url: str, other: str) -> str:
    """A URL with the user and password of another on the same server, if it has none. Servers
    leave them out of the addresses on their pages and of redirects."""
    login, at, host = urlsplit(other).netloc.rpartition("@") if "@" in other else ("", "", "")
    if not at or "@" in urlsplit(url).netloc or host_of(url) != host.lower():
        return url
    safe_there = url.startswith("https:") or other.startswith("http:")
    return url.replace("://", f"://{login}@", 1) if safe_there else url


def names_of_urls(words: Iterable[str]) -> dict[str, str]:
    """The names of the mirrors that a preference list gives by URL, by URL: the host, or where
    another item of the list has that name, the URL without its scheme."""
    listed = tuple(words)
    hosts = [host_of(word) if "://" in word else word for word in listed]
    return {
        word: host if hosts.count(host) < 2 else without_secrets(word).partition("://")[2]
        for word, host in zip(listed, hosts, strict=True)
        if "://" in word
    }


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this computer."""
    if host.lower() == "localhost":
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def upstream_parent(channel: str) -> str:
    """The official URL above a channel's name, in the form of conda's `custom_channels`."""
    return UPSTREAM_REPO if channel.startswith("pkgs/") else UPSTREAM_CLOUD


def upstream_url(channel: str) -> str:
    """The official URL of a channel name."""
    return f"{upstream_parent(channel)}/{channel}"


def without_secrets(url: str) -> str:
    """Return a URL fit to be shown: without user, password and token."""
    shown = re.sub(r"(?<=://)[^/@\s]*@", "", url.strip())
    return re.sub(r"/t/[^/]+", "/t/<TOKEN>", shown)
