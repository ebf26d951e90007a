"""Which of pip's files are read: those that the pip of this Python reads itself."""

from __future__ import annotations

import locale
import subprocess
import sys

import pytest

from conda_torchmirror.machine.python import pip_config


@pytest.mark.parametrize("named", ["there", "missing", None])
def test_the_files_are_those_that_pip_reads(sandbox, monkeypatch, named):
    own = sandbox.home / ".config" / "pip" / "pip.conf"
    own.parent.mkdir(parents=True)
    own.write_text("[global]\nproxy = http://own.lab:1\ntimeout = 11\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(sandbox.home))
    for variable in ("XDG_CONFIG_HOME", "PIP_CONFIG_FILE", "PIP_TIMEOUT", "PIP_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    if named:
        file = sandbox.home / "named.conf"
        monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
        if named == "there":
            file.write_text("[global]\ntimeout = 22\n", encoding="utf-8")
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    said = dict(line.split("=", 1) for line in listed.splitlines())
    theirs = {name: said.get(f"global.{name}", "''").strip("'") for name in ("proxy", "timeout")}
    found = pip_config.read(None).options
    assert {name: found.get(name, "") for name in theirs} == theirs
    assert theirs["timeout"] == ("22" if named == "there" else "11")


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-8-sig"])
def test_a_file_in_the_encoding_of_a_chinese_windows_is_read(sandbox, monkeypatch, encoding):
    """Pip reads it so; its index and proxy were left out as unreadable."""
    monkeypatch.setattr(locale, "getpreferredencoding", lambda do_setlocale=True: "cp936")
    file = sandbox.home / "named.conf"
    text = "# 清华镜像\n[global]\nindex-url = https://pypi.lab/simple\n"
    file.write_bytes(text.encode(encoding))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    found = pip_config.read(None)
    assert found.unreadable == ()
    assert found.options["index-url"] == "https://pypi.lab/simple"
