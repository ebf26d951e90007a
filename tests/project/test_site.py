"""The site of docs/ is built without a warning, loads nothing from elsewhere, and its pictures show
what the program says today."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from support.built import ROOT
from support.condas import of_old_conda

TOOL = ROOT / "tools" / "sessions"


def load(name):
    """A module of the tool, which is no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, TOOL / f"{name}.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


SESSIONS = load("sessions")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    for name in ("mkdocs", "material"):
        pytest.importorskip(name, reason="needs the extra docs: pip install '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


class Loaded(HTMLParser):
    """What a page makes a browser fetch."""

    def __init__(self):
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag in ("script", "img", "iframe", "source"):
            self.addresses.append(found.get("src") or "")
        if tag == "link" and found.get("rel") != "canonical":
            self.addresses.append(found.get("href") or "")


def test_a_page_loads_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        reader = Loaded()
        reader.feed(page.read_text(encoding="utf-8"))
        assert [address for address in reader.addresses if "//" in address] == []
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"@import|url\(['\"]?(https?:)?//", text), sheet


def test_the_navigation_has_pages_of_both_languages():
    nav = YAML(typ="safe").load(ROOT / "mkdocs.yml")["nav"]
    parts = [pages for part in nav for pages in part.values()]
    english, chinese = ({page for one in pages for page in one.values()} for pages in parts)
    assert english | chinese <= {path.name for path in (ROOT / "docs").glob("*.md")}
    assert {page.replace("-zh.md", ".md") for page in chinese} == english


CHINESE = sorted((ROOT / "docs").glob("*-zh.md"))


@pytest.mark.parametrize("page", CHINESE, ids=lambda path: path.stem)
def test_a_page_in_chinese_has_the_commands_of_the_english_one(page):
    from support.markdown import blocks

    english = page.with_name(page.name.replace("-zh.md", ".md"))
    ours, theirs = ([b.text for b in blocks(one) if not b.language] for one in (page, english))
    assert ours == theirs


def test_both_readmes_show_the_same_commands():
    from support.markdown import blocks

    english, chinese = (
        [block.text for block in blocks(ROOT / name)] for name in ("README.md", "README.zh.md")
    )
    assert english == chinese
    heads = [
        len(re.findall("(?m)^## ", (ROOT / name).read_text(encoding="utf-8")))
        for name in ("README.md", "README.zh.md")
    ]
    assert heads[0] == heads[1]


@of_old_conda
@pytest.mark.parametrize("language", sorted(SESSIONS.LANGUAGES))
@pytest.mark.parametrize("name", sorted(SESSIONS.COMMANDS))
def test_a_picture_shows_what_is_said_today(condarc, run_conda, monkeypatch, name, language):
    condarc(channels=["defaults"])
    monkeypatch.setenv("CONDA_TORCHMIRROR_LANG", language)
    result = run_conda(*SESSIONS.words(name), cwd=Path.cwd())
    output = result.stderr if result.rc else result.stdout
    shown = SESSIONS.folded(output.strip("\n"))
    picture = load("picture").picture(SESSIONS.COMMANDS[name], shown)
    assert SESSIONS.file(name, language).read_text(encoding="utf-8") == picture, (
        "make them anew: python tools/sessions"
    )
