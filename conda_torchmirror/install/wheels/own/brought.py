"""The user's own wheels: files on the command line, or those of a folder (`--wheel-dir`)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from conda.base.context import context

from ....exceptions.usage import BadWheelFile
from ....handover import wheel_cache
from ....handover.package_cache import url_of
from ....index.wheels import pages
from ....models import Machine, Notice, Request
from ....options import InstallOptions, is_wheel_file
from ....selection.wheels.link import Link, project_of, triple_of
from ....selection.wheels.name import Refused, Wheel, parse
from ....selection.wheels.tables import FAMILY, TORCH
from ....selection.wheels.tags import WheelTarget
from ....text.messages import of_os_error, text
from ....text.sanitize import safe
from ....transport.wheels import metadata

#: Most files of a folder to look at.
_MOST = 2000
_LOCAL = re.compile(r"\+([A-Za-z0-9.]+)")


class Brought(NamedTuple):
    """The user's own wheels. `named` are those of files on the command line, `words` its other
    arguments; `links` are all wheels to choose from, `folder` is shown as their place.
    `passed_over` are notices on files there that are named as no wheel is, though they may be one.
    """

    folder: str
    words: tuple[str, ...]
    named: tuple[Wheel, ...]
    links: tuple[Link, ...]
    passed_over: tuple[Notice, ...] = ()

    def applied(self, request: Request) -> Request:
        """Narrow the request of `words` to the files: require exactly the named ones, or, if
        nothing of the family is named, every project of the family that the folder has."""
        # `wishes` are set exactly if no argument names a project of the family.
        specs = {} if request.wishes else dict(request.specs)
        ours = [wheel for wheel in self.named if wheel.project in FAMILY]
        for wheel in ours:
            exact = f"{wheel.project}==={wheel.full_version}"
            if wheel.local is None or pages.VARIANT.fullmatch(wheel.local):
                exact = f"{wheel.project}=={wheel.full_version}"
            specs[wheel.project] = (*specs.get(wheel.project, ()), exact)
        if not specs:
            there = {link.project for link in self.links}
            specs = {name: (name,) for name in FAMILY if name in there}
        specs.setdefault(TORCH, (TORCH,))
        strangers = [wheel for wheel in self.named if wheel.project not in FAMILY]
        others = [f"{wheel.project} @ {wheel.link.url}" for wheel in strangers]
        return request._replace(
            specs={name: specs[name] for name in FAMILY if name in specs},
            others=(*request.others, *others),
            wishes=(),
        )

    def has_torch(self, subdir: str) -> bool:
        """Whether there is a torch for a platform, for whatever Python."""
        target = WheelTarget(subdir, PYTHONS)
        return any(
            link.project == TORCH and target.fit(triple_of(link.filename)) for link in self.links
        )

    def check(self, on: Machine) -> None:
        """Check that the named files are for this machine. Raises: BadWheelFile."""
        target = WheelTarget(on.subdir, [on.python] if on.python else PYTHONS, on.free_threaded)
        for wheel in self.named:
            if target.fit(wheel.triple) is None:
                facts = {"tags": wheel.triple, "subdir": on.subdir}
                code = "wheel_file_other" if on.python is None else "wheel_file_other_python"
                detail = text(code, {**facts, "python": on.python})
                raise _bad(wheel.link.filename, detail)


#: The Pythons to consider if the environment has none: those of wheels of torch 1.8 and later.
PYTHONS = tuple(f"3.{minor}" for minor in range(6, 20))


def read(options: InstallOptions) -> Brought | None:
    """Read the wheels that the command line names; None if there are none.

    Raises: BadWheelFile.
    """
    files = [word for word in options.specs if is_wheel_file(word)]
    if not files and options.wheel_dir is None:
        return None
    named = tuple(map(_named, files))
    folder = options.wheel_dir or os.path.dirname(os.path.abspath(files[0]))
    links = {wheel.link: None for wheel in named}
    odd: tuple[Notice, ...] = ()
    if options.wheel_dir is not None:
        links |= dict.fromkeys(_of_folder(options.wheel_dir))
        odd = tuple(filter(None, map(_odd, sorted(os.listdir(options.wheel_dir))[:_MOST])))
    words = tuple(word for word in options.specs if not is_wheel_file(word))
    return Brought(os.path.abspath(folder), words, named, tuple(links), odd)


def check_content(links: Sequence[Link], ways: Callable[[], Sequence[Notice]]) -> None:
    """Check that files are complete and that METADATA agrees with their names. `ways` are the steps
    to a set of files.

    Raises: BadWheelFile.
    """
    for link in links:
        path = wheel_cache.path_of(link)
        said, wheel = metadata.of_file(path), parse(link)
        if said is None:
            again = Notice("wheel_bring_again", {"file": safe(path)})
            raise _bad(link.filename, text("wheel_file_broken"), again, *ways())
        if isinstance(wheel, Wheel) and said != (
            wheel.project,
            wheel.full_version,
            said.requires,
            said.requires_python,
        ):
            facts = {"name": said.name, "version": said.version}
            raise _bad(link.filename, text("wheel_file_says", facts))


def _bad(file: str, detail: str, *ways: Notice) -> BadWheelFile:
    """The error for a file or a folder. Without it, wheels come from where there is a network."""
    out = Notice("leave_file_out_online" if context.offline else "leave_file_out")
    return BadWheelFile(file=file, detail=detail, ways=(*ways, out))


def _named(word: str) -> Wheel:
    path = os.path.abspath(os.path.expanduser(word))
    try:
        size = os.stat(path).st_size if os.path.isfile(path) else None
    except OSError as error:
        raise _bad(safe(word), of_os_error(error)) from error
    if size is None:
        raise _bad(safe(word), text("file.not_there"))
    wheel = parse(_link(path, size))
    if isinstance(wheel, Refused) or not pages.is_name(wheel.link.filename):
        odd = _odd(os.path.basename(path))
        ways = [odd] if odd and odd.code == "wheel_rename" else []
        raise _bad(safe(word), text("wheel_file_name"), *ways)
    return wheel


def _of_folder(folder: str) -> Iterator[Link]:
    """Yield the wheels of a folder. Raises: BadWheelFile, if it cannot be listed."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".whl"))[:_MOST]
    except OSError as error:
        raise _bad(safe(folder), of_os_error(error)) from error
    for name in names:
        path = os.path.join(os.path.abspath(folder), name)
        if pages.is_name(name) and os.path.isfile(path):
            yield _link(path, os.path.getsize(path))


def _odd(name: str) -> Notice | None:
    """The notice on a file of our projects that is named as no wheel is: as browsers and download
    managers save it a second time, or with the `+` of its address, or before it is complete."""
    if project_of(name) not in FAMILY or ".whl" not in name or pages.is_name(name):
        return None
    meant = re.sub(r" ?\(\d+\)(?=\.whl$)", "", unquote(name))
    if pages.is_name(meant) and isinstance(parse(Link(meant, "")), Wheel):
        return Notice("wheel_rename", {"file": safe(name), "name": meant})
    return Notice("wheel_in_part", {"file": safe(name)})


def _link(path: str, size: int) -> Link:
    """A file as a link; its variant is that in its version or in its folder's name, else ""."""
    name = os.path.basename(path)
    found = _LOCAL.search(name)
    above = os.path.basename(os.path.dirname(path))
    words = [found[1] if found else "", above]
    variant = next((word for word in words if pages.VARIANT.fullmatch(word)), "")
    return Link(name, url_of(path), variant, size=size)
