"""Advice where nothing fits the request of files: what they lack, and which lines to change.

A file may have hundreds of packages, and the user can edit it, so a step names the lines that
matter. As in `selection.alternatives`, each step has been tried on the records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from conda.base.context import context

from ...exceptions.base import TorchMirrorError
from ...exceptions.file import FileOtherChannel, NoTorchInFile
from ...exceptions.usage import OtherChannelSpec
from ...index.match import admits, read
from ...index.sources import WHEELS, Source, allowed
from ...machine.environment import is_environment
from ...mirrors.addresses import name_of
from ...models import Choice, Machine, Notice, Pin, Request
from ...options import NEW, InstallOptions
from ...selection import alternatives, refused
from ...selection.choose import choose
from ...selection.facts.names import (
    CUDA_NAMES,
    FAMILY,
    METAPACKAGES,
    PARTNERS,
    RUNTIMES,
    TORCH,
)
from ...selection.plan import offered
from ...selection.sources.elsewhere import of_channel, others_of_pytorch
from ...selection.specs import package_name, wheel_variant, without_build
from ...text.messages import text
from ...text.sanitize import safe
from ..request import other_channel, says_cpu
from . import by_conda, lines, required
from .environment_file import EnvironmentFile, short

if TYPE_CHECKING:
    from .request import FileRequest

#: How the codes begin of steps that lead to no set for this machine, and of remarks.
_NO_WAY = ("use_cpu", "use_wheels", "machine.")


def steps(
    files: FileRequest, advice: alternatives.Advice, case: refused.Case, source: Source
) -> Iterator[Notice]:
    """The next steps of a refusal, worded for files; the last is to use the file with conda."""
    of = str(advice.cause.facts.get("of", "")) if advice.cause else ""
    of = of if "-" in of else ""  # the other channel, else a platform
    if of and any(without_build(spec) for spec in files.beside):
        # The other lines are exact builds of that platform too.
        yield from _on_platform(files, of, case, source)
        return
    found: list[Notice] = []
    if not any(step.code == "use_python" for step in advice.steps):
        found += _other_python(files, case)
    for step in advice.steps:
        reword = _REWORDED.get(step.code, _as_written)
        found += reword(files, step, case)
    if all(step.code.startswith(_NO_WAY) for step in found):
        yield from lines.family_alone(files, case, has_choice)
        yield from lines.of_other_source(files, case, source)
    yield from found
    if not of and _may_serve(case):
        in_vain = not advice.blamed.isdisjoint(("arch_missing", "cudnn_too_new"))
        # Conda asks neither `--cuda` nor the driver.
        of_any = case.machine._replace(cuda="99", driver=None)
        in_vain = in_vain and case.take(of_any, case.request._replace(cuda="auto")) is None
        for step in files.as_they_are(case.asked):
            yield step._replace(code="file_as_it_is_in_vain") if in_vain else step


def _as_written(files: FileRequest, step: Notice, case: refused.Case) -> Iterator[Notice]:
    """The step as it is, with the line of the files for the spec that it names."""
    spec = str(step.facts.get("spec"))
    if spec in files.written:
        step = step._replace(facts={**step.facts, "spec": files.written[spec]})
    yield step


def _use_python(files: FileRequest, step: Notice, case: refused.Case) -> Iterator[Notice]:
    if not lines.of_one_python(files, case.machine):
        yield step


def _use_some_cpu(files: FileRequest, step: Notice, case: refused.Case) -> Iterator[Notice]:
    """`--allow-cpu` leaves the files' CUDA packages to the solver, and a Mac has none of them."""
    on_mac = case.machine.subdir.startswith("osx-") and case.machine.cuda_from == "file"
    yield Notice("use_cpu_only") if on_mac else step


def _use_cpu(files: FileRequest, step: Notice, case: refused.Case) -> Iterator[Notice]:
    """The option overrides the files' lines on CUDA, but not the release that they name, nor what
    is typed beside the files."""
    on_cpu = case.request._replace(cuda="cpu", pins=())
    typed = case.asked.specs if case.asked else ()
    if not lines.metapackages(files) or case.take(request=on_cpu):
        beside = any(f"`{word}`" in str(step.facts["words"]) for word in typed)
        yield step if beside else Notice("use_cpu_only")


def _drop_cuda(files: FileRequest, step: Notice, case: refused.Case) -> Iterator[Notice]:
    """Leave the lines on CUDA out, which may be the only ones that ask for pytorch, or for a
    CUDA."""
    gpu, of_files = lines.metapackages(files), case.machine.cuda_from == "file"
    if not (gpu or of_files):
        yield from _as_written(files, step, case)
        return
    found = [spec for name in RUNTIMES for spec in case.request.specs.get(name, ())]
    found += [pin.text for pin in case.request.pins if pin.text not in gpu]
    found += [w for w in files.beside if found and package_name(w) == CUDA_NAMES[0]]
    found = [*gpu, *(line for line in found if not lines.is_typed(files, line, case))]
    cuda = str(step.facts.get("cuda", "auto")) if of_files else None
    request = alternatives.without_cuda(case)[1]
    if gpu and request.keeps_torch:
        # pytorch is then named itself, so that the one that is there need not stay.
        choice = case.take(request=request._replace(keeps_torch=False))
        if choice is None:
            return
        step = step._replace(facts={**step.facts, "torch": f"{TORCH} {choice.torch.version}"})
    asked = case.again(request)
    yield from lines.leave(files, found, step, case, asked, cuda) if found else (step,)


def _drop_cuda_cpu(files: FileRequest, step: Notice, case: refused.Case) -> Iterator[Notice]:
    """As before, unless other lines than those of the step ask for a CUDA, so that no CPU build is
    taken."""
    named = str(step.facts["words"])
    left = (pin for pin in files.pins if f"`{pin.text}`" not in named)
    if case.request.cuda != "auto" or not any(package_name(p.spec) in CUDA_NAMES for p in left):
        yield from _drop_cuda(files, step, case)


def _older_release(files: FileRequest, step: Notice, case: refused.Case) -> Iterator[Notice]:
    if (word := _open_variant(files)) is None:
        yield from _as_written(files, step, case)
        return
    (line, instead), torch = word, step.facts["torch"]
    facts = {"spec": line, "instead": instead, "torch": torch, "found": torch}
    yield Notice("torch_instead", facts)


def _torch_instead(files: FileRequest, step: Notice, case: refused.Case) -> Iterator[Notice]:
    if package_name(str(step.facts["spec"])) not in RUNTIMES:
        yield from _as_written(files, step, case)
    elif _holds_toolkit(files, str(step.facts["instead"]), case):
        yield step


def _change_pins(files: FileRequest, step: Notice, case: refused.Case) -> Iterator[Notice]:
    if not (pins := _lines(files, step, case.machine)):
        yield from _as_written(files, step, case)
    elif _holds_without(files, step, case):
        yield Notice("file_change_pins", {"file": files.label, "lines": pins})


#: What becomes of a step for files, by its code; of all others only the spec that they name.
_REWORDED: Mapping[str, Callable[[FileRequest, Notice, refused.Case], Iterator[Notice]]] = {
    "ask_less": lines.change,
    "use_python": _use_python,
    "use_cpu": _use_some_cpu,
    "use_cpu_instead": _use_cpu,
    "drop_cuda": _drop_cuda,
    "drop_cuda_cpu": _drop_cuda_cpu,
    "older_release": _older_release,
    "torch_instead": _torch_instead,
    "change_pins": _change_pins,
}


def _other_python(files: FileRequest, case: refused.Case) -> Iterator[Notice]:
    """Use another Python than the files', which `--python` overrules; not where other lines are
    exact builds, which go with theirs."""
    own = [pin for pin in files.pins if lines.of_python(pin)]
    others = (spec for spec in files.beside if package_name(spec) != "python")
    if own and not any(map(without_build, others)):
        pins = tuple(pin for pin in case.machine.pins if pin not in own)
        python = case.machine.python or ""
        on = case.machine._replace(pins=pins, python=python, python_from="--python")
        yield from alternatives.use_python(case._replace(machine=on))


def _open_variant(files: FileRequest) -> tuple[str, str] | None:
    """The line for pytorch with the variant of a wheel, and the same in any version."""
    for word, line in files.written.items():
        if package_name(word) == TORCH and (variant := wheel_variant(line)):
            return line, f"{TORCH}=*+{variant}"  # conda 26.7 reads no variant without a version
    return None


def _holds_toolkit(files: FileRequest, instead: str, case: refused.Case) -> bool:
    """Whether a line for cudatoolkit helps, which in a file names no source."""
    request = case.request
    version = instead[len(package_name(instead)) :]
    pin = Pin(f"{CUDA_NAMES[0]}{version}", files.label, instead)
    specs = {name: found for name, found in request.specs.items() if name not in RUNTIMES}
    gone = [spec for name in RUNTIMES for spec in request.specs.get(name, ())]
    ties = tuple((of, word) for of, word in request.ties if word not in gone)
    on = case.machine._replace(pins=(*case.machine.pins, pin))
    return case.take(on, request._replace(specs=specs, ties=ties)) is not None


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
    return (
        lines.listed(pin.text for pin in pins)
        if all(lines.of_files(files, p) for p in pins)
        else ""
    )


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
    stands = isinstance(found, Choice) and case.stands(found, there, case.request)
    if stands and by_conda.takes(files.files[0]):
        command = by_conda.command_of(files.files[:1], case.asked, "create")
        yield Notice("file_on_platform", {"subdir": subdir, "command": command})
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

    Raises: FileOtherChannel.
    """
    sources = allowed(options.source)
    other = _other_of_pytorch((*options.channels, *given.channels), sources)
    if other is None or not given.family:
        return
    on = Machine(context.subdir, cuda=given.cuda or "99", pins=given.pins)  # any driver will do
    asked = Request(
        {}, cuda="cpu" if any(says_cpu(read(line)) for line in given.family) else "auto"
    )
    raise FileOtherChannel(
        file=given.label,
        spec=safe(given.family[0]),
        channel=other,
        channels=other_channel(other, sources)[0],
        path=safe(files[0].path),
        ways=(*by_conda.step(files, options), *of_channel(other, on, asked, admits)),
    )


def check_channels(options: InstallOptions, chooses: Callable[[InstallOptions], bool]) -> None:
    """Refuse to answer the channel of long-term or nightly builds on the command line likewise.
    `chooses` tells whether there is a choice with other options.

    Raises: OtherChannelSpec.
    """
    sources = allowed(options.source)
    if (other := _other_of_pytorch(options.channels, sources)) is None:
        return
    asked = Request({}, cuda="cpu" if options.cuda == "cpu" else "auto")
    channels = other_channel(other, sources)[0]
    left = tuple(each for each in options.channels if name_of(each) != other)
    ways = of_channel(other, Machine(context.subdir, cuda="99"), asked, admits)
    if chooses(options._replace(channels=left)):
        ways.insert(0, Notice("leave_channel_out", {"channels": channels}))
    elif not ways:  # what else is in the way, and the way past it, is said there
        ways.append(Notice("channel_out_says", {"channel": other}))
    raise OtherChannelSpec(spec=f"-c {other}", channel=other, channels=channels, ways=ways)


def _other_of_pytorch(channels: Iterable[str], sources: Sequence[Source]) -> str | None:
    """The first channel for long-term or nightly builds, unless a source's is named too.

    conda-forge, which most name for other packages, must come before it, unless `--source` or the
    setting names it.
    """
    names = [name_of(channel) for channel in channels]
    other = next((name for name in names if name in others_of_pytorch()), None)
    before = names[: names.index(other)] if other else []
    for source in sources:
        alone = len(sources) == 1 or source.channel in source.without_python
        if source.channel in (names if alone else before):
            return None
    return other


def has_choice(asked: InstallOptions, files: FileRequest | None = None) -> bool:
    """Whether a run with these options has a choice, by what is known without reading a channel."""
    from ..sources import words
    from ..sources.given import Given
    from ..task import Target

    options = words.in_force(asked).options
    there = (asked.name or asked.prefix) and asked.name != NEW
    prefix = context.target_prefix if there else None
    target = Target(prefix, exists=prefix is not None and is_environment(prefix))
    if files:
        options = options._replace(
            specs=(*files.family, *options.specs),
            python=options.python or files.python,
            channels=(*options.channels, *files.channels),
        )
    try:
        return Given(options, asked.source, files, target, context.subdir, asked).has_choice()
    except TorchMirrorError:
        return False


def channels_of_sources(options: InstallOptions) -> frozenset[str]:
    """The channels that builds may be chosen from."""
    return frozenset(source.channel for source in allowed(options.source))


def check_torch(
    files: Sequence[EnvironmentFile],
    words: Iterable[str],
    asked: InstallOptions,
    given: FileRequest | None = None,
) -> None:
    """Refuse files if neither they nor the command line names a package of the torch family.
    `asked` are the options that were typed, `given` is what the files ask for, if it is for conda.

    Raises: NoTorchInFile.
    """
    if any(package_name(word) in (*FAMILY, *METAPACKAGES, "torch") for word in words):
        return
    pip = [line for file in files for line in required.torch_lines(file)]
    ways: tuple[Notice, ...] = ()
    if pip:
        from ..printing import completed

        # With torch in the pip section, naming it for conda as well would install it twice.
        ways = (Notice("file_torch_to_conda"), *completed.way(asked))
    elif asked.action != "print" or not any(file.sections or file.variables for file in files):
        # A file is completed with wheels by what it names itself.
        source = "" if asked.source == WHEELS else asked.source
        named = asked._replace(specs=(*asked.specs, TORCH, PARTNERS[0]), source=source)
        if given is None or has_choice(named, given):
            ways = (Notice("file_name_torch", {"command": safe(offered(named))}),)
    raise NoTorchInFile(
        file=", ".join(map(short, files)),
        path=safe(files[0].path),
        detail=text("file_torch_by_pip" if pip else "file_no_torch", {"lines": ", ".join(pip)}),
        ways=(*ways, *by_conda.step(files, asked)),
    )
