"""The root cause of an exception: conda wraps requests, which wraps urllib3, which holds the cause.

Reads exceptions of other libraries, which may look like anything, and never raises.
"""

from __future__ import annotations

import errno
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from threading import Thread
from types import FrameType
from typing import Any

from ..text.sanitize import safe

#: Most exceptions to look at behind one, since causes may form a cycle.
MOST = 20
#: Most characters of an exception's message; the line is shown to people.
LINE = 200
#: Most bytes to read of the page of an HTTP error, and most seconds to wait for them.
PAGE, PAGE_SECONDS = 65536, 5.0


def flatten(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception, or the leaves of a CondaMultiError, at any depth."""
    inner = getattr(error, "errors", None)
    if not isinstance(inner, (list, tuple)):
        yield error
        return
    for part in inner:
        if isinstance(part, BaseException):
            yield from flatten(part)


def chain(error: BaseException, *, context: bool = True) -> list[BaseException]:
    """The exception and everything that it wraps, the nearest first, at most `MOST`.

    Requests and urllib3 keep the wrapped exception in an argument, conda in `_caused_by`. With
    `context`, include the exceptions that were being handled when each was raised, although those
    may have been dealt with.
    """
    seen: list[BaseException] = []
    todo: list[Any] = [error]
    while todo and len(seen) < MOST:
        part = todo.pop(0)
        if isinstance(part, BaseException) and not any(part is other for other in seen):
            seen.append(part)
            todo += _wrapped(part)
            if context:
                todo.append(part.__context__)
    return seen


def _wrapped(error: BaseException) -> list[Any]:
    held = [getattr(error, name, None) for name in ("_caused_by", "reason")]
    return [*held, *error.args, error.__cause__]


def clean(error: BaseException) -> None:
    """Sanitize all that conda may show of an error: solvers quote the index verbatim, and what is
    behind it, which `-vv` shows too, has addresses with their passwords."""
    for outer in flatten(error):
        for part in chain(outer):
            with suppress(AttributeError, TypeError):  # what cannot be set cannot be cleaned
                for name, value in [*vars(part).items()]:
                    if isinstance(value, str):
                        setattr(part, name, safe(value))
                    elif name == "parameter_value" and isinstance(value, (tuple, list, Mapping)):
                        setattr(part, name, safe(repr(value)))  # conda cannot put it into JSON
                part.args = tuple(safe(arg) if isinstance(arg, str) else arg for arg in part.args)


#: Where conda fetches packages, indexes and the shards of an index; the functions there call what
#: they fetch `url`.
FETCHING = ("conda.gateways.", "conda._private.shards.")
#: Those of them for shards (conda 26).
_SHARDS = ("conda.gateways.shards", "conda._private.shards")
#: The modules among these that only fetch, and parse nothing but headers.
DOWNLOADS = ("conda.gateways.connection.",)

#: Errors of this computer's disk, whichever file is written, and of the limits of this process
#: (`ulimit`), which no mirror can cause either. FAT has the first of these for a file of 4 GB.
_LIMITS = (errno.EFBIG, errno.EMFILE, errno.ENFILE)
_DISK = frozenset((errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO, *_LIMITS))
#: Errors of the disk if they name a file; without one they come from a connection or from TLS.
_DENIED = frozenset((errno.EACCES, errno.EPERM))
#: As before, where something else stands in the place of a file or folder.
_IN_PLACE = frozenset((errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.ELOOP))
_NAMED = frozenset((*_DENIED, *_IN_PLACE, errno.ENAMETOOLONG))


def disk_error(error: BaseException) -> OSError | None:
    """The error of this computer's disk (full, read-only, over quota), or of a limit of this
    process, behind an exception, or None.

    Of several, the first; a CondaMultiError is searched as a whole.
    """
    for outer in flatten(error):
        for part in chain(outer):
            if isinstance(part, OSError) and _of_disk(part):
                return part
    return None


def _of_disk(error: OSError) -> bool:
    if type(error).__module__ == "ssl":  # its errno is OpenSSL's, not the system's
        return False
    named = error.errno in _NAMED and bool(error.filename)
    return error.errno in _DISK or named


def in_place(error: OSError) -> str | None:
    """The path of a file or folder in whose place something else stands, if the error says that."""
    found = error.filename2 or error.filename
    return str(found) if found and error.errno in _IN_PLACE else None


#: The functions of requests, and of urllib3 for timeouts, that put this computer's own settings
#: into every request, and which of them. On the stack of an error, nothing was sent.
_SETTINGS = {
    "prepend_scheme_if_needed": "proxy",
    "proxy_headers": "proxy",
    "proxy_manager_for": "proxy",
    "cert_verify": "unsent",
    "get_netrc_auth": "unsent",
    "_basic_auth_str": "unsent",
    "_validate_timeout": "unsent",
}


def of_settings(error: BaseException) -> str:
    """The code for a request that this computer's settings do not let be made: "proxy", or "unsent"
    for `.netrc`, the files of certificates and the timeouts; "" where it is something else."""
    called = {
        frame.f_code.co_name
        for part in chain(error)
        for frame, _ in traceback.walk_tb(part.__traceback__)
        if frame.f_globals.get("__name__", "").startswith(("requests.", "urllib3.util.timeout"))
    }
    return next((code for name, code in _SETTINGS.items() if name in called), "")


def of_shards(error: BaseException) -> bool:
    """Whether an exception was raised while conda fetched or read the shards of an index."""
    return any(
        frame.f_globals.get("__name__", "").startswith(_SHARDS)
        for outer in flatten(error)
        for part in chain(outer)
        for frame, _ in traceback.walk_tb(part.__traceback__)
    )


def http_status(error: BaseException) -> int | None:
    """The HTTP status (400 or more) that an error of conda or requests carries, or None."""
    for part in chain(error, context=False):
        details = getattr(part, "_kwargs", None) or {}
        answered = getattr(getattr(part, "response", None), "status_code", None)
        for found in (getattr(part, "status_code", None), details.get("status_code"), answered):
            if str(found).isdigit() and int(str(found)) >= 400:
                return int(str(found))
    return None


def response(error: BaseException) -> Any:
    """The server's response that an exception carries, or None."""
    # A response with an error status is falsy, so compare with None.
    held = (getattr(part, "response", None) for part in chain(error))
    return next((found for found in held if found is not None), None)


def reason(error: BaseException) -> str:
    """The first line of the root cause's message, cut to `LINE` characters."""
    root = error
    for _ in range(MOST):
        inner = next((part for part in _wrapped(root) if isinstance(part, BaseException)), None)
        if inner is None:
            break
        root = inner
    lines = [line.strip() for line in str(root).splitlines() if line.strip()]
    # urllib3 prefixes the message with the connection object.
    said = re.sub(r"^<?\w+\([^)]*\)>?: |^<[^>]*>: ", "", lines[0][:1000]) if lines else ""
    return (said or type(root).__name__)[:LINE]


def urls_in_frames(error: BaseException, modules: tuple[str, ...] = FETCHING) -> Iterator[str]:
    """The URLs that conda was fetching when an exception was raised, the innermost first.

    Only functions in modules whose name begins with one of `modules` count.

    This looks into conda's frames because nothing else tells: for a broken connection or failed
    TLS, conda's exception does not name the URL. Conda's functions hold it in a variable `url`
    (tried on 24.7 and 26.7); if a later conda names it otherwise, nothing is found, and the
    exception is shown as conda raised it.
    """
    for part in chain(error):
        for frame, _ in reversed(list(traceback.walk_tb(part.__traceback__))):
            url = frame.f_locals.get("url")
            if isinstance(url, str) and frame.f_globals.get("__name__", "").startswith(modules):
                yield url


def index_in(frame: FrameType) -> str:
    """The URL of the subdir whose index this frame reads; "" for any other frame."""
    module, there = frame.f_globals.get("__name__", ""), frame.f_locals
    if module.startswith(("conda.core.subdir_data", "conda.gateways.repodata")):
        url = getattr(there.get("self"), "url_w_subdir", None)
    elif module.startswith("conda._private.shards"):
        url = getattr(there.get("sd"), "url_w_subdir", None) or _index_of_shards(there)
    elif module == "conda_rattler_solver.solver":
        url = _unreadable_to_rattler(there.get("index"))
    else:
        # It parses by itself what conda has fetched.
        url = there.get("url") if module == "conda_rattler_solver.index" else None
    return url.rstrip("/") if isinstance(url, str) else ""


def _index_of_shards(there: Mapping[str, Any]) -> str | None:
    """The URL of the subdir whose shards conda is fetching or reading, by the variables of its
    function; a shard itself may be at another host."""
    waited = there.get("in_flight")
    nodes = [there.get("node_id"), *(waited if isinstance(waited, set) else ())]
    known = [
        getattr(there.get("shards"), "url", None),
        *(getattr(n, "channel", None) for n in nodes),
    ]
    urls = sorted(url for url in known if isinstance(url, str))
    return urls[0].rpartition("/")[0] if urls else None


def _unreadable_to_rattler(index: Any) -> str | None:
    """The URL of the index in a rattler solver that py-rattler cannot fully read, if there is one.

    It parses records only while solving, is stricter than JSON and conda (a duplicate field, a
    `license` that is a number), and its OSError names no file.
    """
    for one in getattr(index, "_index", {}).values():
        try:
            for name in one.repo.package_names():
                one.repo.load_records(name)
        except OSError as error:
            return str(one.full_url) if error.errno is None else None
        except (AttributeError, TypeError, ValueError):  # another py-rattler, or closed by now
            return None
    return None


def read_page(response: Any) -> bytes:
    """Read the page of an HTTP error, up to `PAGE` bytes that arrive within `PAGE_SECONDS`."""
    held = getattr(response, "_content", None)
    if isinstance(held, bytes):
        return held[:PAGE]
    raw = getattr(response, "raw", None)
    if raw is None:  # conda's error may have no response
        return b""
    blocks: list[bytes] = []
    # `read1` (urllib3 2.0 and newer) returns what has arrived instead of waiting for all of it.
    take = getattr(raw, "read1", raw.read)

    def read() -> None:
        with suppress(Exception):  # the connection may be gone
            size = 0
            while size < PAGE and (block := take(PAGE - size, decode_content=True)):
                blocks.append(block)
                size += len(block)

    reader = Thread(target=read, daemon=True)
    reader.start()
    reader.join(PAGE_SECONDS)
    return b"".join(blocks)[:PAGE]
