"""The sources of each channel in the order in which they are used.

Owns what a preference list means beside the user's own configuration: which mirrors carry the
channel, where the user's own mapping stands among them, and that the official channel comes last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from ..exceptions.channel import NothingCached
from ..exceptions.usage import BadMirror
from ..mirrors import addresses, lookup, registry
from ..models import Decision, InstallOptions, Notice, Records, Route
from ..redirect import in_process, settings
from ..text.layout import safe

#: The name in results of a channel that the user's own configuration maps.
OWN = "custom_channels"

#: The words of the command that name channels. Those of files are among them when they are read.
_NAMING = ("channel", "override_channels", "specs")


def chains(
    options: InstallOptions, subdir: str, names: Sequence[str]
) -> dict[str, tuple[Route, ...]]:
    """The sources of each channel, the one to use first; the last is the official one.

    The user's own `custom_channels` entry comes first unless `--mirror` names others. An entry for
    a server that is no public mirror was made on purpose: nothing comes behind it.

    Raises: BadMirror.
    """
    own = in_process.configured()
    words = options.mirrors
    values = settings.read()
    try:
        known = settings.registry(values)
        preference = settings.preference(words, values)
        chosen = registry.resolve(preference, known, allow_http=values.http)
    except registry.MirrorError as error:
        raise BadMirror(value=safe(" ".join(words) or "the setting"), detail=str(error)) from error
    ends = any(word.lower() == registry.UPSTREAM for word in words)
    on = values.fallback and options.fallback
    found = {}
    for name in names:
        chain = [
            Route(name, url, mirror.name)
            for mirror in chosen
            if (url := mirror.url_of(name, subdir)) is not None
        ]
        upstream = Route(name, _upstream(name), registry.UPSTREAM)
        if name in own and not ends:
            mine = Route(name, f"{own[name].rstrip('/')}/{name}", OWN)
            chain = [*chain, mine] if words else [mine, *chain]
            if is_private(mine):
                chain = chain if words else [mine]
            else:
                chain.append(upstream)
        else:
            chain.append(upstream)
        unique = list({item.url: item for item in chain}.values())
        found[name] = tuple(unique if on else unique[:1])
    return found


class Others(NamedTuple):
    """The channels of a run beside its own: the sources of each, and which the solver reads."""

    chains: dict[str, tuple[Route, ...]]
    read: frozenset[str]


def others(options: InstallOptions, subdir: str, taken: Collection[str]) -> Others:
    """The other channels that conda will look at in this run and that a mirror carries.

    Where the user's configuration has a say (`policy.ChannelPolicy`) they are left alone, and so
    they are all with `torchmirror_auto: false`, unless `--mirror` is given. Raises: BadMirror.
    """
    from ..redirect import named_channels, policy

    values = settings.read()
    words = options.mirrors
    if not (values.auto or words):
        return Others({}, frozenset())
    try:
        found = named_channels.of_this_command(installed=True, words=_NAMING)
        preference = settings.preference(words, values)
        around = policy.UserConfig(values, preference)
    except AttributeError:  # a later conda, which then finds its channels as it will
        return Others({}, frozenset())
    names = set(named_channels.candidates(found)).difference(taken)
    verdicts = policy.decide(sorted(names), around, found)
    mirrored = [verdict.name for verdict in verdicts if verdict.code == "mirrored"]
    usable = {
        name: tuple(
            source
            for source in chain
            if source.mirror == registry.UPSTREAM
            or (
                policy.permitted(name, source.url, around)
                and in_process.parent(name, source.url) is not None
            )
        )
        for name, chain in chains(options, subdir, mirrored).items()
    }
    asked = set(found.asked)
    if policy.DEFAULTS in asked:
        asked.update(policy.parts_of_defaults(subdir))
    return Others(usable, frozenset(asked.intersection(usable)))


def elsewhere(options: InstallOptions, subdir: str, chain: Sequence[Route]) -> Notice | None:
    """Which mirror has a channel that none of the preferred ones carries, and how to take it."""
    first, values = chain[0], settings.read()
    words = options.mirrors
    if first.mirror != registry.UPSTREAM or first.url != registry.upstream_url(first.name):
        return None
    written = settings.entries(values)
    preference = settings.preference(words, values, written)
    found = lookup.carriers(written, lookup.on_its_own(written), first.name, subdir)
    if not found or values.only or registry.UPSTREAM in preference:
        return None
    facts = {"channel": first.name, "mirror": found[0][0]}
    listed = " ".join(f"--mirror {item}" for item in (*preference, found[0][0]))
    return Notice("channel_upstream", {**facts, "options": safe(listed)})


def _upstream(name: str) -> str:
    """Where conda finds this name when nothing maps it."""
    from conda.base.context import context

    alias = context.channel_alias
    official = registry.upstream_url(name)
    if (
        name.startswith("pkgs/")
        or not alias.location
        or alias.location == registry.host_of(registry.UPSTREAM_CLOUD)
    ):
        return official
    return f"{alias.scheme}://{alias.location}/{name}"


def is_private(source: Route) -> bool:
    """Whether this is the user's own server, of which nothing is known here."""
    return source.mirror == OWN and addresses.identify(source.url) is None


def measured(options: InstallOptions) -> bool:
    """Whether the order of the mirrors is left to how soon they answer."""
    words = options.mirrors or settings.read().mirrors
    return settings.AUTO in [word.lower() for word in words]


def hosts(found: Iterable[Sequence[Route]]) -> frozenset[str]:
    """The hosts that an index may come from: those of all mirrors, and of the sources."""
    known = known_hosts(settings.registry().values())
    return known | {registry.host_of(source.url) for chain in found for source in chain}


def known_hosts(mirrors: Iterable[registry.Mirror]) -> frozenset[str]:
    """The hosts of mirrors, of their own redirects, and of the official channels."""
    found = {registry.host_of(registry.UPSTREAM_CLOUD), registry.host_of(registry.UPSTREAM_PKGS)}
    for mirror in mirrors:
        found |= {registry.host_of(url) for url in (*mirror.roots, *mirror.parents)}
        found |= {registry.host_of(carried.url) for carried in mirror.channels.values()}
        found |= {host.lower() for host in mirror.redirects_to}
    return frozenset(found)


class OfflineRouter:
    """The sources of a run that reads no channel: those that would come first."""

    again = False

    def __init__(self, options: InstallOptions, subdir: str, names: Sequence[str]) -> None:
        """Raises: BadMirror."""
        self.chains = chains(options, subdir, names)

    def __getitem__(self, name: str) -> Route:
        return self.chains[name][0]

    @property
    def located(self) -> tuple[Route, ...]:
        """The first source of every channel."""
        return tuple(self[name] for name in self.chains)

    def read(self, name: str, names: Collection[str]) -> Records:
        """Nothing is cached. Raises: NothingCached."""
        here = self[name]
        raise NothingCached(channel=name, subdir="", mirror=here.mirror)

    def check(self, decision: Decision) -> tuple[Notice, ...]:
        """Nothing can be said without asking."""
        return ()

    def agree(self, decision: Decision) -> None:
        """Nothing is carried out."""
