"""Nothing that hides or tells too much gets out, whichever way it is printed."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_torchmirror.text import output
from conda_torchmirror.text.sanitize import safe

SECRETS = {
    "https://me:secret@host/conda/pytorch": "https://host/conda/pytorch",
    "https://me:sec@ret@host/pytorch": "https://host/pytorch",
    "https://me:sec/ret@host/pytorch": "https://host/pytorch",
    "https://secret@host/pytorch": "https://host/pytorch",
    "https://me@/secret@host/pytorch": "https://host/pytorch",
    "https://me@you:sec?ret@host/pytorch": "https://host/pytorch",
    "https://me@/you:secret@//secret@host/pytorch": "https://host/pytorch",
    "https://host/t/secret/pytorch": "https://host/t/<TOKEN>/pytorch",
    "https://host/t/secret": "https://host/t/<TOKEN>",
    "/t/ab-secret-12345": "/t/<TOKEN>",
    "Max retries exceeded with url: /t/secret/x": "Max retries exceeded with url: /t/<TOKEN>/x",
    "with url: /conda/t/secret/x": "with url: /conda/t/<TOKEN>/x",
    "https:///host/t/secret/x": "https:///host/t/<TOKEN>/x",
    "host.example:8080/t/secret/x": "host.example:8080/t/<TOKEN>/x",
    "localhost:8080/t/secret/x": "localhost:8080/t/<TOKEN>/x",
    "https://host/a//b/t/secret/x": "https://host/a//b/t/<TOKEN>/x",
    "https://host/pytorch?token=secret&page=1": "https://host/pytorch?token=<TOKEN>&page=1",
    "https://host/f?a=1&X-Amz-Signature=secret": "https://host/f?a=1&X-Amz-Signature=<TOKEN>",
    "ht\u202etps:/\u200b/me:secret@host/": "https://host/",
    "https://host/\x1b/\x00t/secret/x": "https://host//t/<TOKEN>/x",
    "pytorch[channel='https://me:secret@host/t/secret']": (
        "pytorch[channel='https://host/t/<TOKEN>']"
    ),
}
#: What looks like a secret and is none.
PLAIN = (
    "http://localhost:8080/pytorch",
    "http://localhost:8080/a@b",
    "/home/t/environment.yml",
    "/home/me/t/plans/plan.json",
    "'/home/me/t/my-experiments/plan.json'",
    "../t/plans/plan.json",
    "t/plans/plan.json",
    "file:///srv/t/channel/linux-64/a-1.0-0.conda",
    r"C:\\t/plans/plan.json",
    "numpy @ 3 o'clock: 2 + 2",
    "pytorch[build='*cuda*']",
    "清华 TUNA：镜像站",
    "two\nlines\tand a tab",
)
HIDDEN = "\x00\x07\x1b\x7f\x9b\r\xad\u061c\u200b\u200e\u202a\u202e\u2028\u2066\u2069\ufeff"


@pytest.mark.parametrize(("text", "shown"), SECRETS.items())
def test_no_secret_passes(text, shown):
    assert safe(text) == shown
    assert safe(shown) == shown


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_stays(text):
    assert safe(text) == text


def hides(text: str) -> list[str]:
    return [
        c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")
    ]


texts = st.text(st.one_of(st.characters(), st.sampled_from(HIDDEN + ":/@?&=t")))
urls = st.sampled_from(sorted(SECRETS))


@given(st.lists(st.one_of(texts, urls)).map(" ".join))
def test_the_door_is_shut_and_what_has_passed_passes_again(text):
    assert not hides(safe(text))
    assert "secret" not in safe(text)
    assert safe(safe(text)) == safe(text)


@given(
    st.recursive(
        st.one_of(texts, st.integers(), st.floats(), st.none()),
        lambda inside: st.one_of(st.lists(inside), st.dictionaries(texts, inside)),
    )
)
def test_no_json_value_keeps_anything_hidden(value):
    def walk(found):
        if isinstance(found, str):
            assert not hides(found)
        elif isinstance(found, dict):
            for key, item in found.items():
                walk(key)
                walk(item)
        elif isinstance(found, list):
            for item in found:
                walk(item)

    walk(output.clean(value))
    json.dumps(output.clean(value), allow_nan=False)


@pytest.mark.parametrize(
    "text",
    [
        "://a:" * 20_000,
        "//" + "a@/" * 30_000,
        "//a@" + "/" * 90_000,
        "/t/" * 30_000,
        "?a=" * 30_000,
        "//" * 30_000,
        "&a-" * 30_000,
    ],
)
def test_no_text_takes_long(text):
    from time import perf_counter

    begun = perf_counter()
    safe(text)
    assert perf_counter() - begun < 2


def test_say_warn_and_emit_clean(capsys):
    bad = f"https://me:secret@host/{HIDDEN}"
    output.say(bad)
    output.say([bad, bad])
    output.warn(bad)
    shown = capsys.readouterr()
    assert shown.out == "https://host/\n" * 3
    assert shown.err == "https://host/\n"
    output.emit({bad: [bad, {"key": bad}], "path": os.path}, prefix=bad)
    out = capsys.readouterr().out
    assert "secret" not in out
    document = json.loads(out)
    assert list(document) == ["success", "prefix", "torchmirror"]
    assert document["torchmirror"]["https://host/"] == ["https://host/", {"key": "https://host/"}]
    assert document["torchmirror"]["schema"] == 1


#: What each way of printing is given.
GIVEN = {"say": "'a' * 80", "warn": "'a' * 80", "emit": "{'a': 'b' * 80}", "put": "b'a' * 80"}


@pytest.mark.parametrize("call", GIVEN)
@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_a_closed_stream_is_no_error(call, stream):
    code = (
        "import sys; from conda_torchmirror.text import layout, output\n"
        f"sys.{stream} = None; layout.terminal_width(); output.{call}({GIVEN[call]})"
    )
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, timeout=60, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("call", GIVEN)
def test_a_reader_that_went_away_is_no_error(call):
    code = (
        "import sys, time; from conda_torchmirror.text import output\n"
        "sys.stdin.read()\n"
        f"for _ in range(2000): output.{call}({GIVEN[call]})"
    )
    stream = "stderr" if call == "warn" else "stdout"
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    getattr(child, stream).close()
    child.stdin.close()
    child.stdin = None
    setattr(child, stream, None)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out or b"", err or b"") == (0, b"", b"")


@pytest.mark.parametrize("encoding", ["ascii", "gbk"])
def test_what_a_console_cannot_show_is_escaped(encoding):
    code = "from conda_torchmirror.text.output import say; say('caf\\u00e9 \\udce9 \\U0001f600')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\udce9 \\U0001f600" in done.stdout


def test_a_name_stays_as_it_is_in_the_c_locale():
    name = "环境.yml"
    code = "import sys; from conda_torchmirror.text.output import say; say(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", code, name],
        capture_output=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii:surrogateescape"},
        timeout=60,
    )
    assert (done.stdout.strip().decode(), done.stderr) == (name, b"")


def test_what_others_log_is_cleaned(caplog):
    log = logging.getLogger("of.another")
    with output.clean_log():
        log.warning("skipping %s", "https://me:secret@host/x\x1b[31m\u202eevil")
        log.warning("%d of %d", 1, 2)
    log.warning("a\x1bb")
    said = [record.getMessage() for record in caplog.records]
    assert said == ["skipping https://host/x[31mevil", "1 of 2", "a\x1bb"]


def test_so_is_the_traceback_with_it(caplog):
    log = logging.getLogger("of.another")
    with output.clean_log():
        try:
            raise OSError("for url: https://me:secret@host/x")
        except OSError:
            log.info("failed", exc_info=True)
            log.warning("failed", exc_info=True)
    assert "OSError: for url: https://host/x" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a system without /dev/full")
@pytest.mark.parametrize("call", ["say", "emit", "put"])
def test_a_full_disk_behind_standard_output_ends_the_run(call):
    code = f"from conda_torchmirror.text import output; output.{call}({GIVEN[call]})"
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "torchmirror: standard output cannot be written, and the run ends there: its disk is full"
    ]
