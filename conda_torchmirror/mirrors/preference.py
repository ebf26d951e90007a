"""From what was asked for and what is set to the mirrors in their order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .registry import Registry
from .urls import UPSTREAM, MirrorError

#: The preference where the user has none: per channel the first that carries it. `tuna` has what
#: the torch channels need; `nju`, which syncs from upstream by itself, has the parts of `defaults`
#: that `tuna` lost in August 2026 (pkgs/r, pkgs/msys2). Neither has `nvidia`. Sources and dates:
#: data/mirrors.json.
DEFAULT_MIRRORS = ("tuna", "nju")

#: The word for all mirrors that may be chosen on their own, in the registry's order.
AUTO = "auto"


def preferred(
    asked: Sequence[str],
    configured: Sequence[str],
    registry: Registry,
    *,
    only: Sequence[str] = (),
) -> tuple[str, ...]:
    """The names and URLs to go through, in order: `asked` (`--mirror`), else `configured`, else
    the default, which a mirror of the user's own precedes.

    `auto` is replaced by names, and what the administrator does not allow (`only`, empty for no
    limit) is left out. Raises MirrorError where nothing of `asked` is allowed.
    """
    words: Sequence[str] = asked or configured or (*registry.own, *DEFAULT_MIRRORS)
    expanded = tuple(dict.fromkeys(_expanded(words, registry)))
    if not only:
        return expanded
    allowed = tuple(item for item in expanded if item in only or item == UPSTREAM)
    if asked and not allowed:
        raise MirrorError(
            "torchmirror_only allows no other mirrors than {names}.", names=", ".join(only)
        )
    return allowed or tuple(name for name in only if name in registry)


def _expanded(words: Iterable[str], registry: Registry) -> Iterator[str]:
    for word in words:
        if word.lower() == AUTO:
            yield from registry.chosen_for()
        else:
            yield word if "://" in word else word.lower()
