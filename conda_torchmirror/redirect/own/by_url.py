"""Channels that the running command names by the URL of a mirror.

Such a URL is read as it stands: no redirect reaches it, so that a failure of that mirror ends the
command unless the channel is one of ours, which `torch-install` reads by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ...mirrors.addresses import at_mirror
from ...mirrors.registry import Registry, Route
from ...models import Notice
from ...text.sanitize import safe
from .. import condarc, settings
from ..configuration import DEFAULTS

#: The part of `defaults` that stands for all of it in a list of channels.
MAIN = "pkgs/main"
#: The keys of conda's configuration that name channels.
LISTED, OF_DEFAULTS = "channels", "default_channels"


class ByUrl(NamedTuple):
    """A channel that is named by a URL: the route to it, the word that names it, the key of conda's
    configuration in which that stands (None: on the command line or in a file), and the file or
    variable that sets the key."""

    route: Route
    word: str
    key: str | None = None
    source: str | None = None

    @property
    def step(self) -> Notice:
        """What to do where the mirror fails."""
        name = self.route.channel
        facts = {"word": safe(self.word), "channel": name, "file": safe(str(self.source))}
        if self.key == OF_DEFAULTS:
            if condarc.is_ours(Path(str(self.source))):
                alone = condarc.ours() == (condarc.system_file(),)
                return Notice("url_enabled", {**facts, "system": " --system" * alone})
            return Notice("url_of_defaults", facts)
        listed = self.key is not None
        if name.startswith("pkgs/") and name != MAIN:
            # By that name conda finds it nowhere else, or it is a part of `defaults`.
            return Notice("url_leave_out_listed" if listed else "url_leave_out", facts)
        facts["name"] = DEFAULTS if name == MAIN else name
        return Notice("url_name_listed" if listed else "url_name", facts)


def of_this_command(words: Iterable[str], registry: Registry) -> Iterator[ByUrl]:
    """Yield the channels that conda's configuration, `default_channels` included, and `words` name
    by the URL of a mirror."""
    from conda.base.context import context

    parts = context.custom_multichannels.get(DEFAULTS, ())
    there = [(str(part.base_url), OF_DEFAULTS) for part in parts]
    there += [(str(word), LISTED) for word in context._channels]
    there += [(word, "") for word in words]
    seen = set()
    for word, key in there:
        found = at_mirror(word, registry)
        if found is None or word.rstrip("/") in seen:
            continue
        seen.add(word.rstrip("/"))
        source = settings.source_of(key, None if key == OF_DEFAULTS else word) if key else None
        if key == OF_DEFAULTS and source is None:
            continue  # the parts as conda has them by itself, where a redirect is in force
        url = word.rstrip("/").removesuffix(f"/{found.subdir}")
        yield ByUrl(Route(found.channel, url, found.mirror), word, key if source else None, source)
