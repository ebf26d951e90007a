"""What a plan's document may hold: whatever else a plan became on its way is refused by name.

The files of these plans agree with each other, as those of somebody who alters both do.
"""

from __future__ import annotations

import json
import os
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conda_torchmirror.exceptions.mirror import CannotWrite
from conda_torchmirror.exceptions.plan import (
    PlanAltered,
    PlanBadRecord,
    PlanFolderTaken,
    PlanMissing,
    PlanTooNew,
)
from conda_torchmirror.plans import plan_schema, saved_plan

pytest_plugins = ("support.planning_fixtures",)


def forge(folder, change):
    """Alter the document, and make the explicit file and its checksum as it says."""
    path = folder / saved_plan.DOCUMENT
    document = json.loads(path.read_text())
    change(document)
    packages = document.get("packages")
    if isinstance(packages, list) and all(isinstance(p, dict) and "url" in p for p in packages):
        content = saved_plan.explicit("linux-64", map(saved_plan.line, packages))
        (folder / saved_plan.EXPLICIT).write_text(content)
        if isinstance(document.get("explicit"), dict):
            document["explicit"]["sha256"] = saved_plan._sha256(content)
    path.write_text(json.dumps(document))


def put(path, value):
    """A change that puts a value at `a.b.0.c` of a document; `del` takes it out."""

    def change(document):
        *above, last = (int(word) if word.isdecimal() else word for word in path.split("."))
        for word in above:
            document = document[word]
        if value == "del":
            del document[last]
        else:
            document[last] = value

    return change


def double(document):
    document["packages"].append(document["packages"][0])


def without_hashes(document):
    for package in document["packages"]:
        package.pop("md5", None)
        package.pop("sha256", None)


ALTERATIONS = {
    "no-packages": (put("packages", []), "packages"),
    "null-packages": (put("packages", None), "packages"),
    "null-package": (put("packages.0", None), "packages[0].record"),
    "doubled": (double, "packages[2].name"),
    "no-hashes": (without_hashes, "packages[0].sha256"),
    "parent": (put("packages.0.fn", ".."), "packages[0].fn"),
    "path": (put("packages.0.fn", "../../a-1-0.conda"), "packages[0].fn"),
    "null-name": (put("packages.0.name", None), "packages[0].name"),
    "null-depends": (put("packages.0.depends", None), "packages[0].depends"),
    "no-build": (put("packages.0.build", "del"), "packages[0].build"),
    "huge-size": (put("packages.0.size", 10**400), "packages[0].size"),
    "negative-size": (put("packages.0.size", -1), "packages[0].size"),
    "true-size": (put("packages.0.size", True), "packages[0].size"),
    "long-version": (put("packages.0.version", "1" * 5000), "packages[0].version"),
    "odd-hash": (put("packages.0.sha256", "abc"), "packages[0].sha256"),
    "hash-with-lines": (
        put("packages.0.sha256", "a" * 64 + "\n  dir=/etc\n  out=passwd"),
        "packages[0].sha256",
    ),
    "script": (put("packages.0.url", "javascript:alert(1)"), "packages[0].url"),
    "other-file": (put("packages.0.url", "https://x.example/linux-64/b-1-0.conda"), "[0].url"),
    "url-with-line": (put("packages.0.url", "https://x.example/\nlinux-64/a"), "packages[0].url"),
    "other-platform": (put("packages.0.subdir", "osx-64"), "packages[0].subdir"),
    "null-removed": (put("removed", None), "removed"),
    "odd-removed": (put("removed", ["a b; rm -rf ~"]), "removed"),
    "null-decision": (put("torchmirror", None), "torchmirror.selected"),
    "null-selected": (put("torchmirror.selected", None), "torchmirror.selected"),
    "null-builds": (put("torchmirror.selected.builds", None), "torchmirror.selected.builds"),
    "list-of-cudas": (put("torchmirror.selected.cuda", [12, 4]), "torchmirror.selected.cuda"),
    "no-python": (put("torchmirror.selected.python", None), "torchmirror.selected.python"),
    "number-created": (put("created", 7), "created"),
    "coloured-created": (put("created", "\x1b[31m2026-01-01"), "created"),
    "null-explicit": (put("explicit", None), "explicit.sha256"),
    "null-subdir": (put("subdir", None), "subdir"),
    "word-schema": (put("schema", "1"), "schema"),
    "negative-schema": (put("schema", -1), "schema"),
    "null-kind": (put("kind", None), "another kind"),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_a_plan_that_is_none_is_refused(make_plan, name):
    change, where = ALTERATIONS[name]
    folder = make_plan("python", "filelock").folder
    forge(folder, change)
    with pytest.raises(PlanAltered) as caught:
        saved_plan.load(folder)
    assert where in str(caught.value.dump_map())


def test_what_forge_leaves_alone_is_still_a_plan(make_plan):
    plan = make_plan("python", "filelock")
    forge(plan.folder, lambda document: None)
    assert saved_plan.load(plan.folder) == plan


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[]",
        b"null",
        b'"plan"',
        b'{"kind": "conda-torchmirror plan", "schema": NaN}',
        b'{"kind": "conda-torchmirror plan", "schema": ' + b"1" * 5000 + b"}",
        b"\xff\xfe{",
        b"",
    ],
    ids=["deep", "deep-maps", "list", "null", "text", "nan", "digits", "bytes", "empty"],
)
def test_a_document_that_is_none_is_refused(make_plan, data):
    folder = make_plan("filelock").folder
    (folder / saved_plan.DOCUMENT).write_bytes(data)
    with pytest.raises(PlanAltered):
        saved_plan.load(folder)


def test_a_document_that_is_too_large_is_not_parsed(make_plan, monkeypatch):
    monkeypatch.setattr(plan_schema, "BYTES", 1000)
    folder = make_plan("filelock").folder
    with pytest.raises(PlanAltered, match="is not as it was saved") as caught:
        saved_plan.load(folder)
    assert "no plan has more than 1000" in str(caught.value.dump_map())


@pytest.mark.skipif(os.name == "nt", reason="pipes in a folder are POSIX")
@pytest.mark.parametrize("name", [saved_plan.DOCUMENT, saved_plan.EXPLICIT])
@pytest.mark.parametrize("what", ["pipe", "device", "folder", "dangling"])
def test_a_file_that_never_ends_is_refused(make_plan, name, what):
    """Neither waited for nor read whole, by the reader and by what looks before it writes."""
    folder = make_plan("filelock").folder
    file = folder / name
    file.unlink()
    if what == "pipe":
        os.mkfifo(file)
    elif what == "folder":
        file.mkdir()
    else:
        file.symlink_to("/dev/zero" if what == "device" else "/not/there")
    error = PlanMissing if what == "dangling" else PlanAltered
    with pytest.raises(error) as caught:
        saved_plan.load(folder)
    assert name in str(caught.value.dump_map())
    if name == saved_plan.DOCUMENT:
        with pytest.raises(PlanFolderTaken):
            saved_plan.check_folder(folder)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
PLACES = st.sampled_from(
    (
        *("kind", "schema", "created", "subdir", "explicit", "removed", "torchmirror", "packages"),
        *("explicit.sha256", "torchmirror.selected", "packages.0"),
        *(f"torchmirror.selected.{key}" for key in ("cuda", "python", "builds")),
        *(f"packages.0.{key}" for key in ("name", "fn", "url", "depends", "size", "md5", "subdir")),
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(PLACES, VALUES)
def test_whatever_stands_in_a_plan_it_is_a_plan_or_refused(make_plan, tmp_path, place, value):
    shutil.rmtree(tmp_path / "plan", ignore_errors=True)
    folder = make_plan("filelock").folder
    forge(folder, put(place, value))
    try:
        plan = saved_plan.load(folder)
    except PlanAltered:
        return
    except PlanTooNew:
        assert place == "schema"
        assert value > saved_plan.SCHEMA
        return
    assert plan.packages
    assert plan.total >= 0


def test_a_package_without_a_hash_is_not_saved(make_plan, tmp_path, monkeypatch):
    real = saved_plan.solve.dumped

    def without(record):
        return {k: v for k, v in real(record).items() if k not in ("md5", "sha256")}

    monkeypatch.setattr(saved_plan.solve, "dumped", without)
    with pytest.raises(PlanBadRecord, match="filelock cannot be part of a plan"):
        make_plan("filelock")
    assert not (tmp_path / "plan").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_named(make_plan, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(CannotWrite, match="cannot be written"):
        make_plan("filelock", folder=closed / "plan")


def test_a_file_where_a_folder_must_be_is_named(make_plan, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="cannot be written"):
        make_plan("filelock", folder=tmp_path / "file" / "plan")
