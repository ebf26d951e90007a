"""The catalog holds every sentence of ours, none else, and keeps the rules of Chinese text.

`python tools/translations update` brings it up to date, and names what is still to be translated.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from conda_torchmirror.exceptions.choice import NoFittingSource
from conda_torchmirror.text import language, messages, translation

pytest.importorskip("babel", reason="the catalog is compiled with Babel")

TOOL = Path(__file__).resolve().parents[2] / "tools" / "translations" / "catalogs.py"


@pytest.fixture(scope="module")
def catalogs():
    spec = importlib.util.spec_from_file_location("translations_catalogs", TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_nothing_is_missing_stale_or_against_the_rules(catalogs):
    """Every sentence translated and none for nothing; fields, commands, GBK, punctuation; and the
    compiled catalog is what the .po compiles to."""
    assert catalogs.check() == []


def test_the_file_is_as_the_tool_writes_it(catalogs):
    assert catalogs.PO.read_bytes() == catalogs.po(catalogs.merged(catalogs.read()))


def test_a_new_and_a_reworded_sentence_are_found(catalogs, monkeypatch):
    found = catalogs.messages_of_package()
    first = found[0]
    reworded = first._replace(id="`--cuda {value}` is no CUDA")
    new = catalogs.Message("brand_new", "a sentence with {fact}")
    monkeypatch.setattr(catalogs, "messages_of_package", lambda: [reworded, new, *found[1:]])
    catalog = catalogs.merged(catalogs.read())
    assert catalogs.untranslated(catalog) == [
        f"reworded: {first.context}: {reworded.id}",
        f"not translated: brand_new: {new.id}",
    ]
    # The old Chinese stays for whoever mends it, and is not shown.
    entry = next(e for e in catalog if e.context == first.context)
    assert entry.string
    assert reworded.id.encode() not in catalogs.mo(catalog)
    assert any("in the .po for nothing" in fault for fault in catalogs.check())


@pytest.mark.parametrize(
    ("english", "chinese", "fault"),
    [
        ("{a} and {b}", "{a} 和", "other fields"),
        ("run `conda x`", "运行 `conda y`", "other commands"),
        ("fine", "好 ✓", "not in GBK"),
        ("for {a}", "用于{a}", "no space"),
        ("a, b", "甲,乙", "half-width"),
        ("a, b", "甲， 乙", "a space beside"),
    ],
)
def test_what_is_against_the_rules_is_found(catalogs, english, chinese, fault):
    assert any(fault in told for told in catalogs._faults(english, chinese))


def test_a_list_has_the_separator_of_its_language(monkeypatch):
    facts = {"channels": "`pytorch`, `conda-forge`", "request": "pytorch"}
    monkeypatch.setenv("CONDA_TORCHMIRROR_LANG", "zh")
    language.forget()
    said = messages.fill(NoFittingSource.message, facts, "NoFittingSource")
    assert said == "频道 `pytorch`、`conda-forge` 都没有合适的构建：pytorch"
    assert said.english == "no build of the channels `pytorch`, `conda-forge` fits: pytorch"


def test_every_language_has_its_files():
    for name in translation.LOCALES.values():
        folder = Path(translation.FOLDER, name, "LC_MESSAGES")
        assert {path.suffix for path in folder.iterdir()} == {".po", ".mo"}
