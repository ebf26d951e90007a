"""Standard streams that are closed, as in services: conda's spinner fails at them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from support.prefixes import records, whole
from support.sites import ASK

pytest_plugins = ("support.site_fixtures",)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="streams as a POSIX shell closes")

QUESTION = [word for word in ASK if word != "-y"]


def run(closing, *words, **more):
    command = [sys.executable, "-m", "conda", *map(str, words)]
    shell = ["/bin/sh", "-c", f'exec "$@" {closing}', "sh", *command]
    return subprocess.run(shell, capture_output=True, text=True, check=False, timeout=120, **more)


@pytest.mark.parametrize("closing", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_an_installation_goes_on(sites, prefix, closing):
    done = run(closing, *ASK, "-p", prefix, "--no-check")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "pytorch" in records(prefix)
    assert whole(prefix)
    # No file had the number of a stream, into which another process could have written.
    for record in (prefix / "conda-meta").glob("*.json"):
        json.loads(record.read_text())


@pytest.mark.parametrize("words", [QUESTION, (*QUESTION, "--source", "pytorch")])
def test_a_question_that_nobody_can_answer(sites, prefix, words):
    done = run("<&-", *words, "-p", prefix, "--no-check")
    assert done.returncode == 1
    said = " ".join(f"{done.stdout} {done.stderr}".split())
    assert "NobodyAnswers: nobody can answer: standard input is closed" in said
    assert "add `-y`" in said
    assert records(prefix) == {}
    # What it offers works.
    assert run("<&-", *words, "-p", prefix, "--dry-run").returncode == 0


@pytest.mark.parametrize("words", [("torch-mirror", "status"), ("torch-verify", "-p", "ENV")])
def test_other_commands(sites, prefix, words):
    done = run(">&-", *(prefix if word == "ENV" else word for word in words), env={**os.environ})
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1)
