"""`--source wheels -f FILE --print environment.yml`: an environment file, completed with wheels.

A file that conda exported says `torch==2.7.1+cu126` and not where that comes from, so that it
cannot be recreated from. Its PyTorch, of the pip section or among the conda packages, is chosen as
wheels, which stand in the new file by address and hash, with the index of everything else; all
other content stays, comments included.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from conda.base.context import context
from ruamel.yaml import YAML

from ...envfiles.file_io import read as read_bytes
from ...envfiles.source_text import decode
from ...exceptions.base import TorchMirrorError
from ...exceptions.choice import NoFittingWheel
from ...exceptions.usage import NotForWheels
from ...index.match import admits
from ...index.match import read as read_spec
from ...index.wheels.pages import VARIANT
from ...models import Notice
from ...options import InstallOptions
from ...selection import shell
from ...selection.facts import names as conda_names
from ...selection.pip.plan import WheelDecision
from ...selection.plan import offered
from ...selection.specs import admits_python, cuda_version, number, package_name
from ...selection.wheels.request import BadWord, accelerator, requested_name, understand
from ...selection.wheels.tables import FAMILY, TORCH
from ...text.messages import text
from ...text.sanitize import safe
from ..files import advice, environment_file, pip_lines
from ..files.environment_file import EnvironmentFile, short
from ..files.reading import PYTHONS
from ..sources.wheels import by_wheels, known_set
from ..task import Target
from ..wheels import decide, steps
from ..wheels.task import WheelTask, prepare
from . import bounded, printed, recipe, yaml_lists
from .printed import Printed

#: Conda packages that the wheels stand in for.
_REPLACED = frozenset(
    (
        *conda_names.FAMILY,
        *conda_names.METAPACKAGES,
        *conda_names.RUNTIMES,
        *(conda_names.CPU_ONLY, conda_names.MUTEX, conda_names.LIBTORCH),
    )
)
#: Pip's options that lead to an index, for which the new file has its own.
_INDEX = re.compile(r"(?:-i|-f|--index-url|--extra-index-url|--find-links)(?:\s+|\s*=\s*)(\S+)")
_OWN_INDEX = re.compile(r"(?:-i|--index-url)\b")
#: What the command that completes a file is to do, instead of what was asked.
_PRINTED: Mapping[str, Any] = {
    **{"action": "print", "tool": "environment.yml", "name": None, "prefix": None},
    **{"urls": None, "save": None, "with_packages": False, "download": False},
    **{"dry_run": False, "check": True},
}


class Parts(NamedTuple):
    """The parts of a file that ask for PyTorch, and those that stay.

    `words` are requirements on the family, `others` those of the pip section that pip would find
    on an index, `cuda` is a value for `--cuda`, or None. `python` are the lines for Python, `left`
    those that the wheels stand in for.
    """

    words: tuple[str, ...]
    others: tuple[str, ...]
    cuda: str | None
    python: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def pythons(self) -> Sequence[str]:
        """The Pythons, major.minor, that the file's lines allow, newest first."""
        return _pythons(self.python)


def _pythons(lines: Iterable[str]) -> list[str]:
    """The Pythons, major.minor, that the lines for Python among these allow, newest first."""
    found = (read_spec(line) for line in lines)
    specs = [spec.plain for spec in found if spec.name == "python"]
    return [
        python
        for python in reversed(PYTHONS)
        if all(admits_python(spec, python, admits) for spec in specs)
    ]


def execute(options: InstallOptions, asked: InstallOptions) -> Printed:
    """Print the completed file. `asked` are the options that were typed.

    Raises: NotForWheels for several files, NoTorchInFile, what `environment_file.read` and
    `decide.decide` raise.
    """
    path, *more = options.files
    if more or "://" in path:
        raise NotForWheels(options="--file", detail=text("wheels_one_file"))
    file = environment_file.read(path)
    found = parts(file)
    if not found.words:
        advice.check_torch([file], (), asked)
    options = _with_file(options, file, found)
    chosen = _for_allowed_python(options, found, _decided, asked)
    assert chosen
    task, decision = chosen.task, chosen.decision
    assert decision
    staying = [spec for spec in file.specs if spec not in found.left]
    bound = bounded.of_file(short(file), staying, decision)
    decision = bound.applied(decision)
    with printed.language(options):
        shown = _rendered(file, found, decision, task, bound.lines)
    names = ", ".join(f"`{safe(line)}`" for line in found.left)
    hashed = all(one.link.sha256 for one in decision.files)
    code = "file_wheels" if hashed else "file_wheels_bare"
    told = [Notice(code, {"file": short(file), "lines": names})]
    if options.python and found.python and chosen.python not in found.pythons:
        facts = {"file": short(file), "option": f"--python {options.python}"}
        told += [Notice("file_left_out", {**facts, "spec": safe(line)}) for line in found.python]
    decision = decision._replace(notices=(*told, *decision.notices))
    return printed.of_text(options, decision, shown)


class _Chosen(NamedTuple):
    """A task, the Python of its wheels, and the whole decision, if it was made."""

    task: WheelTask
    python: str
    decision: WheelDecision | None = None


def _decided(task: WheelTask) -> _Chosen:
    """Decide. Raises: what `decide.decide` raises."""
    decision = decide.decide(task).decision
    return _Chosen(task, decision.chosen.python, decision)


def _listed(task: WheelTask) -> _Chosen | None:
    """Choose from the built-in list, which says nothing of the user's own wheels."""
    found = None if task.brought else known_set(task.request, task.machine)
    return _Chosen(task, found.python) if found else None


def _for_allowed_python(
    options: InstallOptions,
    found: Parts,
    choose: Callable[[WheelTask], _Chosen | None],
    asked: InstallOptions,
) -> _Chosen | None:
    """Choose for the Python that is typed or that the file fixes, else for any; where that is
    answered by one that the file excludes, for the newest older one that it allows.

    Raises: what `_task` and `choose` raise; of several NoFittingWheel the last one.
    """
    task = partial(_task, options, found, asked)
    if options.python or not found.pythons:
        return choose(task())
    *some, fixed = found.pythons
    if some:
        chosen = choose(task())
        if chosen is None or chosen.python in found.pythons:
            return chosen
        newest = number(chosen.python)
        *some, fixed = [p for p in found.pythons if number(p) < newest] or [fixed]
    for python in some:
        with suppress(NoFittingWheel):
            if again := choose(task(python)):
                return again
    return choose(task(fixed))


def way(options: InstallOptions) -> tuple[Notice, ...]:
    """The step that completes the file of `-f`, if the built-in list has a set for what the file
    and the command line ask for.

    Raises: what `environment_file.read` raises.
    """
    path, *more = options.files or ("",)
    if not path or more or "://" in path or options.of_solver:
        return ()
    file = environment_file.read(path)
    found = parts(file)
    if not found.words:
        return ()
    try:
        listed = _for_allowed_python(_with_file(options, file, found), found, _listed, options)
    except TorchMirrorError:
        return ()  # the step would be refused with it
    if listed is None:
        return ()
    # The file keeps its name, and nothing is installed.
    command = offered(by_wheels(options)._replace(**_PRINTED))
    return (Notice("complete_file", {"command": safe(command)}),)


def _with_file(options: InstallOptions, file: EnvironmentFile, found: Parts) -> InstallOptions:
    """The options of a command that has the file's requirements as words."""
    return options._replace(
        files=(),
        specs=(*found.words, *found.others, *options.specs),
        name=options.name or file.name,
    )


def _task(
    options: InstallOptions, found: Parts, asked: InstallOptions, python: str | None = None
) -> WheelTask:
    """The task for a new environment, with `python` if the file asks for it. Without a driver, the
    CUDA that the file names counts."""
    nowhere = Target(None, ("-n", options.name or recipe.NAME))
    options = options._replace(python=options.python or python)
    task = prepare(options, nowhere, context.subdir, asked)
    if options.cuda == "auto" and found.cuda and not task.machine.has_gpu:
        task = prepare(options._replace(cuda=found.cuda), nowhere, context.subdir, asked)
    if python and not asked.python:
        on = task.machine._replace(python_from="file")
        task = task._replace(survey=task.survey._replace(machine=on))
    return task


def parts(file: EnvironmentFile) -> Parts:
    """Sort the lines of a file."""
    asked: dict[str, list[str]] = {}
    left: list[str] = []
    others: list[str] = []
    cudas: list[str | None] = []
    pythons: list[str] = []
    for line in file.pip:
        option = _INDEX.fullmatch(line.strip())
        name = pip_lines.project(line)
        if option and (variant := _variant(option[1])):
            left.append(line)
            cudas.append(_cuda(variant))
        elif name in FAMILY:
            left.append(line)
            asked.setdefault(name, []).append(line)
        elif name is not None and "@" not in line and requested_name(line) == name:
            others.append(line)
    python = next(iter(_pythons(file.specs)), None)
    meant = {name: pip_lines.words(asked[name], context.subdir, python) for name in asked}
    for spec in file.specs:
        found = read_spec(spec)
        if found.name == "python":
            pythons.append(spec)
        elif found.name in _REPLACED:
            left.append(spec)
            cudas.append(_cuda_of(found.name, found.plain))
            project = _project(found.name)
            if project in FAMILY:
                meant.setdefault(project, [_as_word(project, found.plain)])
    words = tuple(word for found in meant.values() for word in found)
    for word in words:
        one = understand(word)
        if not isinstance(one, BadWord) and one.variant:
            cudas.insert(0, _cuda(one.variant))
    cuda = next(filter(None, cudas), None)
    return Parts(words, tuple(others), cuda, tuple(pythons), tuple(left))


def _variant(url: str) -> str | None:
    """The directory of wheels that an index or a page of links is for, or None."""
    folders = urlsplit(url).path.removesuffix("/torch_stable.html").strip("/").split("/")
    return folders[-1] if VARIANT.fullmatch(folders[-1]) else None


def _cuda(variant: str) -> str | None:
    """The value of `--cuda` that stands for a directory: 12.6 for cu126; None for a CUDA that it
    does not take, and if a version has something else at its end, such as a commit."""
    if found := re.fullmatch(r"cu(\d+)(\d)", variant):
        return accelerator(f"{found[1]}.{found[2]}")
    if not VARIANT.fullmatch(variant):
        return None
    return "cpu" if variant.startswith("cpu") else variant


def _cuda_of(name: str, plain: str) -> str | None:
    """The value of `--cuda` that a conda package asks for, if it does."""
    if name in (conda_names.CPU_ONLY, conda_names.CPU_METAPACKAGE):
        return "cpu"
    version = re.search(r"\d+\.\d+", plain)
    return cuda_version(version[0]) if name in conda_names.RUNTIMES and version else None


def _project(name: str) -> str:
    """The project whose wheel stands in for a conda package."""
    return TORCH if name in (conda_names.TORCH, *conda_names.METAPACKAGES) else name


def _as_word(project: str, plain: str) -> str:
    """A spec of conda's as a word for wheels: its version alone, as builds are the channel's own.

    `pytorch=2.3.1=py3.12_cuda12.1_cudnn8.9.2_0` asks for 2.3.1.
    """
    versions = plain[len(package_name(plain)) :].strip()
    bare = re.fullmatch(r"(={1,2})\s*([0-9][\w.]*?)(\.\*)?(?:=\S*)?", versions)
    if bare:
        exact = bare[1] == "==" or (bare[2].count(".") > 1 and not bare[3])
        return f"{project}=={bare[2]}{'' if exact else '.*'}"
    word = f"{project}{versions.split()[0] if versions else ''}"
    return project if isinstance(understand(word), BadWord) else word


def _rendered(
    file: EnvironmentFile,
    found: Parts,
    decision: WheelDecision,
    task: WheelTask,
    bound: Sequence[str],
) -> str:
    """The text of the new file: what it was chosen for in comments, then the file, with the specs
    `bound` besides."""
    said = recipe.of_wheels(decision, task.options, task.target)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    document: Any = yaml.load(decode(read_bytes(Path(file.path))).text)
    dependencies = document["dependencies"]
    over = yaml_lists.keep(dependencies, lambda entry: entry not in found.left)
    yaml_lists.add_above(document, "dependencies", over)
    _fix_python(dependencies, found, decision.chosen.python)
    have = {package_name(str(entry)) for entry in dependencies if not isinstance(entry, Mapping)}
    sections = [entry["pip"] for entry in dependencies if "pip" in _keys(entry)]
    if not sections:
        dependencies.append({"pip": []})
        sections = [dependencies[-1]["pip"]]
    basis = [s for s in steps.basis(decision.chosen.python) if package_name(s) not in have]
    for spec in (*bound, *basis):
        dependencies.insert(len(dependencies) - 1, spec)
    chosen = {one.project for one in decision.files}
    below = [
        yaml_lists.keep(
            one, lambda line: line not in found.left and pip_lines.project(line) not in chosen
        )
        for one in sections
    ]
    section = sections[0]
    options = [line for line in section if str(line).startswith("-")]
    new = [one.requirement for one in said.wheels]
    new += [word for word in decision.others if word not in decision.request.others]
    for line in reversed(new):
        section.insert(len(options), line)
    yaml_lists.add_below(section, len(options) + len(new) - 1, below[0])
    if said.index_url and not any(_OWN_INDEX.match(str(line)) for line in options):
        section.insert(0, f"--index-url {said.index_url}")
    out = io.StringIO()
    yaml.dump(document, out)
    head = shell.comments([said.head, text("print.environment_yml")])
    return "\n".join([*head, out.getvalue().rstrip("\n")])


def _fix_python(dependencies: Any, found: Parts, python: str) -> None:
    """Fix the Python of the wheels, beside the lines that leave it open, and instead of those that
    exclude it, which `--python` overrides."""
    if not found.python or found.pythons == [python]:
        return
    lines = [
        at
        for at, entry in enumerate(dependencies)
        if isinstance(entry, str) and entry.strip() in found.python
    ]
    if not lines:
        return
    if python in found.pythons:
        bare = [at for at in lines if read_spec(dependencies[at]).open]
        if bare:
            dependencies[bare[0]] = f"{str(dependencies[bare[0]]).strip()}={python}"
        else:
            dependencies.insert(lines[-1] + 1, f"python={python}")
    else:
        yaml_lists.keep(dependencies, lambda entry: entry not in found.python)
        dependencies.insert(lines[0], f"python={python}")


def _keys(entry: object) -> Collection[str]:
    return entry if isinstance(entry, Mapping) else ()
