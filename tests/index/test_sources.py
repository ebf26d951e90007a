"""Where builds come from is one object: no other code knows the names of channels and packages."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import conda_torchmirror
from conda_torchmirror.index import sources
from conda_torchmirror.selection.facts import pytorch as facts

PACKAGE = Path(conda_torchmirror.__file__).parent
#: Where the names are written: what packages are called, and what channels are.
HOME = ("selection/facts/pytorch.py", "index/sources.py")
#: Lists of channels that a mirror carries, for tables and for a `.condarc`; what the parser of
#: `--source` takes, which must load nothing; the name of the health check.
LISTS = (
    *("cli/install.py", "cli/mirror_enable.py", "cli/mirror_status.py"),
    *("mirrors/registry.py", "plugin.py"),
)
NAMES = {*facts.FAMILY, *facts.RUNTIMES, facts.CPU_ONLY, sources.PYTORCH.runtime_channel}


def written(path: Path) -> set[str]:
    """The names that stand in a module as a text of their own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return NAMES.intersection(text for text in texts if isinstance(text, str))


@pytest.mark.parametrize(
    "path",
    [
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in ("text", "data")
    ],
)
def test_names_are_written_in_one_place(path):
    assert path in HOME + LISTS or not written(PACKAGE / path)


@pytest.mark.parametrize(("word", "names"), [("auto", ["pytorch"]), ("pytorch", ["pytorch"])])
def test_the_sources_that_the_option_allows(word, names):
    assert [source.name for source in sources.allowed(word)] == names


def test_a_source_knows_its_channels_and_records():
    source = sources.PYTORCH
    assert source.channels == ("pytorch", "nvidia", "conda-forge")
    records = source.built_in("linux-64", source.packages)
    assert {build.channel for build in records.builds} == {source.channel}
    assert {build.name for build in records.builds} == source.packages
    newest = next(b for b in records.builds if b.build == "py3.12_cuda12.4_cudnn9.1.0_0")
    assert source.facts(newest) == ("cuda", "12.4", "3.12", "pytorch-cuda", "9.1.0")
