"""Which sources to ask for a request, in which order, and why: the rule of `--source auto`.

The newest release that runs here wins, whichever source has it. One source comes first if something
ties the request to it: its own packages, a named channel, the torch of the environment, a release
that it alone has. Pure: no conda.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

from ...models import Admits, Machine, Request
from ..facts.cuda import data
from ..facts.names import PARTNERS, TORCH
from ..specs import package_name, release

#: Why a source was taken: it was named, the environment has its torch, only it can have the named
#: release, its release is the newest, no other has a set, or no other could be read.
Why = Literal["asked", "bound", "release", "newer", "only", "offline"]
_VERSION = r"\d+(?:\.\d+)*"


class Traits(NamedTuple):
    """What the rule knows of a source. `last` holds its last releases by package if its channel has
    ended, else nothing."""

    name: str
    channel: str
    last: Mapping[str, str]


class Order(NamedTuple):
    """The sources to ask, by name. With `newest` all are asked and the newest release wins; else
    the first that has a set is taken.

    `clash` holds two words that name different sources; then none is asked.
    """

    sources: tuple[str, ...]
    why: Why
    newest: bool = False
    clash: tuple[str, str] | None = None


def order(
    asked: str | None,
    machine: Machine,
    request: Request,
    channels: Sequence[str],
    sources: Sequence[Traits],
    admits: Admits,
) -> Order:
    """The order for a request. `asked` is the source that `--source` or the setting names, None for
    auto; `channels` are those that the command line or a file names, in order."""
    names = tuple(source.name for source in sources)
    if asked:
        return Order((asked,), "asked", clash=_clash(request, asked, f"--source {asked}"))
    if request.ties:
        (first, word), *_ = request.ties
        clash = _clash(request, first, word) or _too_new(request, first, word, sources, admits)
        return Order((first,), "asked", clash=clash)
    named = [s.name for channel in channels for s in sources if s.channel == channel]
    torch = next((p for p in machine.installed if p.name == TORCH), None)
    of_torch = [source for source in sources if torch and source.channel == torch.channel]
    bound = [source.name for source in of_torch]
    # Beside a pytorch that stays, conda-forge is named for the other packages; conda-forge's is
    # mixed with no other channel.
    only_others = request.keeps_torch and not {*PARTNERS}.intersection(request.specs)
    if named and not (only_others and any(source.last for source in of_torch)):
        return Order(tuple(dict.fromkeys(named)), "asked")
    if bound:
        return Order((*bound, *(name for name in names if name not in bound)), "bound")
    old = [source for source in sources if source.last]
    sides = {side for source in old for side in _sides(request, source.last, admits)}
    if len(sides) == 1:
        ended = tuple(source.name for source in old)
        living = tuple(name for name in names if name not in ended)
        return Order((*ended, *living) if sides == {"old"} else living, "release")
    return Order(names, "newer", newest=True)


def _clash(request: Request, source: str, word: str) -> tuple[str, str] | None:
    """The words that name this source, `word` among them, and those of others, if there are any."""
    others = [other for of, other in request.ties if of != source]
    ours = dict.fromkeys((word, *(one for of, one in request.ties if of == source)))
    return (" ".join(ours), " ".join(dict.fromkeys(others))) if others else None


def _too_new(
    request: Request, name: str, word: str, sources: Sequence[Traits], admits: Admits
) -> tuple[str, str] | None:
    """A word that ties the request to a channel that ended, and other words for a newer release.

    Where those words exclude each other, or a word that ties has the release itself, the records
    tell better what is wrong.
    """
    last = next(source.last for source in sources if source.name == name)
    if not last or _sides(request, last, admits) != {"new"}:
        return None
    tied = {package_name(one) for of, one in request.ties if of == name}
    newer = [spec for of, specs in _narrowed(request).items() if of not in tied for spec in specs]
    return (word, " ".join(newer)) if newer else None


def _narrowed(request: Request) -> dict[str, tuple[str, ...]]:
    """The specs that say which release: those on pytorch, and on partners made for one each."""
    found = {
        name: tuple(spec for spec in request.specs.get(name, ()) if spec != name)
        for name in (TORCH, *PARTNERS)
    }
    pins = tuple(pin.spec for pin in request.pins if package_name(pin.spec) == TORCH)
    found[TORCH] = (*found[TORCH], *pins)
    return {name: specs for name, specs in found.items() if specs}


def _sides(
    request: Request, last: Mapping[str, str], admits: Admits
) -> Collection[Literal["old", "new"]]:
    """Whether the named releases are up to the `last` of a channel (old), newer, or both.

    Both if none is named. The specs are tried on the known releases and on the versions that they
    name themselves.
    """
    both: set[Literal["old", "new"]] = {"old", "new"}
    for name, specs in _narrowed(request).items():
        if name not in last:
            continue
        sides: set[Literal["old", "new"]] = set()
        for version in {*_known(name), *(v for spec in specs for v in re.findall(_VERSION, spec))}:
            found, end = release(version), release(last[name])
            if found and end and all(admits(spec, name, version, "") for spec in specs):
                sides.add("old" if found <= end else "new")
        both &= sides
    return both


def _known(name: str) -> Collection[str]:
    """The versions of a package that conda-forge has had; older ones stand in the specs."""
    rows = data("conda_forge.json")["releases"]
    if name == TORCH:
        return [row["torch"] for row in rows]
    return [version for row in rows for version in row.get(name, ())]
