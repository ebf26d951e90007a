"""A plan that was altered on its way is refused, and the refusal says what differs."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from conda_torchmirror.exceptions.plan import (
    PlanAltered,
    PlanMissing,
    PlanTooNew,
)
from conda_torchmirror.plans import saved_plan

pytest_plugins = ("support.planning_fixtures",)


#: A decision of a valid form.
NOTHING = {"cuda": None, "python": "3.12", "builds": []}


def break_explicit(folder):
    path = folder / "explicit.txt"
    path.write_text(path.read_text().replace("filelock-3.16.1", "filelock-3.16.2"))


def break_hash(folder):
    path = folder / "explicit.txt"
    text = path.read_text()
    path.write_text(text[:-2] + ("0" if text[-2] != "0" else "1") + "\n")


def drop_line(folder):
    path = folder / "explicit.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def edit(**changes):
    def change(folder):
        path = folder / "plan.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def edit_package(**changes):
    def change(folder):
        path = folder / "plan.json"
        found = json.loads(path.read_text())
        found["packages"][0].update(changes)
        path.write_text(json.dumps(found))

    return change


def cut_json(folder):
    path = folder / "plan.json"
    path.write_text(path.read_text()[:-20])


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (break_explicit, PlanAltered, "checksum"),
        (break_hash, PlanAltered, "checksum"),
        (drop_line, PlanAltered, "checksum"),
        (cut_json, PlanAltered, "Unterminated string"),
        (edit(packages=[]), PlanAltered, "written: packages"),
        (edit(packages=None), PlanAltered, "written: packages"),
        (edit(packages=["x"]), PlanAltered, "packages[0].record"),
        (edit(kind="other"), PlanAltered, "another kind"),
        (edit(subdir="win-64"), PlanAltered, "packages[0].subdir"),
        (edit(schema=3), PlanTooNew, "newer"),
        (edit(schema=2), PlanAltered, "wheels"),
        (edit(schema=0), PlanAltered, "written: schema"),
        (edit(wheels={}), PlanAltered, "written: wheels"),
        (edit(removed=["python"]), PlanAltered, "checksum that stands in it"),
        (edit(torchmirror={"selected": NOTHING}), PlanAltered, "checksum that stands in it"),
        (edit(sha256="0" * 64), PlanAltered, "checksum that stands in it"),
        (edit(sha256=None), PlanAltered, "written: sha256"),
        (edit_package(depends=["x"]), PlanAltered, "checksum that stands in it"),
        (edit_package(md5="0" * 32), PlanAltered, "same packages"),
        (edit_package(url="https://evil.example/a.conda"), PlanAltered, "packages[0].url"),
        (edit_package(fn="../../a.conda"), PlanAltered, "packages[0].fn"),
        (lambda folder: (folder / "explicit.txt").unlink(), PlanMissing, "explicit.txt"),
        (lambda folder: (folder / "plan.json").unlink(), PlanMissing, "plan.json"),
        (shutil.rmtree, PlanMissing, "plan.json"),
    ],
    ids=[
        *("line", "hash", "dropped", "cut", "none", "null", "no-records", "kind", "subdir"),
        *("schema", "no-wheels", "schema-0", "wheels", "removed", "decision"),
        *(
            "checksum",
            "no-checksum",
            "depends",
            "md5",
            "url",
            "file-name",
            "no-explicit",
            "no-json",
            "no-folder",
        ),
    ],
)
def test_an_altered_plan_is_refused(make_plan, change, error, says):
    folder = make_plan("python", "filelock").folder
    change(folder)
    with pytest.raises(error) as caught:
        saved_plan.load(folder)
    assert str(folder) in str(caught.value)
    assert says in str(caught.value.dump_map())


@pytest.mark.parametrize(("named", "code"), [("", "plans_within"), ("cuda11.8", "plans_beside")])
def test_a_folder_of_plans_names_them(make_plan, tmp_path, named, code):
    """The folder itself, and a plan that is not in it, as the page on many machines has one."""
    folder = make_plan("filelock").folder
    for name in ("cpu", "cuda12.4"):
        shutil.copytree(folder, tmp_path / "several plans" / name)
    with pytest.raises(PlanMissing) as caught:
        saved_plan.load(tmp_path / "several plans" / named)
    hints = {
        hint["hint_code"]: hint["text"] for hint in caught.value.dump_map()["guidance"]["hints"]
    }
    assert list(hints) == ["save_first", code]
    offered = re.findall(r"`([^`]+)`", hints[code])
    named = [shlex.split(words)[1] for words in offered]
    assert named == [str(tmp_path / "several plans" / name) for name in ("cpu", "cuda12.4")]
    for each in named:
        saved_plan.load(Path(each))


def test_the_only_plan_of_a_folder_is_it(make_plan, tmp_path):
    """As for machines that all need the same: the folder was refused, with the one way on."""
    folder = make_plan("filelock").folder
    shutil.copytree(folder, tmp_path / "plans" / "cpu")
    assert saved_plan.load(tmp_path / "plans").folder == tmp_path / "plans" / "cpu"
    (tmp_path / "plans" / "explicit.txt").touch()  # of a plan that lacks its document
    with pytest.raises(PlanMissing):
        saved_plan.load(tmp_path / "plans")


def test_the_refusal_as_a_person_sees_it(make_plan, mirror, conda_in_process, tmp_path):
    folder = make_plan("filelock").folder
    break_explicit(folder)
    result = conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", folder)
    assert result.rc == 1
    assert "PlanAltered" in result.stderr
    assert "save it again" in result.stderr
    assert not (tmp_path / "env").exists()
    assert mirror.asked("*filelock*") == []


def test_a_file_with_another_hash_is_not_installed(make_plan, mirror, conda_in_process, tmp_path):
    folder = make_plan("filelock").folder
    mirror.fail("*/filelock-*", "wrong_hash")
    result = conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", folder)
    assert result.rc == 1
    assert "sent filelock-3.16.1-stub_0.tar.bz2 with another content" in result.words
    assert not (tmp_path / "env").exists()


def test_line_ends_of_version_control_are_no_alteration(make_plan):
    plan = make_plan("filelock", "python")
    path = plan.folder / "explicit.txt"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert saved_plan.load(plan.folder) == plan


def test_another_layout_is_no_alteration(make_plan):
    plan = make_plan("filelock", "python")
    path = plan.folder / "plan.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(document.items())), indent=4))
    assert saved_plan.load(plan.folder) == plan
