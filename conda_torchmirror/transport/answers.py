"""Interpret answers for a file, as codes: by HTTP status, page, first bytes, or from memory.

The requests are in `probe`; `redirect.answer_log` stores answers on disk.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..mirrors.urls import host_of
from ..models import Notice
from ..redirect import answer_log
from ..text.sanitize import safe

_CODES = {401: "unauthorized", 404: "not_found", 410: "not_found", 429: "busy", 503: "busy"}
#: The status of a proxy that asks for a log-in, and what it is called.
LOGIN, LOGIN_WORDS = 407, "407 Proxy Authentication Required"
#: The codes of notices on what stays so, however often a place is asked.
_LASTING = frozenset(("probe_not_found", "probe_hash", "probe_wrong_size", "wheel_nowhere_else"))
_NUMBER = r"[0-9]{1,15}"
_MAGIC = {".bz2": b"BZh", ".conda": b"PK", ".whl": b"PK", ".zst": b"\x28\xb5\x2f\xfd"}


class Answer(NamedTuple):
    """The answer for a file, without secrets.

    `code` is "ok" or says what went wrong. `seconds` is the time until the first bytes, `modified`
    and `at` (the time of the request) are in seconds since 1970, `size` is that of the whole file
    in bytes, `host` the one that finally answered. `identifier` and `support` come from a block
    page.
    """

    url: str
    code: str
    seconds: float = 0.0
    status: int | None = None
    host: str = ""
    detail: str = ""
    modified: float | None = None
    size: int | None = None
    identifier: str | None = None
    support: str | None = None
    retry_after: float | None = None
    at: float = 0.0
    remembered: bool = False

    @property
    def ok(self) -> bool:
        """Whether the file is there."""
        return self.code == "ok"

    @property
    def of_site(self) -> bool:
        """Whether it is a failure of the whole site that was asked."""
        return answer_log.is_of_site(self._asdict())

    @property
    def moved_to(self) -> str | None:
        """The host that answered, if it is not the one that was asked."""
        return self.host if self.host and self.host != host_of(self.url) else None

    @property
    def notice(self) -> Notice:
        """The notice on it, with a code of `messages` and its facts."""
        return Notice(f"probe_{self.code}", answer_log.facts(self._asdict()))

    def compared(self, size: int | None) -> Answer:
        """The answer checked against the size in bytes that an index states for the file."""
        sized = self.code in ("ok", "wrong_size")
        return self._replace(**compare_size(self.size, size)) if sized else self

    def failed_at(self, url: str) -> Answer:
        """The answer with `url` as the place of the failed connection: if a redirect led to another
        host, the mirror itself is well."""
        host = host_of(url)
        return self if host == host_of(self.url) else self._replace(code="redirect_dead", host=host)


def are_lasting(reasons: Iterable[Notice]) -> bool:
    """Whether none of the places that failed for these reasons has the file later: they lack it, or
    have another one of its name."""
    return all(reason.code in _LASTING for reason in reasons)


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The fields of an Answer for an HTTP status other than 200.

    A 403 with a page that names an identifier or a mail address means that the mirror has blocked
    this network; both are shown to the user, who would otherwise suspect a login problem.
    """
    if status == 403:
        identifier, support = block_page(body.decode("utf-8", "replace"))
        code = "blocked" if identifier or support else "forbidden"
        return {"code": code, "identifier": identifier, "support": support}
    if status == LOGIN:
        return {"code": "proxy", "detail": LOGIN_WORDS}
    code = _CODES.get(status, "server_error" if status >= 500 else "bad_status")
    return {"code": code, "retry_after": _delay(headers.get("Retry-After"))}


def content_code(first: bytes, headers: Mapping[str, str], url: str) -> str | None:
    """The code if the first bytes are not those of the file at `url`; else None.

    An index that is `{}` and no more is none: a mirror sends it where it has nothing, and conda
    finds no package. Only noarch may be empty.
    """
    path = urlsplit(url).path
    magic = next((magic for end, magic in _MAGIC.items() if path.endswith(end)), None)
    if path.endswith(".json"):
        magic = b"{"
        first = first.lstrip(b" \t\r\n\xef\xbb\xbf")
        if first.split() in ([b"{}"], [b"{", b"}"]) and not path.endswith("/noarch/repodata.json"):
            return "not_the_file"
    if magic is None or first.startswith(magic):
        return None
    looks = first.lstrip().startswith(b"<") or "html" in headers.get("Content-Type", "")
    return "html" if looks else "not_the_file"


def compare_size(found: int | None, expected: int | None) -> dict[str, Any]:
    """The fields of an Answer for a file of `found` bytes whose index states `expected` bytes."""
    if expected is None or found is None or found == expected:
        return {"code": "ok", "detail": ""}
    return {"code": "wrong_size", "detail": f"{found} != {expected} bytes"}


def whole_size(status: int, headers: Mapping[str, str]) -> int | None:
    """The size of the whole file in bytes, by the headers of a 200 or of a 206."""
    said = headers.get("Content-Length" if status == 200 else "Content-Range", "")
    return whole_number(said.rpartition("/")[2])


def whole_number(said: str | None) -> int | None:
    """Parse a whole number in a header; None if it is not one. A server may write anything there,
    even digits of other scripts, or thousands of them."""
    digits = (said or "").strip()
    return int(digits) if re.fullmatch(_NUMBER, digits) else None


def http_time(said: str | None) -> float | None:
    """An HTTP date in seconds since 1970; None if it is not one."""
    try:
        return parsedate_to_datetime(said or "").timestamp()
    except Exception:  # the parser raises errors of many kinds; the value is not a date
        return None


def _delay(said: str | None) -> float | None:
    """The seconds to wait by a Retry-After header, which may hold seconds or a date."""
    seconds = whole_number(said)
    if seconds is not None:
        return float(seconds)
    moment = http_time(said)
    return None if moment is None else max(0.0, moment - time.time())


# Block pages: mirrors block subnets that download too much with a 403 and a page for people. Conda
# does not show the page, and suggests a problem with credentials.

# Compiled on first use: the pattern takes 2 ms.
_IDENTIFIER = (
    r"\b(?:id|identifier|code|number|no\.|uuid)\b(?:\s+is)?[\s:：=#]*([0-9A-Za-z][\w.:-]{5,63})"
    r"|(?:编号|标识符?|代码|识别码|请求\s*ID)\s*(?:为|是)?[\s:：=#]*([0-9A-Za-z][\w.:-]{5,63})"
)
#: The two sides of a mail address and their lengths, as RFC 5321 limits them.
_NAME, _MOST_NAME = r"[\w.+-]+\Z", 64
#: Upper limit of `@` signs to inspect: a page for people has one address or two.
_MOST_SIGNS = 100
_DOMAIN, _MOST_DOMAIN = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", 255


def block_page(page: str) -> tuple[str | None, str | None]:
    """The identifier and the mail address that a 403 page shows.

    >>> block_page("<p>Blocked. Request ID: <code>7f3c-0a91</code>, mail help@mirror.example.</p>")
    ('7f3c-0a91', 'help@mirror.example')
    """
    import html  # only a page of a mirror needs its table of entities

    if "<" not in page:
        return None, None
    visible = " ".join(html.unescape(visible_text(page)).split())
    identifier = None
    for found in re.finditer(_IDENTIFIER, visible, re.IGNORECASE):
        word = (found[1] or found[2]).rstrip(".:-")
        if any(char.isdigit() for char in word) and "@" not in word:
            identifier = safe(word)
            break
    return identifier, _address(visible) or _address(html.unescape(page))


def visible_text(page: str) -> str:
    """The visible text of a page, without tags, scripts and styles. Takes linear time, whatever a
    server sends."""
    shown: list[str] = []
    small = page.lower()
    at = 0
    while (start := page.find("<", at)) >= 0:
        shown.append(page[at:start])
        end = page.find(">", start)
        if end < 0:
            return " ".join(shown)
        at = end + 1
        for name in ("script", "style"):
            if small.startswith(name, start + 1):
                closing = small.find(f"</{name}", at)
                if closing < 0:
                    return " ".join(shown)
                at = closing
    return " ".join((*shown, page[at:]))


def _address(words: str) -> str | None:
    """The first mail address. The search starts from each `@`, because a pattern that starts with
    the name takes quadratic time on a long word."""
    at = words.find("@")
    for _ in range(_MOST_SIGNS):
        if at < 0:
            break
        name = re.search(_NAME, words[max(0, at - _MOST_NAME) : at])
        domain = re.match(_DOMAIN, words[at + 1 : at + 1 + _MOST_DOMAIN])
        if name and domain:
            return safe(f"{name[0]}@{domain[0].rstrip('.-')}")
        at = words.find("@", at + 1)
    return None
