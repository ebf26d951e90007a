"""Which channels are redirected to which mirror, and why a channel is left alone.

What users have configured themselves wins: their `custom_channels`, `default_channels` and
`channel_alias`, the administrator's allowlist and denylist, and credentials, which must never get
to a mirror. For the rest the first mirror of the preference list that carries the channel is
taken. Needs conda for its configuration only; the automatic redirect cannot wait for more imports
than these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..mirrors import lookup
from . import in_process

if TYPE_CHECKING:
    from .named_channels import NamedChannels
    from .settings import Settings

DEFAULTS = "defaults"


class ChannelPolicy(NamedTuple):
    """Where a channel is read from, and why.

    `code` is "mirrored" (and then `url` and `mirror` are set), or says why the channel is left
    alone: "configured", "default_channels", "channel_alias", "credentials", "not_allowed",
    "not_carried", "elsewhere" (`mirror` is one that has it and is not preferred), "unfit_url".
    "enabled" is a part of `defaults` that the file of `torch-mirror enable` leads to `url`: it is
    redirected as well, for its name.
    """

    name: str
    code: str
    mirror: str | None = None
    url: str | None = None


class UserConfig:
    """What the verdicts depend on: the settings, the registry as written, the preference with
    URLs made into entries of `written`, the platform, and the user's own configuration as it is
    without our redirects. Raises MirrorError for a preference that names no mirror."""

    def __init__(
        self,
        settings: Settings,
        preference: Sequence[str] = (),
        written: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        from conda.base.context import context

        from . import settings as module

        there = keys(context)
        self.settings = settings
        self.written = dict(module.entries(settings) if written is None else written)
        chosen = preference or module.preference((), settings, self.written)
        self.preference = tuple(_resolved(chosen, self.written, settings))
        self.subdir: str = context.subdir
        self.own: frozenset[str] = frozenset()
        self.enabled: Mapping[str, str] = {}
        if "custom_channels" in there or "custom_multichannels" in there:
            configured = in_process.configured()
            self.own = frozenset((*configured, *context._custom_multichannels))
            self.enabled = {name: configured[name] for name in _enabled(context)}
        self.own_defaults = not _may_move_defaults(context, there)
        self.own_alias = (
            "channel_alias" in there and context.channel_alias.location != "conda.anaconda.org"
        )
        named = context.channel_settings if "channel_settings" in there else ()
        self.credentials = {str(item.get("channel", "")) for item in named if "auth" in item}
        self.allowed = _listed(context, there, "allowlist_channels", "whitelist_channels")
        self.denied = _listed(context, there, "denylist_channels")


def _enabled(context: Any) -> set[str]:
    """The channels that nothing but a file of `torch-mirror enable` maps."""
    from .condarc import is_ours

    ours: set[str] = set()
    others: set[str] = set()
    for source, raw in context.raw_data.items():
        if "custom_channels" in raw:
            names = set(raw["custom_channels"].value(None))
            (ours if is_ours(source) else others).update(names)
    return ours - others


def keys(context: Any) -> frozenset[str]:
    """The configuration keys that any source sets: typing one costs conda 0.2 ms."""
    return frozenset(name for raw in context.raw_data.values() for name in raw)


def _listed(context: Any, there: frozenset[str], *names: str) -> tuple[str, ...]:
    known = any(names[0] in vars(kind) for kind in type(context).__mro__)  # no denylist on 24.7
    if not known or not there.intersection(names):
        return ()
    return tuple(str(item).rstrip("/") for item in getattr(context, names[0]))


def _may_move_defaults(context: Any, there: frozenset[str]) -> bool:
    """Whether only the file of `conda torch-mirror enable` sets what `defaults` stands for."""
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
        from ..mirrors.registry import resolve

        mirror = resolve((item,), {}, allow_http=settings.http)[0] if "://" in item else None
        if mirror is None:
            from ..mirrors.registry import UnknownMirror

            raise UnknownMirror(item, written)
        carried = {name: {"url": there.url} for name, there in mirror.channels.items()}
        written[mirror.name] = {"channels": carried}
        yield mirror.name


def decide(
    names: Iterable[str], around: UserConfig, found: NamedChannels | None = None
) -> list[ChannelPolicy]:
    """A verdict for each channel; `defaults` is replaced by its parts."""
    verdicts: dict[str, ChannelPolicy] = {}
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


def _decide(name: str, around: UserConfig, found: NamedChannels | None) -> ChannelPolicy:
    if name in around.own:
        if name in around.enabled and name.startswith("pkgs/") and not around.own_defaults:
            return ChannelPolicy(
                name, "enabled", None, f"{around.enabled[name].rstrip('/')}/{name}"
            )
        return ChannelPolicy(name, "configured")
    if name.startswith("pkgs/"):
        if around.own_defaults or name not in parts_of_defaults(around.subdir):
            return ChannelPolicy(name, "default_channels")
    elif around.own_alias:
        return ChannelPolicy(name, "channel_alias")
    if found is not None and name in found.secret:
        return ChannelPolicy(name, "credentials")
    if {name, _upstream(name)} & around.credentials:
        return ChannelPolicy(name, "credentials")
    carriers = lookup.carriers(around.written, around.preference, name, around.subdir)
    if not carriers:
        others = lookup.carriers(
            around.written, lookup.on_its_own(around.written), name, around.subdir
        )
        if others and not around.settings.only:
            return ChannelPolicy(name, "elsewhere", others[0][0])
        return ChannelPolicy(name, "not_carried")
    usable = [(mirror, url) for mirror, url in carriers if permitted(name, url, around)]
    if not usable:
        return ChannelPolicy(name, "not_allowed", carriers[0][0])
    mirror, url = usable[0]
    if not url.startswith("https://"):
        from ..mirrors.registry import check_url

        check_url(url, allow_http=around.settings.http)
    if in_process.parent(name, url) is None or not in_process.redirectable(name):
        return ChannelPolicy(name, "unfit_url", mirror, url)
    return ChannelPolicy(name, "mirrored", mirror, url)


def _upstream(name: str) -> str:
    host = "repo.anaconda.com" if name.startswith("pkgs/") else "conda.anaconda.org"
    return f"https://{host}/{name}"


def permitted(name: str, url: str, around: UserConfig) -> bool:
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
    verdicts: Iterable[ChannelPolicy], around: UserConfig, found: NamedChannels | None = None
) -> list[in_process.Redirect]:
    """What to redirect. A label that the channel's mirror lacks stays at upstream."""
    begun: list[in_process.Redirect] = []
    for verdict in verdicts:
        if verdict.code not in ("mirrored", "enabled") or verdict.url is None:
            continue
        if found is not None and _only_by_other_url(verdict, found):
            continue
        above = in_process.parent(verdict.name, verdict.url)
        assert above is not None
        labels = () if found is None else found.labels.get(verdict.name, ())
        entry = around.written.get(str(verdict.mirror), {})
        guarded = any(lookup.url_of(entry, label, around.subdir) is None for label in labels)
        begun.append((verdict.name, above, guarded))
    return begun


def _only_by_other_url(verdict: ChannelPolicy, found: NamedChannels) -> bool:
    """Whether the channel was named by URLs alone that are not of the mirror."""
    name = verdict.name
    group = {name, DEFAULTS} if name.startswith("pkgs/") else {name}
    if found.everything or group & {*found.asked, *found.installed}:
        return False
    return not any(url.startswith(str(verdict.url)) for url in found.urls.get(name, ()))
