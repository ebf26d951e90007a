"""Map an exception to the channel and mirror that caused it, and to a reason in words.

A failed download reaches us inside a `CondaMultiError`, an index that cannot be parsed as a plain
`ValueError` without any URL. A mirror is blamed only for an error that points at a channel it may
serve; everything else (unsolvable, declined, interrupted, disk full) is not its fault.
"""

from __future__ import annotations

import errno
import socket
import ssl
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from conda import CondaError
from conda.base.context import context
from conda.exceptions import ChannelNotAllowed, PathNotFoundError
from requests import exceptions as http
from urllib3 import exceptions as lower

from ..exceptions import causes
from ..exceptions.base import TorchMirrorError
from ..exceptions.channel import (
    ChannelBroken,
    ChannelError,
    NoSource,
    NothingCached,
    OtherIndexBroken,
    UrlUnreadable,
)
from ..index import cache
from ..index.fetch import IndexTooLarge
from ..mirrors.registry import INDEX, OWN, Route
from ..mirrors.urls import host_of
from ..models import Notice
from ..redirect import settings
from ..redirect.own import by_url
from ..text.messages import clauses, text
from ..text.sanitize import safe
from .answers import LOGIN_WORDS, Answer, refusal

#: The order matters: in urllib3 1 every failed connection is also a kind of timeout.
_NETWORK: dict[str, tuple[type[BaseException], ...]] = {
    "proxy": (http.ProxyError, lower.ProxyError),
    "dns": (socket.gaierror,),
    "tls": (http.SSLError, lower.SSLError),
    "redirect_loop": (http.TooManyRedirects,),
    "refused": (ConnectionRefusedError,),
    "reset": (ConnectionResetError, ConnectionAbortedError, BrokenPipeError),
    "timeout": (http.Timeout, lower.TimeoutError, TimeoutError),
    "cut": (ConnectionError, lower.ProtocolError, http.ChunkedEncodingError),
    "unreadable": (http.ContentDecodingError, lower.DecodeError),
}
#: Errors that conda's readers of indexes raise by themselves: after a response without a body the
#: file is not in the cache, and shards may be waited for in vain. Any other means a broken index.
_OF_INDEX: tuple[tuple[type[Exception], str], ...] = (
    (FileNotFoundError, "not_the_file"),
    (TimeoutError, "timeout"),
    (IndexTooLarge, "too_large"),
)
#: The codes that every site gives if this computer has no network.
_NO_NETWORK = frozenset(("probe_dns", "probe_unreachable"))
_AWAY = frozenset((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN))


class Failure(NamedTuple):
    """A route that failed, and why (`reason`: a code of `messages`).

    `of_site` says that the whole site failed and must not be asked again. `answer` is the mirror's
    answer, if there was one.
    """

    route: Route
    reason: Notice
    of_site: bool = False
    answer: Answer | None = None


def no_route_left(
    failures: Sequence[Failure], ways: Sequence[Notice], kind: type[NoSource] = NoSource
) -> NoSource:
    """The error for a channel, or for wheels, whose routes have all failed, with their reasons."""
    told = [_why(failure, dated=True) for failure in failures]
    sites = {host_of(failure.route.url) for failure in failures}
    codes = {failure.reason.code for failure in failures}
    if len(sites) > 1 and seems_offline(failures):
        told = [text("no_network", {"reason": told[-1]})]
        ways = [Notice("check_network"), *ways]
    elif codes == {"probe_unsent"}:
        told, ways = told[-1:], [Notice("check_settings")]  # no other way is any better
    elif kind is NoSource:
        ways = [Notice("check_network" if codes == {"probe_proxy"} else "test_mirrors"), *ways]
    if codes == {"probe_tls"}:
        ways = [Notice("check_certificates"), *ways]  # by a wrong clock, every mirror looks expired
    blocked = [
        Notice("write_to_support", {**f.reason.facts, "mirror": f.route.place})
        for f in failures
        if f.reason.code == "probe_blocked"
    ]
    logins = [
        Notice("give_login", {"host": host_of(failure.route.url)})
        for failure in failures
        if failure.reason.code == "probe_unauthorized"
    ]
    return kind(
        channel=failures[0].route.channel,
        tried=", ".join(dict.fromkeys(f.route.place for f in failures)),
        detail=safe(clauses(dict.fromkeys(told))),
        ways=[*blocked, *logins, *ways],
    )


def seems_offline(failures: Sequence[Failure]) -> bool:
    """Whether all of these failures are such as every site shows where there is no network."""
    return bool(failures) and all(failure.reason.code in _NO_NETWORK for failure in failures)


def _why(failure: Failure, *, dated: bool = False) -> str:
    """The sentence on a failure; with `dated`, a remembered one is told with its time."""
    facts = {**failure.reason.facts, "mirror": failure.route.place}
    why = text(failure.reason.code, facts)
    if dated and failure.answer is not None and failure.answer.remembered:
        return text("mirror_failed_before", {**facts, "why": why})
    return why


def left(failure: Failure, instead: Sequence[Route]) -> Iterator[Notice]:
    """Notices on the route that failed, why, and which routes are used `instead`."""
    facts = {
        "mirror": failure.route.place,
        "why": _why(failure),
        "minutes": failure.reason.facts.get("minutes", 0),
    }
    before = failure.answer is not None and failure.answer.remembered
    for name in dict.fromkeys(route.place for route in instead):
        channels = [_named(route) for route in instead if route.place == name]
        yield Notice(
            "mirror_left_before" if before else "mirror_left",
            {**facts, "channels": ", ".join(channels), "instead": name},
        )


def _named(route: Route) -> str:
    return text("pypi_index") if route.channel == INDEX else f"`{route.channel}`"


def from_answer(route: Route, answer: Answer) -> Failure:
    """The failure that an answer stands for."""
    return Failure(route, answer.notice, answer.of_site, answer)


def network_code(error: BaseException) -> tuple[str, str]:
    """The code of an Answer and the words for an exception of requests, urllib3 or the system."""
    found = causes.chain(error)
    words = safe(causes.reason(error))
    if any(isinstance(part, OSError) and part.errno in _AWAY for part in found):
        return "unreachable", words
    if any(map(_is_of_proxy, found)):
        return "proxy", LOGIN_WORDS if any(map(_is_unanswered, found)) else words
    if unsent := causes.of_settings(error):
        return unsent, words
    code = next(
        (code for code, kinds in _NETWORK.items() if any(isinstance(p, kinds) for p in found)),
        None,
    )
    if code is None:
        code = "unreadable" if _is_of_reading(error) else "unreachable"
    return "reset" if code == "cut" else code, words


def was_cut(error: BaseException) -> bool:
    """Whether a connection was closed without an answer."""
    parts = (part for one in causes.flatten(error) for part in causes.chain(one))
    return any(isinstance(part, ConnectionResetError) for part in parts)


def _is_of_proxy(error: BaseException) -> bool:
    """Whether the configured proxy cannot be used: its URL is malformed, it speaks SOCKS and no
    PySocks is here, or it wants a password and nobody answers conda's question for it."""
    if isinstance(error, http.InvalidProxyURL):
        return True
    if isinstance(error, http.InvalidSchema):
        return "SOCKS" in str(error)
    return _is_unanswered(error)


def _is_unanswered(error: BaseException) -> bool:
    """Whether conda asked for the password of a proxy, and nobody answered."""
    frames = traceback.walk_tb(error.__traceback__) if isinstance(error, EOFError) else ()
    return any(frame.f_code.co_name == "handle_407" for frame, _ in frames)


def _is_of_reading(error: BaseException) -> bool:
    """Whether parsing a response failed: an invalid URL, number or text."""
    found = causes.chain(error, context=False)
    stumbled = any(isinstance(p, ValueError) and not isinstance(p, ssl.SSLError) for p in found)
    return stumbled or not any(isinstance(p, (OSError, lower.HTTPError)) for p in found)


def find_culprit(error: BaseException, routes: Sequence[Route]) -> Failure | None:
    """The failure behind an exception, or None where no route is to blame.

    Never raises, whatever attributes the exception of other code has.
    """
    parts = list(causes.flatten(error))
    if causes.disk_error(error) or any(is_deliberate(p) or _is_settled(p) for p in parts):
        return None
    for part in parts:
        if isinstance(part, FileNotFoundError):  # about conda's cache, not a request
            continue
        for url in _urls(part):
            for route in routes:
                if _comparable(url).startswith(_comparable(route.url).rstrip("/") + "/"):
                    return _failure(part, route, url)
    return None


def of_file(error: BaseException, route: Route, url: str) -> Failure | None:
    """The failure of the mirror that a file was fetched from; None if it is not to blame."""
    if causes.disk_error(error) or is_deliberate(error):
        return None
    return _failure(next(causes.flatten(error)), route, url)


def find_broken_index(error: BaseException, routes: Sequence[Route]) -> Failure | None:
    """The failure of the route whose index conda failed to read; None if that cannot be told."""
    found = stumbled_over(error)
    if found is None:
        return None
    for route in routes:
        if _comparable(found.url).startswith(_comparable(route.url).rstrip("/") + "/"):
            return from_answer(route, found)
    return None


def stumbled_over(error: BaseException) -> Answer | None:
    """The answer for the index, of any channel, that conda failed to read; None if there is none.

    Looks into the frames of conda's readers and of its rattler solver (tried on 24.7 and 26.7).
    """
    parts = causes.chain(error)
    settled = any(isinstance(part, ChannelNotAllowed) or _is_of_proxy(part) for part in parts)
    if settled or is_deliberate(error) or causes.disk_error(error):
        return None
    for part in parts:
        for frame, _ in reversed(list(traceback.walk_tb(part.__traceback__))):
            if url := causes.index_in(frame):
                index = f"{safe(url)}/repodata.json"
                codes = (code for kind, code in _OF_INDEX if isinstance(part, kind))
                code = causes.of_settings(error) or next(codes, "broken")
                answer = Answer(index, code, host=host_of(index), at=time.time())
                return answer._replace(detail=safe(causes.reason(error)))
    return None


def of_other(error: Exception, words: Iterable[str]) -> TorchMirrorError | None:
    """The error for a channel of the run that has no other route: one that the user's configuration
    or one of these words names by URL, or whose index conda failed to read."""
    return _of_url(error, words) or _of_other_channel(error)


def _of_other_channel(error: Exception) -> TorchMirrorError | None:
    """The error for an index that conda failed to read and that has no other route.

    Drops conda's cached copy of it, if there is one. None if conda's own error explains the case.
    """
    found = None if isinstance(error, CondaError) else stumbled_over(error)
    if found is None:
        return None
    folder, _, subdir = found.url.removesuffix("/repodata.json").rpartition("/")
    other: TorchMirrorError
    if found.code == "not_the_file":
        other = NothingCached(channel=folder, subdir=subdir, mirror=found.host)
    else:
        address = cache.with_credentials(folder)
        cache.forget(Route(folder, address, OWN), subdir)
        other = OtherIndexBroken(channel=folder, url=found.url, detail=found.detail)
    other.__cause__ = error
    return other


def _of_url(error: Exception, words: Iterable[str]) -> TorchMirrorError | None:
    """The error for a mirror that a channel of the run is read from because the user's
    configuration, or one of these words, names it by URL. None if no such mirror is to blame."""
    registry = settings.registry(settings.read())
    named = {one.route: one for one in by_url.of_this_command(words, registry)}
    failure = find_culprit(error, list(named))
    if failure is None and not isinstance(error, CondaError):
        failure = find_broken_index(error, list(named))
        if failure is not None:
            cache.forget(failure.route, context.subdir)
    if failure is None or failure.reason.code == "probe_not_the_file":
        return None
    route = failure.route
    facts = {"channel": route.channel, "mirror": route.place, "url": safe(route.url)}
    other = UrlUnreadable(**facts, why=_why(failure), ways=[named[route].step])
    other.__cause__ = error
    return other


def may_be_index(error: BaseException) -> bool:
    """Whether an exception may come from an invalid index or an invalid record.

    It does not tell which index, because solvers use a record long after it was read. Errors of
    conda's own do not count, except those of its parsers for versions and match specs, and those on
    a package whose URL in an index is a file of this machine.
    """
    parts = list(causes.flatten(error))
    if any(is_deliberate(part) or _is_settled(part) for part in parts):
        return False
    odd = (ValueError, PathNotFoundError)
    return any(isinstance(p, odd) or not isinstance(p, CondaError) for p in parts)


def _comparable(url: str) -> str:
    """A URL in a form for comparison, because conda drops credentials in some places only."""
    return safe(url).replace("/t/<TOKEN>", "")


def _is_garbled(error: BaseException) -> bool:
    """Whether the error came from parsing what was fetched, and not from fetching it."""
    if _is_unanswered(error):
        return False
    if isinstance(error, (ValueError, EOFError)) or type(error).__name__ == "ZstdError":
        return True
    # The rattler solver parses indexes by itself, and raises this error alone for a broken one.
    return type(error) is OSError and error.errno is None


def is_deliberate(error: BaseException) -> bool:
    """Whether the end was intended: declined, interrupted, a completed dry run."""
    return not isinstance(error, Exception) or type(error).__name__ in (
        "CondaExitZero",
        "CondaSignalInterrupt",
        "CondaSystemExit",
        "DryRunExit",
    )


def _is_settled(error: BaseException) -> bool:
    """Whether this is an error of ours that does not concern a single URL, or conda's about a
    channel that the user's own lists keep out, which no server has a part in."""
    if isinstance(error, ChannelNotAllowed):
        return True
    ours = isinstance(error, TorchMirrorError)
    return ours and not (isinstance(error, ChannelError) and "url" in error._facts)


def _urls(error: BaseException) -> Iterator[str]:
    """The URLs that an exception may be about, the most certain first."""
    facts = getattr(error, "_facts", None) if isinstance(error, ChannelError) else None
    kwargs = facts or getattr(error, "_kwargs", None) or {}
    if url := kwargs.get("channel_url"):
        # What makes conda call a channel invalid: an index, by `repodata_fns` another than this.
        asked = str(getattr(causes.response(error), "url", ""))
        yield asked if asked.startswith(f"{url}/") else f"{url}/noarch/repodata.json"
    if url := kwargs.get("url"):
        yield f"{url}repodata.json" if str(url).endswith("/") else str(url)
    garbled = _is_garbled(error)
    yield from causes.urls_in_frames(error, causes.DOWNLOADS if garbled else causes.FETCHING)
    # After a redirect, the request names another host. What came was garbled, so that request was
    # answered: one that was being handled then is that for another form of the index.
    for part in causes.chain(error, context=not garbled):
        request = getattr(part, "request", None) or getattr(
            getattr(part, "response", None), "request", None
        )
        if url := getattr(request, "url", None):
            yield str(url)


def _failure(error: BaseException, route: Route, url: str) -> Failure:
    answer = Answer(safe(url), "unreachable", host=host_of(url), at=time.time())
    kwargs = getattr(error, "_kwargs", None) or {}
    if type(error).__name__ == "ChecksumMismatchError":
        return from_answer(route, answer._replace(code="hash"))
    if "content_length" in kwargs:
        return from_answer(route, answer._replace(code="reset"))
    facts = error._facts if isinstance(error, ChannelError) else {}
    ours = any(map(_is_of_proxy, causes.chain(error))) or causes.of_settings(error)
    if isinstance(error, ChannelBroken) and not ours:
        code = "too_large" if isinstance(error.__cause__, IndexTooLarge) else "broken"
        return from_answer(route, answer._replace(code=code, detail=str(facts.get("detail", ""))))
    status = facts.get("status") or causes.http_status(error)
    if isinstance(status, int):
        answered = causes.response(error)
        fields = refusal(status, getattr(answered, "headers", {}), causes.read_page(answered))
        return from_answer(route, answer._replace(status=status, **fields))
    behind = next((p for p in causes.chain(error) if _is_telling(p)), error)
    code, detail = network_code(behind)
    asked = getattr(getattr(behind, "request", None), "url", None) or url
    return from_answer(route, answer._replace(code=code, detail=detail).failed_at(asked))


def _is_telling(error: BaseException) -> bool:
    """Whether `network_code` finds a cause more specific than a CondaError."""
    known = ("requests", "urllib3", "builtins", "ssl")
    return isinstance(error, ValueError) or type(error).__module__.partition(".")[0] in known
