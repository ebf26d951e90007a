"""Parsing a page of links: HTML (PEP 503, flat listings, torch_stable.html) or JSON (PEP 691).

Pure, and safe for untrusted pages: takes linear time whatever the page contains, and returns only
links that pass the strict schema of files. `html.parser` takes quadratic time for some broken
pages, so it gets one tag at a time.

The variant of a file is the name of its directory; `torch_stable.html`, and pages that list all
variants of a project, have links to several directories.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from ...selection.wheels.link import Link
from ..record_schema import FILE, SIZE, fits, is_count, is_url

#: The media type of PEP 691.
JSON = "application/vnd.pypi.simple.v1+json"

#: Most tags to look at, most broken tags among them, and most links to return; real pages have up
#: to 2,500 links.
TAGS, BROKEN, LINKS = 200_000, 1000, 20_000
#: Most characters of a tag: a link with its hashes has 600.
TAG = 4000

#: The names of the directories of variants.
VARIANT = re.compile(r"cpu|cpu-cxx11-abi|cu\d{2,4}(?:_[a-z_]{1,20})?|rocm\d[\d.]{0,8}|xpu")
#: The file name of a wheel. No two repetitions are adjacent, so that matching takes linear time.
_WHEEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.!+-]*\.whl")
_TAG = re.compile(r"<(?=(?:a|base)\s)", re.IGNORECASE)
_WHOLE = re.compile(r"""<[^>"']*(?:(?:"[^"]*"|'[^']*')[^>"']*)*>""")
#: The name of a wheel in a tag, still quoted.
_NAME = re.compile(r"""([^/"'=\s>]+\.whl)(?=["'#?\s>])""")
_HASH = re.compile(r"sha256=([0-9a-f]{64})")
_REQUIRES = re.compile(r"[0-9A-Za-z.*<>=!~, ]{1,200}")


class NoIndex(ValueError):
    """A page without any link to a wheel: a login portal, a block page, or broken."""


class Address(NamedTuple):
    """The URL that a page came from, and the `variant` that it was requested for; "" for none."""

    url: str
    variant: str = ""


def parse(
    body: bytes, at: Address, media_type: str = "", keep: Callable[[str], bool] | None = None
) -> tuple[Link, ...]:
    """The wheels that a page links to, in its order, if `keep` accepts the name of the file.

    Checking the names before anything else saves nine tenths of the time of a long page.

    Raises: NoIndex, for a page without any wheel, kept or not.
    """
    text = body.decode("utf-8", "replace")

    def found(keep: Callable[[str], bool] | None) -> Iterator[Link]:
        if "json" in media_type or text[:200].lstrip().startswith("{"):
            return _from_json(text, at)
        return _from_html(text, at, keep)

    links: dict[tuple[str, str], Link] = {}
    for link in islice(found(keep), LINKS):
        links.setdefault((link.variant, link.filename), link)
    if not links and next(found(None), None) is None:
        raise NoIndex
    return tuple(link for link in links.values() if keep is None or keep(link.filename))


class _Attributes(HTMLParser):
    """A parser for one tag and its attributes, with entities resolved; of duplicates the first
    counts."""

    def __init__(self) -> None:
        super().__init__()
        self.name = ""
        self.found: dict[str, str] = {}

    def read(self, tag: str) -> tuple[str, dict[str, str]]:
        self.reset()
        self.name, self.found = "", {}
        self.feed(tag)
        return self.name, self.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.name = tag
        for name, value in reversed(attrs):
            self.found[name] = value or ""


def _tags(text: str, keep: Callable[[str], bool] | None) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the `base` tags of a page, and the `a` tags whose wheels may be kept."""
    first, *rest = text.split("<!--")
    text = first + "".join(part.partition("-->")[2] for part in rest)
    read, broken, at = _Attributes().read, 0, 0
    for _ in range(TAGS):
        found = _TAG.search(text, at)
        if found is None:
            return
        whole = _WHOLE.match(text[found.start() : found.start() + TAG])
        if whole is not None:
            at = found.start() + whole.end()
            if whole[0][1] in "bB" or _may_be_kept(whole[0], keep):
                yield read(whole[0])
        elif broken < BROKEN:
            broken += 1
            at = found.end()
        else:
            return


def _may_be_kept(tag: str, keep: Callable[[str], bool] | None) -> bool:
    """Whether a raw tag is worth parsing: it may link to a wheel whose name `keep` accepts."""
    if ".whl" not in tag:
        return False
    name = _NAME.search(tag) if keep is not None and "&" not in tag.partition(".whl")[0] else None
    return name is None or keep is None or keep(unquote(name[1]))


def _from_html(text: str, at: Address, keep: Callable[[str], bool] | None) -> Iterator[Link]:
    base, based = at.url, False
    for name, attributes in _tags(text, keep):
        href = attributes.get("href", "")
        if name == "base" and not based:
            # Only the first `base` counts, as in a browser.
            base, based = _joined(base, href) or base, True
        elif name == "a" and href:
            said = {
                "requires_python": attributes.get("data-requires-python"),
                "yanked": "data-yanked" in attributes,
                "metadata": attributes.get(
                    "data-core-metadata", attributes.get("data-dist-info-metadata")
                ),
            }
            if (link := _link(href, base, at, said)) is not None:
                yield link


def _from_json(text: str, at: Address) -> Iterator[Link]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    files = document.get("files") if isinstance(document, Mapping) else None
    for file in files if isinstance(files, list) else ():
        if not (isinstance(file, Mapping) and isinstance(file.get("url"), str)):
            continue
        hashes = file.get("hashes")
        said = {
            "sha256": hashes.get("sha256") if isinstance(hashes, Mapping) else None,
            "size": file.get("size"),
            "requires_python": file.get("requires-python"),
            "yanked": bool(file.get("yanked")),
            "metadata": _metadata_of(file),
        }
        if (link := _link(file["url"], at.url, at, said)) is not None:
            yield link


def _metadata_of(file: Mapping[str, Any]) -> str | None:
    value = file.get("core-metadata", file.get("dist-info-metadata"))
    if isinstance(value, Mapping):
        return f"sha256={value.get('sha256', '')}"
    return "true" if value is True else None


def _link(href: str, base: str, at: Address, said: Mapping[str, Any]) -> Link | None:
    """The link, or None if it does not lead to a wheel or has an unusable URL. `said` is the
    metadata on the page; invalid values are dropped."""
    url = _joined(base, href.strip())
    if url is None:
        return None
    parts = urlsplit(url)
    filename = unquote(parts.path.rpartition("/")[2])
    if not is_name(filename):
        return None
    in_fragment = _HASH.search(parts.fragment)
    sha256 = in_fragment[1] if in_fragment else said.get("sha256")
    size, requires = said.get("size"), said.get("requires_python")
    return Link(
        filename=filename,
        url=url.partition("#")[0],
        variant=_variant(parts) or at.variant,
        sha256=sha256 if fits("sha256", sha256) else None,
        size=size if is_count(size, SIZE) else None,
        requires_python=requires if is_requirement(requires) else None,
        yanked=bool(said.get("yanked")),
        metadata=_metadata(said.get("metadata")),
    )


def is_name(value: Any) -> bool:
    """Whether a value is a valid file name of a wheel."""
    return isinstance(value, str) and len(value) <= FILE and bool(_WHEEL.fullmatch(value))


def is_requirement(value: Any) -> bool:
    """Whether a value is a possible `requires-python` of a page."""
    return isinstance(value, str) and bool(_REQUIRES.fullmatch(value))


def _variant(parts: SplitResult) -> str | None:
    """The variant by the two innermost directories of a file's URL, or None."""
    folders = parts.path.split("/")[-3:-1]
    return next((name for name in reversed(folders) if VARIANT.fullmatch(name)), None)


def _metadata(value: Any) -> bool | str:
    if not isinstance(value, str) or value.lower() == "false":
        return False
    found = _HASH.fullmatch(value)
    return found[1] if found else True


def _joined(base: str, href: str) -> str | None:
    """The absolute URL, or None if files may not be fetched from it.

    A page that came over https cannot link to a file over http.
    """
    if not href.isprintable():
        return None
    try:
        url = urljoin(base, href)
        scheme = urlsplit(url).scheme
    except ValueError:
        return None
    if scheme not in ("https", "http") or (scheme == "http" and not base.startswith("http:")):
        return None
    return url.replace(" ", "%20") if is_url(url.replace(" ", "%20")) else None
