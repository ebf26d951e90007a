"""The selector page in a real browser: choosing, copying, languages, keys, small and dark screens.

Needs Chromium (`chromium` of Debian, or where TORCHMIRROR_CHROMIUM says), playwright from PyPI, and
for one case axe-core from npm, where TORCHMIRROR_AXE says. What is not there is skipped.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.selector_page import Page, State

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytest_plugins = ("support.page_fixtures",)

AXE = os.environ.get("TORCHMIRROR_AXE", "")
CHROMIUM = os.environ.get("TORCHMIRROR_CHROMIUM") or shutil.which("chromium")
#: Milliseconds for anything that the page does by itself, on a machine that has much else to do.
PATIENCE = 60_000
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
LINUX = State("linux-64", "auto", "", "12.4", "8.6", "3.12")

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM:
        pytest.skip("there is no chromium here")
    with sync_api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=list(FLAGS), timeout=PATIENCE
            )
        except sync_api.Error as error:
            pytest.skip(f"chromium does not start here: {error.message.splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, selector_page: Page) -> Iterator[Open]:
    """`open_page(state, language=..., **context)`: the page with these answers chosen. At the end
    nothing may have been said in the console, and nobody asked for anything."""
    said: list[str] = []
    contexts: list[Any] = []

    def open_(state: State = LINUX, language: str = "en", mirror: str = "", **options: Any) -> Any:
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda asked: None if _own(asked.url) else said.append(asked.url))
        words = {**state._asdict(), "language": language, "mirror": mirror}
        query = "&".join(f"{name}={value}" for name, value in words.items())
        page.goto(f"{selector_page.path.as_uri()}#{query}")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []


def _own(url: str) -> bool:
    return url.startswith(("file:", "data:"))


def test_it_is_one_small_file(selector_page: Page) -> None:
    text = selector_page.path.read_text(encoding="utf-8")
    assert selector_page.path.stat().st_size <= 300_000
    shell = re.sub(r'<script type="application/json".*?</script>', "", text)
    assert not re.findall(r"(?:src|href)=\"(?!data:)|@import|url\(|fetch\(", shell)


def test_what_is_chosen_is_answered(open_page: Open, selector_page: Page) -> None:
    page = open_page(State("linux-64", "pytorch", "", "", "", ""))
    assert "CPU" in page.text_content("#set")
    page.select_option("#cuda", "12.1")
    page.select_option("#arch", "8.6 GeForce RTX 3090")
    page.select_option("#python", "3.11")
    page.select_option("#release", "2.3")
    answer = selector_page.answer(State("linux-64", "pytorch", "2.3", "12.1", "8.6", "3.11"))
    assert page.text_content("#set") == "PyTorch 2.3.1 · CUDA 12.1 · Python 3.11"
    assert page.text_content("#command") == f"conda torch-install {answer['words']}"
    shown = page.locator("#packages tbody tr").all_text_contents()
    assert shown == ["".join(row) for row in answer["rows"]]
    for tool in ("mamba", "environment.yml", "pixi", "conda"):
        page.click(f"#tools >> text={tool}")
        text = page.text_content("#text")
        assert answer["rows"][0][2] in text
        assert "{" not in text.replace("{ version", "")


def test_the_mirror_is_in_every_text(open_page: Open) -> None:
    page = open_page(LINUX._replace(source="pytorch"), mirror="nju")
    assert page.text_content("#command").endswith("--mirror nju")
    assert "https://mirror.nju.edu.cn/anaconda/cloud/pytorch" in page.text_content("#text")
    page.select_option("#mirror", "upstream")
    assert page.text_content("#command").endswith("--mirror upstream")
    assert "-c pytorch" in page.text_content("#text")
    page.check("input[value=wheels]", force=True)
    assert "download.pytorch.org" in page.text_content("#text")
    assert "--index-url" not in page.text_content("#text")


def test_copying(open_page: Open) -> None:
    page = open_page()
    for place in ("command", "text"):
        page.click(f"[data-of={place}]")
        sync_api.expect(page.locator(f"[data-of={place}]")).to_have_text("Copied", timeout=PATIENCE)
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == page.text_content(f"#{place}")


def test_copying_without_a_clipboard(open_page: Open) -> None:
    page = open_page()
    page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject())")
    page.click("[data-of=command]")
    sync_api.expect(page.locator("[data-of=command]")).to_have_text("Copied", timeout=PATIENCE)
    assert page.evaluate("navigator.clipboard.readText()") == page.text_content("#command")


def test_what_does_not_fit_is_explained_and_one_change_helps(
    open_page: Open, selector_page: Page
) -> None:
    state = State("linux-64", "pytorch", "2.3", "12.4", "12.0", "3.12")
    page = open_page(state)
    said = selector_page.answer(state)["notes"][0]
    assert page.text_content("#why p") == said
    ways = page.locator(".ways button")
    assert ways.count() >= 2
    gives = ways.first.locator("span").text_content()
    ways.first.click()
    assert page.text_content("#set") == gives
    assert page.is_visible("#command")


def test_both_languages(open_page: Open) -> None:
    page = open_page(State("linux-64", "pytorch", "2.3", "12.4", "12.0", "3.12"))
    english = page.text_content("main")
    page.click("#language")
    chinese = page.text_content("main")
    assert page.get_attribute("html", "lang") == "zh-CN"
    assert "显卡" in chinese
    assert "undefined" not in english + chinese
    assert not re.findall("[\u4e00-\u9fff]", english)
    page.click("#language")
    assert page.text_content("main") == english


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_the_browser_says_which_language_is_the_first(open_page: Open, locale: str) -> None:
    page = open_page(language="", locale=locale)
    assert page.get_attribute("html", "lang") == locale[:2] + ("-CN" if locale[:2] == "zh" else "")


def test_by_keyboard_alone(open_page: Open) -> None:
    page = open_page(State("linux-64", "auto", "", "", "", ""))

    def at() -> str:
        return page.evaluate("document.activeElement.id || document.activeElement.name")

    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(at())
        if at() == "source":
            break
    assert seen[:2] == ["language", "system"]
    page.keyboard.press("ArrowRight")
    assert page.is_checked("input[value=pytorch]")
    assert at() == "source"
    page.keyboard.press("Tab")
    assert at() == "release"
    page.keyboard.press("ArrowDown")
    assert "2.5" in page.text_content("#set")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.of") == "command":
            break
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("[data-of=command]")).to_have_text("Copied", timeout=PATIENCE)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#tool-mamba", "aria-selected") == "true"


@pytest.mark.parametrize("source", ["pytorch", "conda-forge", "wheels"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_screen_of_360_pixels(open_page: Open, source: str, language: str) -> None:
    screen = {"width": 360, "height": 740}
    page = open_page(LINUX._replace(source=source), language, viewport=screen)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_every_system_can_be_chosen(open_page: Open, selector_page: Page) -> None:
    page = open_page()
    for name, one in selector_page.systems.items():
        page.check(f"input[value={name}]", force=True)
        assert page.is_visible("#graphics") == bool(one["cudas"])
        assert page.text_content("#set")


def test_an_address_that_means_nothing_is_no_error(open_page: Open) -> None:
    odd = State("vax", "dvd", "9.9", "99", "hot", "4.0")
    page = open_page(odd, language="xx", mirror="moon")
    assert page.text_content("#set").startswith("PyTorch")


def test_an_address_that_is_changed_is_followed(open_page: Open) -> None:
    page = open_page(LINUX._replace(source="pytorch", release="2.3"), mirror="nju")
    page.evaluate("void (location.hash = 'system=osx-arm64&python=3.12&constructor=x&language=zh')")
    sync_api.expect(page.locator("html")).to_have_attribute("lang", "zh-CN", timeout=PATIENCE)
    assert page.is_checked("input[value=osx-arm64]")
    assert page.is_checked("input[value=auto]")
    assert page.input_value("#mirror") == ""
    assert page.input_value("#release") == ""
    assert "constructor" not in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "state",
    [
        LINUX,
        LINUX._replace(source="wheels"),
        State("linux-64", "pytorch", "2.3", "12.4", "12.0", ""),
    ],
    ids=["channel", "wheels", "nothing"],
)
def test_axe_finds_no_violation(open_page: Open, scheme: str, language: str, state: State) -> None:
    if not Path(AXE).is_file():
        pytest.skip("TORCHMIRROR_AXE does not name axe-core's axe.min.js")
    page = open_page(state, language, color_scheme=scheme, viewport={"width": 1200, "height": 900})
    page.add_script_tag(content=Path(AXE).read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    told = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]
    assert told == []
