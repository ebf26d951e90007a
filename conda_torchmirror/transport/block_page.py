"""Reading the page with which a mirror shuts a network out.

Mirrors block subnets that download too much, by a 403 with a page for people: it gives an
identifier and an address to write to. Conda shows neither and speaks of credentials.
"""

from __future__ import annotations

import html
import re

from ..text.layout import safe

_ID = re.compile(
    r"\b(?:id|identifier|code|number|no\.|uuid)\b(?:\s+is)?[\s:：=#]*([0-9A-Za-z][\w.:-]{5,63})"
    r"|(?:编号|标识符?|代码|识别码|请求\s*ID)\s*(?:为|是)?[\s:：=#]*([0-9A-Za-z][\w.:-]{5,63})",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


def block_page(page: str) -> tuple[str | None, str | None]:
    """The identifier and the mail address that a 403 page shows.

    >>> block_page("<p>Blocked. Request ID: <code>7f3c-0a91</code>, mail help@mirror.example.</p>")
    ('7f3c-0a91', 'help@mirror.example')
    """
    if "<" not in page:
        return None, None
    visible = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>", " ", page)
    visible = html.unescape(re.sub(r"<[^>]*>", " ", visible))
    identifier = None
    for found in _ID.finditer(visible):
        word = (found[1] or found[2]).rstrip(".:-")
        if any(char.isdigit() for char in word) and "@" not in word:
            identifier = safe(word)
            break
    address = _ADDRESS.search(visible) or _ADDRESS.search(html.unescape(page))
    return identifier, safe(address[0].rstrip(".-")) if address else None
