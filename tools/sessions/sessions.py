"""The sessions that the READMEs show: name of the picture, and the command."""

from __future__ import annotations

import shlex
from pathlib import Path

from conda_torchmirror.text.layout import width

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"

COMMANDS = {
    "preview": "conda torch-install --dry-run --offline --source pytorch --cuda 12.4 --python 3.12",
    "refusal": "conda torch-install --dry-run --offline --source pytorch --cuda 12.4 --python 3.13",
    "print": "conda torch-install --offline --source pytorch --cuda 12.4 --python 3.12 "
    "--print environment.yml",
}
#: The endings of file names by language.
LANGUAGES = {"en": "", "zh": "-zh"}
#: Cells in a line of a picture.
WIDTH = 88


def file(name: str, language: str) -> Path:
    """The path of a picture."""
    return IMAGES / f"{name}{LANGUAGES[language]}.svg"


def words(name: str) -> list[str]:
    """The command without `conda`."""
    return shlex.split(COMMANDS[name])[1:]


def folded(output: str) -> str:
    """The output as a narrow terminal shows it, with long lines broken at spaces."""
    lines: list[str] = []
    for line in output.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        lines += [line] if width(line) <= WIDTH else _broken(line.strip(), indent)
    return "\n".join(lines)


def _broken(line: str, indent: str) -> list[str]:
    found = [indent]
    for word in line.split(" "):
        joined = f"{found[-1]}{'' if not found[-1].strip() else ' '}{word}"
        if found[-1].strip() and width(joined) > WIDTH:
            found.append(f"{indent}  {word}")
        else:
            found[-1] = joined
    return found
