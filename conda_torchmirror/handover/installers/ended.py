"""How the run of an installer ended, and what became of a failed one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ...text.messages import of_os_error

#: The exit code of shells for a program that cannot be started.
UNSTARTED = 126


class InstallerExit(NamedTuple):
    """The end of a run of an installer.

    Unless `code`, its exit code, is 0: `kind` is the kind of failure ("unstarted", "other", or a
    key of the installer's patterns), `what` the missing requirement or, for a conflict, the
    projects whose bounds rule out a solution, and `line` the last error line. `output` is what is
    still to be shown of the installer's own output: pip shows its own as it runs.
    """

    code: int
    kind: str = ""
    what: str = ""
    line: str = ""
    output: str = ""


class InstallerOutput(NamedTuple):
    """What an installer said, to be shown as it is."""

    text: str


def unstarted(program: str, error: OSError) -> InstallerExit:
    """What became of a program that the system could not start, such as one for another machine."""
    return InstallerExit(UNSTARTED, "unstarted", program, of_os_error(error))


def failed(
    code: int, said: str, line: str, patterns: Mapping[str, re.Pattern[str]], bound: re.Pattern[str]
) -> InstallerExit:
    """The end of a run that failed, by the first of the `patterns` for its kind that is found in
    the output; `bound` finds the projects that a conflict is about."""
    for kind, pattern in patterns.items():
        if found := pattern.search(said):
            what = found.groupdict().get("what") or ""
            if kind == "conflict":
                what = " ".join(dict.fromkeys(bound.findall(said)))
            return InstallerExit(code, kind, what, line)
    return InstallerExit(code, "other", "", line)
