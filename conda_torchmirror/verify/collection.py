"""Read the reports of many machines in one folder, and group machines with the same result.

A report is the output of `conda torch-verify --json`; for a machine without one, that of `--facts`
is read too. Neither is trusted: sizes are bounded, values to show are checked, and sentences are
built here from codes, never taken from a file. A file that cannot be used gets a row of its own. A
machine is named by its file: `HOST.json`, and `HOST.facts.json` beside it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..envfiles import file_io
from ..exceptions.base import TorchMirrorError
from ..exceptions.file import NoReports
from ..machine import facts as facts_
from ..models import Machine, Notice
from ..selection.facts.names import FAMILY
from ..selection.specs import marks
from ..text.messages import of_os_error, text
from ..text.output import SCHEMA
from .causes import keeping, naming, sentence
from .verdict import EXIT_CODES, OF_PIP, UNTRIED

#: Upper limits: bytes of a report (20 kB with 64 GPUs), files, notices and GPUs of a report.
BYTES, FILES, NOTICES, DEVICES = 1_000_000, 10_000, 50, 64

#: From best to worst. `untried` has facts alone; `unread` cannot be used.
MachineStatus = Literal["fine", "no_gpu", "untried", "broken", "unread"]
STATUSES: tuple[MachineStatus, ...] = ("fine", "no_gpu", "untried", "broken", "unread")


#: A version that may stand in a command.
_VERSION = re.compile(r"[0-9][0-9A-Za-z.]{0,31}")
#: Characters with a meaning to a shell even between double quotes.
_COMMAND = re.compile(r"[`$\\\"!]")


class Row(NamedTuple):
    """The results of one machine. `notices` explain the status, the most important first. `by_pip`,
    `keep` and `there` are as for `causes.sentence`.
    """

    host: str
    files: tuple[str, ...]
    status: MachineStatus
    torch: str | None = None
    cuda: str | None = None
    python: str | None = None
    gpus: tuple[str, ...] = ()
    driver: str | None = None
    prefix: str | None = None
    notices: tuple[Notice, ...] = ()
    by_pip: bool = False
    keep: str = ""
    there: str = ""


class Group(NamedTuple):
    """Machines with the same status for the same reason, in sentences."""

    status: MachineStatus
    code: str
    cause: str
    hint: str
    hosts: tuple[str, ...]


class Collection(NamedTuple):
    """The rows of a folder by host, and the groups that need attention, the largest first."""

    rows: tuple[Row, ...]
    groups: tuple[Group, ...]

    def count(self, status: MachineStatus) -> int:
        """How many machines have this status."""
        return sum(row.status == status for row in self.rows)

    @property
    def exit_code(self) -> int:
        """The exit code: 0 if all work, 3 if all work but some not on the GPU, else 1."""
        if all(row.status == "fine" for row in self.rows):
            return 0
        return 3 if all(row.status in ("fine", "no_gpu") for row in self.rows) else 1


class _Unusable(Exception):
    """A file is not a report; the code and facts are those of the sentence that says why."""

    def __init__(self, code: str, **facts: Any) -> None:
        self.notice = Notice(code, facts)
        super().__init__(code)


def collect(folder: str) -> Collection:
    """Read the reports in a folder. Raises: NoReports."""
    rows = tuple(_rows(_files(folder)))
    return Collection(rows, tuple(_groups(rows)))


def _files(folder: str) -> list[Path]:
    try:
        names = [path for path in Path(folder).iterdir() if path.suffix.lower() == ".json"]
    except OSError as error:
        raise NoReports(folder=folder, detail=of_os_error(error)) from error
    if not names:
        raise NoReports(folder=folder, detail=text("check.collect_empty"))
    if len(names) > FILES:
        detail = text("check.collect_many", {"count": len(names), "limit": FILES})
        raise NoReports(folder=folder, detail=detail)
    return sorted(names)


def _rows(files: Iterable[Path]) -> Iterator[Row]:
    by_host: dict[str, list[Path]] = {}
    for path in files:
        host = path.stem
        if host.lower().endswith(".facts"):
            host = host[: -len(".facts")]
        by_host.setdefault(facts_.as_text(host), []).append(path)
    for host, paths in sorted(by_host.items()):
        yield _row(host, paths)


def _row(host: str, paths: Sequence[Path]) -> Row:
    names = tuple(facts_.as_text(path.name) for path in paths)
    found: list[Row | Machine] = []
    for path, name in zip(paths, names, strict=True):
        try:
            found.append(_read(host, path))
        except _Unusable as trouble:
            notice = trouble.notice
            shown = Notice(notice.code, {"file": name, **notice.facts})
            return Row(host, names, "unread", notices=(shown,))
    machines = [one for one in found if isinstance(one, Machine)]
    reports = [one for one in found if isinstance(one, Row)]
    if len(reports) > 1 or len(machines) > 1:
        return Row(host, names, "unread", notices=(Notice("collect_twice", {"host": host}),))
    row = reports[0] if reports else Row(host, names, "untried", notices=_UNTRIED)
    if machines:
        gpus = row.gpus or tuple(gpu.name for gpu in machines[0].gpus)
        row = row._replace(gpus=gpus, driver=machines[0].driver)
    return row._replace(files=names)


_UNTRIED = (Notice("collect_untried", {}),)


def _read(host: str, path: Path) -> Row | Machine:
    """Read the report or the facts in a file. Raises: _Unusable."""
    try:
        data = file_io.read(path, BYTES)
    except file_io.FileTrouble as trouble:
        detail = text(f"file.{trouble.code}", trouble.facts)
        raise _Unusable("collect_unread", detail=detail) from trouble
    try:
        found = facts_.load(data)
    except ValueError as error:
        code = "facts_no_json" if data.strip() else "facts_empty"
        raise _Unusable("collect_unread", detail=text(code)) from error
    if isinstance(found, Mapping) and found.get("kind") == facts_.KIND:
        try:
            return facts_.parse(data, path.name).machine
        except TorchMirrorError as error:
            raise _Unusable("collect_facts") from error
    return _report(host, found)


#: The names of errors that say that there is no such environment: ours, and conda's own.
_NO_ENVIRONMENT = ("EnvironmentMissing", "EnvironmentLocationNotFound")


def _report(host: str, found: Any) -> Row:
    if not isinstance(found, Mapping):
        raise _Unusable("collect_other")
    if name := found.get("exception_name"):
        if not facts_.is_text(name):
            raise _Unusable("collect_field", field="exception_name")
        missing = name in _NO_ENVIRONMENT
        why = (
            Notice("collect_no_environment") if missing else Notice("collect_error", {"name": name})
        )
        return Row(host, (), "broken", notices=(why,))
    ours = found.get("torchmirror")
    if not isinstance(ours, Mapping) or not isinstance(ours.get("check"), Mapping):
        raise _Unusable("collect_other")
    schema = ours.get("schema")
    if type(schema) is not int or schema < 1:
        raise _Unusable("collect_field", field="schema")
    if schema > SCHEMA:
        raise _Unusable("collect_newer", schema=schema)
    check = ours["check"]
    status = check.get("status")
    if not isinstance(status, str) or status not in EXIT_CODES:
        raise _Unusable("collect_field", field="status")
    if check.get("exit_code") != EXIT_CODES[status]:
        raise _Unusable("collect_field", field="exit_code")
    prefix = found.get("prefix")
    build = _text(check, "build") or ""
    cuda = _text(check, "cuda") or marks(build).cuda
    return Row(
        host,
        (),
        status,  # type: ignore[arg-type]
        torch=_text(check, "torch"),
        cuda=_text(check, "cuda"),
        python=_text(check, "python"),
        gpus=tuple(_gpus(check)),
        prefix=prefix if facts_.is_text(prefix) else None,
        notices=tuple(_notices(check)),
        by_pip=build.endswith(OF_PIP),
        keep=keeping(cuda if _is_version(cuda) else None, has_gpu=bool(check.get("expect_gpu"))),
        there=naming(_installed(check)),
    )


def _is_version(value: Any) -> bool:
    return isinstance(value, str) and bool(_VERSION.fullmatch(value))


def _installed(check: Mapping[str, Any]) -> dict[str, str]:
    """The versions of the family that conda has installed; older reports lack them."""
    found = check.get("installed")
    versions = found if isinstance(found, Mapping) else {}
    return {name: versions[name] for name in FAMILY if _is_version(versions.get(name))}


def _text(check: Mapping[str, Any], name: str) -> str | None:
    value = check.get(name)
    if value is None or facts_.is_text(value):
        return value
    raise _Unusable("collect_field", field=name)


def _listed(check: Mapping[str, Any], name: str, most: int) -> list[Mapping[str, Any]]:
    values = check.get(name)
    if (
        isinstance(values, list)
        and len(values) <= most
        and all(isinstance(value, Mapping) for value in values)
    ):
        return values
    raise _Unusable("collect_field", field=name)


def _gpus(check: Mapping[str, Any]) -> Iterator[str]:
    for device in _listed(check, "devices", DEVICES):
        if not facts_.is_text(device.get("name")):
            raise _Unusable("collect_field", field="devices")
        yield device["name"]


def _notices(check: Mapping[str, Any]) -> Iterator[Notice]:
    """The notices of a report; one whose code this version does not know is shown by its code."""
    for one in _listed(check, "notices", NOTICES):
        code, facts = one.get("code"), one.get("facts")
        if not facts_.is_text(code) or not isinstance(facts, Mapping):
            raise _Unusable("collect_field", field="notices")
        plain = {
            name: value
            for name, value in facts.items()
            if facts_.is_text(name) and (facts_.is_text(value) or type(value) in (int, float))
        }
        notice = Notice(code, plain)
        try:
            said = sentence(notice) and not code.startswith("collect_")
        except (ValueError, TypeError, LookupError, OverflowError):
            said = False
        yield notice if said else Notice("collect_code", {"code": code})


def _groups(rows: Iterable[Row]) -> Iterator[Group]:
    alike: dict[tuple[MachineStatus, str, str, bool], list[Row]] = {}
    for row in rows:
        notice = _telling(row)
        if notice is not None:
            key = row.status, notice.code, sentence(notice), row.by_pip
            alike.setdefault(key, []).append(row)
    worst_first = sorted(alike.items(), key=lambda one: -STATUSES.index(one[0][0]))
    for (status, code, cause, _), same in sorted(worst_first, key=lambda one: -len(one[1])):
        yield Group(status, code, cause, _hint(same), tuple(row.host for row in same))


def _hint(rows: Sequence[Row]) -> str:
    """The next step; none if a value from a report could be more than one word of a command."""
    notice = _telling(rows[0])
    assert notice is not None
    if any(_COMMAND.search(value) for value in notice.facts.values() if isinstance(value, str)):
        plain = sentence(Notice(notice.code, {}), ".hint")
        return plain if "{" not in plain else ""
    words = {(row.keep, row.there) for row in rows}
    keep, there = words.pop() if len(words) == 1 else ("", "")
    by_pip = rows[0].by_pip
    return sentence(notice, ".hint", where=_where(rows), by_pip=by_pip, keep=keep, there=there)


def _telling(row: Row) -> Notice | None:
    """The notice on why a machine needs attention. A working machine has none, unless it has a GPU
    build and no GPU to test it on."""
    if row.status == "fine":
        return next((one for one in row.notices if one.code in UNTRIED), None)
    return row.notices[0] if row.notices else Notice("unexplained", {})


def _where(rows: Sequence[Row]) -> str:
    """The words that name the environment of these machines in a command."""
    prefixes = {row.prefix for row in rows}
    only = prefixes.pop() if len(prefixes) == 1 else None
    return f" -p {shlex.quote(only)}" if only else " -p PREFIX"
