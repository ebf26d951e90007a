"""Which channels are redirected to which mirror, and why a channel is left alone.

What users have configured themselves wins: their `custom_channels`, `default_channels` and
`channel_alias`, the administrator's allowlist and denylist, and credentials, which must never reach
a mirror. Any other channel goes to the first mirror of the preference list that carries it. Of
conda only the configuration is needed; the automatic redirect cannot wait for further imports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..mirrors.registry import Mirror, Registry, parts_of_defaults
from ..mirrors.urls import UPSTREAM, check_url, upstream_url
from . import configuration, in_process, named_channels, settings
from .configuration import DEFAULTS

if TYPE_CHECKING:
    from .named_channels import NamedChannels
    from .settings import Settings

#: The codes with which a channel is read at its `mirror`.
READ_AT = ("mirrored", "enabled", "configured", "channel_alias")

#: The codes with which a channel is redirected, where it has a `url`.
REDIRECTED = ("mirrored", "enabled", "alias_lacks", "credentials")


class ChannelPolicy:
    """Where a channel is read from, and why.

    `code` is "mirrored" (and then `url` and `mirror` are set), or says why the channel is left
    alone: "configured", "default_channels", "channel_alias", "credentials", "not_allowed",
    "not_carried", "elsewhere" (`mirror` has it but is not a preferred one), "unfit_url". `mirror`
    and `url` are also set if the user's own configuration ("configured", "channel_alias") leads the
    channel to a server that the registry knows. "lacking", "misplaced" and "alias_misplaced" are
    faults of the user's own entry or alias, which is kept (see `own.channels`).

    Three more codes are redirected: "enabled", a part of `defaults` that the file of `torch-mirror
    enable` leads to `url`, so that it keeps its name; "alias_lacks", a channel that the mirror of
    the user's `channel_alias` does not have, which is read from the official upstream, `url`; and
    "credentials" with a `url`, the official one of a channel that the file leads to a mirror.

    `others` are the other preferred mirrors that carry the channel, in order, with its URL there;
    given if it is mirrored or mapped by an entry of the user's.
    """

    __slots__ = ("code", "mirror", "name", "others", "url")

    def __init__(
        self,
        name: str,
        code: str,
        mirror: str | None = None,
        url: str | None = None,
        others: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.name = name
        self.code = code
        self.mirror = mirror
        self.url = url
        self.others = others

    @property
    def leads_to_mirror(self) -> bool:
        """Whether it is known to be read from a mirror."""
        return self.mirror not in (None, UPSTREAM)

    @property
    def leads_away(self) -> bool:
        """Whether it is read from a place that is not the official one."""
        return self.url is not None and self.mirror != UPSTREAM

    @property
    def parent(self) -> str | None:
        """The URL above the channel's, which conda's configuration takes; None without one."""
        return None if self.url is None else in_process.parent(self.name, self.url)


class UserConfig:
    """Everything that the policy of a channel depends on: the settings, the registry, the preferred
    mirrors, the platform, and the user's own configuration as it is without our redirects.

    `asked` replaces the preference in the settings. Raises MirrorError for a preference that names
    no mirror, and for a registry that cannot be read.
    """

    def __init__(self, values: Settings, asked: Sequence[str] = ()) -> None:
        from conda.base.context import context

        there = configuration.keys(context)
        self.settings = values
        self.registry: Registry = settings.registry(values)
        wanted = settings.preference(asked, values, self.registry)
        self.mirrors = self.registry.resolve(wanted, allow_http=values.http)
        self.subdir: str = context.subdir
        self.own: frozenset[str] = frozenset()
        self.groups: Mapping[str, Iterable[object]] = {}
        self.configured: Mapping[str, str] = {}
        self.enabled: Mapping[str, str] = {}
        if "custom_channels" in there or "custom_multichannels" in there:
            from .condarc import enabled

            self.configured = configuration.configured()
            self.groups = context._custom_multichannels
            self.own = frozenset((*self.configured, *self.groups))
            self.enabled = {name: self.configured[name] for name in enabled()}
        self.own_defaults = not _may_move_defaults(context, there)
        self.alias = _alias() if "channel_alias" in there else None
        self.credentials = configuration.with_handler(context)
        self.permits = configuration.Lists().permits

    @property
    def preference(self) -> tuple[str, ...]:
        """The preferred mirrors, in order, as a preference list has them: names, and URLs."""
        return tuple(mirror.word for mirror in self.mirrors)

    @property
    def known_mirrors(self) -> tuple[Mirror, ...]:
        """The preferred mirrors and all others that the registry has."""
        return (*self.mirrors, *self.registry.values())

    @property
    def own_mirrors(self) -> tuple[Mirror, ...]:
        """Those that a user's registry has, or a URL names."""
        known, own = self.registry, self.registry.own
        return tuple(m for m in self.known_mirrors if m.name in own or m.name not in known)

    def within(self, names: Iterable[str]) -> frozenset[str]:
        """The channels in those of the user's groups that are among `names`: conda reads them at
        their official place, and would read one that is redirected twice."""
        found = named_channels.NamedChannels()
        for word in (word for name in names for word in self.groups.get(name, ())):
            found.channel(str(word))
        return frozenset(found.asked)

    def mirror(self, name: str | None) -> Mirror | None:
        """The preferred mirror of this name; None if there is none."""
        return next((mirror for mirror in self.mirrors if mirror.name == name), None)


def _alias() -> str | None:
    from .own.channels import alias_in_force

    return alias_in_force()


def _may_move_defaults(context: Any, there: frozenset[str]) -> bool:
    """Whether only the file of `conda torch-mirror enable` sets what `defaults` stands for."""
    if "default_channels" in there:
        from .condarc import is_ours

        sources = (s for s, raw in context.raw_data.items() if _holds(raw, "default_channels"))
        if not all(map(is_ours, sources)):
            return False
    return "custom_multichannels" not in there or DEFAULTS not in context._custom_multichannels


def _holds(raw: Mapping[str, Any], key: str) -> bool:
    """Whether a source sets a key; one that has nothing under it, as where the lines below are
    comments, does not."""
    return key in raw and raw[key].value(None) is not None


def decide(
    names: Iterable[str], config: UserConfig, found: NamedChannels | None = None
) -> list[ChannelPolicy]:
    """The policy of each channel; `defaults` is replaced by its parts."""
    policies: dict[str, ChannelPolicy] = {}
    names = tuple(names)
    held = config.within(names) - config.own
    for name in names:
        parts = parts_of_defaults(config.subdir) if name == DEFAULTS else (name,)
        for part in parts:
            if part in held:
                policies[part] = ChannelPolicy(part, "configured")
            elif part not in policies:
                policies[part] = _decide(part, config, found)
    return list(policies.values())


def _decide(name: str, config: UserConfig, found: NamedChannels | None) -> ChannelPolicy:
    secret = {name, upstream_url(name)} & config.credentials or (
        found is not None and name in found.secret
    )
    if secret and name in config.enabled and not name.startswith("pkgs/"):
        # Conda would send them to where the file of `torch-mirror enable` leads.
        return ChannelPolicy(name, "credentials", UPSTREAM, upstream_url(name))
    if name in config.own:
        return _of_own_entry(name, config)
    if name.startswith("pkgs/") and (
        config.own_defaults or name not in parts_of_defaults(config.subdir)
    ):
        return ChannelPolicy(name, "default_channels")
    alias = None if config.alias is None else _of_own_alias(name, config)
    if alias is not None and alias.code != "alias_lacks":
        return alias
    if secret:
        return ChannelPolicy(name, "credentials")
    carriers = _carriers(name, config.subdir, config.mirrors)
    if not carriers and alias is not None:
        return alias
    if not carriers:
        others = () if config.settings.only else config.registry.chosen_for()
        having = _carriers(name, config.subdir, (config.registry[other] for other in others))
        if having:
            return ChannelPolicy(name, "elsewhere", having[0][0])
        return ChannelPolicy(name, "not_carried")
    usable = [(mirror, url) for mirror, url in carriers if config.permits(name, url)]
    if not usable:
        return ChannelPolicy(name, "not_allowed", carriers[0][0])
    mirror, url = usable[0]
    if not url.startswith("https://"):
        check_url(url, allow_http=config.settings.http)
    if in_process.parent(name, url) is None or not named_channels.redirectable(name):
        return ChannelPolicy(name, "unfit_url", mirror, url)
    return ChannelPolicy(name, "mirrored", mirror, url, usable[1:])


def _of_own_entry(name: str, config: UserConfig) -> ChannelPolicy:
    """The policy of a channel that the user's configuration maps."""
    from .own.channels import by_entry

    mine = by_entry(name, config.configured, config.registry, config.subdir)
    if mine is None:
        return ChannelPolicy(name, "configured")
    if name in config.enabled and name.startswith("pkgs/") and not config.own_defaults:
        code = "enabled"
    elif mine.fault:
        return ChannelPolicy(name, mine.fault, mine.mirror)
    else:
        code = "configured"
    carriers = _carriers(name, config.subdir, config.mirrors)
    others = [(m, url) for m, url in carriers if m != mine.mirror and url != mine.url]
    return ChannelPolicy(name, code, mine.mirror, mine.url, others)


def _of_own_alias(name: str, config: UserConfig) -> ChannelPolicy | None:
    """The policy by the user's `channel_alias`, if there is one for this channel: "channel_alias",
    "alias_misplaced" or "alias_lacks"."""
    from .own.channels import LACKING, by_alias

    mine = by_alias(name, config.alias, config.registry, config.subdir)
    if mine is None:
        return None
    if mine.fault != LACKING:
        if mine.fault is not None:
            return ChannelPolicy(name, "alias_misplaced", mine.mirror)
        return ChannelPolicy(name, "channel_alias", mine.mirror, mine.url)
    return ChannelPolicy(name, "alias_lacks", mine.mirror, upstream_url(name))


def _carriers(name: str, subdir: str, mirrors: Iterable[Mirror]) -> list[tuple[str, str]]:
    """The mirrors that carry the channel, in order, with its URL there."""
    found = ((mirror.name, mirror.url_of(name, subdir)) for mirror in mirrors)
    return [(mirror, url) for mirror, url in found if url is not None]


def redirects(
    policies: Iterable[ChannelPolicy], config: UserConfig, found: NamedChannels | None = None
) -> list[in_process.Redirect]:
    """What to redirect. A label that the channel's mirror lacks stays at upstream."""
    begun: list[in_process.Redirect] = []
    for one in policies:
        if one.code not in REDIRECTED or one.parent is None:
            continue
        if not named_channels.redirectable(one.name):
            continue
        if found is not None and _only_by_other_url(one, found):
            continue
        labels = () if found is None else found.labels.get(one.name, ())
        mirror = config.mirror(one.mirror)
        guarded = any(mirror is None or mirror.url_of(x, config.subdir) is None for x in labels)
        begun.append((one.name, one.parent, guarded))
    return begun


def is_led(one: ChannelPolicy, config: UserConfig, found: NamedChannels) -> bool:
    """Whether anything of a mirrored channel is read at its mirror: nothing is where a command only
    names labels of it that the mirror lacks."""
    labels = found.labels.get(one.name, ())
    if found.everything or one.name in found.whole or not labels:
        return True
    mirror = config.mirror(one.mirror)
    return mirror is not None and any(mirror.url_of(label, config.subdir) for label in labels)


def has_shards(policies: Iterable[ChannelPolicy], config: UserConfig) -> bool:
    """Whether all mirrors that channels are read from are known to serve sharded indexes.

    Mirrors that the user's own configuration leads to count as well: conda asks them alike.
    """
    used = {str(one.mirror) for one in policies if one.code in READ_AT and one.leads_to_mirror}
    known = (config.mirror(name) or config.registry.get(name) for name in used)
    return all(mirror is not None and mirror.shards for mirror in known)


def above_channels(config: UserConfig) -> tuple[str, ...]:
    """The URLs above channels at every public mirror, the longest first: what an export says came
    from `pytorch` may have come from any of them. A mirror of one's own may have private channels
    beside those that it lists, which no name leads to."""
    found = set[str]()
    own = {mirror.name for mirror in config.own_mirrors}
    for mirror in config.known_mirrors:
        if mirror.name in own:
            continue
        found |= {*mirror.parents, *mirror.roots, *(f"{root}/cloud" for root in mirror.roots)}
        above = (in_process.parent(name, one.url) for name, one in mirror.channels.items())
        found |= {url for url in above if url}
    return tuple(sorted(found, key=lambda url: (-len(url), url)))


def _only_by_other_url(policy: ChannelPolicy, found: NamedChannels) -> bool:
    """Whether the channel was named only by URLs that are not the mirror's."""
    name = policy.name
    group = {name, DEFAULTS} if name.startswith("pkgs/") else {name}
    if found.everything or group & {*found.asked, *found.installed}:
        return False
    return not any(url.startswith(str(policy.url)) for url in found.urls.get(name, ()))
