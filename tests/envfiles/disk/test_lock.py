"""The lock by a file, which Windows has; that on a folder is tested with the writing of files."""

from __future__ import annotations

import os
import threading
import time

import pytest

from conda_torchmirror.envfiles.disk import lock


def test_the_lock_file_is_gone_afterwards(tmp_path):
    with lock.by_file(tmp_path) as alone:
        assert alone
        assert os.listdir(tmp_path) == [".torchmirror-lock"]
    assert os.listdir(tmp_path) == []


def test_another_run_waits(tmp_path):
    entered = threading.Event()

    def other():
        with lock.by_file(tmp_path):
            entered.set()

    with lock.by_file(tmp_path):
        thread = threading.Thread(target=other)
        thread.start()
        assert not entered.wait(0.2)
    thread.join(10)
    assert entered.is_set()


def test_a_name_that_is_about_to_go_is_waited_for(tmp_path, monkeypatch):
    """Windows refuses it as it refuses a folder that may not be written."""
    real, refused = os.open, []

    def going(path, *rest, **options):
        if str(path).endswith("-lock") and len(refused) < 3:
            refused.append(path)
            raise PermissionError(13, "Access is denied", str(path))
        return real(path, *rest, **options)

    monkeypatch.setattr(os, "open", going)
    with lock.by_file(tmp_path) as alone:
        assert alone


def test_a_folder_that_may_not_be_written_is_told_at_once(tmp_path, monkeypatch):
    """It was waited for as if another run were writing there, since Windows takes any folder for
    writable."""

    def refused(path, *_, **__):
        raise PermissionError(13, "Access is denied", str(path))

    monkeypatch.setattr(os, "open", refused)
    monkeypatch.setattr(os, "access", lambda *_, **__: True)
    began = time.monotonic()
    with pytest.raises(PermissionError), lock.by_file(tmp_path):
        pass
    assert time.monotonic() - began < 5
