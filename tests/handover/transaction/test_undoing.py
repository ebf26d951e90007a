"""The handler of signals while conda changes an environment."""

from __future__ import annotations

import signal

import conda
import pytest
from conda.core import link
from conda.exceptions import CondaSignalInterrupt

from conda_torchmirror.handover.transaction.undoing import undone_whole


class _Compiling:
    """A process of conda's on Windows, where `Popen.send_signal` knows no SIGINT."""

    def poll(self):
        return None

    def send_signal(self, number):
        raise ValueError(f"Unsupported signal: {number}")


@pytest.mark.skipif(
    "_execute_post_link_actions" not in vars(link.UnlinkLinkTransaction),
    reason="this conda has other methods",
)
def test_an_interrupt_that_a_process_cannot_be_sent_is_noted_all_the_same():
    """Ctrl-C on Windows while conda compiles: a ValueError ended whatever was being done."""
    with undone_whole():
        conda.ACTIVE_SUBPROCESSES.add(process := _Compiling())
        try:
            link.conda_signal_handler(signal.SIGINT, None)
        finally:
            conda.ACTIVE_SUBPROCESSES.discard(process)
        group = link.ActionGroup("link", None, (), "/nowhere")
        noted = link.UnlinkLinkTransaction._execute_actions(group)
        assert isinstance(noted.errors[0], CondaSignalInterrupt)
