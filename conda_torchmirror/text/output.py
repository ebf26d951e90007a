"""The only place that writes to standard output and standard error, and cleans what conda logs.

Every string passes `sanitize.safe`; bytes of a file are written as they are. A closed pipe
(`| head`) is no error, a full disk behind standard output ends the run, and characters that the
console's encoding lacks are escaped.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from .sanitize import safe

_FORMATTER = logging.Formatter()

#: The schema version of the value of `torchmirror` in every JSON document.
SCHEMA = 1


def say(what: str | Iterable[str] = "") -> None:
    """Print a text, or lines, to standard output."""
    _print(what, sys.stdout)


def warn(what: str | Iterable[str] = "") -> None:
    """Print a text, or lines, to standard error, which may be closed."""
    try:
        _print(what, sys.stderr)
    except (OSError, ValueError):
        return


def emit(about: Mapping[str, Any], /, **top: Any) -> None:
    """Print the one JSON document of a run.

    `about` is the value of the key `torchmirror`; `top` are the keys beside it: `dry_run`,
    `prefix`, or all of conda's own document. `success` is true unless given.
    """
    document = {"success": True, **top, "torchmirror": {"schema": SCHEMA, **about}}
    _print(json.dumps(clean(document), indent=2), sys.stdout)


def put(data: bytes) -> None:
    """Write the bytes of a file to standard output."""
    if sys.stdout is None:
        return
    sys.stdout.flush()
    with _reader_may_leave(sys.stdout):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def clean(value: Any) -> Any:
    """Clean every string in a value with `safe`, and turn types unknown to JSON into text, and
    numbers unknown to it into None.

    Sentences are in English, whatever language they were made in.
    """
    if isinstance(value, str):
        return safe(getattr(value, "english", value))
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no word for it, and readers refuse Python's
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {safe(str(key)): clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return safe(str(value))


@contextmanager
def clean_log() -> Iterator[None]:
    """Clean all log messages in the block with `safe`, and the tracebacks with them, because conda
    logs text from indexes, and addresses with their passwords."""
    made = logging.getLogRecordFactory()

    def clean_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = made(*args, **kwargs)
        try:
            message = record.getMessage()
        except Exception:  # logging itself reports a message that does not fit its arguments
            return record
        if (shown := safe(message)) != message:
            record.msg, record.args = shown, None
        if record.exc_info:  # what `logging` would make of it, had it not been made
            record.exc_text = safe(_FORMATTER.formatException(record.exc_info))
        return record

    logging.setLogRecordFactory(clean_record)
    try:
        yield
    finally:
        logging.setLogRecordFactory(made)


def can_show(text: str) -> bool:
    """Whether the encoding of standard output has all characters of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def writes_utf8() -> bool:
    """Whether standard output is a terminal, or takes text in UTF-8; else it may become a file in
    an encoding of the system's own."""
    if sys.stdout is None or sys.stdout.isatty():
        return True
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return encoding.lower().replace("_", "-") in ("utf-8", "utf8", "cp65001")


def _print(what: str | Iterable[str], stream: TextIO | None) -> None:
    if stream is None:  # closed, as under pythonw
        return
    shown = safe(what if isinstance(what, str) else "\n".join(what))
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        # Where a stream writes the bytes of a name as they are, as in the C locale, it may.
        errors = getattr(stream, "errors", None)
        shown.encode(encoding, "surrogateescape" if errors == "surrogateescape" else "strict")
    except UnicodeEncodeError:
        shown = shown.encode(encoding, "backslashreplace").decode(encoding)
    with _reader_may_leave(stream):
        print(shown, file=stream, flush=True)


@contextmanager
def _reader_may_leave(stream: TextIO) -> Iterator[None]:
    """Let a reader of the stream leave. Where standard output cannot be written for another reason,
    such as a full disk, that is said on standard error, and the run ends with exit code 1."""
    try:
        yield
    except OSError as error:
        left = isinstance(error, BrokenPipeError)
        if not left and stream is not sys.stdout:
            raise
        written = os.path.realpath("/dev/stdout")  # where the system has that
        # Python flushes once more at exit; let that go to the null device.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if left:
            return
        from .messages import of_os_error, text

        file = written if os.path.isfile(written) else text("file.output")
        lost = text("file.output_lost", {"file": file, "problem": of_os_error(error)})
        warn(f"torchmirror: {lost}")
        raise SystemExit(1) from error
