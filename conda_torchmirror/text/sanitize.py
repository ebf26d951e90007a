"""Remove from text what must not be shown: credentials, tokens, characters that hide others.

Everything that is shown passes `safe`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from unicodedata import category
from urllib.parse import quote

#: Categories of invisible characters that can hide or reorder the text around them: controls,
#: formats (bidirectional marks, zero widths), separators of lines and paragraphs.
_HIDDEN = frozenset(("Cc", "Cf", "Zl", "Zp"))

#: The user and the password of a URL. A password may contain `/`; a port is not a password.
_LOGIN = r"(?:[^/\s?#]+@|[^/\s?#@:]{1,64}:(?!\d*[/?#])[^\s@]{1,256}@)"

#: Tokens in an address: before another part of it, in the form of conda's own, after the host.
_TOKENS = (
    (r"/t/(?!<TOKEN>/)[^/\s]+(?=/)", "/t/<TOKEN>"),
    (r"(?<=/t/)[A-Za-z]{2}-[\w-]{8,}", "<TOKEN>"),
    (r"(//[^\s/]{1,256}/t/)(?!<TOKEN>)[^/\s'\"`\])]+", r"\1<TOKEN>"),
)

#: Where `/t/` precedes a token, and is no folder on this disk: a URL but of a file, the path
#: of one where nothing or urllib3's `url: ` precedes it, an address without its scheme.
_ADDRESS = (
    r"(?:(?<!file:)(?<!/)//|(?<=url: )/|(?<![^\s'\"`(=])/(?=t/)"
    r"|(?<![\w./-])(?:(?:[\w-]{1,63}\.){1,8}[\w-]{1,63}(?::\d{1,5})?|[\w-]{1,63}:\d{1,5})"
    r"/(?=t/))\S*"
)

#: Patterns of secrets, and their replacements. Removing a login must not turn the text after it
#: into another. Repetitions are bounded, so that any text takes linear time. Patterns are compiled
#: by `re`, which caches them, only for text that may hold a secret.
_SECRETS: tuple[tuple[str, str, str | Callable[[re.Match[str]], str]], ...] = (
    ("//", rf"(?<=//){_LOGIN}(?:/*{_LOGIN})*", ""),
    ("/t/", _ADDRESS, lambda found: _without_token(found[0])),
    ("/t/", r"(?<=/t/)[A-Za-z]{2}-[0-9a-f]{8}-[0-9a-f-]{8,}", "<TOKEN>"),
    (
        "=",
        r"(?i)([?&](?:[\w-]{0,32}(?:token|passw(?:or)?d|secret|signature|api_?key)|sig|auth|key)=)"
        r"[^&\s#'\"`]+",
        r"\1<TOKEN>",
    ),
)


def _without_token(address: str) -> str:
    for pattern, instead in _TOKENS:
        address = re.sub(pattern, instead, address)
    return address


def safe(text: str) -> str:
    """Remove credentials, tokens and characters that hide others, which any input may carry.

    Line breaks and tabs are kept.

    >>> safe("https://me:secret@host/t/abc/pytorch")
    'https://host/t/<TOKEN>/pytorch'
    """
    # Hidden characters first: one of them may split a secret so that no pattern matches.
    if not text.isprintable():
        text = "".join(
            c for c in text if c.isprintable() or c in "\n\t" or category(c) not in _HIDDEN
        )
    for mark, pattern, instead in _SECRETS:
        if mark in text:
            text = re.sub(pattern, instead, text)
    return text


def public_url(url: str) -> str:
    """A URL without token or credentials, and without spaces, since records may hold anything.

    >>> public_url("https://me:secret@host/t/abc/pytorch/linux-64/a 1.conda")
    'https://host/pytorch/linux-64/a%201.conda'
    """
    return re.sub(r"\s", lambda found: quote(found[0]), safe(url).replace("/t/<TOKEN>", ""))
