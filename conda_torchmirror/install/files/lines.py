"""The lines of files that a refusal names: those to write without a version, and to leave out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ...index.match import read
from ...models import Machine, Notice, Pin
from ...options import InstallOptions
from ...selection import alternatives, refused
from ...selection.facts.names import (
    CUDA_NAMES,
    FAMILY,
    GPU_METAPACKAGE,
    METAPACKAGES,
    RUNTIMES,
    TORCH,
)
from ...selection.plan import offered
from ...selection.specs import build_of, for_torch, package_name
from ...text.sanitize import safe
from .environment_file import target

if TYPE_CHECKING:
    from .request import FileRequest

#: Most lines that one step names.
_MOST = 6


def change(files: FileRequest, step: Notice, case: refused.Case) -> Iterator[Notice]:
    """For `ask_less`: the lines to write without a version, and the lines to leave out."""
    request, machine = case.request, case.machine
    python = step.facts["python"]
    if python not in (None, machine.python) and of_one_python(files, machine):
        return
    if not _holds_tied(case, python):
        return
    asked = case.again(alternatives.opened(case), python=python, new=python is not None)
    gpu = metapackages(files)
    of_torch = [for_torch(read(line).plain) for line in gpu]
    opened = [
        _as_written(files, spec)
        for name in FAMILY
        for spec in request.specs.get(name, ())
        if spec.strip() != name and spec not in of_torch
    ]
    runtimes = [spec for name in RUNTIMES for spec in request.specs.get(name, ())]
    # Beside pytorch-cuda a cuda-version restricts nothing; alone it would.
    versions = [line for line in files.beside if package_name(line) == CUDA_NAMES[0]]
    left = [*gpu, *runtimes, *(versions if runtimes else ())]
    left += [pin.text for pin in machine.pins if of_files(files, pin) and not of_python(pin)]
    cuda = request.cuda if machine.cuda_from == "file" else None
    facts = {
        "file": files.label,
        "opened": listed(opened),
        "left": listed(left),
        "command": command(files, asked, words=[TORCH] if gpu else (), cuda=cuda),
        "torch": step.facts["torch"],
    }
    if opened and left:
        yield Notice("file_open_and_leave", facts)
    elif opened or left:
        yield Notice("file_open_lines" if opened else "file_leave_lines", facts)


def of_one_python(files: FileRequest, machine: Machine) -> bool:
    """Whether other lines are exact builds for the Python of the files, with which no other one can
    be installed."""
    tag = f"py{(machine.python or '').replace('.', '')}"
    found = (build_of(line) or "" for line in files.beside) if machine.python else ()
    return any(re.search(rf"{tag}(?:h|_|$)", build) for build in found)


def _holds_tied(case: refused.Case, python: str | None) -> bool:
    """Whether lines without their versions give a choice where they go on naming a channel."""
    request, machine = case.request, case.machine
    tied = [word for _, word in request.ties if "::" in word]
    if not tied:
        return True
    kept = {word: f"{word.rpartition('::')[0]}::{package_name(word)}" for word in tied}
    bare = request._replace(
        specs={name: (name,) for name in request.specs if name in case.source.family},
        pins=(),
        ties=tuple((source, kept.get(word, word)) for source, word in request.ties),
    )
    new = alternatives.new_environment(machine)
    return case.take(new._replace(python=python or machine.python), bare) is not None


def _as_written(files: FileRequest, spec: str) -> str:
    """The line of the files that a spec comes from."""
    if spec in files.written:
        return files.written[spec]
    written = (
        line
        for line in files.family
        if package_name(line) in METAPACKAGES and for_torch(line) == spec
    )
    return next(written, spec)


def command(
    files: FileRequest, asked: InstallOptions, *, words: Sequence[str] = (), cuda: str | None = None
) -> str:
    """The command for the same files. `words` are specs beside them and those that were typed,
    `cuda` the value of `--cuda` if not that of `asked`."""
    name = target(files.files)[0]
    if asked.name == name and asked.prefix is None:
        asked = asked._replace(name=None)  # the files say so
    left = [word for word in words if word not in asked.specs]
    return offered(asked._replace(specs=(*asked.specs, *left), cuda=cuda or asked.cuda))


def metapackages(files: FileRequest) -> list[str]:
    """The lines for the metapackage that stands for CUDA builds of pytorch."""
    every = (spec for file in files.files for spec in file.specs)
    return [spec for spec in dict.fromkeys(every) if read(spec).name == GPU_METAPACKAGE]


def of_files(files: FileRequest, pin: Pin) -> bool:
    """Whether a pin is a line of the files."""
    return pin in files.pins


def of_python(pin: Pin) -> bool:
    """Whether a pin is on Python."""
    return package_name(pin.spec) == "python"


def listed(specs: Iterable[str]) -> str:
    """Lines as a message names them."""
    found = list(dict.fromkeys(specs))
    shown = ", ".join(f"`{safe(spec)}`" for spec in found[:_MOST])
    return f"{shown}, ..." if len(found) > _MOST else shown
