"""Pointing conda at mirrors, in this process only. Nothing is written.

Conda reads its configuration from the files of `conda.base.context.SEARCH_PATH`. For each channel
that a mirror serves, one small file of ours (`data/redirect/`) joins that list; it maps the
channel's name to the URL in an environment variable, and `pkgs/pro` to what conda maps it to as
long as nothing else is mapped. Names stay names: `pytorch::` specs, full upstream URLs,
exports and priorities go on working, and switching mirrors reinstalls nothing. Where a label is
asked for that the mirror lacks, a file of `label/` leaves the channel's labels at upstream.

The automatic redirect also merges the content of these files, which `mapped` has as data, into the
configuration that conda has read already: parsing one takes 3 ms, and rereading all files 3 more.

The parts of `defaults` are replaced where conda computes them: a `default_channels` list would
give them other names (`anaconda/pkgs/main`), and conda 26.7 would then reinstall every package
that came from `defaults` before.

`PRIVATE` lists all that this uses of conda beyond its documented interface; if a later conda lacks
one of these names, nothing is changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..mirrors.urls import upstream_parent
from . import moved_channels, named_channels, settings
from .configuration import configured, forget, reload

if TYPE_CHECKING:
    from ..mirrors.registry import Route

#: The folder of the redirect files, as one of the sources of conda's configuration.
REDIRECTS = Path(named_channels.REDIRECTS)
#: Another one of them, for what ranks above the user's configuration.
BACK = REDIRECTS / "label"

#: What the redirect uses and conda does not document, as module and attribute path.
PRIVATE = (
    ("conda.base.context", "SEARCH_PATH"),
    ("conda.base.context", "context._argparse_args"),
    ("conda.base.context", "context.raw_data"),
    ("conda.base.context", "context._reset_cache"),
    ("conda.base.context", "Context.custom_multichannels.fget"),
    ("conda.common.configuration", "CommentedMap"),
    ("conda.common.configuration", "CommentedSeq"),
    ("conda.common.configuration", "YamlRawParameter.make_raw_parameters"),
    ("conda.models.channel", "Channel._reset_state"),
    ("conda.models.match_spec", "_PARSE_CACHE"),
    ("conda.models.match_spec", "MatchSpec._MATCHER_CACHE"),
)


#: The setting for sharded indexes in conda 26.7.
SHARDS = "repodata_use_shards"


class CondaChanged(RuntimeError):
    """This conda lacks a name that the redirect needs, or ignores what the redirect has set.

    `str()` of it is the sentence for `code`, which is built only when it is shown.
    """

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(code, facts)
        self.code, self.facts = code, facts

    def __str__(self) -> str:
        from ..text.messages import text

        return text(self.code, self.facts)


#: A channel, the URL above it at a mirror, and whether its labels stay at upstream.
Redirect = tuple[str, str, bool]


def _file(name: str) -> Path:
    return REDIRECTS / f"{name}.yml"


def variable(name: str) -> str:
    """The environment variable that the channel's redirect file reads its parent URL from."""
    return "TORCHMIRROR_PARENT_OF_" + name.upper().replace("-", "_")


def mapped(name: str, above: str, *, guarded: bool = False) -> dict[str, dict[str, str]]:
    """The content of a channel's redirect file, for the mirror's parent URL `above`; for a
    `guarded` channel also that of its file in `label/`."""
    official = upstream_parent(name)
    if name.startswith("pkgs/"):
        return {"migrated_custom_channels": {name: official}}
    channels = {name: above, "pkgs/pro": upstream_parent("pkgs/pro")}
    if guarded:
        channels[f"{name}/label"] = official
    return {"custom_channels": channels, "migrated_custom_channels": {name: official}}


def parent(name: str, url: str) -> str | None:
    """The URL above a channel, as in conda's `custom_channels`; None if `url` has another name.

    >>> parent("pkgs/main", "https://mirror.example/anaconda/pkgs/main")
    'https://mirror.example/anaconda'
    """
    above = url.rstrip("/").removesuffix(f"/{name}")
    return None if above == url.rstrip("/") else above


def missing() -> tuple[str, ...]:
    """The names in `PRIVATE` that this conda does not have."""
    import importlib

    lacking = []
    for module, path in PRIVATE:
        found: Any = importlib.import_module(module)
        for attribute in path.split("."):
            found = getattr(found, attribute, None)
        if found is None:
            lacking.append(f"{module}.{path}")
    return tuple(lacking)


def knows_shards() -> bool:
    """Whether this conda reads sharded indexes."""
    from conda.base.context import Context

    # Not by hasattr: conda's settings raise AttributeError when accessed on the class.
    return any(SHARDS in vars(kind) for kind in Context.__mro__)


class _Redirection:
    """Redirects that can be put in force and ended.

    `override` ranks them above the user's configuration; those to the official place always rank
    there, since nothing but the file of `torch-mirror enable` can lead such a channel away.
    `quick`, for the automatic redirect, merges them into the configuration that conda has read
    already, instead of having conda reread all files. Without `shards` conda reads whole indexes.
    Channels at the URLs of `former`, of quick ones alone, get their names back.
    """

    def __init__(
        self,
        redirects: Iterable[Redirect],
        *,
        override: bool = False,
        quick: bool = False,
        shards: bool = True,
        former: Sequence[str] = (),
    ) -> None:
        self.redirects = tuple(redirects)
        self.shards = shards or not knows_shards()
        self.override = override
        self.quick = quick
        self.former = former
        self.parts = {n: above for n, above, _ in self.redirects if n.startswith("pkgs/")}
        named = [redirect for redirect in self.redirects if redirect[0] not in self.parts]
        self.back = {name for name, above, _ in named if above == upstream_parent(name)}
        self.files = (
            *(_file(name) for name, _, _ in named if name not in self.back),
            *(_file(f"label/{name}") for name, _, guarded in named if guarded),
            *((_file("defaults"),) if self.parts else ()),
            *((_file("pkgs/msys2"),) if "pkgs/msys2" in self.parts else ()),
            *(() if self.shards else (_file("settings/shards"),)),
        )
        self.above = tuple(_file(name) for name in self.back)
        self.variables = {variable(name): above for name, above, _ in named}
        self.before: dict[str, str | None] = {}
        self.multichannels: property | None = None

    def start(self) -> None:
        """Point conda at the mirrors. Raises CondaChanged, after everything is put back."""
        from conda.base import context as module

        if lacking := missing():
            raise CondaChanged("conda_lacks", names=", ".join(lacking))
        self.before = {name: os.environ.get(name) for name in self.variables}
        try:
            os.environ.update(self.variables)
            path = tuple(module.SEARCH_PATH)
            # First is lowest in conda's order, last is highest.
            below, above = ((), self.files) if self.override else (self.files, ())
            module.SEARCH_PATH = (*below, *path, *above, *self.above)
            if self.parts:
                self.multichannels = module.Context.custom_multichannels
                module.Context.custom_multichannels = _with_parts(self.multichannels, self.parts)
            if self.quick:
                self._join()
            else:
                reload()
            self._check()
        except BaseException:
            self.stop()
            raise

    def _join(self) -> None:
        """Merge ours into conda's configuration, ranked as in the search path."""
        from conda.base.context import context
        from conda.common.configuration import CommentedMap, CommentedSeq, YamlRawParameter

        ours: dict[str, Any] = {} if self.shards else {SHARDS: False}
        if self.former:
            ours["migrated_channel_aliases"] = CommentedSeq(self.former)
        back: dict[str, Any] = {}
        for name, above, guarded in self.redirects:
            layer = back if name in self.back else ours
            for key, channels in mapped(name, above, guarded=guarded).items():
                layer.setdefault(key, CommentedMap()).update(channels)
        raw = YamlRawParameter.make_raw_parameters(REDIRECTS, CommentedMap(ours))
        context.raw_data = {REDIRECTS: raw, **context.raw_data}
        if back:
            raw = YamlRawParameter.make_raw_parameters(BACK, CommentedMap(back))
            context.raw_data[BACK] = raw
        context._reset_cache()
        forget()

    def _check(self) -> None:
        from conda.base.context import context

        there = context._custom_channels
        parts = context.custom_multichannels["defaults"] if self.parts else ()
        moved = {part.name: part.location for part in parts}
        for name, above, _ in self.redirects:
            taken = (
                moved.get(name) == _place(above)["location"]
                if name in self.parts
                else (there.get(name) == above)
            )
            if not taken:
                raise CondaChanged("conda_ignores", channel=name)

    def stop(self) -> None:
        """Put everything back."""
        from conda.base import context as module
        from conda.base.context import context

        sources = {REDIRECTS, BACK, *self.files, *self.above}
        module.SEARCH_PATH = tuple(p for p in module.SEARCH_PATH if p not in sources)
        if self.multichannels is not None:
            module.Context.custom_multichannels = self.multichannels
            self.multichannels = None
        for name, old in self.before.items():
            if old is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = old
        if not self.quick:
            reload()
            return
        # Our files are among the sources if conda has reloaded its configuration meanwhile.
        held = context.raw_data
        context.raw_data = {source: held[source] for source in held if source not in sources}
        context._reset_cache()
        forget()


def _with_parts(original: property, parents: Mapping[str, str]) -> property:
    """`Context.custom_multichannels` with the parts of `defaults` at mirrors, names kept."""
    fget = original.fget
    assert fget is not None
    # Conda reads this each time it names a channel; ours is cached as long as conda's own value is.
    last: list[Any] = [None, None]

    def custom_multichannels(self: Any) -> dict[str, Any]:
        found = fget(self)
        if last[0] is not found:
            last[:] = [found, {**found, "defaults": tuple(map(moved, found.get("defaults", ())))}]
        result: dict[str, Any] = last[1]
        return result

    def moved(part: Any) -> Any:
        from conda.models.channel import Channel

        url = f"{part.location}/{part.name}"
        for name, above in parents.items():
            place = _place(above)
            if url in (f"repo.anaconda.com/{name}", f"{place['location']}/{name}"):
                return Channel(name=name, **place)
        return part

    return property(custom_multichannels)


def _place(url: str) -> dict[str, str]:
    """Split a URL into the arguments of conda's `Channel`."""
    from conda.common.url import split_scheme_auth_token

    location, scheme, auth, token = split_scheme_auth_token(url)
    return {"location": location, "scheme": scheme, "auth": auth, "token": token}


#: What the automatic redirect has in force, and how many blocks of `redirected` are open.
_automatic: _Redirection | None = None
_open = 0


def busy() -> bool:
    """Whether a command of ours is running conda with redirects of its own."""
    return _open > 0


def active() -> tuple[Redirect, ...]:
    """The redirects that `apply` has put in force."""
    return _automatic.redirects if _automatic else ()


def apply(
    redirects: Sequence[Redirect], *, shards: bool = True, former: Sequence[str] = ()
) -> None:
    """Redirect until `undo`, replacing what was redirected before. What was installed from a
    channel below one of the URLs `former` has that channel's name meanwhile.

    Without `shards` conda reads whole indexes, unless the user's configuration says otherwise: if a
    mirror lacks sharded ones, or answers with a page of its own, some solvers do not fall back to
    the whole index (libmamba ends in an unexpected error, tried on 26.7).

    Raises: CondaChanged, with conda as it is without us.
    """
    global _automatic
    undo()
    moved_channels.keep_names()
    begun = _Redirection(redirects, quick=True, shards=shards, former=former)
    if begun.redirects or not begun.shards or former:
        begun.start()
        _automatic = begun


def undo() -> None:
    """End what `apply` began. Without effect where nothing is in force."""
    global _automatic
    moved_channels.release()
    if _automatic is not None:
        ended, _automatic = _automatic, None
        ended.stop()


@contextmanager
def redirected(
    located: Sequence[Route], *, override: bool, asked: Sequence[str] = ()
) -> Iterator[None]:
    """Let conda find the located channels at their mirrors until the block ends.

    `asked` are the channels that the command line names.

    Channels that are at upstream, or that the user's configuration maps already, are left alone;
    with `override` ours come last in conda's search path and so win over the user's. The
    automatic redirect does nothing meanwhile.
    """
    global _open
    own = configured()
    ours = []
    for route in located:
        above = parent(route.channel, route.url)
        if not route.by_mirror or above is None or not named_channels.redirectable(route.channel):
            continue
        if override or route.channel not in own:
            ours.append((route.channel, above, _label_to_guard(route, asked)))
    _open += 1
    moved_channels.keep_names()
    begun = _Redirection(ours, override=override) if ours else None
    try:
        if begun is not None:
            try:
                begun.start()
            except CondaChanged as error:
                from ..exceptions.mirror import UnknownConda

                raise UnknownConda(detail=str(error)) from error
        yield
    finally:
        _open -= 1
        if not busy():
            moved_channels.release()
        if begun is not None:
            begun.stop()


def _label_to_guard(route: Route, asked: Sequence[str]) -> bool:
    """Whether a label of the channel is asked for and the mirror carries none of its labels."""
    if not any(f"{route.channel}/label/" in word for word in asked):
        return False
    mirror = settings.registry(settings.read()).get(route.mirror)
    carried = None if mirror is None else mirror.channels.get(route.channel)
    return carried is None or not carried.labels
