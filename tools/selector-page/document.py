"""All answers as one JSON document for the script of the page, small by its structure.

Every value is stored once and referred to by its number: `strings`; `rows`, the packages of a set;
`phrases`, clauses in English and Chinese with the number of their holes; `notes`, sentences as
phrases each with the strings for its holes; `texts`, those of all tools; `answers`. `systems` has
the axes of a system and, by source, release and Python, the number of its table in `tables`: the
answer without a driver, a place in `patterns`, and the answers that the pattern numbers. A pattern
has for every driver a place in `lines`, which have a letter for every GPU, the unknown one first:
"0" for the first of those answers.

A mark in braces stands for a value: the driver's CUDA `d`, the GPU `a`, the Python `p` (`q` without
its dot), the one that was asked for `y`, the release that was asked for `r` and the one of the set
`t`, its CUDA `c` (`k` without its dot), the system `s`, a package as a spec `0`, its build `b0` and
version `v0`, and what the mirror decides. `{h0}` is the first hole of a phrase.
"""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

from answer import CPU, Cell, Desk, on_computer, without_steps
from axes import CHOICES, SYSTEMS, Axes, axes, driver_of
from mirrors import mirrors
from shown import Shown, shown
from table import Table
from together import of_auto

from conda_torchmirror.index.sources import AUTO, SOURCES, WHEELS


class System(NamedTuple):
    """The answers of a system, each once, and the number of the one for a cell by source, release,
    Python, driver and GPU."""

    axes: Axes
    mirrors: list[dict[str, Any]]
    answers: list[tuple[Any, ...]]
    cells: Mapping[Cell, int]


class Once:
    """Distinct values, numbered in order of first use."""

    def __init__(self) -> None:
        self.numbers: dict[Hashable, int] = {}

    def __call__(self, value: Hashable) -> int:
        """The number of a value."""
        return self.numbers.setdefault(value, len(self.numbers))

    @property
    def values(self) -> list[Any]:
        """The values in the order of their numbers."""
        return list(self.numbers)


def document(systems: Iterable[str] = SYSTEMS) -> dict[str, Any]:
    """The document of all systems."""
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        return written(pool.map(system, systems))


def written(systems: Iterable[System]) -> dict[str, Any]:
    """The document of these systems."""
    to = Parts()
    out = []
    for one in systems:
        numbers = [to.answer(answer) for answer in one.answers]

        def table(cell: Cell, one: System = one, numbers: list[int] = numbers) -> int:
            by_driver = [
                [
                    numbers[one.cells[cell._replace(cuda=cuda, arch=arch)]]
                    for arch in ("", *one.axes.archs)
                ]
                for cuda in one.axes.cudas
            ]
            return to.table(numbers[one.cells[cell]], by_driver)

        out.append(
            {
                "id": one.axes.system,
                "cudas": one.axes.cudas,
                "drivers": [driver_of(cuda, one.axes.system) or "" for cuda in one.axes.cudas],
                "archs": one.axes.archs,
                "pythons": one.axes.pythons,
                "releases": one.axes.releases,
                "mirrors": one.mirrors,
                "tables": {
                    source: [
                        [
                            table(Cell(one.axes.system, source, release, CPU, "", python))
                            for python in ("", *one.axes.pythons)
                        ]
                        for release in ("", *one.axes.releases[source])
                    ]
                    for source in CHOICES
                },
            }
        )
    return {**to.values, "systems": out}


class Parts:
    """The parts of answers and tables, each stored once."""

    def __init__(self) -> None:
        names = ("strings", "rows", "phrases", "notes", "texts", "answers")
        self._of = {name: Once() for name in (*names, "tables", "patterns", "lines")}

    @property
    def values(self) -> dict[str, list[Any]]:
        """The lists by their names."""
        return {name: once.values for name, once in self._of.items()}

    def answer(self, answer: tuple[Any, ...]) -> int:
        """The number of an answer."""
        kind, source, release, cuda, python, packages, notes, words, texts = answer
        string = self._of["strings"]
        return self._of["answers"](
            (
                *map(string, (kind, source, release, cuda, python)),
                self._of["rows"](tuple(string(word) for row in packages for word in row)),
                string(words),
                self._of["texts"](tuple(string(word) for text in texts for word in text)),
                *map(self._note, notes),
            )
        )

    def _note(self, note: tuple[str, str]) -> int:
        numbers = []
        for english, chinese, values in phrases(*note):
            numbers.append(self._of["phrases"]((english, chinese, len(values))))
            numbers += map(self._of["strings"], values)
        return self._of["notes"](tuple(numbers))

    def table(self, without: int, by_driver: Sequence[Sequence[int]]) -> int:
        """The number of a table of answers by driver and GPU."""
        if not by_driver:
            return self._of["tables"]((without,))
        used = Once()
        letters = ["".join(chr(48 + used(number)) for number in line) for line in by_driver]
        pattern = self._of["patterns"](tuple(map(self._of["lines"], letters)))
        return self._of["tables"]((without, pattern, *used.values))


#: Where a sentence can be split into phrases, in English and Chinese.
_JOINTS = (
    re.compile(r"((?:^|\. )[a-z-]+: |; )"),
    re.compile(r"((?:^|。)[a-z-]+：|；)"),
)
#: Numbers, versions and lists of them.
_VALUE = re.compile(r"(?<![\w.{])\d[\w.+]*(?:, \d[\w.+]*)*")


def phrases(english: str, chinese: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Split a sentence into phrases in both languages, each with the values for its holes."""
    parts = [joint.split(text) for joint, text in zip(_JOINTS, (english, chinese), strict=True)]
    if len({len(part) for part in parts}) > 1:
        parts = [[english], [chinese]]
    return [_with_holes(*pair) for pair in zip(*parts, strict=True) if any(pair)]


def _with_holes(english: str, chinese: str) -> tuple[str, str, tuple[str, ...]]:
    values: list[str] = []
    for value in _VALUE.findall(english):
        once = re.compile(rf"(?<![\w.{{]){re.escape(value)}(?![\w.])")
        if len(once.findall(english)) == len(once.findall(chinese)) == 1:
            mark = f"{{h{len(values)}}}"
            english, chinese = once.sub(mark, english), once.sub(mark, chinese)
            values.append(value)
    return english, chinese, tuple(values)


def system(name: str) -> System:
    """Every cell of a system."""
    os.environ["CONDA_TORCHMIRROR_LANG"] = "zh"
    os.environ.setdefault("CONDARC", os.devnull)
    answers, cells = Once(), {}
    with on_computer(name), without_steps():
        of, desk = axes(name), Desk(name)
        table = Table(desk, of)
        for release in ("", *of.releases[AUTO], *of.releases[WHEELS]):
            for python in ("", *of.pythons):
                numbers: dict[int, int] = {}
                kept = []
                for cell, found in _of(release, python, table, of):
                    if id(found) not in numbers:
                        kept.append(found)
                        numbers[id(found)] = answers(_encoded(found, cell))
                    cells[cell] = numbers[id(found)]
        return System(of, mirrors(name), answers.values, cells)


def _of(release: str, python: str, table: Table, of: Axes) -> Iterable[tuple[Cell, Shown]]:
    """The answers of all sources for a release and a Python."""
    made: dict[Hashable, Shown] = {}
    asked = {
        source: table.of(source, release, python)
        for source in (*(s.name for s in SOURCES), WHEELS)
        if release in ("", *of.releases[source], *of.releases[AUTO])
    }
    for cuda, arch in ((CPU, ""), *((c, a) for c in of.cudas for a in ("", *of.archs))):
        cell = Cell(of.system, AUTO, release, cuda, arch, python)
        found = {}
        for source, by_machine in asked.items():
            one = by_machine[cuda, arch]
            if id(one) not in made:
                made[id(one)] = shown(one, table.desk)
            found[source] = made[id(one)]
            if release in ("", *of.releases[source]):
                yield cell._replace(source=source), found[source]
        if release in ("", *of.releases[AUTO]):
            key = tuple(found[source.name] for source in SOURCES), cuda == CPU
            if key not in made:
                made[key] = of_auto(cell, found, table.desk)
            yield cell, made[key]


def _encoded(found: Shown, cell: Cell) -> tuple[Any, ...]:
    """An answer with marks for the values in which other answers differ."""
    release = cell.release

    def of_cell(word: str) -> str:
        word = word.replace(f"pytorch={release}", "pytorch={r}") if release else word
        return _of_python(word.replace(cell.system, "{s}"), found.python)

    return (
        *(found.kind, found.source, found.release, found.cuda),
        "{y}" if found.python and found.python == cell.python else found.python,
        tuple(tuple(_of_set(word, found) for word in row) for row in found.rows),
        tuple(tuple(map(of_cell, note)) for note in found.notes),
        of_cell(found.words),
        tuple((tool, of_cell(_marked(text, found))) for tool, text in found.texts),
    )


def _of_set(word: str, found: Shown) -> str:
    """A word on a package with marks for the values that the set shares."""
    word = _of_python(word, found.python)
    if found.release:
        word = re.sub(rf"(?<![\d.]){re.escape(found.release)}(?![\d.])", "{t}", word)
    return _of_cuda(word, found.cuda)


def _of_cuda(word: str, cuda: str) -> str:
    """A word with marks for the CUDA of a set, with its dot and without."""
    if not cuda:
        return word
    word = re.sub(rf"(?<=cuda){re.escape(cuda)}(?![\d])", "{c}", word)
    return re.sub(rf"(?<=cu){cuda.replace('.', '')}(?!\d)", "{k}", word)


def _marked(text: str, found: Shown) -> str:
    """A text with marks for the packages of the set."""
    rows = [(place, *row) for place, row in enumerate(found.rows) if row[2]]
    for place, name, version, build in rows:
        text = text.replace(f"{name}={version}={build}", f"{{{place}}}")
        pixi = '{name} = {{ version = "=={version}", build = "{build}" }}'
        marks = {"name": name, "version": f"{{v{place}}}", "build": f"{{b{place}}}"}
        written = pixi.format(name=name, version=version, build=build)
        text = text.replace(written, pixi.format(**marks))
    for place, _, _, build in rows:
        text = text.replace(build, f"{{b{place}}}")
    if found.cuda:
        text = re.sub(rf"(?<=[=\w]=){re.escape(found.cuda)}(?![\d.])", "{c}", text)
        text = re.sub(rf'(?<= = "){re.escape(found.cuda)}(?=\.\*")', "{c}", text)
        text = _of_cuda(text, found.cuda)
    if found.release:
        text = re.sub(rf'(?<= = "){re.escape(found.release)}(?=\.\*")', "{t}", text)
    # The driver's CUDA in a pixi.toml is that of the cell.
    text = re.sub(r'(?<=\[system-requirements\]\ncuda = ")[\d.]+', "{d}", text)
    return re.sub(rf"(?<=[cg]pu=){re.escape(found.release)}(?![\d.])", "{t}", text)


def _of_python(word: str, python: str) -> str:
    """A word with marks for a Python, with its dot and without."""
    if not python:
        return word
    word = re.sub(rf"(?<![\d.]){re.escape(python)}(?![\d])", "{p}", word)
    return re.sub(rf"(?<=[cp][py]){python.replace('.', '')}(?!\d)", "{q}", word)
