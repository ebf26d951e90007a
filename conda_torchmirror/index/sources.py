"""Where builds come from: the channels, packages and records of each source.

The one list of sources. A stage is given a `Source`, and names no channel and no package of its
own; which source that is, `allowed` says from the word of `--source`.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from ..mirrors.registry import Route
from ..models import Records
from ..selection import rules
from ..selection.facts import conda_forge, cuda, pytorch
from ..selection.facts.cuda import CudaTables
from ..selection.facts.record import Knowledge, SourceFacts
from ..selection.sources.order import Traits
from . import builtin
from .match import admits


class Source(NamedTuple):
    """One place that builds are chosen from.

    `channel` holds the builds of pytorch, `runtime_channel` what CUDA ones need where that is
    another channel, `base_channel` Python and the rest where the user has no channel for it.

    `facts` says what the packages are called and what their records mean, `read` reads records and
    raises what `repodata.read` does. `tables` says which CUDA and which GPUs the builds run on.
    `end` has the last release (`last`) and the newest Python (`python`) of a channel that gets no
    more builds; None where it lives.
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
        """Every channel that a set can come from, that of pytorch first."""
        names = (self.channel, self.runtime_channel, self.base_channel)
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def without_python(self) -> frozenset[str]:
        """The channels that an environment cannot be made from alone."""
        return frozenset(self.channels) - {self.base_channel}

    @property
    def packages(self) -> frozenset[str]:
        """The names whose records a choice needs."""
        return self.facts.records

    def built_in(self, subdir: str) -> Records | None:
        """What the index that ships with the package knows, None for an unknown platform."""
        return builtin.load(subdir, self.packages, channel=self.channel)

    @property
    def knowledge(self) -> Knowledge:
        """What a choice among these builds goes by."""
        return Knowledge(admits, self.tables(), self.facts)

    def ended(self) -> Mapping[str, str] | None:
        """Where the channel ended, None where it lives."""
        return self.end() if self.end else None


def _read_whole(route: Route, subdir: str, names: Collection[str]) -> Records:
    """What `repodata.read` gives. A preview by the built-in index loads none of it."""
    from . import repodata

    return repodata.read(route, subdir, names)


def read_some(route: Route, subdir: str, names: Collection[str]) -> Records:
    """What `repodata.read_some` gives: for an index that is, or may be, too large to be parsed."""
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

#: What `--source` takes besides the names of the sources.
AUTO = "auto"
#: The source that is no channel: wheels, by pip.
WHEELS = "wheels"


def allowed(word: str = AUTO) -> tuple[Source, ...]:
    """The sources that `--source` allows, in the order in which they are tried."""
    return SOURCES if word == AUTO else tuple(s for s in SOURCES if s.name == word)


def named(name: str) -> Source:
    """The source of this name."""
    return next(source for source in SOURCES if source.name == name)


def traits() -> tuple[Traits, ...]:
    """What the rule of `auto` knows of each source."""
    return tuple(
        Traits(one.name, one.channel, rules.last_releases() if one.end else {}) for one in SOURCES
    )


def own_names(source: Source) -> frozenset[str]:
    """The names that this source has and no other."""
    others = (other.facts.names for other in SOURCES if other is not source)
    return source.facts.names.difference(*others)


def foreign(source: Source) -> frozenset[str]:
    """The channels that other sources need and this one does not."""
    return frozenset(c for other in SOURCES for c in other.channels).difference(source.channels)


def of_channel(channel: str) -> Source:
    """The source whose builds a channel has; the first one reads those of any other channel."""
    return next((source for source in SOURCES if source.channel == channel), SOURCES[0])
