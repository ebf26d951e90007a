"""Where builds come from. The names of the channels are written here and nowhere else in code."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from ..mirrors.registry import Route
from ..models import Build, Records
from ..selection.facts import pytorch as facts
from . import builtin, repodata


class Source(NamedTuple):
    """One place that builds are chosen from.

    `channel` holds the builds of pytorch, `runtime_channel` what CUDA ones need, `base_channel`
    Python and the rest where the user has no channel for it. `packages` are the names whose
    records a choice needs. `ended` says that no build will be added to the channel.

    `read` reads records and raises what `repodata.read` does; `facts` says what a record means;
    `built_in` loads the index that ships with the package, None for an unknown platform.
    """

    name: str
    channel: str
    runtime_channel: str
    base_channel: str
    packages: frozenset[str]
    ended: bool
    read: Callable[[Route, str, Collection[str]], Records]
    facts: Callable[[Build], facts.Facts]
    built_in: Callable[[str, Collection[str] | None], Records | None]

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel that a set can come from, that of pytorch first."""
        return (self.channel, self.runtime_channel, self.base_channel)

    @property
    def without_python(self) -> frozenset[str]:
        """The channels that an environment cannot be made from alone."""
        return frozenset((self.channel, self.runtime_channel))


PYTORCH = Source(
    name="pytorch",
    channel="pytorch",
    runtime_channel="nvidia",
    base_channel="conda-forge",
    packages=frozenset((*facts.FAMILY, facts.RUNTIME)),
    ended=True,
    read=repodata.read,
    facts=facts.facts,
    built_in=builtin.load,
)

#: In the order in which they are tried.
SOURCES = (PYTORCH,)
#: What `--source` takes.
AUTO = "auto"


def allowed(word: str) -> tuple[Source, ...]:
    """The sources that `--source` allows, in the order in which they are tried."""
    return SOURCES if word == AUTO else tuple(s for s in SOURCES if s.name == word)
