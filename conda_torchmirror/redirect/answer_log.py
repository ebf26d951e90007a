"""The recent answers of mirrors, stored on disk between runs.

They are in one small JSON file in the folder of conda's own cached indexes, which `conda clean
--index-cache` deletes. Answers are plain dictionaries here, with the fields of
`transport.answers.Answer`: the automatic redirect looks them up before every command that fetches
an index, and has no time to import the code that probes. Trouble with the file is never an error.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from ..mirrors.urls import host_of

NAME = "torchmirror-probes.json"
SCHEMA = 1

#: How long an answer is valid, in seconds. Mirrors block a network for hours, and ask it not to try
#: again meanwhile.
FOUND, FAILED, BLOCKED = 600.0, 300.0, 1800.0
#: Upper limit for the file in bytes, far beyond what we write.
LARGEST = 1_000_000

#: Codes of failures that concern the whole site and not one file. Where one index has no end, the
#: others are not worth the time to find out.
OF_SITE = frozenset(("refused", "dns", "tls", "timeout", "unreachable", "blocked", "too_large"))

#: Failures of the compressed form of an index after which conda reads the plain one (24.7 to 26.7);
#: any other ends the command.
PLAIN_INSTEAD = frozenset(
    ("not_found", "forbidden", "unauthorized", "bad_status", "html", "not_the_file")
)

StoredAnswer: TypeAlias = "Mapping[str, Any]"

_NUMBER = (int, float, type(None))
_TEXT = (str, type(None))
#: The stored fields and their types; `remembered` is not stored.
_FIELDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("url", "code", "host", "detail"), (str,)),
    **dict.fromkeys(("seconds", "at"), (int, float)),
    **dict.fromkeys(("modified", "retry_after", "status", "size"), _NUMBER),
    **dict.fromkeys(("identifier", "support"), _TEXT),
}


def files(package_caches: Iterable[str]) -> list[str]:
    """The paths that the file may have, by conda's `pkgs_dirs`; the first writable one is used."""
    return [os.path.join(folder, "cache", NAME) for folder in package_caches]


def read(
    paths: Iterable[str], sites: tuple[str, ...] = ("http://", "https://")
) -> dict[str, dict[str, Any]]:
    """Read the newest answer for each URL that is still valid, and skip what cannot be read.

    `sites` are the beginnings of the URLs to read.
    """
    found: dict[str, dict[str, Any]] = {}
    now = time.time()
    for path in paths:
        for entry in _entries(path, sites):
            known = found.get(entry["url"])
            if 0 <= now - entry["at"] < lifetime(entry) and (
                known is None or known["at"] < entry["at"]
            ):
                found[entry["url"]] = entry
    return found


def _entries(path: str, sites: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    if not os.path.isfile(path):  # a pipe would keep us waiting
        return []
    try:
        with open(path, "rb") as file:
            document = json.loads(file.read(LARGEST))
        if document["schema"] != SCHEMA:
            return []
        wanted = [e for e in document["probes"] if str(e["url"]).startswith(sites)]
        return [known for entry in wanted if (known := _entry(entry)) is not None]
    except Exception:  # another program may have written anything there
        return []


def _entry(entry: Any) -> dict[str, Any] | None:
    known = {name: entry[name] for name in _FIELDS}
    host_of(known["url"])  # raises where it is no URL
    return known if all(isinstance(known[name], _FIELDS[name]) for name in known) else None


def lifetime(answer: StoredAnswer) -> float:
    """The number of seconds for which an answer is valid."""
    if answer["code"] == "ok":
        return FOUND
    if answer["code"] == "blocked":
        return BLOCKED
    return max(FAILED, min(answer["retry_after"] or 0.0, BLOCKED))


def is_of_site(answer: StoredAnswer) -> bool:
    """Whether a failure concerns the whole site asked, and not a host that it redirected to."""
    own = not answer["host"] or answer["host"] == host_of(answer["url"])
    return answer["code"] in OF_SITE and own


def verdict(answers: Iterable[StoredAnswer], url: str, subdir: str) -> StoredAnswer | None:
    """Return the answer that decides whether a channel can be read at this URL; None without any.
    The URL is as answers have it, see `shown`.

    That is the newest failure of the whole site unless the site has answered since; else the newest
    failure of an index or package of the channel; else the newest success of the site.
    """
    site = site_of(url)
    of_channel = (f"{url}/{subdir}/", f"{url}/noarch/")
    there: StoredAnswer | None = None
    gone: StoredAnswer | None = None
    broken: StoredAnswer | None = None
    for answer in answers:
        asked = answer["url"]
        if not asked.startswith(site):
            continue
        if answer["code"] == "ok":
            there = _newer(there, answer)
        elif is_of_site(answer):
            gone = _newer(gone, answer)
        elif asked.startswith(of_channel) and not _is_spared(answer):
            broken = _newer(broken, answer)
    if gone is not None and (there is None or there["at"] < gone["at"]):
        return gone
    return broken or there


def _is_spared(answer: StoredAnswer) -> bool:
    return answer["url"].endswith(".zst") and answer["code"] in PLAIN_INSTEAD


def shown(url: str) -> str:
    """A URL as answers have it, without secrets."""
    if "@" not in url and "/t/" not in url:  # as most
        return url
    from ..text.sanitize import safe

    return safe(url)


def site_of(url: str) -> str:
    """The part of a URL before its path, including the first slash.

    >>> site_of("https://mirror.example/anaconda/cloud/pytorch")
    'https://mirror.example/'
    """
    whole = f"{url}/"
    return whole[: whole.index("/", whole.index("://") + 3) + 1]


def _newer(first: StoredAnswer | None, second: StoredAnswer) -> StoredAnswer:
    return second if first is None or first["at"] <= second["at"] else first


def facts(answer: StoredAnswer) -> dict[str, Any]:
    """The fields of the sentence `probe_<code>` for an answer, except for the mirror's name."""
    from ..text.messages import text

    return {
        "what": file_of(answer["url"]),
        "host": answer["host"] or host_of(answer["url"]),
        "status": answer["status"] or 0,
        "detail": answer["detail"],
        "seconds": f"{answer['seconds']:.3g}",
        "identifier": answer["identifier"] or text("unnamed_identifier"),
        "support": answer["support"] or text("unnamed_operators"),
        "minutes": max(1, round((time.time() - answer["at"]) / 60)),
    }


def file_of(url: str) -> str:
    """The file name in a URL, with its subdir if it is an index; for a page of wheels the last two
    folders."""
    parts: Sequence[str] = urlsplit(url).path.replace("%2B", "+").split("/")
    if not parts[-1]:
        return "/".join(parts[-3:])
    return "/".join(parts[-2:] if "repodata" in parts[-1] else parts[-1:])
