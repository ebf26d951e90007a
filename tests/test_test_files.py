"""Where a test stands (beside its module, with whole commands, or laws), and how long it is."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
from support.imports import PACKAGE

TESTS = Path(__file__).parent
#: Folders that are about no single package: whole commands, laws, what is around the product, and
#: what tests need.
WHOLE = frozenset(
    (
        *("commands", "laws", "project", "tools", "translations", "fleet"),
        *("data", "fuzz", "stubs", "support"),
    )
)
#: No file of tests has more lines.
LINES = 400
OF_PACKAGES = [
    path.relative_to(TESTS)
    for path in sorted(TESTS.rglob("test_*.py"))
    if path.parent != TESTS and path.relative_to(TESTS).parts[0] not in WHOLE
]


def test_every_folder_is_a_package_or_about_several():
    names = {path.name for path in TESTS.iterdir() if path.is_dir() and path.name[0] not in "._"}
    assert sorted(name for name in names - WHOLE if not (PACKAGE / name).is_dir()) == []


@pytest.mark.parametrize("path", OF_PACKAGES, ids=str)
def test_a_test_is_named_for_its_module(path):
    """`tests/PACKAGE/test_MODULE.py`, or `test_MODULE_SUBJECT.py` where a module has several."""
    there = {room.stem for room in (PACKAGE / path.parent).glob("*.py")}
    words = path.stem.split("_")[1:]
    assert any("_".join(words[:n]) in there for n in range(1, len(words) + 1))


def test_no_file_is_long():
    long = {
        path.relative_to(TESTS).as_posix()
        for path in TESTS.rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > LINES
    }
    assert long == set()


def test_no_two_plugins_have_a_fixture_of_one_name():
    """Which of them a test gets would depend on the files that are collected before its own."""
    names = Counter(
        node.name
        for path in (TESTS / "support").glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and any("pytest.fixture" in ast.unparse(decorator) for decorator in node.decorator_list)
    )
    assert [name for name, count in names.items() if count > 1] == []
