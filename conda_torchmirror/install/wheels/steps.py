"""The command lines of a decision: conda's for Python and pip, then pip's for the wheels."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from conda.base.context import context

from ...handover import wheel_cache
from ...handover.installers import pip, uv
from ...index.sources import SOURCES
from ...machine.environment import option_of, python_path
from ...machine.python.pip_config import PipConfig
from ...machine.survey import native_subdir
from ...mirrors.addresses import name_of
from ...mirrors.registry import Route
from ...mirrors.urls import host_of
from ...models import CondaStep, Notice, PipStep
from ...redirect import settings
from ...selection.pip.plan import WheelDecision, WheelFile
from ...selection.plan import typed
from ...selection.specs import number
from ...selection.wheels.link import Link
from ...text.sanitize import safe
from ...transport.wheels.routes import NO_INDEX, OWN
from ..task import words_for_conda

if TYPE_CHECKING:
    from .task import WheelTask

#: The channel for a new environment's Python, if the user has none with Python.
BASE = SOURCES[0].base_channel
#: Channels that have no Python.
_WITHOUT = SOURCES[0].without_python

#: The environment of a run that names none.
NOWHERE = os.path.join(os.curdir, "NEW")

#: Options of pip's configuration that make no difference to our runs.
_HARMLESS = frozenset(
    (
        *("progress-bar", "verbose", "quiet", "log", "cache-dir", "no-cache-dir"),
        *("no-python-version", "exists-action", "root-user-action", "no-warn-script-location"),
        *("require-virtualenv", "break-system-packages", "no-build-isolation"),
        *("keyring-provider", "use-feature", "format"),
    )
)


def carried(config: PipConfig, index: Route) -> tuple[tuple[str, ...], tuple[Notice, ...]]:
    """The options to carry over from pip's configuration, and notices on all of that. Conda's
    certificates and proxy are used if pip has none of its own. `index` is the one for everything
    that is not among the files."""
    found: list[str] = []
    names: list[str] = []
    for name in pip.CARRIED:
        if value := config.options.get(name):
            names.append(name)
            for word in value.split() if name == "trusted-host" else [value]:
                found += [f"--{name}", word]
    proxies = context.proxy_servers or {}
    if "proxy" not in names and (proxy := proxies.get("https") or proxies.get("http")):
        found += ["--proxy", str(proxy)]
    own = context.ssl_verify
    if "cert" not in names and isinstance(own, str) and os.path.isfile(own):
        found += ["--cert", own]
    notices: list[Notice] = []
    if names:
        notices.append(Notice("pip_config_carried", {"options": ", ".join(names)}))
    mine = index.mirror == OWN
    if mine and (own := config.options.get("index-url")) is not None:
        facts = {"index": safe(own), "source": config.sources["index-url"]}
        notices.append(Notice("pip_config_index", facts))
    heeded = {*pip.CARRIED, *(("index-url",) if mine or index == NO_INDEX else ())}
    left = sorted({*config.options} - heeded - _HARMLESS)
    if left:
        places = dict.fromkeys(config.sources[name] for name in left)
        facts = {"options": ", ".join(left), "sources": ", ".join(places)}
        notices.append(Notice("pip_config_left", facts))
    if config.unreadable:
        notices.append(Notice("pip_config_unreadable", {"files": ", ".join(config.unreadable)}))
    return tuple(found), tuple(notices)


class PipOrder(NamedTuple):
    """What pip, or uv at the path `uv`, is to install: files, other requirements, options.

    `beside` are the files of all other packages that are needed; None if they are not known, so
    that an index is needed.
    """

    files: tuple[WheelFile, ...]
    others: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    beside: tuple[WheelFile, ...] | None = None
    uv: str | None = None

    @property
    def every(self) -> tuple[WheelFile, ...]:
        """All files."""
        return (*self.files, *(self.beside or ()))


def words(order: PipOrder, prefix: str, index: Route) -> list[str]:
    """The command line of one run on files of this disk; with `NO_INDEX`, on nothing else.

    If pip chooses the other packages, what conda owns bounds them.
    """
    make = pip.command if order.uv is None else partial(uv.command, order.uv)
    return make(
        prefix,
        (*(pip.requirement(f.project, f.version, f.link) for f in order.files), *order.others),
        family=[file.project for file in order.files],
        index=index.url,
        links=page_path([file.link for file in order.every]),
        options=(*options(order, index), *_bound(order, prefix, index)),
    )


def _bound(order: PipOrder, prefix: str, index: Route) -> tuple[str, ...]:
    alone = order.beside is not None and index == NO_INDEX
    return () if alone else ("--constraint", owned_path(prefix))


def options(order: PipOrder, index: Route) -> tuple[str, ...]:
    """The options of one run."""
    alone = ("--no-index",) if index == NO_INDEX else ()
    return (*order.options, *trusted(index), *alone)


def pip_step(prefix: str | None, order: PipOrder, index: Route, subdir: str) -> PipStep:
    """The step to run once the files are downloaded, and the same by hand, which is all that can be
    said for another platform. `index` is for everything that is not among the files."""
    here, prefix = subdir == native_subdir(), prefix or NOWHERE
    cached = order._replace(
        files=tuple(map(_expected, order.files)), beside=tuple(map(_expected, order.beside or ()))
    )
    # An offline preview shows the command of an installation that is online.
    away = index == NO_INDEX and any(not f.link.url.startswith("file:") for f in order.files)
    first = NO_INDEX if order.beside is not None and not away else index
    command = words(cached, prefix, first)
    if away:
        command.remove("--no-index")
    addresses = [f"{file.project} @ {file.link.with_hash}" for file in order.files]
    # Paths and proxies are this machine's.
    carried = (*(order.options if here else ()), *trusted(index))
    python = python_path(prefix) if here else "python"
    if index == NO_INDEX and not away:
        carried = (*carried, "--no-index")
    if order.uv is None:
        by_hand = [
            *(python, "-I", "-m", "pip", "install"),
            *(("--index-url", index.url) if index.url else ()),
            *carried,
            *addresses,
            *order.others,
        ]
    else:
        asked = (*addresses, *order.others)
        by_hand = uv.by_hand(order.uv if here else "uv", python, asked, index.url, carried)
    specs = (pip.requirement(file.project, file.version, file.link) for file in order.files)
    return PipStep(
        specs=(*specs, *order.others),
        files=tuple((file.link.url, file.link.sha256 or "") for file in order.every),
        index_url=index.url,
        options=order.options,
        command=typed(command if here else by_hand),
        by_hand=typed(by_hand),
        tool="pip" if order.uv is None else "uv",
    )


def with_rest(decision: WheelDecision, beside: tuple[WheelFile, ...] | None) -> WheelDecision:
    """Add the files of the other packages that the set needs, which changes the command."""
    order = PipOrder(decision.files, decision.others, decision.pip.options, beside, uv=decision.uv)
    step = pip_step(decision.prefix, order, decision.rest, decision.machine.subdir)
    return decision._replace(beside=beside, pip=step)


def _expected(file: WheelFile) -> WheelFile:
    """The file with the URL of the path where it is on this disk, or will be."""
    if file.link.url.startswith("file:"):
        return file
    path = file.cached or wheel_cache.place(file.link)
    return file._replace(link=wheel_cache.file_link(file.link, path))


def installer(prefix: str | None) -> tuple[str | None, tuple[Notice, ...]]:
    """The path of uv if the settings ask for it and it is found, else None for pip; and notices."""
    if settings.read().installer.strip().lower() != "uv":
        return None, ()
    found = uv.find(prefix)
    return found, () if found else (Notice("uv_not_found"),)


def trusted(index: Route) -> tuple[str, ...]:
    """The option for an index without verified TLS: under conda's `--insecure`, or for an http
    index of the registry, which is only used if the user allows that (`torchmirror_http`)."""
    plain = index.url.startswith("http://") and index.mirror != OWN
    if not index.url or not (plain or context.ssl_verify is False):
        return ()
    return ("--trusted-host", host_of(index.url))


def page_path(links: Sequence[Link]) -> str:
    """The path to write the page of links for these files to. Independent of where the files are
    now, so that a preview names the same page as the installation."""
    # For a file without a hash, the last two segments of its URL identify it.
    said = "\n".join(f"{li.filename} {li.sha256 or li.url.split('/')[-2:]}" for li in links)
    digest = hashlib.sha256(said.encode()).hexdigest()
    return os.path.join(wheel_cache.expected(), f"links-{digest[:12]}.html")


def owned_path(prefix: str) -> str:
    """The path to write the file of constraints to, with the packages of an environment that conda
    owns. Independent of which they are, so that a preview names the same file."""
    digest = hashlib.sha256(prefix.encode("utf-8", "replace")).hexdigest()
    return os.path.join(wheel_cache.expected(), f"conda-{digest[:12]}.txt")


def basis(python: str) -> tuple[str, str]:
    """The conda specs that a run of pip needs: a Python, and a recent enough pip."""
    return f"python={python}", f"pip>={'.'.join(map(str, pip.OLDEST))}"


def has_pip(task: WheelTask) -> bool:
    """Whether the environment has a pip that is recent enough for the wheels."""
    return task.pip is not None and number(task.pip)[:2] >= pip.OLDEST


def conda_first(task: WheelTask, python: str, pins: Sequence[str]) -> CondaStep | None:
    """Conda's part, which comes first: a new environment with the set's Python, under `pins`, or a
    Python or newer pip for an existing one; None if nothing is needed."""
    on, target = task.machine, task.target
    specs: tuple[str, ...] = basis(task.request.python or python)
    if not target.exists:
        if on.ignores_pins:
            specs, pins = (*specs, *pins), ()
        if not target.words:
            return None
        passed = words_for_conda(task.options, "create")
        return conda_step("create", target.words, specs, pins, on.subdir, passed)
    has_python = task.python is not None
    if has_python and has_pip(task):
        return None
    where = option_of(str(target.prefix)).split() or ["-p", str(target.prefix)]
    passed = words_for_conda(task.options, "install")
    if has_python:
        return conda_step("install", where, specs[1:], (), on.subdir, passed)
    if on.ignores_pins:
        specs, pins = (*specs, *pins), ()
    return conda_step("install", where, specs, pins, on.subdir, passed)


def conda_step(
    verb: Literal["install", "create"],
    target: Sequence[str],
    specs: Sequence[str],
    pins: Sequence[str],
    subdir: str,
    options: Sequence[str] = (),
) -> CondaStep:
    """A run of conda, with the user's own channels where they have a Python."""
    configured = [name_of(channel) for channel in context.channels]
    passed = () if set(configured) - _WITHOUT else (BASE,)
    words = ["conda", verb, *target]
    if verb == "create" and subdir != native_subdir():
        words += ["--platform", subdir]
    for channel in passed:
        words += ["-c", channel]
    command = typed([*words, *options, *specs])
    variables = {"CONDA_PINNED_PACKAGES": "&".join(pins)} if pins else {}
    return CondaStep(verb, tuple(specs), tuple(pins), variables, command, command, passed)
