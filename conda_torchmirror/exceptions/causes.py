"""What lies behind an exception: conda wraps one of requests, that one of urllib3, that the reason.

Reads exceptions of others, which may look like anything, and raises nothing.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from typing import Any

#: Exceptions that are looked at behind one; a circle of causes must end somewhere.
MOST = 20
#: Characters of what an exception says; the line is shown to people.
LINE = 200


def flatten(error: BaseException) -> Iterator[BaseException]:
    """The exception, or those that a CondaMultiError holds, at any depth."""
    inner = getattr(error, "errors", None)
    if not isinstance(inner, (list, tuple)):
        yield error
        return
    for part in inner:
        if isinstance(part, BaseException):
            yield from flatten(part)


def chain(error: BaseException, *, context: bool = True) -> list[BaseException]:
    """The exception and everything that it wraps, the nearest first.

    Requests and urllib3 keep what they wrap in an argument, conda in `_caused_by`. With `context`
    also what was being handled when it was raised, which may have been dealt with.
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


#: What this computer's disk refuses, whatever was to be written.
_DISK = frozenset((errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO))
#: What it refuses for one file; without a file's name these are a connection's, or of TLS.
_DENIED = frozenset((errno.EACCES, errno.EPERM))


def disk_error(error: BaseException) -> OSError | None:
    """The refusal of this computer's disk behind an exception: full, read-only, out of quota."""
    for outer in flatten(error):
        for part in chain(outer):
            if isinstance(part, OSError) and _of_disk(part):
                return part
    return None


def _of_disk(error: OSError) -> bool:
    if type(error).__module__ == "ssl":  # its numbers are not those of the system
        return False
    return error.errno in _DISK or (error.errno in _DENIED and bool(error.filename))


def http_status(error: BaseException) -> int | None:
    """The HTTP status of 400 or more in an error of conda's or of requests', if there is one."""
    for part in chain(error, context=False):
        details = getattr(part, "_kwargs", None) or {}
        answered = getattr(getattr(part, "response", None), "status_code", None)
        for found in (getattr(part, "status_code", None), details.get("status_code"), answered):
            if str(found).isdigit() and int(str(found)) >= 400:
                return int(str(found))
    return None


def response(error: BaseException) -> Any:
    """The answer of a server that an exception keeps, or None."""
    # One that tells of an error is false in itself.
    held = (getattr(part, "response", None) for part in chain(error))
    return next((found for found in held if found is not None), None)


def reason(error: BaseException) -> str:
    """What the exception at the bottom says, in one line."""
    root = error
    for _ in range(MOST):
        inner = next((part for part in _wrapped(root) if isinstance(part, BaseException)), None)
        if inner is None:
            break
        root = inner
    lines = [line.strip() for line in str(root).splitlines() if line.strip()]
    # urllib3 puts the connection object before what happened.
    said = re.sub(r"^<?\w+\([^)]*\)>?: |^<[^>]*>: ", "", lines[0][:1000]) if lines else ""
    return (said or type(root).__name__)[:LINE]
