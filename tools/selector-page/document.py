"""All answers as one JSON document for the script of the page, small by its structure.

`strings` has every text once, `rows` every list of packages, `answers` every answer, `archs` and
`drivers` the answers of a driver by GPU and those of all drivers. `systems` has the axes of a
system; its `cells` are by source, release and Python: the answer without a driver, and the place in
`drivers`.

A mark in braces stands for a value: the driver's CUDA `d`, the GPU `a`, the Python `p` (`q` without
its dot), the release that was asked for `r` and the one of the set `t`, its CUDA `c`, the system
`s`, a package as a spec `0`, its build `b0` and version `v0`, and what the mirror decides.
"""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Iterable, Mapping
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
    """Values by number, each once."""

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
        found = list(pool.map(system, systems))
    strings, rows, answers, archs, drivers = Once(), Once(), Once(), Once(), Once()
    out = []
    for one in found:
        numbers = [answers(_numbered(answer, strings, rows)) for answer in one.answers]

        def place(cell: Cell, one: System = one, numbers: list[int] = numbers) -> list[int]:
            by_driver = [
                archs(
                    tuple(
                        numbers[one.cells[cell._replace(cuda=cuda, arch=arch)]]
                        for arch in ("", *one.axes.archs)
                    )
                )
                for cuda in one.axes.cudas
            ]
            without = numbers[one.cells[cell]]
            return [without, drivers(tuple(by_driver))] if by_driver else [without]

        out.append(
            {
                "id": one.axes.system,
                "cudas": one.axes.cudas,
                "drivers": [driver_of(cuda, one.axes.system) or "" for cuda in one.axes.cudas],
                "archs": one.axes.archs,
                "pythons": one.axes.pythons,
                "releases": one.axes.releases,
                "mirrors": one.mirrors,
                "cells": {
                    source: [
                        [
                            place(Cell(one.axes.system, source, release, CPU, "", python))
                            for python in ("", *one.axes.pythons)
                        ]
                        for release in ("", *one.axes.releases[source])
                    ]
                    for source in CHOICES
                },
            }
        )
    return {
        "strings": strings.values,
        "rows": rows.values,
        "answers": answers.values,
        "archs": archs.values,
        "drivers": drivers.values,
        "systems": out,
    }


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
                for cell, found in _of(release, python, table, of):
                    cells[cell] = answers(_encoded(found, release, name))
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
            key = tuple(id(found[source.name]) for source in SOURCES), cuda == CPU
            if key not in made:
                made[key] = of_auto(cell, found, table.desk)
            yield cell, made[key]


def _encoded(found: Shown, release: str, system: str) -> tuple[Any, ...]:
    """An answer with marks for what other answers differ in."""

    def of_cell(word: str) -> str:
        word = word.replace(f"pytorch={release}", "pytorch={r}") if release else word
        return _of_python(word.replace(system, "{s}"), found.python)

    return (
        *(found.kind, found.source, found.release, found.cuda, found.python),
        tuple(tuple(_of_python(word, found.python) for word in row) for row in found.rows),
        tuple(tuple(map(of_cell, note)) for note in found.notes),
        of_cell(found.words),
        tuple((tool, of_cell(_marked(text, found))) for tool, text in found.texts),
    )


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
    return re.sub(rf"(?<=[cg]pu=){re.escape(found.release)}(?![\d.])", "{t}", text)


def _of_python(word: str, python: str) -> str:
    """A word with marks for a Python, with its dot and without."""
    if not python:
        return word
    word = re.sub(rf"(?<![\d.]){re.escape(python)}(?![\d])", "{p}", word)
    return re.sub(rf"(?<=[cp][py]){python.replace('.', '')}(?!\d)", "{q}", word)


def _numbered(answer: tuple[Any, ...], strings: Once, rows: Once) -> tuple[Any, ...]:
    kind, source, release, cuda, python, packages, notes, words, texts = answer
    return (
        *map(strings, (kind, source, release, cuda, python)),
        rows(tuple(strings(word) for row in packages for word in row)),
        tuple(strings(sentence) for note in notes for sentence in note),
        strings(words),
        tuple(strings(word) for text in texts for word in text),
    )
