"""Advice where nothing fits the request of files: what they lack, and which lines to change.

A file may have hundreds of packages, and the user can edit it, so a step names the lines that
matter. As in `selection.alternatives`, each step has been tried on the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from conda.base.context import context

from ...exceptions.file import FileOtherChannel, NoTorchInFile
from ...index.match import admits, read
from ...index.sources import WHEELS, Source, allowed
from ...mirrors.addresses import name_of
from ...models import Choice, Machine, Notice, Pin, Request
from ...options import InstallOptions
from ...selection import alternatives, refused
from ...selection.choose import choose
from ...selection.facts.names import (
    CPU_ONLY,
    CUDA_NAMES,
    FAMILY,
    GPU_METAPACKAGE,
    METAPACKAGES,
    PARTNERS,
    PIP_NAMES,
    RUNTIMES,
    TORCH,
)
from ...selection.plan import ALONE, channel_words, machine_words, typed, words_of
from ...selection.sources.elsewhere import of_channel, others_of_pytorch
from ...selection.specs import for_torch, package_name, without_build
from ...text.messages import text
from ...text.sanitize import safe
from ..request import other_channel
from .environment_file import EnvironmentFile, short, target

if TYPE_CHECKING:
    from .request import FileRequest

#: Most lines that one step names.
_MOST = 6


def steps(
    files: FileRequest, advice: alternatives.Advice, case: refused.Case, source: Source
) -> Iterator[Notice]:
    """The next steps of a refusal, worded for files; the last is to use the file with conda."""
    machine = case.machine
    of = advice.cause.facts["of"] if advice.cause and "of" in advice.cause.facts else None
    if of and any(without_build(spec) for spec in files.beside):
        # The other lines are exact builds of that platform too.
        yield from _on_platform(files, str(of), case, source)
        return
    gpu = _metapackages(files)
    for step in advice.steps:
        if step.code == "ask_less":
            yield from _change_lines(files, step, case)
        elif step.code == "use_python":
            python: str | None = str(step.facts["pythons"]).rpartition(", ")[2]
            command = _command(files, case, python, words=_typed(files, case.request))
            yield step._replace(facts={**step.facts, "command": command})
        elif step.code in ("use_conda_forge", "use_conda_forge_cpu"):
            # The specs alone would lose channels and the pip section.
            python = machine.python if machine.python_from != "file" else None
            there = case._replace(request=case.request._replace(source="conda-forge"))
            typed_ = _typed(files, case.request)
            command = _command(files, there, python, words=typed_, new=True)
            yield step._replace(facts={**step.facts, "command": command})
        elif step.code == "use_cpu_instead":
            # The option overrides these lines, but not the release that they name.
            on_cpu = case.request._replace(cuda="cpu", pins=())
            if not gpu or case.take(request=on_cpu):
                yield Notice("use_cpu_only")
        elif step.code in ("drop_cuda", "drop_cuda_cpu") and (gpu or machine.cuda_from == "file"):
            # The lines may be the only ones that ask for pytorch, or for a CUDA.
            lines = [spec for name in RUNTIMES for spec in case.request.specs.get(name, ())]
            lines += [pin.text for pin in case.request.pins if pin.text not in gpu]
            lines += [w for w in files.beside if lines and package_name(w) == CUDA_NAMES[0]]
            cuda = str(step.facts.get("cuda", "auto")) if machine.cuda_from == "file" else "auto"
            command = _command(files, case, words=[TORCH] if gpu else [], cuda=cuda)
            facts = {"file": files.label, "left": _listed([*gpu, *lines]), "command": command}
            yield Notice("file_leave_lines", {**facts, "torch": step.facts["torch"]})
        elif step.code == "change_pins" and (pins := _lines(files, step, machine)):
            if _holds_without(files, step, case):
                yield Notice("file_change_pins", {"file": files.label, "lines": pins})
        else:
            yield step
    if not of and _may_serve(case):
        yield Notice("file_as_it_is", {"path": safe(files.files[0].path)})


def _metapackages(files: FileRequest) -> list[str]:
    """The lines for the metapackage that stands for CUDA builds of pytorch."""
    every = (spec for file in files.files for spec in file.specs)
    return [spec for spec in dict.fromkeys(every) if read(spec).name == GPU_METAPACKAGE]


def _command(
    files: FileRequest,
    case: refused.Case,
    python: str | None = None,
    *,
    words: Sequence[str] = (),
    cuda: str | None = None,
    new: bool = False,
) -> str:
    """The command for the same files; with `python`, for a new environment with that version, and
    with `new` for one with the files' own. `words` are specs beside the files and the packages that
    were typed, `cuda` the value of `--cuda` if not that of the request."""
    request = case.request
    options = request._replace(
        specs={},
        others=(),
        cuda=cuda or request.cuda,
        allow_cpu=False,
        channels=files.without_own(request.channels),
    )
    line = ["conda", "torch-install", *(w for file in files.files for w in ("-f", file.path))]
    line += [*words, *(word for word in request.others if word not in files.beside)]
    line += ["-n", "NEW"] if python or new else _target_typed(files, case)
    line += ["--python", python] if python else []
    line += [*words_of(options), *machine_words(case.machine)]
    return typed(map(safe, line))


def _target_typed(files: FileRequest, case: refused.Case) -> tuple[str, ...]:
    """The options that name the environment, unless they are what the files say."""
    name, prefix, _ = target(files.files)
    own = ("-n", name) if name else ("-p", prefix)
    return () if case.target == own else case.target


def _typed(files: FileRequest, request: Request) -> list[str]:
    """The specs for the torch family that were typed beside the files."""
    lines = {read(line).plain for line in files.family}
    family = (spec for name in (*FAMILY, *RUNTIMES) for spec in request.specs.get(name, ()))
    return [spec for spec in family if spec not in lines and spec not in files.family]


def _change_lines(files: FileRequest, step: Notice, case: refused.Case) -> Iterator[Notice]:
    """For `ask_less`: the lines to write without a version, and the lines to leave out."""
    request, machine = case.request, case.machine
    command = str(step.facts["command"])
    python = command.partition(" --python ")[2].partition(" ")[0] or None
    gpu = _metapackages(files)
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
    left += [pin.text for pin in machine.pins if _of_files(files, pin) and not _of_python(pin)]
    facts = {
        "file": files.label,
        "opened": _listed(opened),
        "left": _listed(left),
        "command": _command(files, case, python, words=[TORCH] if gpu else ()),
        "torch": step.facts["torch"],
    }
    if opened and left:
        yield Notice("file_open_and_leave", facts)
    elif opened or left:
        yield Notice("file_open_lines" if opened else "file_leave_lines", facts)


def _as_written(files: FileRequest, spec: str) -> str:
    """The line of the files that a spec comes from."""
    written = (
        line
        for line in files.family
        if package_name(line) in METAPACKAGES and for_torch(line) == spec
    )
    return next(written, spec)


def _holds_without(files: FileRequest, step: Notice, case: refused.Case) -> bool:
    """Whether the step `change_pins` still helps where these lines are what asks for a CUDA."""
    machine = case.machine
    if machine.cuda_from != "file":
        return True
    named = str(step.facts["pins"]).split(", ")
    pins = tuple(pin for pin in machine.pins if f"{pin.text} ({pin.source})" not in named)
    if any(package_name(pin.spec) in CUDA_NAMES for pin in pins if pin in files.pins):
        return True
    here = machine._replace(pins=pins, cuda=None, cuda_from="none")
    return case.take(here, case.request._replace(cuda="auto")) is not None


def _lines(files: FileRequest, step: Notice, machine: Machine) -> str:
    """The lines that the step `change_pins` is about, "" if it is about pins outside files too."""
    named = str(step.facts["pins"]).split(", ")
    pins = [pin for pin in machine.pins if f"{pin.text} ({pin.source})" in named]
    return _listed(pin.text for pin in pins) if all(_of_files(files, p) for p in pins) else ""


def _of_files(files: FileRequest, pin: Pin) -> bool:
    return pin in files.pins


def _of_python(pin: Pin) -> bool:
    return package_name(pin.spec) == "python"


def _listed(specs: Iterable[str]) -> str:
    found = list(dict.fromkeys(specs))
    shown = ", ".join(f"`{safe(spec)}`" for spec in found[:_MOST])
    return f"{shown}, ..." if len(found) > _MOST else shown


def _on_platform(
    files: FileRequest, subdir: str, case: refused.Case, source: Source
) -> Iterator[Notice]:
    """Point to the platform that a file was exported on, if its lines give a choice there."""
    machine = case.machine
    records = source.built_in(subdir)
    builds = records.builds if records else ()
    there = Machine(
        subdir,
        cuda=machine.cuda or files.cuda,
        python=machine.python,
        python_from=machine.python_from,
        pins=machine.pins,
        foreign=True,
    )
    found = choose(there, case.request, builds, case.knowledge)
    if isinstance(found, Choice) and case.stands(found, there, case.request):
        path = safe(files.files[0].path)
        yield Notice("file_on_platform", {"subdir": subdir, "path": path})
    yield Notice("file_export_anew")


def _may_serve(case: refused.Case) -> bool:
    """Whether plain conda may install the files as they are: it checks neither driver nor GPU, and
    uses other channels for specs that are not in the records."""
    pins = tuple(pin for pin in case.machine.pins if package_name(pin.spec) not in CUDA_NAMES)
    anywhere = case.machine._replace(cuda="99", driver=None, cuda_arch=None, pins=pins)
    asked = case.request._replace(cuda="auto", allow_cpu=True, pins=())
    if case.ask(anywhere, asked):
        return True
    specs = [spec for name in case.source.family for spec in case.request.specs.get(name, ())]
    return not all(_known(spec, case) for spec in specs)


def _known(spec: str, case: refused.Case) -> bool:
    name = read(spec).name
    return any(build.name == name and case.admits(spec, build) for build in case.builds)


def check_source(
    files: Sequence[EnvironmentFile], given: FileRequest, options: InstallOptions
) -> None:
    """Refuse to answer a file for long-term or nightly builds with stable ones.

    A file that names a source's channel too is accepted, but conda-forge, which most files have for
    other packages, must come before the other channel, unless `--source` or the setting names it.

    Raises: FileOtherChannel.
    """
    channels = [name_of(channel) for channel in (*options.channels, *given.channels)]
    other = next((name for name in channels if name in others_of_pytorch()), None)
    if other is None or not given.family:
        return
    sources, before = allowed(options.source), channels[: channels.index(other)]
    for source in sources:
        alone = len(sources) == 1 or source.channel in source.without_python
        if source.channel in (channels if alone else before):
            return
    on = Machine(context.subdir, cuda=given.cuda or "99", pins=given.pins)  # any driver will do
    asked = Request({}, cuda="cpu" if CPU_ONLY in given.family else "auto")
    raise FileOtherChannel(
        file=given.label,
        spec=safe(given.family[0]),
        channel=other,
        channels=other_channel(other, sources)[0],
        path=safe(files[0].path),
        ways=of_channel(other, on, asked, admits),
    )


def channels_of_sources(options: InstallOptions) -> frozenset[str]:
    """The channels that builds may be chosen from."""
    return frozenset(source.channel for source in allowed(options.source))


def check_torch(
    files: Sequence[EnvironmentFile], words: Iterable[str], options: InstallOptions
) -> None:
    """Refuse files if neither they nor the command line names a package of the torch family.
    `options` are those of the command.

    Raises: NoTorchInFile.
    """
    if any(package_name(word) in (*FAMILY, *METAPACKAGES, "torch") for word in words):
        return
    pip = [safe(line) for file in files for line in file.pip if package_name(line) in PIP_NAMES]
    ways: tuple[Notice, ...] = ()
    if pip:
        from ..printing import completed

        ways = completed.way(options)
    code = "file_torch_by_pip" if pip else "file_no_torch"
    path = {"path": safe(files[0].path)}
    named = {"command": _beside(files, options)}
    # With torch in the pip section, naming it for conda as well would install it twice.
    first = Notice("file_torch_to_conda") if pip else Notice("file_name_torch", named)
    raise NoTorchInFile(
        file=", ".join(map(short, files)),
        path=path["path"],
        detail=text(code, {"lines": ", ".join(pip)}),
        ways=(first, *ways, Notice("file_as_it_is", path)),
    )


def _beside(files: Sequence[EnvironmentFile], options: InstallOptions) -> str:
    """The command of this run, with pytorch and torchvision beside its files."""
    line = ["conda", "torch-install", *(word for file in files for word in ("-f", file.path))]
    line += [*options.specs, TORCH, PARTNERS[0]]
    line += ["-n", options.name] if options.name else []
    line += ["-p", options.prefix] if options.prefix else []
    line += ["--cuda", options.cuda] if options.cuda != "auto" else []
    line += ["--python", options.python] if options.python else []
    # A file is completed with wheels by what it names itself.
    line += ["--source", options.source] if options.source not in ("", WHEELS) else []
    line += ["--cuda-compat", "strict"] if options.cuda_compat == "strict" else []
    line += channel_words((*options.channels, *([ALONE] if options.override_channels else [])))
    line += ["--allow-cpu"] if options.allow_cpu else []
    line += ["--platform", options.subdir] if options.subdir else []
    line += ["--machine", options.facts.file] if options.facts else []
    return typed(map(safe, line))
