"""Whose fault an exception is: from what conda, requests or we raised to a channel and a reason.

A download that fails reaches us as a `CondaMultiError` of several, an index that cannot be parsed
as a plain `ValueError` without any URL. Only what points at a channel that a mirror may stand in
for is a mirror's fault; everything else (unsolvable, declined, interrupted, disk full) is not.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..exceptions.base import TorchMirrorError
from ..exceptions.channel import ChannelBroken, ChannelError, NoSource
from ..mirrors import registry
from ..models import Notice, Route
from ..text.layout import safe
from ..text.messages import text
from . import probe as probing
from .routes import OWN

#: Where conda downloads packages and indexes; the functions there call what they fetch `url`.
_GATEWAYS = "conda.gateways."


@dataclass(frozen=True)
class Failure:
    """A source that failed: which, and why (`reason`: a code of `messages`).

    `site` says that nothing else is to be asked of that site. `probe` is what the mirror answered,
    as far as it did.
    """

    source: Route
    reason: Notice
    site: bool = False
    probe: probing.Answer | None = None


def shown(source: Route) -> str:
    """The name of a source for people."""
    return registry.host_of(source.url) if source.mirror == OWN else source.mirror


def none_left(failures: Sequence[Failure], ways: Sequence[Notice]) -> NoSource:
    """The error for a channel all of whose sources failed; it says what each of them did."""
    told = [f"{shown(f.source)} {text(f.reason.code, f.reason.facts)}" for f in failures]
    blocked = [
        Notice("write_to_support", {**f.reason.facts, "mirror": shown(f.source)})
        for f in failures
        if f.reason.code == "probe_blocked"
    ]
    return NoSource(
        channel=failures[0].source.name,
        tried=", ".join(dict.fromkeys(shown(f.source) for f in failures)),
        detail=safe("; ".join(dict.fromkeys(told))),
        ways=[*blocked, *ways],
    )


def of_probe(source: Route, probe: probing.Answer) -> Failure:
    """The failure that a probe stands for."""
    return Failure(source, probe.reason, probe.of_site, probe)


def find_culprit(error: BaseException, sources: Sequence[Route]) -> Failure | None:
    """The failure behind an exception, or None where no source is to blame.

    Raises nothing: a stranger's exception may look like anything.
    """
    parts = list(_flat(error))
    if any(_deliberate(part) or _settled(part) for part in parts):
        return None
    for part in parts:
        for url in _urls(part):
            for source in sources:
                if _bare(url).startswith(_bare(source.url).rstrip("/") + "/"):
                    return _failure(part, source, url)
    return None


def _bare(url: str) -> str:
    """A URL for comparing: conda leaves credentials out in one place and not in another."""
    return safe(url).replace("/t/<TOKEN>", "")


def unreadable(error: BaseException) -> bool:
    """Whether an exception may come from an index that is no index. Which one, it does not say."""
    return any(_garbled(part) for part in _flat(error))


def _garbled(error: BaseException) -> bool:
    """Whether this came from reading what was fetched, and not from fetching it."""
    if isinstance(error, (ValueError, EOFError)) or type(error).__name__ == "ZstdError":
        return True
    # The rattler solver reads indexes by itself, and has no other error for a broken one.
    return type(error) is OSError and error.errno is None


def _flat(error: BaseException) -> Iterator[BaseException]:
    """The exception, or those that a CondaMultiError holds, at any depth."""
    inner = getattr(error, "errors", None)
    if not isinstance(inner, (list, tuple)):
        yield error
        return
    for part in inner:
        if isinstance(part, BaseException):
            yield from _flat(part)


def _deliberate(error: BaseException) -> bool:
    """Whether somebody wanted this: declined, interrupted, a dry run that is over."""
    return not isinstance(error, Exception) or type(error).__name__ in (
        "CondaExitZero",
        "CondaSignalInterrupt",
        "CondaSystemExit",
        "DryRunExit",
    )


def _settled(error: BaseException) -> bool:
    """Whether this is an error of ours that is about something else than one URL."""
    ours = isinstance(error, TorchMirrorError)
    return ours and not (isinstance(error, ChannelError) and "url" in error._facts)


def _urls(error: BaseException) -> Iterator[str]:
    """The URLs that an exception may be about, the surest first."""
    facts = getattr(error, "_facts", None) if isinstance(error, ChannelError) else None
    kwargs = facts or getattr(error, "_kwargs", None) or {}
    if url := kwargs.get("channel_url"):
        yield f"{url}/noarch/repodata.json"  # what makes conda call a channel invalid
    if url := kwargs.get("url"):
        yield f"{url}repodata.json" if str(url).endswith("/") else str(url)
    # Of a connection that breaks, or of TLS that fails, conda's exception does not say whose it
    # was, but the call does. After a redirect the request names a stranger.
    for part in () if _garbled(error) else _behind(error):
        for frame, _ in reversed(list(traceback.walk_tb(part.__traceback__))):
            url = frame.f_locals.get("url")
            if isinstance(url, str) and frame.f_globals.get("__name__", "").startswith(_GATEWAYS):
                yield url
    for part in _behind(error):
        request = getattr(part, "request", None) or getattr(
            getattr(part, "response", None), "request", None
        )
        if url := getattr(request, "url", None):
            yield str(url)


def _behind(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    todo: list[Any] = [error]
    while todo and len(seen) < 10:
        part = todo.pop(0)
        if isinstance(part, BaseException) and part not in seen:
            seen.append(part)
            yield part
            todo += [getattr(part, "_caused_by", None), part.__cause__, part.__context__]


def _failure(error: BaseException, source: Route, url: str) -> Failure:
    probe = probing.Answer(safe(url), "unreachable", host=registry.host_of(url), at=probing.now())
    kwargs = getattr(error, "_kwargs", None) or {}
    name = type(error).__name__
    if name == "ChecksumMismatchError":
        return of_probe(source, replace(probe, code="hash"))
    if "content_length" in kwargs:
        return of_probe(source, replace(probe, code="reset"))
    if isinstance(error, ChannelBroken):
        detail = str(error._facts.get("detail", ""))
        return of_probe(source, replace(probe, code="broken", detail=detail))
    status = _status(error)
    if status is not None:
        response = next(_responses(error), None)
        fields = probing.refusal(status, getattr(response, "headers", {}), _body(response))
        return of_probe(source, replace(probe, status=status, **fields))
    behind = next((p for p in _behind(error) if _telling(p)), error)
    code, detail = probing.failure(behind)
    asked = getattr(getattr(behind, "request", None), "url", None) or url
    return of_probe(source, probing.elsewhere(replace(probe, code=code, detail=detail), asked))


def _telling(error: BaseException) -> bool:
    """Whether `probing.failure` knows more of it than that it is a CondaError."""
    return type(error).__module__.partition(".")[0] in ("requests", "urllib3", "builtins", "ssl")


def _responses(error: BaseException) -> Iterator[Any]:
    """The answers that an exception keeps. One that tells of an error is false in itself."""
    for part in _behind(error):
        response = getattr(part, "response", None)
        if response is not None:
            yield response


def _status(error: BaseException) -> int | None:
    facts = getattr(error, "_facts", {}) if isinstance(error, ChannelError) else {}
    kwargs = getattr(error, "_kwargs", None) or {}
    answered = (getattr(response, "status_code", None) for response in _responses(error))
    for status in (facts.get("status"), kwargs.get("status_code"), *answered):
        if str(status).isdigit() and int(str(status)) >= 400:
            return int(str(status))
    return None


def _body(response: Any) -> bytes:
    """What the mirror said beside the status, if it can still be read."""
    try:
        return bytes(response.content[: probing.PAGE])
    except Exception:  # the connection may be gone; then the status has to do
        return b""
