"""Interrupts of what changes an environment: it stays whole, and is as it was or complete.

While conda changes an environment, its handler of signals raises in the middle of whatever is done.
Between two packages, and a second time while the first is undone, nothing catches that: files are
gone whose records stay, and every later run believes the records (tried on 24.7 and 26.7). So here
conda is interrupted before a file is linked or unlinked and nowhere else, and then undoes all of
it. What has no handler in conda, the end of a terminal or of a connection, is handled as well.

Conda does not undo the change that failed. On a full disk it leaves an empty record, by which it
cannot read the environment any more, and puts an empty copy in place of the history (tried on 24.7;
26.7 leaves both beside it, and what the history says of packages that were taken out again).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from logging import getLogger
from types import FrameType
from typing import Any

import conda
from conda.core import link
from conda.core.path_actions import CreateInPrefixPathAction, RegisterEnvironmentLocationAction
from conda.exceptions import CondaMultiError, CondaSignalInterrupt

from ..interrupts import ENDING, handled, leave_terminal

log = getLogger(__name__)


@contextmanager
def undone_whole() -> Iterator[None]:
    """Within the block, an interrupted transaction of conda's is undone whole, or is complete.

    Where this conda has other methods, its own handling of signals stays.
    """
    methods: Any = link.UnlinkLinkTransaction
    names = ("_execute", "_execute_actions", "_execute_post_link_actions")
    if not all(name in vars(methods) for name in names):
        yield
        return
    kept = {name: vars(methods)[name] for name in names}
    handler = link.conda_signal_handler
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        leave_terminal(number)
        noted.append(number)
        for process in conda.ACTIVE_SUBPROCESSES:
            if process.poll() is None:
                # Windows can send hardly any, and a console sends Ctrl-C to all that run in it. An
                # error here would end what is being done just as the interrupt must not.
                with suppress(OSError, ValueError):
                    process.send_signal(number)

    def interrupt() -> CondaSignalInterrupt:
        return CondaSignalInterrupt(noted[0])

    def execute(transaction: Any, groups: Any) -> None:
        noted.clear()
        with handled(ENDING, note):
            kept["_execute"](transaction, groups)
            if noted:  # after the last change
                raise interrupt()

    def until_noted(actions: Iterable[Any]) -> Iterator[Any]:
        for action in actions:
            if noted:
                raise interrupt()
            whole = _Whole(action)
            yield whole
            if whole.failed:
                return  # conda goes on to undo, which an interrupt must not end

    def execute_actions(group: Any) -> Any:
        if noted:
            return CondaMultiError((interrupt(), group))
        return kept["_execute_actions"].__func__(group._replace(actions=until_noted(group.actions)))

    def post_link(group: Any) -> Any:
        if noted:
            return CondaMultiError((interrupt(), group))
        return kept["_execute_post_link_actions"].__func__(group)

    ours = (execute, staticmethod(execute_actions), staticmethod(post_link))
    link.conda_signal_handler = note
    for name, method in zip(names, ours, strict=True):
        setattr(methods, name, method)
    try:
        yield
    finally:
        link.conda_signal_handler = handler
        for name, method in kept.items():
            setattr(methods, name, method)


class _Whole:
    """A change of conda's of which no part stays if it fails."""

    def __init__(self, action: Any) -> None:
        self._action = action
        self.failed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._action, name)

    def execute(self) -> None:
        """Execute it; if that fails, note it and remove the file that it began."""
        self.failed = True
        self._execute()
        self.failed = False

    def _execute(self) -> None:
        if isinstance(self._action, RegisterEnvironmentLocationAction):
            _register(self._action)
            return
        if not isinstance(self._action, CreateInPrefixPathAction):
            self._action.execute()
            return
        target, copy = self._action.target_full_path, getattr(self._action, "hold_path", "")
        size = os.lstat(target).st_size if os.path.lexists(target) else None
        try:
            self._action.execute()
        except BaseException:
            with suppress(OSError):
                if size is None:
                    os.unlink(target)
                elif copy and os.lstat(copy).st_size < size:  # conda would put it back
                    os.unlink(copy)
                elif copy:
                    self._action._execute_successful = True  # else 26.7 does not put it back
            raise


def _register(action: Any) -> None:
    """Add the environment to conda's list in the home folder. That may be no folder (`/dev/null`),
    or the list no text: conda takes out all that it has installed, for some errors but not all."""
    try:
        action.execute()
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        log.warning("the environment is not in conda's list of environments: %s", error)
