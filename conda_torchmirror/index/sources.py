"""The sources of builds: the channels, packages and records of each.

This is the only list of sources. Stages work on a `Source` and hard-code no channel or package
names. `allowed` maps the value of `--source` to sources.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from ..mirrors import addresses
from ..mirrors.registry import Route
from ..models import Records
from ..selection import rules
from ..selection.facts import conda_forge, cuda, pytorch
from ..selection.facts.cuda import CudaTables
from ..selection.facts.names import PARTNERS, TORCH
from ..selection.facts.record import Knowledge, SourceFacts
from ..selection.sources import forge_tables
from ..selection.sources.order import Traits
from . import builtin, hidden
from .match import Spec, admits


class Source(NamedTuple):
    """One source that builds are chosen from.

    `channel` has the builds of pytorch, `runtime_channel` the CUDA packages that they need, if that
    is another channel, and `base_channel` Python and everything else, if the user has no channel
    for those.

    `facts` has the names of the packages and the meaning of their records; `read` reads records and
    raises what `repodata.read` raises; `tables` tells which CUDA and GPUs the builds run on. `end`
    returns the last release (`last`) and newest Python (`python`) of a discontinued channel; it is
    None for a maintained one. `flexible` says that a strict channel priority has to be lifted.
    """

    name: str
    channel: str
    runtime_channel: str | None
    base_channel: str
    facts: SourceFacts
    read: Callable[[Route, str, Collection[str]], Records]
    tables: Callable[[], CudaTables]
    end: Callable[[], Mapping[str, str]] | None = None
    flexible: bool = False

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel that a set can come from, the one with pytorch first."""
        names = (self.channel, self.runtime_channel, self.base_channel)
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def without_python(self) -> frozenset[str]:
        """The channels that do not have Python, so cannot be the only ones of an environment."""
        return frozenset(self.channels) - {self.base_channel}

    @property
    def packages(self) -> frozenset[str]:
        """The names whose records a choice needs."""
        return self.facts.records

    def built_in(self, subdir: str, versions: Mapping[str, str] | None = None) -> Records | None:
        """The source's records in the built-in index (with `versions` one version of each name in
        it), None for a platform that it lacks."""
        return builtin.load(subdir, versions or self.packages, channel=self.channel)

    @property
    def knowledge(self) -> Knowledge:
        """The rules and tables for a choice among these builds."""
        return Knowledge(admits, self.tables(), self.facts)

    def ended(self) -> Mapping[str, str] | None:
        """The end of a discontinued channel (see `end`), None for a maintained one."""
        return self.end() if self.end else None

    def is_sample(self, records: Records) -> bool:
        """Whether records are only a sample of this source's: built-in, of a maintained channel."""
        return records.origin == "built-in" and self.end is None


def _read_whole(route: Route, subdir: str, names: Collection[str]) -> Records:
    """Call `repodata.read`, imported late: a preview by the built-in index does not need it."""
    from . import repodata

    return repodata.read(route, subdir, names)


def read_some(route: Route, subdir: str, names: Collection[str]) -> Records:
    """Call `repodata.read_some`, for an index that is or may be too large to be parsed."""
    from . import repodata

    return repodata.read_some(route, subdir, names)


#: In the order in which they are tried.
SOURCES = (
    Source(
        name="pytorch",
        channel="pytorch",
        runtime_channel="nvidia",
        base_channel="conda-forge",
        facts=pytorch.SOURCE,
        read=_read_whole,
        tables=cuda.tables,
        end=rules.channel_end,
        flexible=True,
    ),
    # CUDA, Python and everything else come from the one channel.
    Source(
        name="conda-forge",
        channel="conda-forge",
        runtime_channel=None,
        base_channel="conda-forge",
        facts=conda_forge.SOURCE,
        read=read_some,
        tables=cuda.conda_forge_tables,
    ),
)

#: How the builds of Anaconda's defaults begin, which end as conda-forge's do.
_OF_DEFAULTS = ("gpu_", "cpu_py")

#: The value of `--source` that leaves the source to the rule.
AUTO = "auto"
#: The value of `--source` for wheels, which come by pip and not from a channel.
WHEELS = "wheels"


def allowed(word: str = AUTO) -> tuple[Source, ...]:
    """The sources that a value of `--source` allows, in order; () for an unknown one or wheels."""
    return SOURCES if word == AUTO else tuple(s for s in SOURCES if s.name == word)


def named(name: str) -> Source:
    """The source of this name."""
    return next(source for source in SOURCES if source.name == name)


def traits() -> tuple[Traits, ...]:
    """The properties of each source that the rule of `auto` uses."""
    return tuple(
        Traits(one.name, one.channel, rules.last_releases() if one.end else {}) for one in SOURCES
    )


def hidden_days() -> frozenset[str]:
    """The days in the tables of the maintained channel whose builds conda's settings hide."""
    channel = next(one.channel for one in SOURCES if one.end is None)
    return hidden.hidden_of(channel, TORCH, forge_tables.days)


def own_names(source: Source) -> frozenset[str]:
    """The package names that only this source has."""
    others = (other.facts.names for other in SOURCES if other is not source)
    return source.facts.names.difference(*others)


def foreign(source: Source) -> frozenset[str]:
    """The channels that other sources use and this one does not."""
    return frozenset(c for other in SOURCES for c in other.channels).difference(source.channels)


def of_channel(channel: str) -> Source:
    """The source whose pytorch builds are on this channel; the first source for any other."""
    return next((source for source in SOURCES if source.channel == channel), SOURCES[0])


def channel_of_torch(spec: str, channel: str) -> str:
    """The channel that a torch with this exact spec was installed from. Where that is known by an
    address alone, such as a company's mirror, or not at all, it is the channel of the source whose
    builds are named so."""
    nameless = "://" in channel or channel.startswith("<")
    if not nameless or spec.rpartition("=")[2].startswith(_OF_DEFAULTS):
        return channel
    forms = {source.facts.named_for(spec) for source in SOURCES}
    return next((source.channel for source in SOURCES if source.name in forms), channel)


def is_of(spec: Spec, source: Source) -> bool:
    """Whether only this source can meet a spec: by a package that no other has, or by its channel,
    or by a build string of the form that its builds have."""
    if spec.name in PARTNERS and is_elsewhere(spec, SOURCES):
        return channel_of(spec) == source.channel
    if spec.name not in source.facts.names or spec.name in own_names(source):
        return spec.name in source.facts.names
    others = (other for other in SOURCES if other is not source)
    return channel_of(spec) == source.channel or any(
        other.facts.named_for(spec.plain) == source.name for other in others
    )


def is_elsewhere(spec: Spec, sources: Sequence[Source]) -> bool:
    """Whether a spec names the channel of a source that chooses no package of this name."""
    channel = channel_of(spec)
    return any(one.channel == channel and spec.name not in one.facts.names for one in sources)


def channel_of(spec: Spec) -> str | None:
    """The channel that a spec names, by name or by the URL of a file; or None."""
    if not spec.url:
        return spec.channel
    found = addresses.split(spec.url)
    return found.identified.channel if found else spec.url


def takes_along(
    name: str, specs: Sequence[Spec], channels: Sequence[str], sources: Sequence[Source]
) -> bool:
    """Whether a package by which one source is known is meant for builds of another, which need it
    too: no other is allowed, or named by the other specs or the channels."""
    without = [one for one in sources if name not in one.facts.names]
    if not without or len(without) == len(sources):
        return bool(without)
    rest = [spec for spec in specs if spec.name != name]
    meant = [one for one in sources if any(is_of(spec, one) for spec in rest)]
    meant = meant or [one for one in sources if one.channel in channels]
    return bool(meant) and all(one in without for one in meant)
