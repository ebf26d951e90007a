"""Every error owns its words: made, shown and dumped with the facts that its class names."""

from __future__ import annotations

import ast
import errno
import importlib
import json
import os
import pkgutil
from pathlib import Path
from string import Formatter

import pytest
from conda import CondaError

import conda_torchmirror
from conda_torchmirror import exceptions
from conda_torchmirror.exceptions import base
from conda_torchmirror.exceptions.base import TorchMirrorError
from conda_torchmirror.exceptions.mirror import CannotWrite
from conda_torchmirror.models import Notice
from conda_torchmirror.text import language
from conda_torchmirror.text.messages import text
from conda_torchmirror.text.tables import hints

PACKAGE = Path(conda_torchmirror.__file__).parent


def _every() -> list[type[TorchMirrorError]]:
    for module in pkgutil.iter_modules(exceptions.__path__):
        importlib.import_module(f"{exceptions.__name__}.{module.name}")
    found, waiting = [], [TorchMirrorError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if hasattr(kind, "code"):
            found.append(kind)
    return sorted(found, key=lambda kind: kind.__name__)


EVERY = _every()
NAMED = {kind.__name__: kind for kind in EVERY}


def fields(sentence: str | tuple[str, ...]) -> set[str]:
    parts = sentence if isinstance(sentence, tuple) else (sentence,)
    return {name for part in parts for _, name, _, _ in Formatter().parse(part) if name}


def made(kind: type[TorchMirrorError], value: object = "X%2BY {}") -> TorchMirrorError:
    return kind(**{name: 3 if name in ("count", "total") else value for name in kind.facts})


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_error_can_be_made_shown_and_dumped(kind):
    error = made(kind)
    shown, dumped = str(error), json.loads(json.dumps(error.dump_map(), default=str))
    assert "?" not in str(error.message)
    assert shown.startswith(str(error.message)) or kind.__str__ is not TorchMirrorError.__str__
    assert dumped["exception_name"] == kind.__name__
    assert dumped["torchmirror"]["error"] == kind.code
    guidance = {
        "cause": None,
        "hints": [],
        **(dumped["guidance"] or {}),
    }  # 26.7 leaves out what is empty
    assert guidance["cause"] == (error._cause or None)
    assert [hint["hint_code"] for hint in guidance["hints"]] == list(kind.hints)
    assert str(error.message) == str(error.message).strip().removesuffix(".")


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_a_class_names_the_facts_of_its_words_and_no_word_is_missing(kind):
    words = fields(kind.message) | fields(kind.cause)
    for code in kind.hints:
        assert code in hints.TEXT
        words |= fields(hints.TEXT[code])
    assert words <= set(kind.facts)
    assert len(set(kind.facts)) == len(kind.facts)


def test_no_two_errors_share_a_code():
    assert len({kind.code for kind in EVERY}) == len(EVERY)


def test_every_raise_gives_the_facts_of_its_class():
    """As far as it can be seen: a call with `**facts` may give less by name."""
    seen = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if (kind := NAMED.get(node.func.id)) is None:
                continue
            seen.add(kind.__name__)
            where = f"{path.relative_to(PACKAGE)}:{node.lineno} {kind.__name__}"
            given = {keyword.arg for keyword in node.keywords} - {"ways"}
            assert not node.args, where
            if None in given:
                assert given - {None} <= set(kind.facts), where
            else:
                assert given == set(kind.facts), where
    assert len(seen) > 30


@pytest.mark.parametrize("facts", [{"file": "F"}, {"file": "F", "detail": "D", "more": 1}])
def test_a_missing_or_surplus_fact_is_found_in_tests_and_shown_in_use(monkeypatch, facts):
    with pytest.raises(TypeError, match="CannotWrite takes the facts"):
        CannotWrite(**facts)
    monkeypatch.setattr(base, "STRICT", False)
    error = CannotWrite(**facts)
    assert str(error.message) == "F cannot be written"
    assert error._cause == facts.get("detail", "?")


@pytest.mark.parametrize(
    ("number", "cause", "step"),
    [
        (errno.ENOSPC, "its disk is full", "make room on the disk of {folder}, then run"),
        (errno.EDQUOT, "your quota on its disk is used up", "make room on the disk of {folder}"),
        (errno.EROFS, "its disk is read-only", "make {folder} writable for your account"),
        (errno.EACCES, "your account has no permission for it", "make {folder} writable"),
        (errno.EPERM, "your account has no permission for it", "make {folder} writable"),
        (errno.ENOENT, "there is no such file or folder", "make the folder that it should be in"),
        (errno.EEXIST, "what should be a folder in its path is a file", "move that file or folder"),
        (errno.ENOTDIR, "what should be a folder in its path is a file", "move that file or fold"),
        (errno.EISDIR, "it is a folder", "move that file or folder away"),
        (errno.ENAMETOOLONG, "its name is too long for the file system", "check {folder} and its"),
        (errno.EIO, "its disk reports an error", "check {folder} and its disk"),
        (
            errno.ETIMEDOUT,
            "another run has been writing in its folder",
            "run the same command again when",
        ),
        (errno.EFBIG, "larger than its file system, or a limit", "`ulimit -a` shows the limits"),
        (errno.EMFILE, "more files are open than the system allows", "`ulimit -a` shows the lim"),
        (errno.ENFILE, "more files are open than the system allows", "`ulimit -a` shows the lim"),
        (errno.EBUSY, "Device or resource busy", "check {folder} and its disk"),
    ],
    ids=lambda value: errno.errorcode.get(value, "") if isinstance(value, int) else "",
)
def test_what_a_disk_refuses_is_said_in_words_with_a_next_step(tmp_path, number, cause, step):
    # As where a folder and what is in it are still to be made.
    error = CannotWrite.of(OSError(number, os.strerror(number)), tmp_path / "new" / "file", "--x")
    hints = [hint["text"] for hint in error._hints]
    assert cause in error._cause
    assert "Errno" not in str(error)
    assert hints[0].startswith(step.format(folder=tmp_path))
    assert hints[1:] == ["or name another place for --x"]


def test_of_a_cache_that_cannot_be_written_conda_itself_makes_room(sandbox):
    for number, first in ((errno.ENOSPC, "free_space"), (errno.EACCES, "make_writable")):
        error = CannotWrite.of(OSError(number, os.strerror(number)), sandbox.pkgs / "cache")
        assert [hint["hint_code"] for hint in error._hints] == [first, "other_disk"]


def test_a_file_that_is_read_only_is_what_is_to_be_made_writable(tmp_path, monkeypatch):
    (tmp_path / "report").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).is_dir())  # root may anything
    error = CannotWrite.of(PermissionError(errno.EACCES, "denied"), tmp_path / "report")
    assert error._hints[0]["text"].startswith(f"make {tmp_path / 'report'} writable")


def test_secrets_and_hidden_characters_leave_no_error():
    bad = "https://me:hunter2@host/t/tk-secret-1/\u202e\x1b[2J\nCause: another"
    for kind in EVERY:
        error = made(kind, bad)
        shown = f"{error} {json.dumps(error.dump_map(), default=str, ensure_ascii=False)}"
        for hidden in ("hunter2", "tk-secret", "\u202e", "\x1b", "\\u202e", "\\u001b"):
            assert hidden not in shown, kind
        assert len(str(error.message).splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError(), "ValueError"),
        (CondaError("%(what)s is wrong", what="100% of it"), "100% of it is wrong"),
        (CondaError("%(what)s:\n  no", what="all"), "all:"),
    ],
    ids=["several lines", "no message", "conda's", "conda's of several lines"],
)
def test_the_first_line_of_an_error(error, line):
    assert base.first_line(error) == line


def test_the_first_line_of_an_error_of_ours_carries_its_english(monkeypatch):
    monkeypatch.setenv("CONDA_TORCHMIRROR_LANG", "zh")
    language.forget()
    error = CannotWrite.of(OSError(errno.ENOSPC, "x"), "y")
    assert base.first_line(error) is error.message
    assert error.message.english.isascii()


def test_further_ways_are_hints_with_facts_of_their_own():
    ways = [Notice("use_python", {"pythons": "3.11"}), Notice("machine.wsl")]
    error = NAMED["NoFittingBuild"](channel="C", request="R", detail="D", ways=ways)
    found = error.dump_map()["guidance"]["hints"]
    assert [hint["text"] for hint in found] == [text(way.code, way.facts) for way in ways]


def test_old_conda_gets_the_advice_in_the_message(monkeypatch):
    monkeypatch.delattr(CondaError, "guidance", raising=False)
    shown = str(NAMED["BadCuda"](value="12,4"))
    assert shown.splitlines()[0] == "`--cuda 12,4` is not understood"
    assert "Cause: it takes auto, cpu" in shown


def test_old_conda_gets_a_message_that_fits_the_terminal(monkeypatch):
    monkeypatch.delattr(CondaError, "guidance", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    request = "pytorch torchvision torchaudio, on linux-64, for Python 3.13, with CUDA 12.4"
    error = NAMED["NoFittingBuild"](channel="pytorch", request=request, detail="D")
    lines = repr(error).splitlines()  # what conda prints
    assert max(map(len, lines)) <= 80
    message, _, rest = " ".join(lines).partition("  Cause: ")
    assert (message, rest) == (f"NoFittingBuild: {error.message}", "D")


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("value", ["x" * 5000, "\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 5000])
def test_a_value_of_thousands_of_characters_is_shown_by_its_ends(kind, value):
    error = made(kind, value)
    assert max(map(len, str(error).split())) <= 1000
    dumped = error.dump_map()
    if set(kind.facts) - {"count", "total"}:
        assert value in json.dumps(dumped["torchmirror"]["facts"], ensure_ascii=False)
