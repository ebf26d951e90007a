"""From a decision to a recipe: match specs split into fields, all channels of the run resolved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath

from conda.base.context import context
from conda.cli import main_env_create
from conda.models.channel import Channel
from conda.models.match_spec import MatchSpec

from ...handover import wheel_cache
from ...machine.survey import native_subdir
from ...mirrors.addresses import name_of
from ...mirrors.registry import Route
from ...mirrors.urls import upstream_url
from ...models import CondaStep, Decision
from ...options import OF_CONDA, InstallOptions
from ...selection.pip.plan import WheelDecision, WheelFile
from ...text.reasons import shown
from ...text.sanitize import public_url, safe
from ...text.tools.recipe import PackageSpec, PinnedWheel, Recipe
from ...transport import routes
from ..task import Target, words_for_conda
from ..wheels import steps

#: The name of an environment if none was given, or one that not every tool accepts.
NAME = "torch"
_DEFAULTS = "defaults"
#: The options of conda's that mamba 2 has too.
_OF_MAMBA = frozenset(
    (
        *("--strict-channel-priority", "--no-channel-priority", "--no-pin", "--no-deps"),
        *("--only-deps", "--freeze-installed", "--force-reinstall"),
    )
)


def of_channels(
    decision: Decision, options: InstallOptions, target: Target, *, flexible: bool
) -> Recipe:
    """The recipe of a choice among conda builds. `flexible` is that of the choice's source."""
    step, choice, on = decision.plan.conda, decision.choice, decision.machine
    variables = step.environment
    found = _common(options, target, step)
    specs = tuple(map(spec, step.specs))
    channels, hidden = _channels(step, options, on.subdir, decision.plan.channels)
    python = [] if any(one.name == "python" for one in specs) else [spec(f"python={choice.python}")]
    return found._replace(
        head=_head(choice.torch.version, choice.cuda, choice.python, on.subdir),
        subdir=on.subdir,
        python=choice.python,
        cuda=on.cuda if choice.cuda else None,
        cuda_named="CONDA_OVERRIDE_CUDA" in variables,
        channels=channels,
        hidden=hidden,
        mirrored=_mirrored(channels),
        flexible=flexible,
        relaxed="CONDA_CHANNEL_PRIORITY" in variables,
        specs=specs,
        fresh=(*python, *specs),
        removed=decision.plan.departure.hidden,
        unneeded=decision.plan.departure.unneeded,
    )


def of_wheels(decision: WheelDecision, options: InstallOptions, target: Target) -> Recipe:
    """The recipe of a choice among wheels; for a new environment if none was named."""
    chosen, on, step = decision.chosen, decision.machine, decision.conda
    found = _common(options, target, step)
    fresh = step or steps.conda_step("create", (), steps.basis(chosen.python), (), on.subdir)
    channels, hidden = _channels(fresh, options, on.subdir, ())
    read = (*(file.link.url for file in decision.files), decision.rest.url)
    behind = (public_url(url).rpartition("/")[0] for url in read if public_url(url) != url)
    return found._replace(
        head=_head(chosen.torch.full_version, chosen.cuda, chosen.python, on.subdir),
        subdir=on.subdir,
        python=chosen.python,
        create=not target.exists,
        channels=channels,
        hidden=tuple(dict.fromkeys((*hidden, *behind))),
        mirrored=_mirrored(channels),
        cuda=on.cuda if chosen.cuda else None,
        specs=tuple(map(spec, step.specs)) if step else (),
        fresh=tuple(map(spec, steps.basis(chosen.python))),
        wheels=pinned(decision.files),
        others=tuple(map(safe, decision.others)),
        index_url=public_url(decision.rest.url),
    )


def pinned(files: Iterable[WheelFile]) -> tuple[PinnedWheel, ...]:
    """Wheels by address and hash; those on this disk by the address that they came from."""
    links = ((file.project, wheel_cache.with_address(file.link)) for file in files)
    return tuple(PinnedWheel(name, public_url(link.with_hash)) for name, link in links)


def _common(options: InstallOptions, target: Target, step: CondaStep | None) -> Recipe:
    name = options.name or PurePath(options.prefix or "").name
    known = re.fullmatch(r"[A-Za-z][\w.-]*", name or "", re.ASCII)
    native = native_subdir()
    passed = words_for_conda(options, step.verb) if step and options.tool in OF_CONDA else ()
    if options.tool != "conda":
        passed = tuple(word for word in passed if word in _OF_MAMBA)
    return Recipe(
        head="",
        subdir="",
        python="",
        name=name if known else NAME,
        unnamed="" if known else safe(name),
        target=target.words,
        options=passed,
        create=step is not None and step.verb == "create",
        platform=context.subdir if context.subdir != native else None,
        pins=tuple(map(spec, step.pins)) if step else (),
        # Only a conda whose `env create` is not yet an alias of `create` understands `nodefaults`.
        nodefaults=hasattr(main_env_create, "execute"),
    )


def _head(torch: str, cuda: str | None, python: str, subdir: str) -> str:
    target = shown("on_cuda", cuda=cuda) if cuda else shown("on_cpu")
    return shown("headline", torch=torch, target=target, python=python, subdir=subdir)


def spec(word: str) -> PackageSpec:
    """A match spec, split into its fields."""
    found = MatchSpec(word)
    fields: dict[str, str] = {}
    for field in MatchSpec.FIELD_NAMES:
        value = found.get_raw_value(field)
        if field != "name" and value is not None:
            fields[field] = safe(str(getattr(value, "canonical_name", value)))
    return PackageSpec(safe(word), found.name, fields)


def _channels(
    step: CondaStep, options: InstallOptions, subdir: str, ours: Iterable[Route]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every channel of a step in order, official ones by name and others by URL; and those of them
    that this conda reads with a token or a password."""
    there = {route.channel: route.url for route in ours}
    chains = routes.chains(options._replace(mirrors=()), subdir, step.passed) if not there else {}
    others = routes.others(options, subdir, there)
    for name, chain in {**others.chains, **chains}.items():
        there.setdefault(name, chain[0].url)
    words = list(step.passed)
    if not (step.alone or options.override_channels):
        words += context.channels
    urls = {url: str(word) for word in words for url in _urls(str(word), there)}
    hidden = dict.fromkeys(_shown(url) for url, word in urls.items() if _is_secret(word, url))
    return tuple(dict.fromkeys(map(_shown, urls))), tuple(hidden)


def _is_secret(word: str, url: str) -> bool:
    """Whether a channel is read with credentials, which must not be printed."""
    channel = Channel(word)
    return bool(channel.auth or channel.token) or safe(url) != url


def _mirrored(channels: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of official URL and mirror's URL, for each channel that is read from a mirror."""
    found = ((upstream_url(name_of(url)), url) for url in channels if "://" in url)
    return tuple((there, url) for there, url in found if "://" not in name_of(url) and there != url)


def _urls(word: str, there: Mapping[str, str]) -> Iterator[str]:
    if word == _DEFAULTS:
        for part in context.default_channels:
            yield there.get(part.name, part.base_url)
        return
    name = name_of(word)
    yield there.get(name) or Channel(word).base_url or word


def _shown(url: str) -> str:
    url = public_url(url.rstrip("/"))
    name = name_of(url)
    return name if url == upstream_url(name) and "pkgs/" not in name else url
