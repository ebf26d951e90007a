"""Where builds come from is one object: no other code knows the names of channels and packages."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import conda_torchmirror
from conda_torchmirror.index import sources
from conda_torchmirror.selection.facts import names
from conda_torchmirror.selection.facts.record import BuildFacts

PACKAGE = Path(conda_torchmirror.__file__).parent
#: Where the names are written: what packages are called, and what channels are.
HOME = ("selection/facts/names.py", "index/sources.py")
NAMES = {
    *(*names.FAMILY, *names.RUNTIMES, names.CPU_ONLY, names.MUTEX, *names.METAPACKAGES),
    *(name for source in sources.SOURCES for name in source.without_python),
}


def written(path: Path) -> set[str]:
    """The names that stand in a module as a text of their own. What a hook is called (`name=` of a
    class of conda's plugins) is no package and no channel."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hooks = {
        id(keyword.value)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("Conda")
        for keyword in call.keywords
        if keyword.arg == "name"
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and id(node) not in hooks
        if isinstance(node.value, str) and node.value in NAMES
    }


@pytest.mark.parametrize(
    "path",
    [
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in ("text", "data")
    ],
)
def test_names_are_written_in_one_place(path):
    assert path in HOME or not written(PACKAGE / path)


@pytest.mark.parametrize("path", HOME)
def test_the_names_are_written_there(path):
    assert written(PACKAGE / path)


@pytest.mark.parametrize(
    ("word", "names"), [("auto", ["pytorch", "conda-forge"]), ("pytorch", ["pytorch"])]
)
def test_the_sources_that_the_option_allows(word, names):
    assert [source.name for source in sources.allowed(word)] == names


@pytest.mark.parametrize("channel", ["pytorch", "somewhere"])
def test_a_build_of_any_channel_can_be_read(channel):
    assert sources.of_channel(channel).name == "pytorch"


def test_a_source_knows_its_channels_and_records():
    source = sources.of_channel("pytorch")
    assert source.channels == ("pytorch", "nvidia", "conda-forge")
    assert source.without_python == {"pytorch", "nvidia"}
    records = source.built_in("linux-64")
    assert {build.channel for build in records.builds} == {source.channel}
    assert {build.name for build in records.builds} == source.packages
    newest = next(b for b in records.builds if b.build == "py3.12_cuda12.4_cudnn9.1.0_0")
    assert source.facts.read(newest) == BuildFacts("cuda", "12.4", "3.12", "pytorch-cuda", "9.1.0")
