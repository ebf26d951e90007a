"""Rewriting pip's index options in a line of requirements to mirrors and back. Pure string work.

There are mirrors of PyPI and of the wheels on download.pytorch.org. A wheel mirror is either an
index like the original, or has a flat listing for each CUDA version, which only --find-links reads.
If an option has to change its name for that, the fragment of the URL, which pip does not send to
the server, keeps the original name:

    --extra-index-url WHEELS/cu121     <->  --find-links FLAT/cu121/#extra-index-url
    --index-url WHEELS/cu121           <->  --index-url PYPI --find-links FLAT/cu121/#index-url
    -f WHEELS/cu121/torch_stable.html  <->  -f FLAT/cu121/#torch_stable.html

The second one adds a PyPI mirror, because a flat listing has no dependencies. As in channel
entries, an explicit port 443 encodes that the original URL was http.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..mirrors.registry import Mirror, Wheels
from ..mirrors.urls import WHEELS
from ..text.sanitize import safe
from .channel_entry import EntryRewriter
from .source_text import Change

#: PyPI's index, assembled so that the name of no registry's host is in this project literally.
PYPI = f"https://{'.'.join(('pypi', 'org'))}/simple"

_INDEX = ("-i", "--index-url", "--extra-index-url")
_OPTION = re.compile(
    r"(?<![^\s])(?P<option>-i|-f|--index-url|--extra-index-url|--find-links)"
    r"(?P<sep>[ \t]*=[ \t]*|[ \t]+)(?P<q>[\"']?)(?P<url>https?://[^\s\"']+)(?P=q)(?=\s|$)"
)
_COMMENT = re.compile(r"(?:^|\s)#.*")
_VARIANT = r"(?:cpu|cpu-cxx11-abi|cu\d+|rocm[\d.]+|xpu)"
_WHEEL_TAIL = re.compile(rf"(?P<dir>/{_VARIANT})?(?P<end>/?|/torch_stable\.html)")
_FORMER = re.compile(r"(?P<name>i|index-url|extra-index-url|torch_stable\.html)(?P<slash>/?)")


@dataclass(frozen=True)
class Option:
    """An option in a line: its span and its parts."""

    start: int
    end: int
    name: str
    sep: str
    quote: str
    url: str

    def spelled(self, name: str, url: str) -> str:
        """The option with another name or URL."""
        return f"{name}{self.sep}{self.quote}{url}{self.quote}"


@dataclass(frozen=True)
class Left:
    """An option that is not rewritten, and the code of the reason."""

    code: str
    facts: Mapping[str, Any]


def rewrite_line(line: str, rewriter: EntryRewriter) -> tuple[list[Change], list[Left]]:
    """Rewrite the index options of one line (without its line end).

    Returns the changes, with positions relative to the line, and the options that are left.
    """
    changes: list[Change] = []
    left: list[Left] = []
    options = list(_options(line))
    skip = False
    for number, option in enumerate(options):
        following = options[number + 1] if number + 1 < len(options) else None
        if skip:
            skip = False
            continue
        pair = _pair(option, following, rewriter)
        skip = pair is not None
        start = option.start
        end = following.end if following is not None and skip else option.end
        former = pair or _upstream(option, rewriter)
        old = line[start:end]
        new = former if former is not None else old
        if rewriter.direction == "upstream" and former is None and not _is_official(option.url):
            left.append(Left("unknown_host", {"entry": safe(option.url)}))
        if rewriter.direction == "rewrite":
            source = next(_options(new))
            found, code = _mirrored(source, rewriter.chosen)
            if code is not None:
                left.append(_left(code, source, rewriter))
            if found is None:
                continue
            if former is not None and _owner(old, rewriter) == _owner(found, rewriter):
                continue
            if former is None and not _comes_back(found, old, rewriter):
                left.append(Left("unusual_url", {"entry": source.url}))
                continue
            new = found
        if new != old:
            changes.append(Change(start, end, new))
    return changes, left


def _options(line: str) -> Iterator[Option]:
    comment = _COMMENT.search(line)
    for match in _OPTION.finditer(line, 0, comment.start() if comment else len(line)):
        yield Option(
            match.start(), match.end(), match["option"], match["sep"], match["q"], match["url"]
        )


def _comes_back(new: str, old: str, rewriter: EntryRewriter) -> bool:
    options = list(_options(new))
    if len(options) == 2:
        return _pair(options[0], options[1], rewriter) == old
    return _upstream(options[0], rewriter) == old


def _mirrored(
    option: Option, mirrors: Sequence[Mirror]
) -> tuple[str, None] | tuple[None, str | None]:
    """The upstream option at the first mirror that serves it, or the code of why none does.

    Both are None for an option that no mirror could ever serve.
    """
    tail = _below(option.url, PYPI)
    if tail is not None and option.name in _INDEX:
        if tail.strip("/"):
            return None, None
        index = _pypi(mirrors)
        url = _marked(index + tail, option.url) if index else None
        if url is not None:
            return option.spelled(option.name, url), None
        return None, None if index else "no_pypi_mirror"
    tail = _below(option.url, WHEELS)
    if tail is None:
        return None, None
    parts = _WHEEL_TAIL.fullmatch(tail)
    if parts is None or not (parts["dir"] or parts["end"] == "/torch_stable.html"):
        return None, "wheels_elsewhere"
    code = "no_wheel_mirror"
    for mirror in mirrors:
        if mirror.wheels is None:
            continue
        new = _at_wheels(option, mirror.wheels, parts, mirrors)
        if new is not None:
            return new, None
        code = "wheel_layout"
    return None, code


def _at_wheels(
    option: Option, wheels: Wheels, parts: re.Match[str], mirrors: Sequence[Mirror]
) -> str | None:
    where, end = parts["dir"] or "", parts["end"]
    html = end == "/torch_stable.html"
    if wheels.layout == "index":
        if (option.name in _INDEX) == html or (html and not wheels.html):
            return None
        url = _marked(wheels.url + where + end, option.url)
        return option.spelled(option.name, url) if url else None
    if not where or (wheels.dirs is not None and where[1:] not in wheels.dirs):
        return None
    listing = f"{wheels.url}{where}"
    if option.name not in _INDEX:
        url = _marked(f"{listing}/#torch_stable.html" if html else listing + end, option.url)
        return option.spelled(option.name, url) if url else None
    if html:
        return None
    url = _marked(f"{listing}/#{option.name.lstrip('-')}{end}", option.url)
    if url is None:
        return None
    links = option.spelled("--find-links", url)
    if option.name == "--extra-index-url":
        return links
    index = _pypi(mirrors)
    return f"{option.spelled(option.name, index)} {links}" if index else None


def _pair(first: Option, second: Option | None, rewriter: EntryRewriter) -> str | None:
    """The upstream option that an index followed by a flat listing encodes, or None."""
    if second is None or second.name != "--find-links" or first.name not in ("-i", "--index-url"):
        return None
    found = _flat(second, rewriter)
    if found is None or found[1] != first.name or _pypi_tail(first.url, rewriter) is None:
        return None
    return first.spelled(first.name, found[0])


def _upstream(option: Option, rewriter: EntryRewriter) -> str | None:
    """The upstream option that a mirror's option encodes; None if it names no mirror."""
    tail = _pypi_tail(option.url, rewriter)
    if tail is not None:
        if option.name not in _INDEX or tail.strip("/"):
            return None
        return option.spelled(option.name, _origin(PYPI + tail, option.url))
    flat = _flat(option, rewriter)
    if flat is not None:
        return option.spelled(flat[1], flat[0])
    for wheels in _all_wheels(rewriter):
        tail = _below_any(option.url, (wheels.url, *wheels.also))
        if tail is None or "#" in tail:
            continue
        if wheels.layout == "flat" and option.name in _INDEX:
            continue
        return option.spelled(option.name, _origin(WHEELS + tail, option.url))
    return None


def _flat(option: Option, rewriter: EntryRewriter) -> tuple[str, str] | None:
    """The upstream URL and option name that the fragment of a flat listing encodes, or None."""
    address, mark, fragment = option.url.partition("#")
    former = _FORMER.fullmatch(fragment) if mark else None
    if former is None or option.name in _INDEX:
        return None
    for wheels in _all_wheels(rewriter):
        tail = _below_any(address, (wheels.url, *wheels.also))
        if wheels.layout != "flat" or tail is None:
            continue
        url = _origin(WHEELS + tail.rstrip("/"), option.url)
        if former["name"] == "torch_stable.html":
            return f"{url}/torch_stable.html", option.name
        name = "-i" if former["name"] == "i" else f"--{former['name']}"
        return url + former["slash"], name
    return None


def _all_wheels(rewriter: EntryRewriter) -> Iterator[Wheels]:
    for mirror in (*rewriter.chosen, *rewriter.mirrors.values()):
        if mirror.wheels is not None:
            yield mirror.wheels


def _pypi(mirrors: Sequence[Mirror]) -> str | None:
    return next((mirror.pypi[0] for mirror in mirrors if mirror.pypi), None)


def _pypi_tail(url: str, rewriter: EntryRewriter) -> str | None:
    mirrors: tuple[Mirror, ...] = (*rewriter.chosen, *rewriter.mirrors.values())
    return _below_any(url, (i for mirror in mirrors for i in (*mirror.pypi, *mirror.pypi_also)))


def _below_any(url: str, bases: Iterator[str] | tuple[str, ...]) -> str | None:
    return next((tail for base in bases if (tail := _below(url, base)) is not None), None)


def _below(url: str, base: str) -> str | None:
    """The part of a URL after `base`, whether http or https; None if it is not below `base`."""
    rest = url.partition("://")[2]
    host, slash, path = rest.partition("/")
    here = f"{host.removesuffix(':443').lower()}{slash}{path}"
    wanted = base.partition("://")[2]
    tail = here.removeprefix(wanted)
    return tail if here.startswith(wanted) and (not tail or tail[0] in "/#") else None


def _marked(url: str, source: str) -> str | None:
    """A mirror's URL that encodes whether the source was plain http; None if it cannot."""
    if source.startswith("https:"):
        return url
    marked = re.sub(r"^(https://[^/:]+)(?=/)", r"\1:443", url)
    return None if marked == url else marked


def _origin(url: str, at: str) -> str:
    """An upstream URL, over http if the mirror's URL spells out its port."""
    plain = re.match(r"https://[^/:]+:443/", at)
    return url.replace("https://", "http://", 1) if plain else url


def _owner(line: str, rewriter: EntryRewriter) -> list[tuple[str | None, bool]]:
    """The mirrors that the options of a line name, and whether by https."""
    return [(_site(option.url, rewriter), option.url[:6] == "https:") for option in _options(line)]


def _site(url: str, rewriter: EntryRewriter) -> str | None:
    for mirror in (*rewriter.chosen, *rewriter.mirrors.values()):
        wheels = (mirror.wheels.url, *mirror.wheels.also) if mirror.wheels else ()
        if _below_any(url, (*mirror.pypi, *mirror.pypi_also, *wheels)) is not None:
            return mirror.name
    return None


def _is_official(url: str) -> bool:
    return _below(url, PYPI) is not None or _below(url, WHEELS) is not None


def _left(code: str, option: Option, rewriter: EntryRewriter) -> Left:
    """An option that is left, with the other mirrors that would serve it."""
    old = option.spelled(option.name, option.url)
    able = []
    for name, mirror in rewriter.mirrors.items():
        new, _ = _mirrored(option, (mirror,))
        if new is not None and _comes_back(new, old, rewriter):
            able.append(name)
    return Left(
        code,
        {
            "option": option.name,
            "url": option.url,
            "mirrors": ", ".join(mirror.name for mirror in rewriter.chosen) or "upstream",
            "preference": [mirror.word for mirror in rewriter.chosen],
            "others": able,
        },
    )
