"""`torch-install -f environment.yml`: reading files into a request.

Their specs of the torch family are narrowed to exact builds by the same choice as those of the
command line, and everything else goes to the solver as written. Conda's `install` and `create` do
the work, so that previews, plans and prompts are the same as without a file. They do not read the
pip section and the variables, which are handled afterwards (`environment_file.finish`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from conda.base.context import context

from ...exceptions.base import TorchMirrorError
from ...exceptions.file import FileElsewhere, FileOtherChannel
from ...handover.channels import check as check_channels
from ...index.match import Spec, admits, read
from ...index.sources import SOURCES, allowed, takes_along
from ...mirrors.addresses import name_of
from ...models import Notice, Pin
from ...options import InstallOptions
from ...redirect.configuration import reload
from ...selection.facts.names import (
    CPU_ONLY,
    CUDA_NAMES,
    CUDNN,
    FAMILY,
    GPU_METAPACKAGE,
    METAPACKAGES,
    MUTEX,
    OF_TOOLKIT,
    RUNTIME,
    TOOLKIT,
)
from ...selection.specs import admits_python, fixed_minor, for_torch, package_name
from ...text.sanitize import safe
from ..request import (
    WITH_TOOLKIT,
    beside_runtime,
    narrowing,
    of_any_runtime,
    of_label,
    other_channel,
    says_cpu,
)
from . import by_conda, environment_file, required
from .advice import channels_of_sources, check_source, check_torch, has_choice
from .environment_file import EnvironmentFile, short, target
from .lines import listed
from .request import FileRequest

#: Pythons that a spec may name. The channel's oldest is 2.7.
PYTHONS = ("2.7", *(f"3.{minor}" for minor in range(3, 31)))


def take(
    options: InstallOptions, asked: InstallOptions | None = None
) -> tuple[InstallOptions, FileRequest]:
    """Read the files of `-f`, and return the options with what the files add, and their request.

    `asked` are the options that were typed, if `options` are not.
    The command line takes precedence: `-n` and `-p`, channels, `--python`, `--cuda`.

    Raises: what `environment_file.read` raises, NoTorchInFile, FileElsewhere, FileOtherChannel,
    FilesDisagree.
    """
    files = tuple(environment_file.read(path) for path in dict.fromkeys(options.files))
    given = _sorted(files, options)
    check_torch(files, [*given.family, *options.specs], asked or options, given)
    check_source(files, given, options)
    name, prefix = options.name, options.prefix
    if name is None and prefix is None:
        name, prefix, notices = target(files)
        given = given._replace(notices=(*given.notices, *notices))
    check_channels(options.channels, given.channels, given.label)
    channels = (*options.channels, *given.channels)
    override, passed = options.override_channels, options.passed
    alone = bool(channels) and any("nodefaults" in file.channels for file in files)
    if alone and context.override_channels_enabled:
        override, passed = True, tuple(dict.fromkeys((*passed, ("--override-channels",))))
    options = options._replace(
        name=name,
        prefix=prefix,
        specs=(*given.family, *options.specs),
        python=options.python or given.python,
        channels=channels,
        override_channels=override,
        passed=passed,
    )
    # Conda's context has to have the same environment and channels.
    reload(
        name=name,
        prefix=prefix,
        specs=list(options.specs),
        channel=list(channels) or None,
        override_channels=override,
    )
    return options, given


def without(given: FileRequest, gone: Collection[str], options: InstallOptions) -> FileRequest:
    """The request of the same files without these lines, channels, and variants such as `+cu121`;
    `options` are what was typed. The lines are sorted anew: what one of them made harmless counts
    without it.

    Raises: FileOtherChannel, FileElsewhere.
    """

    def rest(file: EnvironmentFile) -> Iterator[str]:
        for spec in file.specs:
            if spec in gone or _word(read(spec)) in gone:
                continue
            yield next((spec.removesuffix(v) for v in gone if spec.endswith(f"+{v[1:]}")), spec)

    files = tuple(
        replace(
            file,
            specs=tuple(rest(file)),
            channels=tuple(channel for channel in file.channels if channel not in gone),
        )
        for file in given.files
    )
    return _sorted(files, options)


def _sorted(files: tuple[EnvironmentFile, ...], options: InstallOptions) -> FileRequest:
    """The request of the specs of files. Raises: FileOtherChannel, FileElsewhere."""
    sorter = _Sorter(files, options)
    for file in files:
        for spec in file.specs:
            sorter.add(file, spec)
    return sorter.given(files)


class _Sorter:
    """Sorts the specs of files by how they are handled, and collects the versions they ask for."""

    def __init__(self, files: Sequence[EnvironmentFile], options: InstallOptions) -> None:
        self.files = files
        self.options = options
        self.sources = channels_of_sources(options)
        self.cuda = options.cuda.strip().lower()
        self.family: list[str] = []
        #: Lines whose words were changed, such as `torch` and `torchvision==0.18.1+cu121`.
        self.written: dict[str, str] = {}
        #: Words with the variant of a wheel for CUDA, which contradicts a line for the CPU.
        self.variants: dict[str, str] = {}
        self.beside: list[str] = []
        self.pythons: list[Pin] = []
        self.toolkits: list[Pin] = []
        self.narrowed: list[Pin] = []
        self.cudas: set[str] = set()
        #: Whether a line is for the CPU, or for any CUDA.
        self.on_cpu = self.any_cuda = False
        self.metapackages: list[tuple[EnvironmentFile, str]] = []
        sources = allowed(options.source)
        #: Metapackages of the allowed sources, each of which stands for its source's pytorch.
        self.chosen_as_torch = {name for one in sources for name in one.facts.metapackages}
        self.left: list[Notice] = []

    def add(self, file: EnvironmentFile, spec: str) -> None:
        """Sort one spec. Raises: FileOtherChannel."""
        found = read(spec)
        name = found.name
        if name in self.chosen_as_torch:
            self._check_channel(file, spec, found.channel)
            if over := name == GPU_METAPACKAGE and self.cuda == "cpu":
                self._leave(file, spec, "--cuda cpu")  # its release stays a demand
            self.any_cuda |= name == GPU_METAPACKAGE and not over
            self.family.append(for_torch(found.plain) if over else _word(found))
        elif name in METAPACKAGES:
            self.metapackages.append((file, spec))
        elif option := self._overruled(found):
            self._leave(file, spec, option)
        elif name in (CPU_ONLY, MUTEX):
            self.family.append(_word(found))
            self.on_cpu |= says_cpu(found)
            self.any_cuda |= not says_cpu(found)
        elif name in (*FAMILY, RUNTIME):
            self._check_channel(file, spec, found.channel)
            word = _word(found)
            if found.variant or package_name(spec) != name:
                self.written[word] = spec.strip()
            if found.variant:
                self.variants[word] = f"{word}+{found.variant}"
                self.written[f"{word}+{found.variant}"] = spec.strip()
            if found.variant not in (None, "cpu") and self.cuda == "cpu":
                self._leave(file, f"+{found.variant}", "--cuda cpu")
            self.family.append(self.variants[word] if says_cpu(found) else word)
            self.on_cpu |= says_cpu(found)
            self._ask(found.plain)
            self._narrow(narrowing(spec, found, short(file)))
        else:
            self.beside.append(spec)
            pin = Pin(found.plain, short(file))
            if name == "python":
                self.pythons.append(pin)
            elif name == TOOLKIT:
                self.toolkits.append(pin)
                self._ask(pin.spec)
            else:
                self._narrow(narrowing(spec, found, short(file)))

    def _leave(self, file: EnvironmentFile, spec: str, option: str) -> None:
        facts = {"file": short(file), "spec": safe(spec), "option": option}
        self.left.append(Notice("file_left_out", facts))

    def _check_channel(self, file: EnvironmentFile, spec: str, channel: str | None) -> None:
        """Refuse a spec of the family that names a channel other than an allowed source's.

        Raises: FileOtherChannel.
        """
        if channel is not None and name_of(channel) not in self.sources:
            channels, ways = other_channel(name_of(channel), allowed(self.options.source))
            raise FileOtherChannel(
                file=short(file),
                spec=safe(spec),
                channel=safe(channel),
                channels=channels,
                path=safe(file.path),
                ways=(
                    *by_conda.step(self.files, self.options),
                    *ways,
                    *self._without_channel(file, name_of(channel)),
                ),
            )

    def _without_channel(self, file: EnvironmentFile, channel: str) -> Iterator[Notice]:
        """The step to leave a channel out of the lines of the family, if that gives a choice."""
        lines = {
            spec: spec.rpartition("::")[2].strip()
            for spec in file.specs
            if "::" in spec
            and (found := read(spec)).name in (*FAMILY, RUNTIME, *self.chosen_as_torch)
            and found.channel
            and name_of(found.channel) == channel
        }
        if not lines:
            return  # the channel is named in brackets
        rest = replace(file, specs=tuple(lines.get(spec, spec) for spec in file.specs))
        files = tuple(rest if each is file else each for each in self.files)
        try:
            given = _sorted(files, self.options)
        except TorchMirrorError:
            return
        if has_choice(self.options, given):
            facts = {"file": short(file), "lines": listed(lines), "instead": listed(lines.values())}
            yield Notice("file_without_channel", facts)

    def _overruled(self, spec: Spec) -> str | None:
        """The option of the command line that overrides a spec, or None."""
        name = spec.name
        if name == "python" and self.options.python:
            return f"--python {self.options.python}"
        no_cuda = context.subdir.startswith("osx-")  # nor a package of it but cuda-version
        if self.cuda == "cpu" and (
            name in (RUNTIME, TOOLKIT)
            or (name == MUTEX and not says_cpu(spec))
            or (no_cuda and name in (*CUDA_NAMES[1:], *CUDNN, *OF_TOOLKIT))
        ):
            return "--cuda cpu"
        if name in (CPU_ONLY, MUTEX) and says_cpu(spec) and self.cuda not in ("auto", "cpu"):
            return f"--cuda {self.cuda}"
        return None

    def _ask(self, spec: str) -> None:
        if package_name(spec) in (RUNTIME, TOOLKIT) and (minor := fixed_minor(spec)):
            self.cudas.add(minor)

    def _narrow(self, pins: Iterable[Pin]) -> None:
        """Add pins that other specs or channels imply for the CUDA or the release of the set."""
        for pin in pins:
            self.narrowed.append(pin)
            if package_name(pin.spec) in CUDA_NAMES and (minor := fixed_minor(pin.spec)):
                self.cudas.add(minor)

    def _names_cuda(self, runtimes: Sequence[str]) -> bool:
        """Whether the files name a package that brings CUDA, or one for CUDA builds."""
        if self.toolkits or runtimes or self.any_cuda:
            return True
        return any(package_name(pin.spec) in CUDA_NAMES for pin in self.narrowed)

    def _of_toolkits(
        self, family: Sequence[str], files: Sequence[EnvironmentFile]
    ) -> Iterator[Pin]:
        """What lines on cudatoolkit ask of the CUDA."""
        channels = [name_of(one) for one in (*self.options.channels, *_channels(files))]
        specs, sources = [read(word) for word in family], allowed(self.options.source)
        along = takes_along(TOOLKIT, specs, channels, sources)
        for pin in self.toolkits:
            if along:
                yield Pin(WITH_TOOLKIT, pin.source, pin.spec)
            else:
                yield from of_any_runtime(pin)

    def given(self, files: tuple[EnvironmentFile, ...]) -> FileRequest:
        """Return the request of all sorted specs. Raises: FileElsewhere."""
        family, beside = tuple(dict.fromkeys(self.family)), tuple(dict.fromkeys(self.beside))
        alone = not any(package_name(spec) == RUNTIME for spec in family)
        if alone:
            self.narrowed += self._of_toolkits(family, files)
            bare = (TOOLKIT,) if any(pin.spec == TOOLKIT for pin in self.toolkits) else ()
            family = (*family, *bare)
        if self.on_cpu and self.cuda != "cpu":
            family = tuple(self.variants.get(word, word) for word in family)
        for file in files:
            for channel in file.channels if not self.on_cpu else ():
                self._narrow(of_label(channel, channel, short(file)))
        runtimes = [spec for spec in family if package_name(spec) == RUNTIME]
        for file, spec in self.metapackages:
            # Beside pytorch-cuda, which conda-forge lacks, it only asks for some CUDA build.
            if not runtimes or package_name(spec) != GPU_METAPACKAGE:
                name = package_name(spec)
                raise FileElsewhere(
                    file=short(file),
                    spec=safe(spec),
                    path=safe(file.path),
                    source=next(s.name for s in SOURCES if name in s.facts.metapackages),
                    ways=by_conda.step(files, self.options),
                )
            facts = {"file": short(file), "spec": safe(spec)}
            self.left.append(Notice("file_metapackage_out", facts))
        self.narrowed = beside_runtime(self.narrowed, runtimes)
        named = {minor for spec in runtimes if (minor := fixed_minor(spec))}
        cudas = named or self.cudas
        fitting = _admitted(self.pythons) if self.pythons else []
        return FileRequest(
            files=files,
            family=family,
            beside=beside,
            pins=tuple(dict.fromkeys((*self.pythons, *self.narrowed))),
            cuda=min(cudas) if len(cudas) == 1 and not self.on_cpu else None,
            any_cuda=not self.on_cpu and self._names_cuda(runtimes),
            python=fitting[0] if len(fitting) == 1 else None,
            channels=_channels(files),
            written=self.written,
            notices=(*self._about(files, family, beside), *self.left),
        )

    def _about(
        self, files: Sequence[EnvironmentFile], family: Sequence[str], beside: Sequence[str]
    ) -> list[Notice]:
        label = ", ".join(map(short, files))
        # It narrows the choice, and goes to the solver as it is.
        mutexes = [spec for spec in family if package_name(spec) == MUTEX and spec not in beside]
        chosen = [spec for spec in family if spec not in (*beside, *mutexes)]
        specs = ", ".join(f"`{safe(self.written.get(spec, spec))}`" for spec in chosen)
        facts = {"file": label, "specs": specs, "count": (others := len(beside) + len(mutexes))}
        code = "file_narrowed" if others else "file_narrowed_all"
        told = [Notice(code, facts)] if chosen else []
        # These actions install nothing, so the sections and variables are not handled after them.
        kept = self.options.action in ("save", "urls", "download")
        for file in files:
            told += [Notice("file_pip_added", {"file": short(file)})] if file.pip_added else []
            if file.remark:
                told.append(Notice("file_remark", {"file": short(file), "remark": file.remark}))
            for name, lines in file.sections.items():
                section = {"file": short(file), "section": name, "count": len(lines)}
                told.append(Notice("file_section_kept" if kept else "file_section_after", section))
            if over := required.torch_lines(file):
                told.append(
                    Notice("file_pip_over", {"file": short(file), "lines": ", ".join(over)})
                )
            if file.variables and not kept:
                names = ", ".join(sorted(file.variables))
                told.append(Notice("file_variables", {"file": short(file), "names": names}))
        return told


def _word(spec: Spec) -> str:
    """A spec of a file as a word of the command line: with its channel, which decides the source
    whatever the file's channels are."""
    return f"{name_of(spec.channel)}::{spec.plain}" if spec.channel else spec.plain


def _admitted(pythons: Sequence[Pin]) -> list[str]:
    """The minor versions of Python of which a patch release may satisfy all of these specs."""
    return [
        minor for minor in PYTHONS if all(admits_python(pin.spec, minor, admits) for pin in pythons)
    ]


def _channels(files: Sequence[EnvironmentFile]) -> tuple[str, ...]:
    """The channels of all files. As in conda 26.7, those of a later file come first."""
    merged: list[str] = []
    for file in files:
        merged = list(dict.fromkeys((*file.channels, *merged)))
    return tuple(channel for channel in merged if channel != "nodefaults")
