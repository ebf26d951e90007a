"""Parsing a page of links: HTML (PEP 503, flat listings, torch_stable.html) or JSON (PEP 691).

Pure, and safe for untrusted pages: takes linear time whatever the page contains, and returns only
links that pass the strict schema of files. `html.parser` takes quadratic time for some broken
pages, so it gets one tag at a time; and a third of a second for a long page, so tags written as
real indexes write them are read by one expression, with the same result.

The variant of a file is the name of its directory; `torch_stable.html`, and pages that list all
variants of a project, have links to several directories.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from packaging.specifiers import SpecifierSet

from ...mirrors.urls import with_login_of
from ...selection.wheels.link import Link
from ..record_schema import FILE, SIZE, SPEC, fits, is_count, is_url

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
_TAG = re.compile(r"<(?=(?:[aA]|[bB][aA][sS][eE])\s)")
#: A tag as indexes write them: a link to a wheel first, with its hash if at all; every value in
#: double quotes, and no entity but for brackets. No two ways to match the same text.
_USUAL = re.compile(
    r"""<a\ href="([^"#?&]*/)? ([\w.!+%-]+\.whl) (?:\#sha256=([0-9a-f]{64}))? "
    ((?:\ [a-z][a-z-]*="[^"&]*(?:&[gl]t;[^"&]*)*")*) >""",
    re.ASCII | re.VERBOSE,
)
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
_WHOLE = re.compile(r"""<[^>"']*(?:(?:"[^"]*"|'[^']*')[^>"']*)*>""")
#: The name of a wheel in a tag, still quoted.
_NAME = re.compile(r"""([^/"'=\s>]+\.whl)(?=["'#?\s>])""")
#: The name of a wheel at the end of a URL, as indexes write it.
_USUAL_NAME = re.compile(r"[\w.!+%-]+\.whl", re.ASCII)
_HASH = re.compile(r"sha256=([0-9a-fA-F]{64})")
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
    text = body.decode("utf-8-sig", "replace")
    read = _from_html
    if "json" in media_type or text[:200].lstrip().startswith("{"):
        read = _from_json
    links: dict[tuple[str, str], Link] = {}
    for link in islice(read(text, at, keep), LINKS):
        links.setdefault((link.variant, link.filename), link)
    if not links and next(read(text, at, None), None) is None:
        raise NoIndex
    return tuple(link for link in links.values() if keep is None or keep(link.filename))


#: A tag of a page: the match of `_USUAL`, or the name and the attributes.
_Tag: TypeAlias = "re.Match[str] | tuple[str, dict[str, str]]"


def _tags(text: str, keep: Callable[[str], bool] | None) -> Iterator[_Tag]:
    """Yield the `base` tags of a page, and the `a` tags whose wheels may be kept."""
    first, *rest = text.split("<!--")
    text = first + "".join(part.partition("-->")[2] for part in rest)
    parser, broken, at = None, 0, 0
    for _ in range(TAGS):
        found = _TAG.search(text, at)
        if found is None:
            return
        start = found.start()
        usual = _USUAL.match(text, start, start + TAG)
        if usual is not None:
            at = usual.end()
            if keep is None or keep(_unquoted(usual[2])):
                yield usual
            continue
        whole = _WHOLE.match(text, start, start + TAG)
        if whole is not None:
            at = whole.end()
            if whole[0][1] in "bB" or _may_be_kept(whole[0], keep):
                if parser is None:
                    from .html_tag import TagParser

                    parser = TagParser()
                yield parser.read(whole[0])
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


def _unquoted(name: str) -> str:
    """Unquote the name of a file, in most of which only the `+` is quoted."""
    name = name.replace("%2B", "+")
    return unquote(name) if "%" in name else name


def _from_html(text: str, at: Address, keep: Callable[[str], bool] | None) -> Iterator[Link]:
    folders, based = _Folders(at.url, at), False
    for tag in _tags(text, keep):
        if isinstance(tag, re.Match):
            folder, name, sha256, rest = tag.groups()
            attributes = dict(reversed(_ATTRIBUTE.findall(rest)))
            for key in attributes:
                attributes[key] = attributes[key].replace("&gt;", ">").replace("&lt;", "<")
            more = len("#sha256=") + len(sha256) if sha256 else 0
            link = folders.link(folder or "", name, _said(attributes, sha256), more)
        else:
            kind, attributes = tag
            link, href = None, attributes.get("href", "")
            if kind == "base" and not based:
                # Only the first `base` counts, as in a browser.
                folders, based = _Folders(_joined(at.url, href) or at.url, at), True
            elif kind == "a" and href:
                link = _link(href, folders.base, at, _said(attributes))
        if link is not None:
            yield link


def _said(attributes: Mapping[str, str], sha256: str | None = None) -> dict[str, Any]:
    """The metadata of a file on a page, by the attributes of its tag."""
    return {
        "sha256": sha256,
        "requires_python": attributes.get("data-requires-python"),
        "yanked": "data-yanked" in attributes,
        "metadata": attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata")),
    }


class _Folders:
    """The folders that a page links into: their URLs and variants, each worked out once."""

    def __init__(self, base: str, at: Address) -> None:
        self.base, self._at = base, at
        self._known: dict[str, Link | None] = {}

    def link(self, folder: str, name: str, said: Mapping[str, Any], more: int = 0) -> Link | None:
        """As `_link` of the folder and the name, a name as in `_USUAL`; `more` characters follow in
        the URL."""
        if folder not in self._known:
            self._known[folder] = _link(f"{folder}x.whl", self.base, self._at, _said({}))
        first, filename = self._known[folder], _unquoted(name)
        if first is None or not is_name(filename):
            return None
        url = first.url.removesuffix("x.whl") + name
        return _filled(filename, url, first.variant, said) if len(url) + more <= SPEC else None


def _from_json(text: str, at: Address, keep: Callable[[str], bool] | None) -> Iterator[Link]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    files = document.get("files") if isinstance(document, Mapping) else None
    folders = _Folders(at.url, at)
    for file in files if isinstance(files, list) else ():
        if not (isinstance(file, Mapping) and isinstance(file.get("url"), str)):
            continue
        folder, slash, name = file["url"].strip().rpartition("/")
        usual = _USUAL_NAME.fullmatch(name) and "#" not in folder and "?" not in folder
        if usual and keep is not None and not keep(_unquoted(name)):
            continue
        hashes = file.get("hashes")
        said = {
            "sha256": hashes.get("sha256") if isinstance(hashes, Mapping) else None,
            "size": file.get("size"),
            "requires_python": file.get("requires-python"),
            "yanked": bool(file.get("yanked")),
            "metadata": _metadata_of(file),
        }
        link = (
            folders.link(f"{folder}{slash}", name, said)
            if usual
            else _link(file["url"], at.url, at, said)
        )
        if link is not None:
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
    if in_fragment := _HASH.search(parts.fragment):
        said = {**said, "sha256": in_fragment[1]}
    return _filled(filename, url.partition("#")[0], _variant(parts) or at.variant, said)


def _filled(filename: str, url: str, variant: str, said: Mapping[str, Any]) -> Link:
    """The link with what a page says of it, without invalid values."""
    size, requires = said.get("size"), said["requires_python"]
    sha256 = said["sha256"].lower() if isinstance(said["sha256"], str) else None
    return Link(
        filename=filename,
        url=url,
        variant=variant,
        sha256=sha256 if fits("sha256", sha256) else None,
        size=size if is_count(size, SIZE) else None,
        requires_python=requires if is_requirement(requires) else None,
        yanked=bool(said["yanked"]),
        metadata=_metadata(said["metadata"]),
    )


def is_name(value: Any) -> bool:
    """Whether a value is a valid file name of a wheel."""
    return isinstance(value, str) and len(value) <= FILE and bool(_WHEEL.fullmatch(value))


def is_requirement(value: Any) -> bool:
    """Whether a value is a valid `requires-python` of a page. An old pip takes an invalid one for
    one that no Python satisfies."""
    return isinstance(value, str) and bool(_REQUIRES.fullmatch(value)) and _is_specifier(value)


@lru_cache(maxsize=256)
def _is_specifier(value: str) -> bool:
    try:
        SpecifierSet(value)
    except ValueError:
        return False
    return True


def _variant(parts: SplitResult) -> str | None:
    """The variant by the two innermost directories of a file's URL, or None."""
    folders = parts.path.split("/")[-3:-1]
    return next((name for name in reversed(folders) if VARIANT.fullmatch(name)), None)


def _metadata(value: Any) -> bool | str:
    if not isinstance(value, str) or value.lower() == "false":
        return False
    found = _HASH.fullmatch(value)
    return found[1].lower() if found else True


def _joined(base: str, href: str) -> str | None:
    """The absolute URL, or None if files may not be fetched from it.

    A page that came over https cannot link to a file over http.
    """
    if not href.isprintable():
        return None
    try:
        url = with_login_of(urljoin(base, href), base)
        scheme = urlsplit(url).scheme
    except ValueError:
        return None
    if scheme not in ("https", "http") or (scheme == "http" and not base.startswith("http:")):
        return None
    return url.replace(" ", "%20") if is_url(url.replace(" ", "%20")) else None
