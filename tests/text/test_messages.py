"""Sentences by their codes: found, filled with facts, in the form for a number."""

from __future__ import annotations

import json
import os
import pkgutil
import re
import shlex
from importlib import import_module

import pytest

from conda_torchmirror.text import language, tables
from conda_torchmirror.text.messages import N_, counted, fill, text


def test_plurals_follow_the_count():
    pair = (N_("{count} file"), N_("{count} files"))
    assert [fill(pair, {"count": n}, "") for n in (0, 1, 2)] == ["0 files", "1 file", "2 files"]


def test_a_fact_is_one_line_of_clean_text_and_a_missing_one_a_question_mark():
    assert fill("{a} {b}", {"a": "x\ny\x1b\u202e"}, "") == "x y ?"
    assert fill("{value!r} {seconds:g}", {"value": "a\nb", "seconds": 2.5}, "") == "'a b' 2.5"


def test_a_code_without_a_sentence_is_an_error_unless_there_is_a_default():
    with pytest.raises(KeyError):
        text("not_there")
    with pytest.raises(KeyError):
        text("show.not_there")
    assert text("not_there", default="{}") == "{}"


def test_no_table_is_loaded_before_its_sentence(tmp_path):
    import subprocess
    import sys

    code = (
        "import json, sys\n"
        "from conda_torchmirror.text.messages import text\n"
        "def loaded(): return sorted(m for m in sys.modules if '.tables.' in m)\n"
        "first = loaded(); text('not_redirected', {}); print(json.dumps([first, loaded()]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[], ["conda_torchmirror.text.tables.mirrors"]]


PATHS = (
    "/tmp/my plans/a",
    "/tmp/$HOME/x",
    "/tmp/it's",
    '/tmp/"q"',
    "/tmp/a;b&c",
    "/tmp/\u4e2d\u6587",
)
#: A fact that is a path, in a command.
_IN_COMMAND = re.compile(r"`[^`]* [^`]*\{(?:folder|prefix|path|file|python)\}[^`]*`")


def offering():
    """The sentences of all tables that offer a command with a path in it."""
    for _, name, _ in pkgutil.walk_packages(tables.__path__, f"{tables.__name__}."):
        for table in vars(import_module(name)).values():
            for sentence in table.values() if isinstance(table, dict) else ():
                forms = sentence if isinstance(sentence, tuple) else (sentence,)
                yield from (f for f in forms if isinstance(f, str) and _IN_COMMAND.search(f))


@pytest.mark.skipif(os.name == "nt", reason="the quotes of a POSIX shell")
@pytest.mark.parametrize("path", PATHS)
def test_a_path_in_a_command_that_is_offered_is_one_word_of_a_shell(path):
    facts = dict.fromkeys(("folder", "prefix", "path", "file", "python"), path)
    sentences = list(offering())
    assert len(sentences) > 10
    for sentence in sentences:
        commands = zip(
            sentence.split("`")[1::2],
            re.findall("`([^`]*)`", fill(sentence, facts, "")),
            strict=True,
        )
        for pattern, command in commands:
            if _IN_COMMAND.search(f"`{pattern}`"):
                assert any(word.endswith(path) for word in shlex.split(command)), command


def test_so_in_chinese_while_a_path_beside_commands_stays_as_it_is(monkeypatch):
    monkeypatch.setenv("CONDA_TORCHMIRROR_LANG", "zh")
    language.forget()
    said = text("plan_urls", {"folder": "/tmp/my plans"})
    assert '`conda torch-install --plan "/tmp/my plans" --urls`' in said
    assert " /tmp/my plans" in said
    assert '--plan "/tmp/my plans"' in said.english


def test_equal_names_are_counted():
    """A node with eight equal GPUs had them in eight lines."""
    names = ["NVIDIA H20 (9.0)"] * 8 + ["NVIDIA L4 (8.9)"]
    assert counted(names) == "8 x NVIDIA H20 (9.0), NVIDIA L4 (8.9)"
    assert counted([]) == ""
