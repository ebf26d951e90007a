"""Which source each channel of one run is read from, and on to the next when one fails.

Owns what is asked of a source before conda asks it, and the decision after any failure: retry from
another source, or one error that names all that were tried. Channels keep their names
throughout, only where conda finds them changes; what conda has cached therefore stays valid.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from ..exceptions.channel import ChannelBroken, ChannelError, NothingCached
from ..handover.conda import environment
from ..handover.package_cache import alias_mirrored
from ..index import repodata
from ..index.sources import PYTORCH
from ..mirrors import registry
from ..models import Build, Decision, InstallOptions, Notice, Records, Route
from ..redirect import in_process
from ..selection.facts import RUNTIME
from ..text import output
from ..text.messages import text
from . import failures as blame
from . import hashes
from .failures import Failure, shown_name
from .probe import Target
from .probe_session import ProbeSession, Wanted
from .routes import OWN, chains, hosts, is_private, measured, others

#: What may pass by itself; where there is no other source, conda's own patience decides.
SOFT = frozenset(
    ("refused", "dns", "tls", "timeout", "unreachable", "reset", "proxy", "busy", "server_error")
)


class Moved(Exception):
    """A channel has another source now: what was read and chosen before counts no more."""


class Router:
    """The sources of one run. Use as a context: within it conda finds the channels there.

    `read` and `check` raise Moved when a source failed and the next one is in place; `recover`
    does the same for whatever the rest of the run raised, or raises the error to show.
    """

    def __init__(
        self, options: InstallOptions, subdir: str, names: Sequence[str], *, solving: bool = False
    ) -> None:
        """`solving` says that conda's solver will be asked, which reads further channels."""
        from conda.base.context import context

        self.options, self.subdir = options, subdir
        self.chains = chains(options, subdir, names)
        self._solving = solving
        self._others: frozenset[str] = frozenset()
        if solving:
            found = others(options, subdir, self.chains)
            self.chains.update(found.chains)
            self._others = found.read
        self.again = False
        self.notices: list[Notice] = []
        self._at = dict.fromkeys(self.chains, 0)
        self._failures: list[Failure] = []
        self._records: dict[tuple[str, frozenset[str]], Records | ChannelError] = {}
        self._old: dict[str, int] = {}
        self._agreed: tuple[str, ...] | None = None
        self._variables: dict[str, str] = {}
        self._stack = ExitStack()
        self._online = not (context.offline or context.use_index_cache)
        # Offline nobody is asked, and there is no host to know.
        known = hosts(self.chains.values()) if self._online else frozenset()
        self._asker = ProbeSession(subdir, known)

    def __enter__(self) -> Router:
        if self._online:
            if measured(self.options):
                self._order()
            for name in self.chains:
                self._skip(name)
        self._point()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()
        self._asker.cache.save()

    def __getitem__(self, name: str) -> Route:
        return self.chains[name][self._at[name]]

    @property
    def located(self) -> tuple[Route, ...]:
        """The present source of every channel."""
        return tuple(self[name] for name in self.chains)

    # Reading and checking

    def read(self, name: str, names: Collection[str]) -> Records:
        """The records of these names in a channel.

        Raises: Moved; NoSource or another ChannelError once all failed; NothingCached.
        """
        here = self[name]
        key = here.url, frozenset(names)
        if key not in self._records:
            try:
                if self._online:
                    self._visit([here])
                self._records[key] = repodata.read(here, self.subdir, names)
            except ChannelError as error:
                try:
                    self.recover(error)
                except ChannelError as final:
                    self._records[key] = final
                    raise
                raise Moved from error
            except NothingCached:
                if self._next(name):
                    self._point()
                    raise Moved from None
                self._at[name] = 0
                self._point()
                raise
        known = self._records[key]
        if isinstance(known, ChannelError):
            raise known
        return known

    def check(self, decision: Decision) -> tuple[Notice, ...]:
        """Before conda is asked: what was chosen is the newest there is, its files are there, and
        its hashes are known. What is to be said of it is returned.

        Raises: Moved; an error where no source is left, or where a hash is wrong.
        """
        torch = self[decision.choice.torch.channel]
        if self._agreed not in (None, decision.plan.specs):
            self._leave(Failure(torch, Notice("probe_other_choice")))
        said = []
        if self._online and (lacking := hashes.behind(decision)):
            if not self._is_last(torch.name):
                self._old.setdefault(torch.name, self._at[torch.name])
                self._leave(Failure(torch, Notice("probe_behind", {"what": lacking})))
            said.append(Notice("index_behind", {"mirror": torch.mirror, "what": lacking}))
        if self._online and not decision.dry_run:
            self._visit(self._used(decision), self._files(decision))
        if not decision.dry_run or self.options.check_upstream:
            said += hashes.opinion(
                decision,
                torch,
                official=lambda names: self._official(torch.name, names),
                always=self.options.check_upstream,
                exempt=is_private(torch),
            )
        return (*self.notices, *said, *self._along(decision))

    def _along(self, decision: Decision) -> Iterator[Notice]:
        """Which channels beside the planned ones the solver reads from a mirror, and from which."""
        planned = {channel.name for channel in decision.plan.channels}
        places: dict[str, list[str]] = {}
        for source in sorted(self._used(decision)) if self._solving else ():
            if source.name not in planned and source.mirror not in (registry.UPSTREAM, OWN):
                places.setdefault(source.mirror, []).append(f"`{source.name}`")
        if places:
            where = (f"{', '.join(names)} from {mirror}" for mirror, names in places.items())
            yield Notice("others_mirrored", {"where": "; ".join(where)})

    def agree(self, decision: Decision) -> None:
        """From here on the user has seen these specs; another source must have the same. What is
        cached from other sources counts as cached."""
        self._agreed = decision.plan.specs
        self.again = True
        if not decision.dry_run:
            alias_mirrored(source for chain in self.chains.values() for source in chain)

    def _used(self, decision: Decision) -> list[Route]:
        """The sources that the solver will ask, those of the user's own channels included."""
        from conda.base.context import context
        from conda.models.channel import Channel

        own = {Channel(name).canonical_name for name in context.channels}
        planned = {channel.name for channel in decision.plan.channels}
        read = own | planned | self._others
        return [source for source in self.located if source.name in read]

    def _files(self, decision: Decision) -> list[Wanted]:
        """The chosen files that are not in conda's cache: the family's, and of the runtime's those
        that the solver will most likely take."""
        from conda.base.context import context

        builds = [(self[b.channel], b) for b in decision.choice.builds if b.channel in self.chains]
        nvidia = self[PYTORCH.runtime_channel]
        runtime = next((b for b in decision.choice.builds if b.name == RUNTIME), None)
        if runtime is not None:
            read = [r for (url, _), r in self._records.items() if url == nvidia.url]
            held = [b for r in read if isinstance(r, Records) for b in r.builds]
            builds += [(nvidia, build) for build in hashes.likely(runtime, held)]
        return [
            (source, Target(f"{source.url}/{build.subdir}/{build.fn}", build.size, hashed=True))
            for source, build in builds
            if build.fn and not any(_cached(folder, build) for folder in context.pkgs_dirs)
        ]

    def _visit(self, sources: Collection[Route], files: Sequence[Wanted] = ()) -> None:
        """Ask for the indexes of mirrors and for files, what was not asked yet in this run.

        Raises: Moved or an error after a failure.
        """
        wanted = [*files, *(row for source in sources for row in self._asker.indexes(source))]
        last = frozenset(name for name in self.chains if self._is_last(name))
        failed = self._asker.ask(wanted, last)
        for source in sources:
            if code := self._asker.zst_fault(source):
                self._without_zst(source, code)
        for source, probe in failed:
            if not (source.name in last and probe.code in SOFT):
                self._leave(blame.from_answer(source, probe))
        for source in sources:
            if notice := self._asker.redirect_notice(source):
                self._say(notice)

    def _without_zst(self, source: Route, code: str) -> None:
        """Read plain indexes in this run."""
        if "CONDA_REPODATA_USE_ZST" in self._variables:
            return
        self._variables["CONDA_REPODATA_USE_ZST"] = "false"
        notice = Notice(code, {"mirror": source.mirror, "channel": source.name})
        self._say(notice)
        self._now(notice)
        self._point()
        # Conda keeps the way it reads an index together with what it has read.
        from conda.core.subdir_data import SubdirData

        SubdirData.clear_cached_local_channel_data(exclude_file=False)

    def _say(self, notice: Notice) -> None:
        if notice not in self.notices:
            self.notices.append(notice)

    # After a failure

    def recover(self, error: Exception) -> None:
        """Return with the next source in place if a source was to blame for this error.

        Raises: the error itself, or NoSource once no source is left.
        """
        if isinstance(error, Moved):
            return
        if not self._online:
            raise error
        failure = blame.find_culprit(error, self.located)
        if failure is None and blame.may_be_index(error) and self.again:
            error, failure = self._look_for(error)
        if failure is None:
            raise error
        if (
            isinstance(error, ChannelBroken)
            and "CONDA_REPODATA_USE_ZST" not in self._variables
            and failure.route.mirror != registry.UPSTREAM
        ):
            self._without_zst(failure.route, "index_zst_broken")
            return
        try:
            self._leave(failure, cause=error)
        except Moved:
            return

    def _look_for(self, error: Exception) -> tuple[Exception, Failure | None]:
        """Which index is broken, if one is: the exception itself does not say."""
        for source in self.located:
            try:
                repodata.read(source, self.subdir, ())
            except ChannelError as found:
                return found, blame.find_culprit(found, [source])
            except NothingCached:
                continue
        return error, None

    def _leave(self, failure: Failure, cause: Exception | None = None) -> None:
        """Take the next source of the channel that failed, and of all others at a site that did.

        Raises: Moved, or NoSource.
        """
        if failure.answer is not None:
            self._asker.keep(failure.answer)
        self._failures.append(failure)
        site = registry.host_of(failure.route.url)
        left = [
            name
            for name in self.chains
            if name == failure.route.name
            or (failure.of_site and registry.host_of(self[name].url) == site)
        ]
        moved = [name for name in left if self._next(name)]
        if failure.route.name not in moved:
            self._give_up(failure, cause)
        self._tell(failure, moved)
        for name in moved:
            self._skip(name)
        self._point()
        raise Moved from cause

    def _is_last(self, name: str) -> bool:
        return self._at[name] + 1 >= len(self.chains[name])

    def _next(self, name: str) -> bool:
        if self._is_last(name):
            return False
        self._at[name] += 1
        return True

    def _skip(self, name: str) -> None:
        """Pass sources at sites that are known not to answer, as long as there are others."""
        while not self._is_last(name):
            probe = self._asker.cache.site_failure(self[name].url)
            if probe is None:
                return
            failure = blame.from_answer(self[name], probe)
            self._failures.append(failure)
            self._next(name)
            self._tell(failure, [name])

    def _tell(self, failure: Failure, moved: Sequence[str]) -> None:
        """Say which source failed, why, and what is used instead."""
        why = {
            "mirror": shown_name(failure.route),
            "why": text(failure.reason.code, failure.reason.facts),
        }
        before = failure.answer is not None and failure.answer.remembered
        for instead in dict.fromkeys(shown_name(self[name]) for name in moved):
            names = [f"`{name}`" for name in moved if shown_name(self[name]) == instead]
            facts = {**why, "channels": ", ".join(names), "instead": instead}
            minutes = failure.reason.facts.get("minutes", 0)
            code = "mirror_left_before" if before else "mirror_left"
            notice = Notice(code, {**facts, "minutes": minutes})
            self._say(notice)
            self._now(notice)

    def _now(self, notice: Notice) -> None:
        """A line at once, where the decision has been shown already."""
        from conda.base.context import context

        if self.again and not context.json:
            output.warn(text(notice.code, notice.facts))

    def _give_up(self, failure: Failure, cause: Exception | None) -> None:
        """Go back to a source that was only old, or end with an error that names all failures."""
        name = failure.route.name
        if (old := self._old.pop(name, None)) is not None:
            here = self.chains[name][old]
            self.chains[name] = (here,)
            self._at[name] = 0
            self._tell(failure, [name])
            self._point()
            raise Moved from cause
        failures = [f for f in self._failures if f.route.name == name]
        if isinstance(cause, ChannelError) and len(failures) == 1:
            raise cause
        ways = []
        if not self.options.fallback:
            ways.append(Notice("allow_fallback"))
        if self.options.dry_run or self.options.action == "list":
            ways.append(Notice("preview_offline"))
        raise blame.no_route_left(failures, ways) from cause

    # Where conda finds the channels

    def _point(self) -> None:
        """Let conda find every channel at its present source, and nothing at a former one."""
        self._enter(self.located)

    def _enter(self, located: Sequence[Route]) -> None:
        from conda.base.context import context

        self._stack.close()
        own = in_process.configured()
        override = bool(self.options.mirrors) or any(
            s.name in own and s.mirror != OWN for s in located
        )
        at_mirrors = [s for s in located if s.mirror not in (registry.UPSTREAM, OWN)]
        variables = dict(self._variables)
        if at_mirrors:
            # Mirrors have no shards, and their current_repodata.json may be left from last year.
            variables.setdefault("CONDA_REPODATA_USE_SHARDS", "false")
            if tuple(context.repodata_fns) == ("current_repodata.json", "repodata.json"):
                variables["CONDA_REPODATA_FNS"] = "repodata.json"
        stack = self._stack
        mapped = [_mapped(s) if s.name in own and s.mirror != OWN else s for s in located]
        if variables:
            stack.callback(in_process.reload)
            stack.enter_context(environment(variables))
            in_process.reload()
        asked = self.options.channels
        stack.enter_context(in_process.redirected(mapped, override=override, asked=asked))

    def _official(self, name: str, names: Collection[str]) -> Records:
        """The official channel's own records.

        Raises: what `catalog.read` raises.
        """
        there = Route(name, registry.upstream_url(name), registry.UPSTREAM)
        with self._elsewhere(there):
            return repodata.read(there, self.subdir, names)

    @contextmanager
    def _elsewhere(self, there: Route) -> Iterator[None]:
        located = [_mapped(there) if s.name == there.name else s for s in self.located]
        self._enter(located)
        try:
            yield
        finally:
            self._point()

    def _order(self) -> None:
        """With `--mirror auto`: the mirrors by how soon they answer, each in the place of one."""
        rank = self._asker.rank(self.chains[PYTORCH.channel])
        for name, chain in self.chains.items():
            ours = sorted((s for s in chain if s.mirror in rank), key=lambda s: rank[s.mirror])
            ranked = iter(ours)
            self.chains[name] = tuple(next(ranked) if s.mirror in rank else s for s in chain)


def _mapped(source: Route) -> Route:
    """A source under its host's name: `channels.redirected` leaves upstream to conda, which may
    have been told otherwise."""
    upstream = source.mirror == registry.UPSTREAM
    return source._replace(mirror=registry.host_of(source.url)) if upstream else source


def _cached(folder: str, build: Build) -> bool:
    return os.path.exists(os.path.join(folder, build.fn))
