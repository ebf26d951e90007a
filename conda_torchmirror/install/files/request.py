"""What environment files ask of a choice, and what is said of them beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...exceptions.file import FileMirrorNoChannel
from ...index.match import admits
from ...machine.survey import Survey
from ...mirrors.addresses import identify, name_of
from ...mirrors.registry import Route
from ...models import Machine, Notice, Pin, Request
from ...options import ALONE, InstallOptions
from ...selection.plan import offered
from ...selection.rules import Rule, conflict
from ...text.messages import text
from ...text.sanitize import safe
from . import by_conda
from .environment_file import EnvironmentFile, short


class FileRequest(NamedTuple):
    """The files of one run, and what their specs mean for the choice.

    `family` are the specs that the choice narrows, `beside` those that go to the solver as
    written. `pins` only restrict the choice. `cuda` and `python` are the version that the files ask
    for, if there is exactly one; `any_cuda` says that they name a package that brings CUDA.
    `channels` are those of the files, in conda's order. `written` are the lines of the family that
    say the same in other words.
    """

    files: tuple[EnvironmentFile, ...]
    family: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    cuda: str | None = None
    any_cuda: bool = False
    python: str | None = None
    channels: tuple[str, ...] = ()
    written: Mapping[str, str] = {}
    notices: tuple[Notice, ...] = ()

    @property
    def label(self) -> str:
        """The files as messages name them."""
        return ", ".join(map(short, self.files))

    def as_they_are(self, asked: InstallOptions | None) -> tuple[Notice, ...]:
        """The step to leave the files to conda; `asked` are the options that were typed."""
        return by_conda.step(self.files, asked)

    @property
    def documents(self) -> tuple[dict[str, Any], ...]:
        """The content of each file as plain JSON values; of variables only the names."""
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
        """Return request and machine with the files' specs and pins.

        If there is no driver and the files name one CUDA version, choose for that, because they ask
        for it explicitly. (Without files a missing driver means the CPU.)
        """
        others = tuple(dict.fromkeys((*self.beside, *asked.others)))
        asked = asked._replace(others=others, files=True)
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

    def without_own(self, channels: Iterable[str]) -> tuple[str, ...]:
        """Those of the words for channels that stand on the command line beside the files."""
        found = tuple(word for word in channels if word not in self.channels)
        return () if found == (ALONE,) else found  # for `nodefaults` in a file

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

    def check_channels(self, mirrors: Mapping[str, str | None], asked: InstallOptions) -> None:
        """Refuse the name of a mirror among the channels. `mirrors` are those that words name, by
        word; `asked` are the options that were typed. Raises: FileMirrorNoChannel."""
        for file in self.files:
            for word in file.channels:
                if (mirror := mirrors.get(word)) is None:
                    continue
                facts = {"file": short(file), "word": safe(word)}
                command = offered(asked._replace(mirrors=asked.mirrors or (mirror,)))
                step = Notice("file_leave_mirror", {**facts, "command": command})
                raise FileMirrorNoChannel(**facts, mirror=mirror, ways=(step,))

    def against(self, rule: Rule) -> Notice | None:
        """The notice on a spec that contradicts a rule, or None; it goes to conda as written."""
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
