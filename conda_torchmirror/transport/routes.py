"""The routes of each channel in the order in which they are used, and the one in use.

Owns how a preference list combines with the user's own configuration: which mirrors carry the
channel, where the user's own mapping ranks among them, and that the official channel comes last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ..exceptions.channel import NothingCached
from ..index.sources import Source
from ..mirrors.addresses import routes_by_url
from ..mirrors.registry import (
    AUTO,
    OWN,
    OWN_ALIAS,
    OWNS,
    Mirror,
    Route,
    below_root,
    parts_of_defaults,
)
from ..mirrors.urls import UPSTREAM, UPSTREAM_CLOUD, UPSTREAM_PKGS, host_of, upstream_url
from ..models import Decision, Machine, Notice, Records, Request
from ..options import InstallOptions
from ..redirect import configuration, in_process, named_channels, settings
from ..redirect.own import channels as own_channels
from ..text.sanitize import safe

if TYPE_CHECKING:
    from .failures import Failure

#: The notices on the faults of a `channel_alias`.
_OF_ALIAS = {own_channels.LACKING: "alias_lacks", own_channels.MISPLACED: "alias_misplaced"}


def chains(
    options: InstallOptions, subdir: str, names: Sequence[str]
) -> dict[str, tuple[Route, ...]]:
    """The routes of each channel in order of use, the official one last.

    Unless `--mirror` names others, mirrors whose URL `-c` names come first, then the place of the
    user's own `custom_channels` or `channel_alias`: the only route if no registry knows it. Skipped
    are entries known not to work (`own_places`), what the administrator's lists keep out, and the
    mirrors of a channel that is read with credentials.

    Raises: BadMirror.
    """
    own, alias = configuration.configured(), own_channels.alias_in_force()
    words = options.mirrors
    values, known, chosen = settings.in_force(words)
    ends = any(word.lower() == UPSTREAM for word in words)
    on = values.fallback and options.fallback
    lists = configuration.Lists()
    secret = configuration.with_credentials(names)
    found = {}
    for name in names:
        chain = [
            Route(name, url, mirror.name)
            for mirror in (chosen if name not in secret else ())
            if (url := mirror.may_have(name, subdir)) is not None
        ]
        official = Route(name, upstream_url(name), UPSTREAM)
        by_entry = own_channels.by_entry(name, own, known, subdir)
        held = by_entry or own_channels.by_alias(name, alias, known, subdir)
        if held is None or held.fault or ends or (name in secret and _is_enabled(name)):
            chain.append(official)
        else:
            mirror = held.mirror or (OWN_ALIAS if by_entry is None else OWN)
            mine = Route(name, held.url, mirror)
            chain = [*chain, mine] if words else [mine, *chain]
            if not is_private(mine):
                chain.append(official)
            elif not words:
                chain = [mine]
        if not words:
            chain = [*routes_by_url(name, options.channels, known, subdir, values.only), *chain]
        unique = list({item.url: item for item in chain}.values())
        unique = [item for item in unique if lists.permits(name, item.url)] or unique
        found[name] = tuple(unique if on else unique[:1])
    return found


def are_kept_out(options: InstallOptions, subdir: str, channel: str) -> bool:
    """Whether the administrator's lists keep out every place of a channel."""
    lists = configuration.Lists()
    chain = chains(options, subdir, [channel])[channel]
    return not any(lists.permits(channel, route.url) for route in chain)


class Others(NamedTuple):
    """The further channels of a run: the routes of each, and which ones the solver reads."""

    chains: dict[str, tuple[Route, ...]]
    read: frozenset[str]


def others(options: InstallOptions, subdir: str, taken: Collection[str]) -> Others:
    """The other channels that conda will read in this run and that a mirror carries.

    Those that the user's configuration settles (`policy.ChannelPolicy`) are left alone, as are all
    with `torchmirror_auto: false` unless `--mirror` is given; those with credentials are led back
    from where the file of `torch-mirror enable` leads. Raises: BadMirror.
    """
    # Imported here because a preview that solves nothing does not need it.
    from ..redirect import policy

    values = settings.read()
    words = options.mirrors
    try:
        found = named_channels.of_this_command(installed=True, words=named_channels.NAMING)
        config = policy.UserConfig(values, words)
    except AttributeError:  # a later conda, which then finds its channels unaided
        return Others({}, frozenset())
    names = set(named_channels.candidates(found)).difference(taken)
    policies = policy.decide(sorted(names), config, found)
    codes = ("mirrored", "credentials") if values.auto or words else ("credentials",)
    mirrored = [one.name for one in policies if one.code in codes and one.url]
    usable = {
        name: tuple(
            route
            for route in chain
            if route.mirror == UPSTREAM
            or (config.permits(name, route.url) and in_process.parent(name, route.url) is not None)
        )
        for name, chain in chains(options, subdir, mirrored).items()
    }
    asked = set(found.asked)
    if configuration.DEFAULTS in asked:
        asked.update(parts_of_defaults(subdir))
    return Others(usable, frozenset(asked.intersection(usable)))


def elsewhere(options: InstallOptions, subdir: str, chain: Sequence[Route]) -> Notice | None:
    """The notice on a mirror that has a channel which no preferred one carries, if there is one."""
    first, values, words = chain[0], settings.read(), options.mirrors
    if first.mirror != UPSTREAM or first.url != upstream_url(first.channel):
        return None
    known = settings.registry(values)
    preference = settings.preference(words, values, known)
    others = (known[name] for name in known.chosen_for())
    having = [m.name for m in others if m.url_of(first.channel, subdir) is not None]
    secret = configuration.with_credentials([first.channel])
    if not having or values.only or UPSTREAM in preference or secret:
        return None
    if not {*preference}.isdisjoint(having):  # the user's own entry leads to the official channel
        return None
    facts = {"channel": first.channel, "mirror": having[0]}
    listed = " ".join(f"--mirror {item}" for item in (*preference, having[0]))
    return Notice("channel_upstream", {**facts, "options": safe(listed)})


class OwnPlace(NamedTuple):
    """Where the user's own configuration leads a channel: its URL, None for a place that is known
    not to work and is passed over, and the notice that says so."""

    url: str | None
    notice: Notice


def own_places(subdir: str, names: Iterable[str]) -> dict[str, OwnPlace]:
    """Where the user's own configuration leads these channels; the file of `torch-mirror enable` is
    not the user's own. Must be called while no redirect of ours is in force: a redirect that takes
    an entry's place hides it."""
    known = settings.registry(settings.read())
    own, alias = configuration.configured(), own_channels.alias_in_force()
    found = {}
    for name in names:
        entry = own_channels.by_entry(name, own, known, subdir)
        held = entry or own_channels.by_alias(name, alias, known, subdir)
        if held is None or (not held.fault and _is_enabled(name)):
            continue
        key = OWN_ALIAS if entry is None else OWN
        facts = {"channel": name, "mirror": held.mirror, "key": key}
        facts["source"] = settings.source_of(key, None if entry is None else name)
        code = "custom_mirror"
        if held.fault:
            code = f"entry_{held.fault}" if entry else _OF_ALIAS[held.fault]
        found[name] = OwnPlace(None if held.fault else held.url, Notice(code, facts))
    return found


def _is_enabled(name: str) -> bool:
    """Whether the file of `torch-mirror enable` leads the channel, and not an entry of the user."""
    from ..redirect import condarc

    return name in condarc.enabled()


def around(options: InstallOptions, subdir: str, route: Route) -> Iterator[Notice]:
    """Next steps if the last place of a channel fails: a mirror that nobody prefers, or around a
    server that the user's own configuration names."""
    if found := elsewhere(options, subdir, (route,)):
        yield found._replace(code="mirror_with_it")
    if not (options.fallback or is_private(route)):
        every = chains(options._replace(fallback=True), subdir, [route.channel])
        if len(every[route.channel]) > 1:
            yield Notice("allow_fallback")
    if not is_private(route) or options.mirrors:
        return
    values = settings.read()
    known = settings.registry(values)
    preference = known.resolve(settings.preference((), values, known), allow_http=values.http)
    having = (
        m.word for m in preference if m.url_of(route.channel, subdir) not in (None, route.url)
    )
    entry = route.channel in configuration.configured()
    key = "custom_channels" if entry else "channel_alias"
    source = settings.source_of(key, route.channel if entry else None)
    facts = {"channel": route.channel, "key": key, "file": safe(str(source))}
    yield Notice("around_own", {**facts, "instead": next(having, UPSTREAM)})


def official(route: Route) -> Route:
    """The route to the official channel's own indexes: through the user's cache if the registry's
    entry for the route says where the cache has them."""
    known = settings.registry(settings.read())
    own = known[route.mirror].official if route.mirror in known else ""
    url = f"{own}{below_root(route.channel)}" if own else upstream_url(route.channel)
    return Route(route.channel, url, UPSTREAM)


def is_private(route: Route) -> bool:
    """Whether the route leads to a server of the user's own, unknown to the registry."""
    return route.mirror in OWNS


def measured(options: InstallOptions) -> bool:
    """Whether the mirrors are to be ordered by how soon they answer."""
    words = options.mirrors or settings.read().mirrors
    return AUTO in [word.lower() for word in words]


def hosts(found: Iterable[Sequence[Route]]) -> frozenset[str]:
    """The hosts that an index may come from: those of all mirrors, and of the routes."""
    known = known_hosts(settings.registry(settings.read()).values())
    return known | {host_of(route.url) for chain in found for route in chain}


def known_hosts(mirrors: Iterable[Mirror]) -> frozenset[str]:
    """The hosts of mirrors, of their own redirects, and of the official channels."""
    found = {host_of(UPSTREAM_CLOUD), host_of(UPSTREAM_PKGS)}
    for mirror in mirrors:
        found |= {host_of(url) for url in (*mirror.roots, *mirror.parents)}
        found |= {host_of(carried.url) for carried in mirror.channels.values()}
        found |= {host.lower() for host in mirror.redirects_to}
    return frozenset(found)


class RoutingState:
    """The present route of each channel, and the failed ones. Makes no requests."""

    def __init__(self, chains: Mapping[str, tuple[Route, ...]]) -> None:
        self.chains = dict(chains)
        self.failures: list[Failure] = []
        self._at = dict.fromkeys(self.chains, 0)
        self._old: dict[str, Route] = {}

    def __getitem__(self, name: str) -> Route:
        return self.chains[name][self._at[name]]

    @property
    def located(self) -> tuple[Route, ...]:
        """The present route of every channel."""
        return tuple(self[name] for name in self.chains)

    def is_last(self, name: str) -> bool:
        """Whether the channel has no further route."""
        return self._at[name] + 1 >= len(self.chains[name])

    def advance(self, name: str) -> bool:
        """Switch to the channel's next route; False if there is none."""
        if self.is_last(name):
            return False
        self._at[name] += 1
        return True

    def restart(self, name: str) -> None:
        """Return to the channel's first route."""
        self._at[name] = 0

    def leave(self, failure: Failure) -> list[str]:
        """Switch the failed channel, and all others at a failed site, to their next routes.

        Return the channels that have another route now.
        """
        self.failures.append(failure)
        site = host_of(failure.route.url)
        left = [
            name
            for name in self.chains
            if name == failure.route.channel
            or (failure.of_site and host_of(self[name].url) == site)
        ]
        return [name for name in left if self.advance(name)]

    def keep_old(self, name: str) -> None:
        """Remember the channel's route, which is old, as a last resort. The first one counts."""
        self._old.setdefault(name, self[name])

    def settle_for_old(self, name: str) -> bool:
        """Return to the remembered old route for good; False if none is remembered."""
        old = self._old.pop(name, None)
        if old is None:
            return False
        self.chains[name] = (old,)
        self._at[name] = 0
        return True

    def sort(self, rank: Mapping[str, int]) -> None:
        """Sort the ranked mirrors of each chain by rank; the other routes keep their places."""
        for name, chain in self.chains.items():
            ranked = iter(
                sorted((r for r in chain if r.mirror in rank), key=lambda r: rank[r.mirror])
            )
            self.chains[name] = tuple(next(ranked) if r.mirror in rank else r for r in chain)


class RecordReader(Protocol):
    """The interface through which `torch-install` reads records, and the routes it uses.

    `agreed` says that the user has seen a decision of this run; `own` is where the user's own
    configuration leads its channels.
    """

    agreed: bool
    own: Mapping[str, OwnPlace]

    @property
    def chains(self) -> Mapping[str, tuple[Route, ...]]:
        """All routes of every channel, in order."""

    def __getitem__(self, name: str) -> Route:
        """The present route of a channel."""

    @property
    def located(self) -> tuple[Route, ...]:
        """The present route of every channel."""

    def read(self, name: str, names: Collection[str]) -> Records:
        """The records of these names in a channel."""

    def check(self, source: Source, decision: Decision) -> tuple[Notice, ...]:
        """Check a decision before conda is asked; return notices to show."""

    def doubt(
        self, source: Source, machine: Machine, request: Request, records: Records
    ) -> Notice | None:
        """The notice that these records are of an old index; None if they are not, or unknown."""

    def agree(self, decision: Decision) -> None:
        """Record that the user has seen this decision."""

    def check_emptied(self, error: Exception) -> None:
        """Leave a mirror whose index was refused while the solver that failed read it."""


class OfflineRouter:
    """The `RecordReader` of a run without network: it shows the routes that would come first."""

    def __init__(self, options: InstallOptions, subdir: str, names: Sequence[str]) -> None:
        """Raises: BadMirror."""
        self.agreed, self._unasked = False, options.check_upstream
        self._chains = chains(options, subdir, names)
        self.own: Mapping[str, OwnPlace] = own_places(subdir, names)

    @property
    def chains(self) -> Mapping[str, tuple[Route, ...]]:
        """All routes of every channel, in order."""
        return self._chains

    def __getitem__(self, name: str) -> Route:
        return self.chains[name][0]

    @property
    def located(self) -> tuple[Route, ...]:
        """The first route of every channel."""
        return tuple(self[name] for name in self.chains)

    def read(self, name: str, names: Collection[str]) -> Records:
        """Nothing is cached. Raises: NothingCached; as a reader does, conda's ChannelNotAllowed."""
        here, lists = self[name], configuration.Lists()
        if not lists.permits(name, here.url):
            raise lists.refusal(name, here.url)
        raise NothingCached(channel=name, subdir="", mirror=here.mirror)

    def check(self, source: Source, decision: Decision) -> tuple[Notice, ...]:
        """Nothing can be said without asking."""
        return (Notice("upstream_unasked"),) if self._unasked else ()

    def doubt(self, source: Source, machine: Machine, request: Request, records: Records) -> None:
        """Nothing can be said without asking."""

    def agree(self, decision: Decision) -> None:
        """Nothing is carried out."""

    def check_emptied(self, error: Exception) -> None:
        """No index was read."""
