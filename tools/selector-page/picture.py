"""`python tools/selector-page/picture.py PAGE.html OUT.png`: the picture of the page in `docs/`.

Needs playwright and Pillow from PyPI, Chromium, and Debian's fonts-wqy-microhei for the Chinese.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

STATE = "system=linux-64&cuda=12.4&arch=8.6&python=3.12&source=pytorch&language=en"


def picture(page: Path, out: Path, state: str = STATE) -> None:
    """Take a picture of the page with these answers chosen."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        shown = browser.new_page(viewport={"width": 1160, "height": 900})
        shown.goto(f"{page.resolve().as_uri()}#{state}")
        shown.screenshot(path=str(out), full_page=True)
        browser.close()
    # Of few colours, a third of the size.
    with Image.open(out) as taken:
        few = taken.convert("RGB").quantize(colors=64, dither=Image.Dither.NONE)
    few.save(out, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: python tools/selector-page/picture.py PAGE.html OUT.png [STATE]")
    picture(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
