"""The runs of a decision as plain words: conda's for Python and pip, then pip's for the wheels."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Literal

from conda.base.context import context

from ...handover import wheel_cache
from ...handover.installers import pip
from ...index.sources import SOURCES
from ...machine.environment import python_path
from ...machine.python.pip_config import PipConfig
from ...machine.survey import native_subdir
from ...mirrors.addresses import name_of
from ...mirrors.registry import Route
from ...mirrors.urls import host_of
from ...models import CondaStep, Notice, PipStep
from ...selection.pip.plan import WheelFile
from ...selection.plan import typed
from ...selection.wheels.link import Link
from ...text.sanitize import safe
from ...transport.wheels.routes import NO_INDEX, OWN

#: Where a new environment's Python comes from where the user has no channel for it.
BASE = SOURCES[0].base_channel
#: Channels that have no Python.
_WITHOUT = SOURCES[0].without_python

#: What of pip's configuration changes nothing that a run of ours does.
_HARMLESS = frozenset(
    (
        *("progress-bar", "verbose", "quiet", "log", "cache-dir", "no-cache-dir"),
        *("no-python-version", "exists-action", "root-user-action", "no-warn-script-location"),
        *("require-virtualenv", "break-system-packages", "no-build-isolation"),
        *("keyring-provider", "use-feature", "format"),
    )
)


def carried(config: PipConfig) -> tuple[tuple[str, ...], tuple[Notice, ...]]:
    """What of pip's own configuration holds for a run of ours, as options, and what to say of all
    of it. Conda's certificates and proxy hold where pip has none of its own."""
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
    if (own := config.options.get("index-url")) is not None:
        facts = {"index": safe(own), "source": config.sources["index-url"]}
        notices.append(Notice("pip_config_index", facts))
    left = sorted({*config.options} - {*pip.CARRIED, "index-url"} - _HARMLESS)
    if left:
        places = dict.fromkeys(config.sources[name] for name in left)
        facts = {"options": ", ".join(left), "sources": ", ".join(places)}
        notices.append(Notice("pip_config_left", facts))
    if config.unreadable:
        notices.append(Notice("pip_config_unreadable", {"files": ", ".join(config.unreadable)}))
    return tuple(found), tuple(notices)


def pip_step(
    prefix: str,
    files: Sequence[WheelFile],
    others: Sequence[str],
    index: Route,
    options: Sequence[str],
    beside: Sequence[WheelFile] = (),
) -> PipStep:
    """One run of pip for these files, wherever their links lead. `beside` are further files that
    its page of links has."""
    options = (*options, *trusted(index))
    # A preview without a network shows what an installation with one runs.
    if index == NO_INDEX and all(file.link.url.startswith("file:") for file in files):
        options = (*options, "--no-index")
    family = tuple(file.project for file in files)
    specs = tuple(pip.requirement(file.project, file.version, file.link) for file in files)
    command = pip.command(
        prefix,
        (*specs, *others),
        family=family,
        index=index.url,
        links=page_path([file.link for file in (*files, *beside)]),
        options=options,
    )
    by_hand = [
        *(python_path(prefix), "-I", "-m", "pip", "install"),
        *(("--index-url", index.url) if index.url else ()),
        *options,
        *(f"{file.project} @ {file.link.with_hash}" for file in files),
        *others,
    ]
    return PipStep(
        specs=(*specs, *others),
        files=tuple((file.link.url, file.link.sha256 or "") for file in files),
        index_url=index.url,
        options=options,
        command=typed(command),
        by_hand=typed(by_hand),
    )


def trusted(index: Route) -> tuple[str, ...]:
    """What tells pip of `--insecure`, or of a registry's index without TLS, which is there only
    where the user takes that (`torchmirror_http`)."""
    plain = index.url.startswith("http://") and index.mirror != OWN
    if not index.url or not (plain or context.ssl_verify is False):
        return ()
    return ("--trusted-host", host_of(index.url))


def page_path(links: Sequence[Link]) -> str:
    """Where the page of links for these files is written, which nothing does yet."""
    digest = hashlib.sha256("\n".join(link.with_hash for link in links).encode()).hexdigest()
    folders = wheel_cache.folders()
    writable = (one for one in folders if os.access(os.path.dirname(one), os.W_OK))
    return os.path.join(next(writable, folders[0]), f"links-{digest[:12]}.html")


def basis(python: str) -> tuple[str, str]:
    """What pip needs to be there: a Python, and a pip that knows today's wheels."""
    return f"python={python}", f"pip>={'.'.join(map(str, pip.OLDEST))}"


def conda_step(
    verb: Literal["install", "create"],
    target: Sequence[str],
    specs: Sequence[str],
    pins: Sequence[str],
    subdir: str,
) -> CondaStep:
    """What conda does first, with the user's own channels where they have a Python."""
    configured = [name_of(channel) for channel in context.channels]
    passed = () if set(configured) - _WITHOUT else (BASE,)
    words = ["conda", verb, *target]
    if verb == "create" and subdir != native_subdir():
        words += ["--platform", subdir]
    for channel in passed:
        words += ["-c", channel]
    command = typed([*words, *specs])
    variables = {"CONDA_PINNED_PACKAGES": "&".join(pins)} if pins else {}
    return CondaStep(verb, tuple(specs), tuple(pins), variables, command, command, passed)
