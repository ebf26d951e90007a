"""Where a test stands (beside its module, with whole commands, or laws), and how long it is."""

from __future__ import annotations

from pathlib import Path

from support.imports import PACKAGE
from test_layers import ORDER

TESTS = Path(__file__).parent
#: Folders of tests that are about no single package.
WHOLE = {
    *("commands", "laws", "project", "tools", "translations", "fleet"),
    *("data", "fuzz", "stubs", "support"),
}


def test_tests_mirror_the_packages():
    folders = {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")} - {Path()}
    of_packages = {folder for folder in folders if folder.parts[0] not in WHOLE}
    assert [str(folder) for folder in of_packages if not (PACKAGE / folder).is_dir()] == []
    names = {path.name for path in TESTS.iterdir() if path.is_dir() and path.name[0] not in "._"}
    assert names - WHOLE <= set(ORDER)
