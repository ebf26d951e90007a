"""One door for every record: what passes it can be used anywhere, and every real record passes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_torchmirror.index import record_schema

REAL = sorted((Path(__file__).parents[1] / "data" / "channels").rglob("repodata*.json"))
FN = "pytorch-2.5.1-py3.12_cuda12.4_cudnn9.1.0_0.tar.bz2"
GOOD: dict[str, Any] = {
    "name": "pytorch",
    "version": "2.5.1",
    "build": "py3.12_cuda12.4_cudnn9.1.0_0",
    "build_number": 0,
    "depends": ["python >=3.12,<3.13.0a0"],
    "md5": "0" * 32,
    "sha256": "a" * 64,
    "size": 1,
    "subdir": "linux-64",
}

#: What is wrong with a record -> its field, and the value.
FAULTS: dict[str, tuple[str, Any]] = {
    "line breaks in a hash": ("sha256", "a" * 62 + "\n\n"),
    "a line after a hash": ("sha256", "a" * 64 + "\n dir=/root\n out=.bashrc"),
    "a line break at the end": ("sha256", "a" * 64 + "\n"),
    "a short hash": ("sha256", "abc"),
    "a hash of the other kind": ("md5", "a" * 64),
    "a hash in capitals, which conda never finds equal": ("sha256", "A" * 64),
    "letters that are no digits": ("md5", "g" * 32),
    "digits of another script": ("md5", "٣" * 32),
    "a number for a hash": ("md5", 10**31),
    "a size of 400 digits": ("size", 10**400),
    "a size with a point": ("size", 1.5),
    "a size that is infinite": ("size", float("inf")),
    "a size that is true": ("size", True),
    "a build number of 5,000 digits": ("build_number", 10**5000),
    "a build number below zero": ("build_number", -1),
    "a version of 5,000 digits": ("version", "1" * 5000),
    "a version with a space": ("version", "2.5.1 "),
    "a version with a path": ("version", "../../2"),
    "a name with a path": ("name", "../pytorch"),
    "a name that is an option": ("name", "-rf"),
    "a name of 5,000 letters": ("name", "a" * 5000),
    "a name with an escape": ("name", "py\x1b[2Jtorch"),
    "a build with a bracket": ("build", "py3.12[x]"),
    "a build with an override": ("build", "py\u202e0"),
    "depends as nested lists": ("depends", [[["python"]]]),
    "a line break in depends": ("depends", ["python\n- evil"]),
    "a spec of 100,000 letters": ("depends", ["python " + ">" * 100_000]),
    "a million depends": ("depends", ["python"] * 1_000_000),
    "an object for constrains": ("constrains", {"cpuonly": "<0"}),
    "a subdir with a path": ("subdir", "../noarch"),
}


def test_a_sound_record_passes():
    assert record_schema.find_fault(FN, GOOD) is None


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_is_named_by_its_field(what):
    field, value = FAULTS[what]
    assert record_schema.find_fault(FN, {**GOOD, field: value}) == field


@pytest.mark.parametrize(
    "fn",
    [
        *("..", "../x.conda", "a/b.conda", "a\\b.conda", ".x.conda", "-o.conda", "x.zip", ""),
        *("x.conda\n", "x .conda", "x\x00.conda", "a" * 300 + ".conda", "x.tar.bz2.exe", None, 5),
    ],
)
def test_file_names_stay_in_their_folder(fn):
    assert record_schema.find_fault(fn, GOOD) == "fn"


@pytest.mark.parametrize("field", ["size", "subdir", "constrains", "timestamp", "md5", "sha256"])
@pytest.mark.parametrize("how", ["missing", "null"])
def test_what_conda_does_not_need_may_be_missing(field, how):
    record = {**GOOD, field: None}
    if how == "missing":
        del record[field]
    assert record_schema.find_fault(FN, record) is None


def test_one_hash_is_needed():
    assert record_schema.find_fault(FN, {**GOOD, "md5": None, "sha256": None}) == "sha256"


@pytest.mark.parametrize("record", [None, [], "pytorch", 5, True])
def test_what_is_no_object(record):
    assert record_schema.find_fault(FN, record) == "record"


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://mirror.example/cloud/pytorch/linux-64/x.conda", True),
        ("http://127.0.0.1:8080/x.conda", True),
        ("file:///srv/channel/x.conda", True),
        ("https://me:secret@mirror.example/x%2B1.conda", True),
        ("ftp://mirror.example/x.conda", False),
        ("javascript:alert(1)", False),
        ("https:///x.conda", False),
        ("https://mirror.example/x.conda\n dir=/root", False),
        ("https://mirror.example/x y.conda", False),
        ("https://mirror.example:port/x.conda", False),
        ("https://[::1/x.conda", False),
        ("https://mirror.example/" + "a" * 5000, False),
        (None, False),
        (5, False),
    ],
)
def test_urls(url, fine):
    assert record_schema.is_url(url) is fine


def test_every_real_record_passes():
    assert REAL
    count = 0
    for path in REAL:
        index = json.loads(path.read_text())
        for section in ("packages", "packages.conda"):
            for fn, record in index.get(section, {}).items():
                # Records that were read from lock files have no build number.
                whole = {"build_number": 0, **record}
                assert record_schema.find_fault(fn, whole) is None, (path, fn)
                count += 1
    assert count > 100


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(GOOD)), _JSON, _JSON)
def test_nothing_breaks_the_door_and_what_passes_is_printable(field, value, fn):
    record = {**GOOD, field: value}
    record_schema.find_fault(fn, record)
    if record_schema.find_fault(FN, record) is None:
        shown = json.dumps(record, ensure_ascii=False)
        assert shown.isascii()
        assert shown.isprintable()
