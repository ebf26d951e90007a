"""The reports of many machines as one table, and as a JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..text.layout import bullet, columns, wrapped
from ..text.messages import counted, text
from ..text.sanitize import safe
from .collection import STATUSES, Collection, MachineStatus, Row

_RESULTS: Mapping[MachineStatus, str] = {
    "fine": "check.collect_status_fine",
    "no_gpu": "check.collect_status_no_gpu",
    "untried": "check.collect_status_untried",
    "broken": "check.collect_status_broken",
    "unread": "check.collect_status_unread",
}


def lines(found: Collection) -> list[str]:
    """Return lines: the counts, a row for each machine, then each cause with its machines."""
    counts: dict[str, int] = {status: found.count(status) for status in STATUSES}
    out = wrapped(text("check.collect_counts", {"count": len(found.rows), **counts}))
    head = [
        text("check.collect_host"),
        text("check.collect_result"),
        text("check.collect_torch"),
        text("check.collect_gpu"),
    ]
    out += ["", *columns([head, *(_cells(row) for row in found.rows)])]
    if found.groups:
        out.append("")
    for group in found.groups:
        out += bullet(group.cause)
        out += wrapped(
            text("check.collect_on", {"hosts": ", ".join(group.hosts)}), " " * 6, " " * 6
        )
        if group.hint:
            out += wrapped(group.hint, " " * 6, " " * 6)
    return [safe(line) for line in out]


def _cells(row: Row) -> list[str]:
    built = f"CUDA {row.cuda}" if row.cuda else "CPU"
    return [
        row.host,
        text(_RESULTS[row.status]),
        f"{row.torch} ({built})" if row.torch else "-",
        counted(row.gpus) or "-",
    ]


def document(found: Collection) -> dict[str, Any]:
    """The table as plain JSON values."""
    return {
        "exit_code": found.exit_code,
        "counts": {status: found.count(status) for status in STATUSES},
        "machines": [
            {
                **row._asdict(),
                "files": list(row.files),
                "gpus": list(row.gpus),
                "notices": [notice.code for notice in row.notices],
            }
            for row in found.rows
        ],
        "groups": [
            {
                "status": group.status,
                "code": group.code,
                "text": group.cause,
                "hint": group.hint or None,
                "machines": list(group.hosts),
            }
            for group in found.groups
        ],
    }
