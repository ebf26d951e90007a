"""Fallback for `torch-install`: go on to the next route of a channel when one fails.

Owns the checks of a mirror before conda uses it, and the decision after any failure: start again
with another route, or raise one error that names all routes tried.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress

from conda.base.context import context
from conda.models.channel import Channel

from ..exceptions import causes
from ..exceptions.base import TorchMirrorError
from ..exceptions.channel import ChannelBroken, ChannelError, NothingCached
from ..exceptions.mirror import CannotWrite
from ..index import cache, emptied, repodata
from ..index.fetch import bounded, quiet_pool
from ..index.repodata import spinner
from ..index.sources import SOURCES, Source, of_channel
from ..mirrors.registry import Route
from ..mirrors.urls import UPSTREAM
from ..models import Decision, Machine, Notice, Records, Request
from ..options import InstallOptions
from ..text.messages import clauses, text
from ..text.sanitize import safe
from . import failures, hashes, routes
from .failures import Failure
from .probe import ProbeTarget
from .probe_session import ProbeSession, Wanted
from .route_setup import SHARDS, ZST, RouteSetup

#: Failures that may be temporary; without another route, they are left to conda's own retries.
PASSING = frozenset(
    ("refused", "dns", "tls", "timeout", "unreachable", "reset", "proxy", "busy", "server_error")
)

#: Shows a notice at once, for events after the decision was shown.
Report = Callable[[Notice], None]


class Moved(Exception):
    """A channel has another route now, so what was read and chosen before is void."""


class Router:
    """The `routes.RecordReader` of a run that may use the network. Use as a context manager: within
    it conda finds every channel at its present route.

    `read` and `check` raise Moved after a route has failed and the next one is in place; `recover`
    handles any error of the rest of the run, or raises the error to show.
    """

    def __init__(
        self,
        options: InstallOptions,
        subdir: str,
        names: Sequence[str],
        report: Report,
        *,
        solving: bool = False,
    ) -> None:
        """`names` are the channels to read; mirrors are ranked by the first. `solving` says that
        conda's solver will run, which reads further channels."""
        chains = routes.chains(options, subdir, names)
        self.own: Mapping[str, routes.OwnPlace] = routes.own_places(subdir, names)
        self._others: frozenset[str] = frozenset()
        if solving:
            others = routes.others(options, subdir, chains)
            chains.update(others.chains)
            self._others = others.read
        self.agreed, self._ranked_by = False, names[0]
        self._options, self._subdir, self._solving = options, subdir, solving
        self._report = report
        self._notices: list[Notice] = []
        self._specs: tuple[str, ...] | None = None
        self._records: dict[tuple[str, frozenset[str]], Records | ChannelError] = {}
        self._online = not (context.offline or context.use_index_cache)
        # Offline nothing is requested, so no hosts are needed.
        hosts = routes.hosts(chains.values()) if self._online else frozenset()
        self._session = ProbeSession(subdir, hosts)
        self._state = routes.RoutingState(chains)
        self._setup = RouteSetup(options)
        self._stack = ExitStack()

    def __enter__(self) -> Router:
        self._stack.enter_context(bounded())
        self._stack.enter_context(quiet_pool())
        if self._online:
            cache.drop_unusable()
            if routes.measured(self._options):
                self._state.sort(self._session.rank(self.chains[self._ranked_by]))
            for name in self.chains:
                self._skip_failed_sites(name)
        self._setup.apply(self.located)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._setup.close()
        self._stack.close()
        self._session.cache.save()

    @property
    def chains(self) -> Mapping[str, tuple[Route, ...]]:
        """All routes of every channel, in order."""
        return self._state.chains

    def __getitem__(self, name: str) -> Route:
        return self._state[name]

    @property
    def located(self) -> tuple[Route, ...]:
        """The present route of every channel."""
        return self._state.located

    def read(self, name: str, names: Collection[str]) -> Records:
        """The records of these names in a channel.

        Raises: Moved; NoSource or another ChannelError once all failed; NothingCached.
        """
        here = self[name]
        key = here.url, frozenset(names)
        if key not in self._records:
            try:
                if self._online:
                    self._probe([here])
                with spinner(text("reading_index", {"channel": name, "mirror": here.place})):
                    self._records[key] = of_channel(name).read(here, self._subdir, names)
            except ChannelError as error:
                try:
                    self.recover(error)
                except ChannelError as final:
                    self._records[key] = final
                    raise
                raise Moved from error
            except NothingCached:
                moved = self._state.advance(name)
                if not moved:
                    self._state.restart(name)
                self._setup.apply(self.located)
                if moved:
                    raise Moved from None
                raise
        known = self._records[key]
        if isinstance(known, ChannelError):
            raise known
        return known

    def check(self, source: Source, decision: Decision) -> tuple[Notice, ...]:
        """Check, before conda runs, that the choice is the newest there is, that its files exist,
        and that its hashes are confirmed; return notices to show.

        Raises: Moved; an error if no route is left or a hash is wrong.
        """
        torch = self[source.channel]
        if self._specs not in (None, decision.plan.conda.specs):
            self._leave(Failure(torch, Notice("probe_other_choice")))
        old = self.doubt(source, decision.machine, decision.request, decision.records)
        found = [old] if old else []
        if self._online and not decision.dry_run:
            self._probe(self._used(decision), self._files(source, decision))
        if not decision.dry_run or self._options.check_upstream:
            found += hashes.opinion(
                decision,
                torch,
                official=lambda names: self._official(torch, names),
                always=self._options.check_upstream,
                exempt=routes.is_private(torch),
            )
        return (*self._notices, *found, *self._mirrored_along(decision))

    def doubt(
        self, source: Source, machine: Machine, request: Request, records: Records
    ) -> Notice | None:
        """Check whether the source's index is old, partly synced or empty: whether it lacks a build
        that would be chosen. Return the notice on it if there is no other route.

        Raises: Moved if there is another route.
        """
        torch = self[source.channel]
        lacking = hashes.behind(source, machine, request, records) if self._online else None
        if lacking is None:
            return None
        if not self._state.is_last(torch.channel):
            self._state.keep_old(torch.channel)
            self._leave(Failure(torch, Notice("probe_behind", {"what": lacking})))
        return Notice("index_behind", {"mirror": torch.place, "what": lacking})

    def agree(self, decision: Decision) -> None:
        """Record that the user has seen these specs; another route must have the same."""
        self._specs = decision.plan.conda.specs
        self.agreed = True

    def check_emptied(self, error: Exception) -> None:
        """Leave a mirror whose index was refused while the solver read it, which conda takes for
        empty, or has no Python: then the solver's error is not about the request.

        Raises: Moved, or an error if no route is left.
        """
        if not self._online or failures.is_deliberate(error):
            return
        dropped = emptied.drop_emptied()
        for route in self.located if dropped else ():
            path = str(cache.path_of(route, self._subdir))
            if route.mirror != UPSTREAM and path in dropped:
                answer = self._session.ask_again(f"{route.url}/{self._subdir}/repodata.json")
                reason = answer._replace(code="withheld") if answer.ok else answer
                self._leave(failures.from_answer(route, reason), cause=error)
        for route in self.located if hashes.is_unsolved(error) else ():
            if not self._state.is_last(route.channel) and hashes.is_hollow(route, self._subdir):
                self._leave(Failure(route, hashes.HOLLOW), cause=error)

    def recover(self, error: Exception) -> None:
        """Put the next route in place if a route is to blame for this error.

        Raises: the error itself, or NoSource once no route is left.
        """
        if isinstance(error, Moved):
            return
        if not isinstance(error, TorchMirrorError) and (full := causes.disk_error(error)):
            places = (context.pkgs_dirs[0], context.target_prefix)
            raise CannotWrite.of_one(full, places) from error
        failure = failures.find_culprit(error, self.located) if self._online else None
        broken = isinstance(error, ChannelBroken)
        if failure is None and self._online and self.agreed and failures.may_be_index(error):
            error, failure = self._find_broken_index(error)
            broken = failure is not None
        if failure is None:
            raise failures.of_other(error, self._options.channels) or error
        if causes.of_shards(error) and not self._setup.leaves_out(SHARDS):
            self._leave_out(SHARDS, failure.route, "index_shards_broken")
            return
        other_form = failure.reason.code != "probe_too_large" and failure.route.mirror != UPSTREAM
        if broken and other_form and not self._setup.leaves_out(ZST):
            cache.forget(failure.route, self._subdir)  # a solver leaves what it cannot read
            self._leave_out(ZST, failure.route, "index_zst_broken")
            return
        with suppress(Moved):
            self._leave(failure, cause=error)

    # Requests

    def _probe(self, located: Collection[Route], files: Sequence[Wanted] = ()) -> None:
        """Probe the indexes of routes and files, unless already probed in this run.

        Raises: Moved or an error after a failure.
        """
        # Without a network conda would retry for six seconds a channel, so the official one is
        # probed as well; for nothing else, as conda may well read what answers a probe oddly.
        offline = failures.seems_offline(self._state.failures)
        rows = [row for r in located for row in self._session.indexes(r, official=offline)]
        asked_too = {safe(target.url) for route, target in rows if route.mirror == UPSTREAM}
        last = frozenset(name for name in self.chains if self._state.is_last(name))
        failed = self._session.ask([*files, *rows], last)
        for route in located:
            code = self._session.zst_fault(route)
            if code and not self._setup.leaves_out(ZST):
                self._leave_out(ZST, route, code)
        for route, answer in failed:
            failure = failures.from_answer(route, answer)
            of_conda = answer.url in asked_too or (route.channel in last and answer.code in PASSING)
            if not of_conda or (offline and failures.seems_offline([failure])):
                self._leave(failure)
        for route in located:
            if notice := self._session.redirect_notice(route):
                self._note(notice)

    def _used(self, decision: Decision) -> list[Route]:
        """The routes that the solver will use, including those of the user's own channels."""
        planned = {route.channel for route in decision.plan.channels}
        if decision.plan.conda.alone:
            passed = map(Channel, decision.plan.conda.passed)
            parts = (part for one in passed for part in getattr(one, "channels", (one,)))
            read = planned | {part.name for part in parts}
        else:
            read = planned | self._others | {Channel(n).canonical_name for n in context.channels}
        return [route for route in self.located if route.channel in read]

    def _files(self, source: Source, decision: Decision) -> list[Wanted]:
        """The chosen files that are not in conda's cache: those of the family, and those of the
        CUDA runtime that the solver will most likely take."""
        chosen = (*decision.choice.builds, *decision.choice.libraries)
        builds = [(self[b.channel], b) for b in chosen if b.channel in self.chains]
        runtime = next((b for b in decision.choice.builds if b.name == source.facts.runtime), None)
        if runtime is not None and source.runtime_channel:
            there = self[source.runtime_channel]
            read = [r for (url, _), r in self._records.items() if url == there.url]
            held = [b for r in read if isinstance(r, Records) for b in r.builds]
            builds += [(there, build) for build in hashes.likely(runtime, held)]
        return [
            (route, ProbeTarget(f"{route.url}/{build.subdir}/{build.fn}", build.size, hashed=True))
            for route, build in builds
            if build.fn and not cache.has_package(build.fn)
        ]

    def _official(self, route: Route, names: Collection[str]) -> Records:
        """The official channel's own records.

        Raises: what `repodata.read` raises.
        """
        there = routes.official(route)
        with self._setup.instead(there, self.located):
            return of_channel(route.channel).read(there, self._subdir, names)

    def _find_broken_index(self, error: Exception) -> tuple[Exception, Failure | None]:
        """Find which index is broken, if one is, because the exception does not tell."""
        if (seen := failures.find_broken_index(error, self.located)) is not None:
            return error, seen
        for route in self.located:
            try:
                repodata.inspect(route, self._subdir)
            except ChannelError as found:
                return found, failures.find_culprit(found, [route])
        return error, None

    # After a failure

    def _leave(self, failure: Failure, cause: Exception | None = None) -> None:
        """Go on to the next route, with a notice.

        Raises: Moved, or NoSource.
        """
        if failure.answer is not None:
            self._session.keep(failure.answer)
        moved = self._state.leave(failure)
        if failure.route.channel not in moved:
            self._give_up(failure, cause)
        self._tell_left(failure, moved)
        for name in moved:
            self._skip_failed_sites(name)
        self._setup.apply(self.located)
        raise Moved from cause

    def _skip_failed_sites(self, name: str) -> None:
        """Skip routes at sites known not to answer, unless they are the last."""
        while not self._state.is_last(name):
            answer = self._session.cache.site_failure(self[name].url)
            if answer is None:
                return
            failure = failures.from_answer(self[name], answer)
            self._state.failures.append(failure)
            self._state.advance(name)
            self._tell_left(failure, [name])

    def _give_up(self, failure: Failure, cause: Exception | None) -> None:
        """Return to a route that was only old, or raise an error that names all failures."""
        name = failure.route.channel
        if self._state.settle_for_old(name):
            self._tell_left(failure, [name])
            self._setup.apply(self.located)
            raise Moved from cause
        failed = [found for found in self._state.failures if found.route.channel == name]
        if isinstance(cause, ChannelError) and len(failed) == 1:
            raise cause
        ways = [*routes.around(self._options, self._subdir, failure.route)]
        preview = self._options.dry_run or self._options.action == "list"
        if preview and any(source.built_in(self._subdir) for source in SOURCES):
            ways.append(Notice("preview_offline"))
        raise failures.no_route_left(failed, ways) from cause

    def _leave_out(self, form: str, route: Route, code: str) -> None:
        """Read indexes in other forms for the rest of this run, with a notice on why."""
        self._tell(Notice(code, {"mirror": route.place, "channel": route.channel}))
        self._setup.leave_out(form, self.located)

    # Notices

    def _tell_left(self, failure: Failure, moved: Sequence[str]) -> None:
        for notice in failures.left(failure, [self[name] for name in moved]):
            self._tell(notice)

    def _tell(self, notice: Notice) -> None:
        """Add a notice to the decision, and show it at once if the decision was already shown."""
        self._note(notice)
        if self.agreed:
            self._report(notice)

    def _note(self, notice: Notice) -> None:
        if notice not in self._notices:
            self._notices.append(notice)

    def _mirrored_along(self, decision: Decision) -> Iterator[Notice]:
        """Notices on further channels that the solver reads from a mirror, and from which."""
        planned = {route.channel for route in decision.plan.channels}
        places: dict[str, list[str]] = {}
        for route in (
            sorted(self._used(decision), key=lambda route: route.channel) if self._solving else ()
        ):
            if route.channel not in planned and route.by_mirror:
                places.setdefault(route.mirror, []).append(f"`{route.channel}`")
        if places:
            where = (
                text("redirected_names", {"names": ", ".join(names), "mirrors": mirror})
                for mirror, names in places.items()
            )
            yield Notice("others_mirrored", {"where": clauses(where)})
