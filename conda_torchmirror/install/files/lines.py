"""The lines of files that a refusal names: those to write without a version, and to leave out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...index.match import admits, read
from ...index.sources import AUTO, SOURCES, Source
from ...models import Choice, Machine, Notice, Pin
from ...options import InstallOptions
from ...selection import alternatives, refused, rules
from ...selection.facts.names import (
    CUDA_NAMES,
    DEFAULT,
    FAMILY,
    GPU_METAPACKAGE,
    METAPACKAGES,
    MUTEX,
    OF_PYTORCH,
    PARTNERS,
    RUNTIMES,
    TORCH,
)
from ...selection.plan import offered
from ...selection.sources.forge_tables import best_of_conda_forge
from ...selection.specs import build_of, for_torch, package_name
from ...text.sanitize import safe
from ..sources.rule import AutoRule
from .environment_file import target

if TYPE_CHECKING:
    from .request import FileRequest

#: Most lines that one step names.
_MOST = 6


def change(
    files: FileRequest, step: Notice, case: refused.Case, out: Sequence[str] = ()
) -> Iterator[Notice]:
    """For `ask_less`: the lines to write without a version, and the lines to leave out; `out` are
    lines that the case is without."""
    request, machine = case.request, case.machine
    python = step.facts["python"]
    if python not in (None, machine.python) and of_one_python(files, machine):
        return
    # No option takes the place of a line on Python.
    kept = [pin for pin in machine.pins if of_files(files, pin) and of_python(pin) and not python]
    choice = _with_open_lines(case, python, kept)
    if choice is None:
        return
    step = step._replace(facts={**step.facts, "torch": f"{TORCH} {choice.torch.version}"})
    asked = case.again(refused.opened(case), python=python, new=python is not None)
    gpu = metapackages(files)
    of_torch = [for_torch(read(line).plain) for line in gpu]
    opened = [
        line
        for name in FAMILY
        for spec in request.specs.get(name, ())
        if spec.strip() != name and spec not in of_torch and (line := _as_written(files, spec))
    ]
    runtimes = [spec for name in RUNTIMES for spec in request.specs.get(name, ())]
    # Beside pytorch-cuda a cuda-version restricts nothing; alone it would.
    versions = [line for line in files.beside if package_name(line) == CUDA_NAMES[0]]
    left = [*out, *gpu, *runtimes, *(versions if runtimes else ())]
    mutex = [pin.text for pin in request.pins if package_name(pin.spec) == MUTEX]
    left += mutex if request.cuda != "cpu" else []
    pins = [pin for pin in machine.pins if of_files(files, pin) and pin not in kept]
    left += [pin.text for pin in pins if not of_python(pin)]
    left = [line for line in left if not is_typed(files, line, case)]
    cuda = request.cuda if machine.cuda_from == "file" else None
    if left and not opened:
        yield from leave(files, left, step, case, asked, cuda)
        return
    facts = {
        "file": files.label,
        "opened": listed(opened),
        "left": listed(left),
        "command": command(files, asked, words=[TORCH] if gpu else (), cuda=cuda),
        "torch": step.facts["torch"],
    }
    if opened:
        # Of another source; a line that names its channel must do so no more.
        bare = not request.ties and any("::" in line for line in opened)
        codes = (
            ("file_bare_lines", "file_bare_and_leave")
            if bare
            else ("file_open_lines", "file_open_and_leave")
        )
        yield Notice(codes[bool(left)], facts)
    else:
        yield step._replace(facts={**step.facts, "command": facts["command"]})


def of_other_source(files: FileRequest, case: refused.Case, source: Source) -> Iterator[Notice]:
    """Open the lines, for a set of another source, which the command names; if need be without
    partners that it lacks, the last one that is named first."""
    asked, rule, specs = case.asked, case.rule, case.request.specs
    if not (asked and isinstance(rule, AutoRule) and case.request.source == AUTO):
        return
    channels = tuple(name for name in case.request.channels if name not in OF_PYTORCH)
    partners = [name for name in reversed(list(specs)) if name in PARTNERS]
    for other in (one for one in SOURCES if one.end is None and one.name != source.name):
        for left in ([], *([name] for name in partners), partners):
            kept = {name: found for name, found in specs.items() if name not in left}
            request = case.request._replace(source=other.name, channels=channels, ties=())
            there = case._replace(
                request=request._replace(specs=kept),
                asked=asked._replace(source=other.name),
                rule=rule.naming(other.name),
            )
            out = [files.written.get(spec, spec) for name in left for spec in specs[name]]
            if found := [
                reworded
                for step in alternatives.ask_less(there)
                if _is_listed(there, step.facts["python"])
                for reworded in change(files, step, there, out=out)
            ]:
                yield from found
                return


def family_alone(
    files: FileRequest, case: refused.Case, chooses: Callable[[InstallOptions], bool]
) -> Iterator[Notice]:
    """Choose the packages of the family without the file, where its other lines are exact builds,
    which go with no other set than its own; with its Python if that is possible. `chooses` tells
    whether there is a choice with these options."""
    asked = case.asked
    exact = (build_of(spec) for spec in files.beside if package_name(spec) != "python")
    if asked is None or asked.specs or not any(exact):
        return
    names = tuple(name for name in FAMILY if name in case.request.specs)
    names = () if {*names} == {*DEFAULT} else names  # of the default set torchaudio may be left out
    alone = asked._replace(files=(), specs=names, channels=(), override_channels=False)
    alone = alone if asked.name and case.fresh else alone.elsewhere()
    for python in dict.fromkeys((asked.python or case.machine.python, None)):
        step = alone._replace(python=python)
        if chooses(step):
            facts = {"file": files.label, "command": offered(step)}
            yield Notice("file_family_alone", facts)
            return


def _is_listed(case: refused.Case, python: Any) -> bool:
    """Whether the tables know of what the sample of a channel gave: else more may be there."""
    on = rules.new_environment(case.machine)
    on = on._replace(python=python or on.python)
    return best_of_conda_forge(on, refused.opened(case), admits) is not None


def leave(
    files: FileRequest,
    lines: Sequence[str],
    step: Notice,
    case: refused.Case,
    asked: InstallOptions,
    cuda: str | None,
) -> Iterator[Notice]:
    """The step to leave lines out. No file is left without a line: for a metapackage that is the
    only one, pytorch is to be written, where nothing else changes."""
    gpu, torch = metapackages(files), step.facts["torch"]
    every = {spec for file in files.files for spec in file.specs}
    if every <= {*lines} and not any(file.sections for file in files.files):
        typed = case.again()._replace(specs=())
        if gpu and asked._replace(specs=(), cuda=cuda or asked.cuda) == typed:
            facts = {"spec": " ".join(lines), "instead": TORCH, "torch": torch, "found": torch}
            yield Notice("torch_instead", facts)
        return
    again = command(files, asked, words=[TORCH] if gpu else [], cuda=cuda)
    facts = {"file": files.label, "left": listed(lines), "command": again}
    yield Notice("file_leave_lines", {**facts, "torch": torch})


def of_one_python(files: FileRequest, machine: Machine) -> bool:
    """Whether other lines are exact builds for the Python of the files, with which no other one can
    be installed."""
    tag = f"py{(machine.python or '').replace('.', '')}"
    found = (build_of(line) or "" for line in files.beside) if machine.python else ()
    return any(re.search(rf"{tag}(?:h|_|$)", build) for build in found)


def is_typed(files: FileRequest, word: str, case: refused.Case) -> bool:
    """Whether a word stands on the command line, and in no file."""
    asked = case.asked
    there = (*asked.specs, *asked.channels) if asked else ()
    own = (spec for file in files.files for spec in file.specs)
    return word in there and word not in files.channels and word not in own


def _with_open_lines(case: refused.Case, python: str | None, kept: Sequence[Pin]) -> Choice | None:
    """The choice with lines without their versions, which go on naming a channel; `kept` are the
    lines that restrict it as before."""
    request, machine = case.request, case.machine
    names = {word: package_name(word) for _, word in request.ties if "::" in word}
    ties = ((of, f"{of}::{names[word]}" if word in names else word) for of, word in request.ties)
    new = rules.new_environment(machine)
    on = new._replace(pins=(*new.pins, *kept), python=python or machine.python)
    return case.take(on, refused.opened(case)._replace(ties=tuple(ties)))


def _as_written(files: FileRequest, spec: str) -> str | None:
    """The line of the files that a spec comes from; None if that is typed beside them."""
    for line in files.family:
        plain = read(line).plain
        if spec in (plain, for_torch(plain) if package_name(line) in METAPACKAGES else plain):
            return files.written.get(line, line)
    return None


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
