"""`python tools/selector-page OUT.html`: see README.md beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

from build import page

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/selector-page OUT.html")
    out = Path(sys.argv[1])
    out.write_text(page(), encoding="utf-8")
    print(f"{out}: {out.stat().st_size:,} bytes")
