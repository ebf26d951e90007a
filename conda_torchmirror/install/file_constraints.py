"""`torch-install -f`: what the files of a run ask for, and what that means at each of its stages.

Reading them is the business of `fromfile`; without files nothing of either is imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..index.match import admits
from ..mirrors import addresses
from ..mirrors.registry import Route
from ..models import Machine, Notice, Pin, Rejection, Request
from ..selection.rules import Rule, conflict
from ..text.layout import safe
from .environment_file import EnvironmentFile

if TYPE_CHECKING:
    from ..machine.survey import Survey


class FileRequest(NamedTuple):
    """The files of one run, and what their specs ask of the choice.

    `family` are the specs that the choice narrows, `beside` those that go to the solver as
    written. `pins` narrow the choice too, and go no further. `cuda` and `python` are the one
    version that the files ask for, where there is one. `channels` are theirs, in conda's order.
    """

    files: tuple[EnvironmentFile, ...]
    family: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    cuda: str | None = None
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
        """What is to be said of the files beside a choice."""
        found = list(self.notices)
        if on.cuda_from == "file":
            found.append(Notice("file_cuda", {"file": self.label, "cuda": on.cuda}))
        return found

    def located(
        self, wanted: Sequence[Route], subdir: str
    ) -> tuple[list[Route], list[Route], list[Notice]]:
        """Where the channels of the choice are read from: (all, those the files lack, notices)."""
        by_name: dict[str, str] = {}
        for entry in self.channels:
            by_name.setdefault(addresses.name_of(entry), entry)
        every, lacking, told = [], [], []
        for channel in wanted:
            there = by_name.get(channel.name)
            if there is None:
                lacking.append(channel)
                facts = {"file": self.label, "channel": channel.name}
                told.append(Notice("file_channel_added", facts))
            found = addresses.identify(there) if there and "://" in there else None
            if found is not None and found.mirror != channel.mirror:
                url = str(there).rstrip("/").removesuffix(f"/{subdir}")
                channel = Route(channel.name, url, found.mirror)
            every.append(channel)
        return every, lacking, told

    def against(self, rule: Rule) -> Notice | None:
        """What to say where a file asks for what a rule keeps out: it is handed over as written."""
        asked = [Pin(spec, self.label) for spec in self.beside]
        pin = conflict(rule, asked, admits)
        if pin is None:
            return None
        return Notice(
            "file_against_rule",
            {"file": pin.source, "spec": pin.spec, "pin": rule.pin, "why": rule.why},
            rule.source,
        )

    def ways(self, request: Request, rejected: Iterable[Rejection]) -> list[Notice]:
        """Ways out where no build fits what a file says."""
        found = [Notice("file_as_it_is", {"path": safe(self.files[0].path)})]
        if request.cuda == "auto" and any(item.code == "cuda_build" for item in rejected):
            found.insert(0, Notice("name_cuda"))
        return found


def short(file: EnvironmentFile) -> str:
    """The name of a file without its folders."""
    return safe(re.split(r"[\\/]", file.path)[-1])
