"""A file that is written or rewritten, and what only some systems have. A test module says
`pytest_plugins = ("support.file_io_fixtures",)`.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

import conda_torchmirror

OLD = b"channels:\r\n  - pytorch\r\ndependencies: [a]\r\n"
M = "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud"
NEW = OLD.replace(b"- pytorch", f"- {M}/pytorch".encode())
PACKAGE = str(Path(conda_torchmirror.__file__).parents[1])

posix = pytest.mark.skipif(os.name != "posix", reason="modes, links and kill -9 are POSIX")
not_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "environment.yml"
    file.write_bytes(OLD)
    return file


def disk_full(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
