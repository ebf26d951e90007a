"""Draw the output of a command as an SVG picture of a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby

from conda_torchmirror.text.layout import width

#: Sizes in pixels: a cell of the grid, what is around it, and the font.
CELL, LINE, MARGIN, FONT = 8.4, 20, 16, 14

_STYLE = """\
text { font: 14px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono",
  "Noto Sans Mono CJK SC", "Microsoft YaHei", monospace; fill: #1f2328; white-space: pre; }
.screen { fill: #f6f8fa; stroke: #d0d7de; }
.typed { font-weight: bold; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .screen { fill: #0d1117; stroke: #30363d; }
}"""


def picture(command: str, output: str) -> str:
    """The SVG text. Lines are as the command broke them; wide characters take two cells."""
    lines = [f"$ {command}", *output.rstrip("\n").splitlines()]
    columns = max(width(line) for line in lines)
    across, down = round(2 * MARGIN + columns * CELL), 2 * MARGIN + len(lines) * LINE
    rows = [row for at, line in enumerate(lines) for row in _row(at, line)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {down}" role="img">',
            f"<title>{escape(command)}</title>",
            f"<style>\n{_STYLE}\n</style>",
            f'<rect class="screen" x=".5" y=".5" width="{across - 1}" height="{down - 1}" rx="6"/>',
            *rows,
            "</svg>",
            "",
        ]
    )


def _row(at: int, line: str) -> Iterator[str]:
    """The SVG of a line: runs of equally wide characters, each placed at its cells."""
    y, column = MARGIN + at * LINE + FONT, 0
    kind = ' class="typed"' if at == 0 else ""
    for _, found in groupby(line, width):
        run = "".join(found)
        cells = width(run)
        if run.strip():
            x = round(MARGIN + column * CELL, 1)
            length = f'textLength="{round(cells * CELL, 1)}"'
            yield f'<text{kind} x="{x}" y="{y}" {length}>{escape(run)}</text>'
        column += cells
