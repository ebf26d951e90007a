"""Files of an environment that cannot be read are named, and nothing raises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conda import CondaError
from conda.exceptions import InvalidSpec
from conda.history import History

from conda_torchmirror.exceptions.environment import (
    BrokenRecord,
    DamagedHistory,
    UnreadableHistory,
    UnreadablePin,
    UnreadablePins,
)
from conda_torchmirror.handover.conda import refuse_unreadable
from conda_torchmirror.machine import environment
from conda_torchmirror.machine.dependents import departure, requested
from conda_torchmirror.machine.environment import option_of
from conda_torchmirror.machine.survey import native_subdir, survey
from conda_torchmirror.verify.static import inspect_records

GOOD = {"name": "numpy", "version": "1.26", "build": "0", "build_number": 0, "channel": "x"}
RECORDS = {
    "empty": b"",
    "cut": json.dumps(GOOD).encode()[:-9],
    "list": b"[1]",
    "null": b"null",
    "no name": b'{"version": "1.26", "build": "0"}',
    "no text": b"\xff\x00\xfe",
    "deep": b"[" * 100_000,
    "files": json.dumps({**GOOD, "paths_data": {"paths": {"a": "b"}}}).encode(),
    "depends": json.dumps({**GOOD, "depends": [["python"]]}).encode(),
    "size": json.dumps({**GOOD, "size": "1 kB"}).encode(),
    "link": json.dumps({**GOOD, "link": {"type": "none"}}).encode(),
}
if not hasattr(CondaError, "guidance"):  # conda 26.7 and newer read it
    RECORDS["UTF-16"] = json.dumps(GOOD).encode("utf-16")


@pytest.fixture
def prefix(sandbox) -> Path:
    folder = sandbox.envs / "mine"
    (folder / "conda-meta").mkdir(parents=True)
    (folder / "conda-meta" / "history").touch()
    return folder


def looked_at(prefix: Path):
    return survey(subdir=native_subdir(), prefix=str(prefix), cuda="cpu").machine


@pytest.mark.parametrize("name", RECORDS)
def test_a_broken_record_is_named(prefix, name):
    file = prefix / "conda-meta" / "numpy-1.26-0.json"
    file.write_bytes(RECORDS[name])
    machine = looked_at(prefix)
    [remark] = machine.remarks
    assert remark.code == "machine.record_broken"
    assert remark.facts == {"file": str(file), "package": "numpy"}
    assert machine.installed == ()
    with pytest.raises(BrokenRecord) as caught:
        refuse_unreadable(machine, str(prefix))
    [hint] = caught.value.dump_map()["guidance"]["hints"]
    assert "`conda install -n mine numpy`" in hint["text"]
    report = inspect_records(str(prefix))
    assert [notice.code for notice in report.notices] == ["machine.record_broken"]


def test_the_broken_one_of_many_records_is_named(prefix):
    for name in ("abc", "numpy", "xyz"):
        record = {**GOOD, "name": name, "depends": [], "files": []}
        file = prefix / "conda-meta" / f"{name}-1.26-0.json"
        file.write_text("{" if name == "numpy" else json.dumps(record))
    [remark] = looked_at(prefix).remarks
    assert remark.facts["package"] == "numpy"


@pytest.mark.parametrize("encoding", ["utf-16", "gbk"])
def test_pins_that_are_no_utf_8_are_no_pins(prefix, encoding):
    file = prefix / "conda-meta" / "pinned"
    file.write_bytes("# 我的\r\nnumpy <2\r\n".encode(encoding))
    machine = looked_at(prefix)
    [remark] = machine.remarks
    assert (remark.code, remark.facts) == ("machine.pins_unreadable", {"file": str(file)})
    assert machine.pins == ()
    with pytest.raises(UnreadablePins):
        refuse_unreadable(machine, str(prefix))


@pytest.mark.parametrize("encoding", ["utf-16", "gbk"])
def test_a_history_that_is_no_utf_8_is_named(prefix, encoding):
    file = prefix / "conda-meta" / "history"
    file.write_bytes("==> 2024-05-01 10:00:00 <==\n# 我的\n+numpy-1.26-0\n".encode(encoding))
    for refused in (
        lambda: refuse_unreadable(looked_at(prefix), str(prefix)),
        lambda: departure(str(prefix), ["numpy"]),
    ):
        with pytest.raises(UnreadableHistory) as caught:
            refused()
        assert str(file) in str(caught.value)


@pytest.mark.parametrize("line", ["['numpy', 'pyt", "[5]", "['numpy >=']"])
def test_a_line_of_the_history_that_conda_stops_at_is_named(prefix, line):
    """Written while the disk was full or the power went: conda's traceback."""
    file = prefix / "conda-meta" / "history"
    file.write_text(f"==> 2024-05-01 10:00:00 <==\n# cmd: conda install\n# update specs: {line}\n")
    with pytest.raises(DamagedHistory) as caught:
        refuse_unreadable(looked_at(prefix), str(prefix))
    assert f"line 3 of {file}" in str(caught.value)


@pytest.mark.parametrize("fault", ["no text", "unreadable", "no parser"])
def test_where_the_line_cannot_be_sought_condas_own_error_is_told(prefix, monkeypatch, fault):
    """Another error was raised, on the way to the number of the line."""

    def stop(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of conda")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(History, "get_requested_specs_map", stop)
    (prefix / "conda-meta" / "history").write_bytes(b"# \xff\n")
    if fault == "unreadable":
        monkeypatch.setattr(Path, "read_text", refuse)
    if fault == "no parser":
        (prefix / "conda-meta" / "history").write_bytes(b"# update specs: ['numpy']\n")
        monkeypatch.delattr(History, "_parse_comment_line")
    with pytest.raises(ZeroDivisionError):
        requested(str(prefix))


def test_a_pin_that_is_no_match_spec_is_named(prefix):
    file = prefix / "conda-meta" / "pinned"
    file.write_text("# mine\nnumpy <2\nnumpy >=\n\nmkl<2024.1\n")
    machine = looked_at(prefix)
    [remark] = machine.remarks
    assert (remark.code, remark.facts["spec"]) == ("machine.pin_unreadable", "numpy >=")
    assert [pin.spec for pin in machine.pins] == ["numpy <2", "mkl<2024.1"]
    # Conda ended a solve with the line alone, and did not say where it is.
    with pytest.raises(UnreadablePin) as caught:
        refuse_unreadable(machine, str(prefix))
    assert f"`numpy >=` in {file}" in str(caught.value)
    refuse_unreadable(machine, str(prefix), solving=False)


def test_a_mark_before_the_pins_is_seen_where_conda_stops_at_it(prefix, monkeypatch):
    """Conda 26.7 ended in an error on a spec in which the mark is not seen."""
    file = prefix / "conda-meta" / "pinned"
    file.write_text("numpy <2\nmkl<2024.1\n", encoding="utf-8-sig")
    parse = environment.MatchSpec

    def strict(spec):
        if spec.startswith("\ufeff"):
            raise InvalidSpec("invalid spec")
        return parse(spec)

    monkeypatch.setattr(environment, "MatchSpec", strict)
    machine = looked_at(prefix)
    assert [pin.spec for pin in machine.pins] == ["mkl<2024.1"]
    with pytest.raises(UnreadablePin) as caught:
        refuse_unreadable(machine, str(prefix))
    assert r"`\ufeffnumpy <2` in" in str(caught.value)
    monkeypatch.setattr(environment, "MatchSpec", lambda spec: spec)
    assert [pin.spec for pin in looked_at(prefix).pins] == ["numpy <2", "mkl<2024.1"]
    file.write_text("# mine\nmkl<2024.1\n", encoding="utf-8-sig")
    assert [pin.spec for pin in looked_at(prefix).pins] == ["mkl<2024.1"]


def test_the_option_that_names_an_environment(prefix, tmp_path, sandbox, monkeypatch):
    from conda.base.context import context

    assert option_of(str(prefix)) == " -n mine"
    assert option_of(str(tmp_path / "other one")) == f' -p "{tmp_path / "other one"}"'
    assert option_of(context.root_prefix) == " -n base"
    monkeypatch.setenv("CONDA_PREFIX", str(prefix))
    assert option_of(str(prefix)) == ""
