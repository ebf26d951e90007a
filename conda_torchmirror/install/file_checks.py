"""What files must have so that something can be chosen for them: torch, from a source's channel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from conda.base.context import context

from ..exceptions.file import FileOtherChannel, NoTorchInFile
from ..index.match import admits
from ..index.sources import allowed
from ..mirrors.addresses import name_of
from ..models import InstallOptions, Machine, Notice, Request
from ..selection.elsewhere import of_channel, others_of_pytorch
from ..selection.facts.names import CPU_ONLY, FAMILY, PIP_NAMES
from ..selection.specs import package_name
from ..text.messages import text
from ..text.sanitize import safe
from .environment_file import EnvironmentFile, short

if TYPE_CHECKING:
    from .file_request import FileRequest


def check_source(
    files: Sequence[EnvironmentFile], given: FileRequest, options: InstallOptions
) -> None:
    """A file of long-term or nightly builds is not answered with stable ones.

    Raises: FileOtherChannel.
    """
    channels = [name_of(channel) for channel in (*options.channels, *given.channels)]
    other = next((name for name in channels if name in others_of_pytorch()), None)
    if other is None or not given.family or channels_of_sources(options).intersection(channels):
        return
    on = Machine(context.subdir, cuda=given.cuda or "99", pins=given.pins)  # any driver will do
    asked = Request({}, cuda="cpu" if CPU_ONLY in given.family else "auto")
    raise FileOtherChannel(
        file=given.label,
        spec=safe(given.family[0]),
        channel=other,
        path=safe(files[0].path),
        ways=of_channel(other, on, asked, admits),
    )


def channels_of_sources(options: InstallOptions) -> frozenset[str]:
    """The channels that builds may be chosen from."""
    return frozenset(source.channel for source in allowed(options.source))


def check_torch(files: Sequence[EnvironmentFile], words: Iterable[str]) -> None:
    """Files, or the words beside them, must name a package of the family.

    Raises: NoTorchInFile.
    """
    if any(package_name(word) in (*FAMILY, "torch") for word in words):
        return
    pip = [safe(line) for file in files for line in file.pip if package_name(line) in PIP_NAMES]
    code = "file_torch_by_pip" if pip else "file_no_torch"
    path = {"path": safe(files[0].path)}
    # Named beside a pip section that has it, torch would be there twice.
    first = Notice("file_torch_to_conda") if pip else Notice("file_name_torch", path)
    raise NoTorchInFile(
        file=", ".join(map(short, files)),
        path=path["path"],
        detail=text(code, {"lines": ", ".join(pip)}),
        ways=(first, Notice("file_as_it_is", path)),
    )
