"""`torch-install -f environment.yml`: what files mean for one run.

Their torch specs are narrowed to exact builds by the same choice as those of the command line, and
everything else goes to the solver as written. Conda's `install` and `create` do the work, so that
previews, plans and prompts are the same as without a file. What these do not read from a file, the
pip section and the variables, is done after them (`environment_file.finish`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from conda.base.context import context

from ...exceptions.file import FileElsewhere, FileOtherChannel
from ...handover.channels import check as check_channels
from ...index.match import Spec, admits, read
from ...index.sources import SOURCES, allowed
from ...machine.survey import Survey
from ...mirrors.addresses import identify, name_of
from ...mirrors.registry import Route
from ...models import Machine, Notice, Pin, Request
from ...options import InstallOptions
from ...redirect.configuration import reload
from ...selection.facts.names import (
    CPU_ONLY,
    CUDA_NAMES,
    FAMILY,
    GPU_METAPACKAGE,
    METAPACKAGES,
    MUTEX,
    PIP_NAMES,
    RUNTIME,
    TOOLKIT,
)
from ...selection.rules import Rule, conflict
from ...selection.specs import admits_python, package_name
from ...text.messages import text
from ...text.sanitize import safe
from ..request import beside_runtime, narrowing, of_label, other_channel, says_cpu
from . import environment_file
from .advice import channels_of_sources, check_source, check_torch
from .environment_file import EnvironmentFile, short, target

#: Pythons that a spec may name. The channel's oldest is 2.7.
_PYTHONS = ("2.7", *(f"3.{minor}" for minor in range(3, 31)))
_MINOR = re.compile(r"={0,2}\s*(\d+\.\d+)(?:\.\d+)*(?:\.?\*)?(?:[=\s].*)?")


class FileRequest(NamedTuple):
    """The files of one run, and what their specs ask of the choice.

    `family` are the specs that the choice narrows, `beside` those that go to the solver as
    written. `pins` narrow the choice too, and go no further. `cuda` and `python` are the one
    version that the files ask for, where there is one; `any_cuda` says that they name a package
    that brings CUDA. `channels` are theirs, in conda's order.
    """

    files: tuple[EnvironmentFile, ...]
    family: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    cuda: str | None = None
    any_cuda: bool = False
    python: str | None = None
    channels: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def label(self) -> str:
        """The files as messages name them."""
        return ", ".join(map(short, self.files))

    @property
    def documents(self) -> tuple[dict[str, Any], ...]:
        """What was taken from each file, as plain JSON values; of variables only the names."""
        return tuple(
            {
                "path": safe(file.path),
                "name": file.name,
                "prefix": file.prefix,
                "channels": [safe(channel) for channel in file.channels],
                "specs": [safe(spec) for spec in file.specs],
                "pip": [safe(line) for line in file.pip],
                "variables": sorted(file.variables),
            }
            for file in self.files
        )

    def applied(self, asked: Request, survey: Survey) -> tuple[Request, Survey]:
        """Request and machine with what the files ask for.

        Where there is no driver and the files name one CUDA, it is chosen for that: the files want
        it in so many words. (Without files a missing driver means the CPU.)
        """
        asked = asked._replace(others=(*self.beside, *asked.others))
        on = survey.machine._replace(pins=(*survey.machine.pins, *self.pins))
        if self.python and on.python == self.python and on.python_from == "--python":
            on = on._replace(python_from="file")
        if self.cuda and asked.cuda == "auto" and not on.has_gpu:
            asked = asked._replace(cuda=self.cuda)
            on = on._replace(cuda=self.cuda, cuda_from="file")
        return asked, survey._replace(machine=on)

    def told(self, on: Machine) -> list[Notice]:
        """Return the notices on the files, shown beside a choice."""
        found = list(self.notices)
        if on.cuda_from == "file":
            code = "file_cuda" if self.cuda else "file_any_cuda"
            found.append(Notice(code, {"file": self.label, "cuda": on.cuda}))
        return found

    def located(
        self, wanted: Sequence[Route], subdir: str
    ) -> tuple[list[Route], list[Route], list[Notice]]:
        """Where the channels of the choice are read from: (all, those the files lack, notices)."""
        by_name: dict[str, str] = {}
        for entry in self.channels:
            by_name.setdefault(name_of(entry), entry)
        every, lacking, told = [], [], []
        for route in wanted:
            there = by_name.get(route.channel)
            if there is None:
                lacking.append(route)
                facts = {"file": self.label, "channel": route.channel}
                told.append(Notice("file_channel_added", facts))
            found = identify(there) if there and "://" in there else None
            if found is not None and found.mirror != route.mirror:
                url = str(there).rstrip("/").removesuffix(f"/{subdir}")
                route = Route(route.channel, url, found.mirror)
            every.append(route)
        return every, lacking, told

    def against(self, rule: Rule) -> Notice | None:
        """What to say where a file asks for what a rule keeps out: it is handed over as written."""
        asked = [Pin(spec, self.label) for spec in self.beside]
        pin = conflict(rule, asked, admits)
        if pin is None:
            return None
        return Notice(
            "file_against_rule",
            {
                "file": pin.source,
                "spec": pin.spec,
                "pin": rule.pin,
                "why": text(rule.why),
            },
            rule.source,
        )


def take(options: InstallOptions) -> tuple[InstallOptions, FileRequest]:
    """Read the files of `-f`, and return the options with what the files say.

    What is on the command line comes first: `-n` and `-p`, channels, `--python`, `--cuda`.

    Raises: what `environment_file.read` raises, NoTorchInFile, FileElsewhere, FileOtherChannel,
    FilesDisagree.
    """
    files = tuple(environment_file.read(path) for path in dict.fromkeys(options.files))
    sorter = _Sorter(options)
    for file in files:
        for spec in file.specs:
            sorter.add(file, spec)
    given = sorter.given(files)
    check_torch(files, [*given.family, *options.specs])
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
    # Conda too has to know which environment and channels are meant.
    reload(
        name=name,
        prefix=prefix,
        specs=list(options.specs),
        channel=list(channels) or None,
        override_channels=override,
    )
    return options, given


class _Sorter:
    """Sorts the specs of files by what becomes of them, and notes what they ask for."""

    def __init__(self, options: InstallOptions) -> None:
        self.options = options
        self.sources = channels_of_sources(options)
        self.cuda = options.cuda.strip().lower()
        self.family: list[str] = []
        self.beside: list[str] = []
        self.pythons: list[Pin] = []
        self.toolkits: list[Pin] = []
        self.narrowed: list[Pin] = []
        self.cudas: set[str] = set()
        self.metapackages: list[tuple[EnvironmentFile, str]] = []
        sources = allowed(options.source)
        #: Metapackages of a source that is chosen from: they mean its pytorch.
        self.chosen_as_torch = {name for one in sources for name in one.facts.metapackages}
        self.left: list[Notice] = []

    def add(self, file: EnvironmentFile, spec: str) -> None:
        """Take one spec in. Raises: FileOtherChannel."""
        found = read(spec)
        name = found.name
        if name in self.chosen_as_torch:
            self._check_channel(file, spec, found.channel)
            self.family.append(found.plain)
        elif name in METAPACKAGES:
            self.metapackages.append((file, spec))
        elif option := self._overruled(found):
            facts = {"file": short(file), "spec": safe(spec), "option": option}
            self.left.append(Notice("file_left_out", facts))
        elif name == CPU_ONLY:
            self.family.append(CPU_ONLY)
        elif name in (*FAMILY, RUNTIME):
            self._check_channel(file, spec, found.channel)
            self.family.append(found.plain)
            self._ask(found.plain)
            self._narrow(narrowing(spec, found, short(file)))
            if says_cpu(found):
                self.family.append(CPU_ONLY)
        else:
            self.beside.append(spec)
            if says_cpu(found):
                self.family.append(CPU_ONLY)
            pin = Pin(found.plain, short(file))
            if name == "python":
                self.pythons.append(pin)
            elif name == TOOLKIT:
                self.toolkits.append(pin)
                self._ask(pin.spec)
            else:
                self._narrow(narrowing(spec, found, short(file)))

    def _check_channel(self, file: EnvironmentFile, spec: str, channel: str | None) -> None:
        """A spec of the family must be of a source's channel, wherever that is read from.

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
                ways=ways,
            )

    def _overruled(self, spec: Spec) -> str | None:
        """The option of the command line that takes the place of a spec."""
        name = spec.name
        if name == "python" and self.options.python:
            return f"--python {self.options.python}"
        if name in (RUNTIME, TOOLKIT) and self.cuda == "cpu":
            return "--cuda cpu"
        if name in (CPU_ONLY, MUTEX) and says_cpu(spec) and self.cuda not in ("auto", "cpu"):
            return f"--cuda {self.cuda}"
        return None

    def _ask(self, spec: str) -> None:
        if package_name(spec) in (RUNTIME, TOOLKIT) and (minor := _minor(spec)):
            self.cudas.add(minor)

    def _narrow(self, pins: Iterable[Pin]) -> None:
        """Keep what a spec or a channel says of CUDA and release without being chosen here."""
        for pin in pins:
            self.narrowed.append(pin)
            if package_name(pin.spec) in CUDA_NAMES and (minor := _minor(pin.spec)):
                self.cudas.add(minor)

    @property
    def _names_cuda(self) -> bool:
        return any(package_name(pin.spec) in CUDA_NAMES for pin in self.narrowed)

    def given(self, files: tuple[EnvironmentFile, ...]) -> FileRequest:
        """All that was taken in. Raises: FileElsewhere."""
        family, beside = tuple(dict.fromkeys(self.family)), tuple(dict.fromkeys(self.beside))
        alone = not any(package_name(spec) == RUNTIME for spec in family)
        if alone:
            self.narrowed += [pin for found in self.toolkits for pin in _of_any_runtime(found)]
            bare = (TOOLKIT,) if any(pin.spec == TOOLKIT for pin in self.toolkits) else ()
            family = (*family, *bare)
        for file in files:
            for channel in file.channels if CPU_ONLY not in family else ():
                self._narrow(of_label(channel, channel, short(file)))
        runtimes = [spec for spec in family if package_name(spec) == RUNTIME]
        for file, spec in self.metapackages:
            # Beside pytorch-cuda, which conda-forge has not, it says that a CUDA build is wanted.
            if not runtimes or package_name(spec) != GPU_METAPACKAGE:
                name = package_name(spec)
                raise FileElsewhere(
                    file=short(file),
                    spec=safe(spec),
                    path=safe(file.path),
                    source=next(s.name for s in SOURCES if name in s.facts.metapackages),
                )
            facts = {"file": short(file), "spec": safe(spec)}
            self.left.append(Notice("file_metapackage_out", facts))
        self.narrowed = beside_runtime(self.narrowed, runtimes)
        named = {minor for spec in runtimes if (minor := _minor(spec))}
        cudas = named or self.cudas
        on_cpu = CPU_ONLY in family
        fitting = _admitted(self.pythons) if self.pythons else []
        return FileRequest(
            files=files,
            family=family,
            beside=beside,
            pins=tuple(dict.fromkeys((*self.pythons, *self.narrowed))),
            cuda=min(cudas) if len(cudas) == 1 and not on_cpu else None,
            any_cuda=not on_cpu and (bool(self.toolkits or runtimes) or self._names_cuda),
            python=fitting[0] if len(fitting) == 1 else None,
            channels=_channels(files),
            notices=(*self._about(files, family, len(beside)), *self.left),
        )

    def _about(
        self, files: Sequence[EnvironmentFile], family: Sequence[str], others: int
    ) -> list[Notice]:
        label = ", ".join(map(short, files))
        specs = ", ".join(f"`{safe(spec)}`" for spec in family)
        facts = {"file": label, "specs": specs, "count": others}
        told = [Notice("file_narrowed", facts)] if family else []
        # None of these installs anything, so nothing comes after it.
        kept = self.options.action in ("save", "urls", "download")
        for file in files:
            if file.remark:
                told.append(Notice("file_remark", {"file": short(file), "remark": file.remark}))
            for name, lines in file.sections.items():
                section = {"file": short(file), "section": name, "count": len(lines)}
                told.append(Notice("file_section_kept" if kept else "file_section_after", section))
            if over := [safe(line) for line in file.pip if package_name(line) in PIP_NAMES]:
                told.append(
                    Notice("file_pip_over", {"file": short(file), "lines": ", ".join(over)})
                )
            if file.variables and not kept:
                names = ", ".join(sorted(file.variables))
                told.append(Notice("file_variables", {"file": short(file), "names": names}))
        return told


def _tail(spec: str) -> str:
    """What follows the name."""
    return spec.strip()[len(package_name(spec)) :].strip()


def _minor(spec: str) -> str | None:
    """The major.minor that a spec fixes, if it does: of `=11.3.1=h59b6b97_2`, 11.3."""
    found = _MINOR.fullmatch(_tail(spec))
    return found[1] if found else None


def _of_any_runtime(pin: Pin) -> list[Pin]:
    """A spec on cudatoolkit as one on the CUDA of any release: those from 1.13 on have another
    runtime, and the CUDA is meant all the same where it is not named otherwise."""
    minor, tail = _minor(pin.spec), _tail(pin.spec)
    wanted = f"={minor}" if minor else tail
    return [Pin(f"{CUDA_NAMES[0]}{wanted}", pin.source, pin.spec)] if wanted else []


def _admitted(pythons: Sequence[Pin]) -> list[str]:
    """The Pythons of which some patch release passes all of these specs."""
    return [
        minor
        for minor in _PYTHONS
        if all(admits_python(pin.spec, minor, admits) for pin in pythons)
    ]


def _channels(files: Sequence[EnvironmentFile]) -> tuple[str, ...]:
    """The channels of all files. As in conda 26.7, those of a later file come before."""
    merged: list[str] = []
    for file in files:
        merged = list(dict.fromkeys((*file.channels, *merged)))
    return tuple(channel for channel in merged if channel != "nodefaults")
