"""The automatic redirect of conda's own commands: what is redirected, and why something is not.

Runs before every command in `commands.REDIRECTED`, so it does as little as it can: first the
channels that the command names (`mentions`), then, if a mirror may have one of them, the settings,
the user's own configuration and the registry. Nothing but KeyboardInterrupt leaves it; whatever
goes wrong is one line on standard error, and conda goes on without mirrors.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from . import channels, lookup
from .commands import INSTALLED, READS, REDIRECTED

if TYPE_CHECKING:
    from .mentions import Mentions
    from .models import Located
    from .settings import Settings

DEFAULTS = "defaults"
#: Channel names that a line on standard error holds at most.
NAMED = 6


class Verdict(NamedTuple):
    """Where a channel is read from, and why.

    `code` is "mirrored" (and then `url` and `mirror` are set), or says why the channel is left
    alone: "configured", "default_channels", "channel_alias", "credentials", "not_allowed",
    "not_carried", "elsewhere" (`mirror` is one that has it and is not preferred), "unfit_url".
    """

    name: str
    code: str
    mirror: str | None = None
    url: str | None = None


class World(NamedTuple):
    """What the verdicts depend on: the settings, the registry as written, the preference with
    URLs made into entries of `written`, the platform, and the user's own configuration."""

    settings: Settings
    written: Mapping[str, Mapping[str, Any]]
    preference: tuple[str, ...]
    subdir: str
    own: frozenset[str]
    own_defaults: bool
    own_alias: bool
    credentials: frozenset[str]
    allowed: tuple[str, ...]
    denied: tuple[str, ...]


def before(command: str) -> None:
    """What the pre-command hook does. Raises nothing but KeyboardInterrupt."""
    if channels.busy():
        return
    try:
        channels.undo()
        if command in REDIRECTED:
            _redirect(REDIRECTED[command])
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a SystemExit here would end `conda info` without a word
        _warn(error)


def after() -> None:
    """What the post-command hook does: conda is as it was before."""
    if channels.busy():
        return
    try:
        channels.undo()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        _warn(error)


def _redirect(flags: int) -> None:
    from argparse import Namespace

    from conda.base.context import context

    from .mentions import mentioned

    arguments = context._argparse_args
    found = mentioned(
        arguments,
        _configured_channels(context),
        prefix=context.target_prefix if flags & INSTALLED else None,
        specs=_configured_specs(context) if flags & READS else (),
    )
    names = candidates(found)
    if not names:
        return
    from . import settings

    chosen = settings.read()
    if not chosen.auto:
        return
    around = world(chosen)
    verdicts = decide(names, around, found)
    begun = redirects(verdicts, around, found)
    channels.apply(begun, Namespace(**arguments))
    if flags & READS and not context.json and not context.quiet:
        _tell(verdicts, found, around)


def _configured_channels(context: Any) -> tuple[str, ...]:
    """The channels of the configuration; without one, what this conda goes by then.

    As the property `context.channels` has it, which checks the whole configuration (10 ms).
    """
    found = tuple(context._channels)
    if context._argparse_args.get("channel") and "channels" not in keys(context):
        # Old conda adds `defaults` to channels that are on the command line alone.
        found += tuple(vars(type(context))["_channels"].type.default.typify("default"))
    return found


def _configured_specs(context: Any) -> tuple[str, ...]:
    if "create_default_packages" in keys(context):
        return tuple(map(str, context.create_default_packages))
    return ()


def keys(context: Any) -> frozenset[str]:
    """The configuration keys that any source sets: typing one costs conda 0.2 ms."""
    return frozenset(name for raw in context.raw_data.values() for name in raw)


def candidates(found: Mentions) -> tuple[str, ...]:
    """The mentioned channels that mirrors may have, with `defaults` as it stands."""
    if found.everything:
        return (*channels.known(), DEFAULTS)
    names = dict.fromkeys((*found.asked, *found.installed, *found.urls))
    return tuple(
        name for name in names if name == DEFAULTS or channels.redirectable(name)
    )


def world(
    settings: Settings, preference: Sequence[str] = (), written: Mapping[str, Any] | None = None
) -> World:
    """What the verdicts depend on, as conda's configuration is now, without our redirects.

    Raises MirrorError for a preference that names no mirror.
    """
    from conda.base.context import context

    from . import settings as module

    held = dict(module.entries(settings) if written is None else written)
    chosen = preference or module.preference((), settings, held)
    there = keys(context)
    own: frozenset[str] = frozenset()
    if "custom_channels" in there or "custom_multichannels" in there:
        multi = dict(context._custom_multichannels)
        own = frozenset((*channels.configured(), *multi))
    settings_of = context.channel_settings if "channel_settings" in there else ()
    return World(
        settings=settings,
        written=held,
        preference=tuple(_resolved(chosen, held, settings)),
        subdir=context.subdir,
        own=own,
        own_defaults=not _may_move_defaults(context, there),
        own_alias=bool({"channel_alias"} & there)
        and context.channel_alias.location != "conda.anaconda.org",
        credentials=frozenset(
            str(item.get("channel", "")) for item in settings_of if "auth" in item
        ),
        allowed=_listed(context, there, "allowlist_channels", "whitelist_channels"),
        denied=_listed(context, there, "denylist_channels"),
    )


def _listed(context: Any, there: frozenset[str], *names: str) -> tuple[str, ...]:
    if not there.intersection(names):
        return ()
    return tuple(str(item).rstrip("/") for item in getattr(context, names[0]))


def _may_move_defaults(context: Any, there: frozenset[str]) -> bool:
    """Whether nobody but the file of `conda torch-mirror enable` sets what `defaults` stands for."""
    if "default_channels" in there:
        from .condarc import is_ours

        if not all(is_ours(s) for s, raw in context.raw_data.items() if "default_channels" in raw):
            return False
    return "custom_multichannels" not in there or DEFAULTS not in context._custom_multichannels


def _resolved(
    preference: Iterable[str], written: dict[str, Mapping[str, Any]], settings: Settings
) -> Iterable[str]:
    """The names of a preference list up to "upstream"; URLs are entered into `written`."""
    for item in preference:
        if item == "upstream":
            return
        if "://" not in item and item in written:
            yield item
            continue
        from .mirrors import resolve

        mirror = resolve((item,), {}, allow_http=settings.http)[0] if "://" in item else None
        if mirror is None:
            from .mirrors import UnknownMirror

            raise UnknownMirror(item, written)
        carried = {name: {"url": there.url} for name, there in mirror.channels.items()}
        written[mirror.name] = {"channels": carried}
        yield mirror.name


def decide(names: Iterable[str], around: World, found: Mentions | None = None) -> list[Verdict]:
    """A verdict for each channel; `defaults` is replaced by its parts."""
    verdicts: dict[str, Verdict] = {}
    for name in names:
        parts = parts_of_defaults(around.subdir) if name == DEFAULTS else (name,)
        for part in parts:
            if part not in verdicts:
                verdicts[part] = _decide(part, around, found)
    return list(verdicts.values())


def parts_of_defaults(subdir: str) -> tuple[str, ...]:
    """As `mirrors.parts_of_defaults`, which takes longer to import than it may."""
    names = ("pkgs/main", "pkgs/r")
    return (*names, "pkgs/msys2") if subdir.startswith("win-") else names


def _decide(name: str, around: World, found: Mentions | None) -> Verdict:
    if name in around.own:
        return Verdict(name, "configured")
    if name.startswith("pkgs/"):
        if around.own_defaults or name not in parts_of_defaults(around.subdir):
            return Verdict(name, "default_channels")
    elif around.own_alias:
        return Verdict(name, "channel_alias")
    if found is not None and name in found.secret:
        return Verdict(name, "credentials")
    if {name, _upstream(name)} & around.credentials:
        return Verdict(name, "credentials")
    carriers = lookup.carriers(around.written, around.preference, name, around.subdir)
    if not carriers:
        others = lookup.carriers(
            around.written, lookup.on_its_own(around.written), name, around.subdir
        )
        if others and not around.settings.only:
            return Verdict(name, "elsewhere", others[0].mirror)
        return Verdict(name, "not_carried")
    permitted = [there for there in carriers if _permitted(name, there.url, around)]
    if not permitted:
        return Verdict(name, "not_allowed", carriers[0].mirror)
    mirror, url = permitted[0]
    if not url.startswith("https://"):
        from .mirrors import check_url

        check_url(url, allow_http=around.settings.http)
    if channels.parent(name, url) is None or not channels.redirectable(name):
        return Verdict(name, "unfit_url", mirror, url)
    return Verdict(name, "mirrored", mirror, url)


def _upstream(name: str) -> str:
    host = "repo.anaconda.com" if name.startswith("pkgs/") else "conda.anaconda.org"
    return f"https://{host}/{name}"


def _permitted(name: str, url: str, around: World) -> bool:
    """Whether allowlist and denylist let this mirror stand in for the channel.

    A name in the allowlist allows the channel wherever it is read from, as conda has it; a URL
    allows that URL alone, so that of upstream does not allow a mirror.
    """
    if url in around.denied:
        return False
    if not around.allowed:
        return True
    names = {name, DEFAULTS} if name.startswith("pkgs/") else {name}
    return url in around.allowed or bool(names.intersection(around.allowed))


def redirects(
    verdicts: Iterable[Verdict], around: World, found: Mentions | None = None
) -> list[channels.Redirect]:
    """What to redirect. A label that the channel's mirror lacks stays at upstream."""
    begun = []
    for verdict in verdicts:
        if verdict.code != "mirrored" or verdict.mirror is None or verdict.url is None:
            continue
        if found is not None and _only_by_other_url(verdict, found):
            continue
        above = channels.parent(verdict.name, verdict.url)
        assert above is not None
        labels = () if found is None else found.labels.get(verdict.name, ())
        entry = around.written[verdict.mirror]
        guarded = any(lookup.url_of(entry, label, around.subdir) is None for label in labels)
        begun.append(channels.Redirect(verdict.name, above, guarded))
    return begun


def _only_by_other_url(verdict: Verdict, found: Mentions) -> bool:
    """Whether the channel was named by URLs alone that are not of the mirror."""
    name = verdict.name
    group = {name, DEFAULTS} if name.startswith("pkgs/") else {name}
    if found.everything or group & {*found.asked, *found.installed}:
        return False
    return not any(url.startswith(str(verdict.url)) for url in found.urls.get(name, ()))


def others(taken: Iterable[str], preference: Sequence[str] = ()) -> tuple[Located, ...]:
    """The channels beside `taken` that the running command names and a mirror carries.

    For a command of ours that redirects by itself. Raises MirrorError.
    """
    from conda.base.context import context

    from . import settings
    from .mentions import mentioned
    from .models import Located

    found = mentioned(context._argparse_args, _configured_channels(context))
    around = world(settings.read(), preference)
    names = set(candidates(found)).difference(taken)
    return tuple(
        Located(verdict.name, verdict.url, verdict.mirror)
        for verdict in decide(names, around, found)
        if verdict.code == "mirrored" and verdict.mirror is not None and verdict.url is not None
    )


def _tell(verdicts: Sequence[Verdict], found: Mentions, around: World) -> None:
    """One line on what this command reads from where; a second one where a preference would help."""
    asked = {*found.asked}
    if found.everything or DEFAULTS in asked:
        asked |= {v.name for v in verdicts if found.everything or v.name.startswith("pkgs/")}
    groups: dict[str, dict[str, None]] = {}
    for verdict in verdicts:
        if verdict.code == "mirrored" and verdict.name in asked:
            whole = verdict.name.startswith("pkgs/") and DEFAULTS in found.asked
            shown = DEFAULTS if whole else verdict.name
            groups.setdefault(str(verdict.mirror), {}).setdefault(shown)
    if groups:
        _say("redirected", where="; ".join(_phrase(names, m) for m, names in groups.items()))
    missed = [v for v in verdicts if v.code == "elsewhere" and v.name in asked]
    if groups and missed:
        mirror = str(missed[0].mirror)
        names = ", ".join(v.name for v in missed if v.mirror == mirror)
        listed = ", ".join((*around.preference, mirror))
        _say("read_upstream", names=names, mirror=mirror, listed=listed)


def _phrase(names: Iterable[str], mirror: str) -> str:
    listed = list(names)
    more = len(listed) - NAMED
    shown = ", ".join(listed[:NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{shown} from {mirror}"


def _warn(error: BaseException) -> None:
    detail = " ".join(str(error).split())
    if not detail or not type(error).__module__.startswith(f"{__package__}."):
        detail = f"{type(error).__name__}: {detail}".removesuffix(": ")
    _say("not_redirected", detail=detail)


def _say(code: str, **facts: Any) -> None:
    from .messages import text
    from .text import safe

    try:
        print(f"torchmirror: {safe(text(code, facts))}", file=sys.stderr)
    except (OSError, ValueError):  # standard error may be closed
        return
