"""Sentences by their codes: found, filled with facts, in the form for a number."""

from __future__ import annotations

import json

import pytest

from conda_torchmirror.text.messages import N_, fill, text


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
