"""Fallback for conda's own redirected commands, as far as a hook can give one.

Before the command: probe each mirror that has no answer from the last minutes by requesting the
first bytes of one index. Where a mirror fails, use the next one that carries the channel, or the
official channel. Most commands find a remembered answer (`redirect.answer_log`) and probe nothing;
the code that probes is only imported when it is needed. Where nothing answers, the fault is likely
on this side: leave everything as it was, and let conda report what it finds.

After a failure: tell which mirror failed, and what the same command does when it is run again.
Conda 26.7 and newer ask for a hint, or show the error to observers; on an older conda a log handler
sees the errors that it prints.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..mirrors.registry import OWN, Route
from ..mirrors.urls import UPSTREAM, host_of, upstream_url
from ..redirect import answer_log, condarc, settings
from ..redirect.policy import ChannelPolicy

if TYPE_CHECKING:
    from ..models import Notice
    from ..redirect.policy import UserConfig
    from ..transport.answers import Answer
    from ..transport.failures import Failure

#: Seconds for one round of requests, and for all rounds of a command.
ROUND, TOTAL = 5.0, 10.0

#: Failures that every mirror shows where this computer has no network.
_NO_NETWORK = frozenset(("dns", "unreachable", "proxy", "unsent"))
#: Those of them that no other site would be without.
_OF_EVERY_SITE = frozenset(("proxy", "unsent"))

#: Failures of one file that the indexes of its site are likely to share, and those of an index that
#: the other indexes are.
_SPREADING = frozenset(("broken", "not_the_file", "reset", "timeout", "unreadable"))
_OF_INDEXES = frozenset(("busy", "forbidden", "server_error", "unauthorized", "withheld"))


class Search:
    """One redirected channel, and the places that it can be read from, the preferred one first.

    `at` is the index of the present place, `failure` the failure of the first one. `lost` says that
    every place failed; the first one is then the present place again.
    """

    __slots__ = ("at", "failure", "lost", "places", "policy")

    def __init__(self, policy: ChannelPolicy, config: UserConfig) -> None:
        official = upstream_url(policy.name)
        self.policy = policy
        self.places = [(str(policy.mirror), str(policy.url)), *policy.others]
        # With a channel_alias of the user's, conda does not read the official channel by its name.
        if config.alias is None and config.permits(policy.name, official):
            self.places.append((UPSTREAM, official))
        self.at = 0
        self.failure: Mapping[str, Any] | None = None
        self.lost = False

    @property
    def place(self) -> tuple[str, str]:
        """The mirror's name and the URL of the channel there."""
        return self.places[self.at]

    def advance(self, answers: Mapping[str, Mapping[str, Any]], subdir: str) -> bool:
        """Skip the places that are known to fail. Return whether the place reached is one that
        has no answer for `subdir` yet."""
        while not self.lost:
            place = answer_log.shown(self.place[1])
            found = answer_log.verdict(answers.values(), place, subdir)
            if found is None:
                return True
            if found["code"] == "ok":
                return False
            self.failure = self.failure or found
            self.at += 1
            if self.at == len(self.places):
                self.at, self.lost = 0, True
        return False


class Fallback:
    """The mirrored channels that one command reads, each at the first place that answers.

    `own` are the channels that the user's own configuration sends to a mirror, `urls` are URLs that
    the command names channels by: they stay there, and a failure is only explained.
    """

    def __init__(
        self,
        mirrored: Sequence[ChannelPolicy],
        config: UserConfig,
        own: Sequence[ChannelPolicy] = (),
        urls: Sequence[str] = (),
    ) -> None:
        self.config = config
        self.urls = urls
        self.own = {one.name: one for one in own}
        self.searches = [Search(one, config) for one in mirrored]
        self.asked: set[str] = set()

    def search(self) -> None:
        """Find the first place that answers for every channel, within `TOTAL` seconds."""
        from conda.base.context import context

        urls = [answer_log.shown(url) for one in self.searches for _, url in one.places]
        sites = dict.fromkeys(map(answer_log.site_of, urls))
        answers = answer_log.read(answer_log.files(context.pkgs_dirs), tuple(sites))
        end = time.monotonic() + TOTAL
        asked: list[Answer] = []
        while unknown := [s for s in self.searches if s.advance(answers, self.config.subdir)]:
            seconds = min(ROUND, float(context.remote_connect_timeout_secs), end - time.monotonic())
            if seconds <= 0:
                break
            found = self._ask(unknown, seconds)
            asked += found
            answers |= {answer.url: answer._asdict() for answer in found}
        if asked:
            self.asked.update(answer.url for answer in asked)
            # Where any place answers, the failures of others are not the fault of this side.
            _remember(asked, certain=any(not one.lost for one in self.searches))

    def _ask(self, unknown: Sequence[Search], seconds: float) -> list[Answer]:
        """Ask each site for the index of one channel."""
        from ..transport import probe, routes

        indexes: dict[str, str] = {}
        for one in unknown:
            index = f"{one.place[1]}/{self.config.subdir}/repodata.json"
            indexes.setdefault(answer_log.site_of(index), index)
        hosts = routes.known_hosts(self.config.registry.values())
        targets = [probe.ProbeTarget(url) for url in indexes.values()]
        return list(probe.ask(targets, hosts=hosts, deadline=seconds).values())

    @property
    def policies(self) -> list[ChannelPolicy]:
        """The policies with each channel at its place; those at the official one are left out."""
        found = []
        for one in self.searches:
            mirror, url = one.place
            if one.at == 0:
                found.append(one.policy)
            elif mirror != UPSTREAM:
                found.append(ChannelPolicy(one.policy.name, "mirrored", mirror, url))
        return found

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Codes and facts of the notices: which mirror is not used, why, and what is instead."""
        groups: dict[tuple[str, str], list[Search]] = {}
        for one in self.searches:
            if one.at > 0:
                groups.setdefault((one.places[0][0], one.place[0]), []).append(one)
        return [self._left(mirror, instead, group) for (mirror, instead), group in groups.items()]

    def _left(
        self, mirror: str, instead: str, group: Sequence[Search]
    ) -> tuple[str, dict[str, Any]]:
        from ..text.messages import text

        failure = group[0].failure
        assert failure is not None
        facts = {**answer_log.facts(failure), "mirror": mirror}
        facts["why"] = text(f"probe_{failure['code']}", facts)
        facts["channels"] = ", ".join(f"`{one.policy.name}`" for one in group)
        code = "mirror_left" if failure["url"] in self.asked else "mirror_left_before"
        return code, {**facts, "instead": instead}

    def explain(self, error: BaseException) -> Notice | None:
        """Return the notice for an error of the command: which mirror is to blame, and what to do.

        Remembers the failure, so that the same command avoids the mirror when it is run again.
        None where no mirror is to blame.
        """
        from ..models import Notice
        from ..text.messages import text
        from ..transport import failures

        failure = self._failure(error)
        if failure is None:
            return self._by_url(error)
        if failure.answer is None:
            return None
        if self._cut_by_mirror(error, failure):
            url = failure.answer.url
            if url.rpartition("/")[2] in (self.config.subdir, "noarch"):  # conda gives no more
                url += "/repodata.json"
            cut = failure.answer._replace(code="reset", url=url)
            failure = failures.from_answer(failure.route, cut)
        assert failure.answer is not None
        name = failure.route.channel
        facts = {**failure.reason.facts, "mirror": failure.route.place}
        facts["why"] = text(failure.reason.code, facts)
        code = failure.answer.code
        if name in self.own and code not in _OF_EVERY_SITE:
            return self._of_own(self.own[name], facts)
        if code in _NO_NETWORK:
            step = "check_settings" if code == "unsent" else "check_network"
            return Notice("failed_here", {**facts, "step": text(step)})
        one = next(s for s in self.searches if s.policy.name == name)
        if code == "tls" and one.lost:  # elsewhere too: certificates here, or the clock
            return Notice("failed_here", {**facts, "step": text("check_certificates")})
        if self.config.settings.fallback and not one.lost:
            # Conda would fail on the compressed index again: a failure of the plain one, then.
            url = failure.answer.url.removesuffix(".zst")
            _remember([failure.answer._replace(url=url), *self._along(one, failure)], certain=True)
            if one.at + 1 < len(one.places):
                facts |= {"channel": name, "instead": one.places[one.at + 1][0]}
                return Notice("failed_again", facts)
        return Notice("failed_test", facts)

    def _cut_by_mirror(self, error: BaseException, failure: Failure) -> bool:
        """Whether a mirror that answered before cut the connection behind a proxy. urllib3 tells of
        every connection that is closed without an answer as if the proxy had failed."""
        from ..transport import failures

        if failure.answer is None or failure.answer.code != "proxy":
            return False
        named = [one for one in self.searches if one.policy.name == failure.route.channel]
        answered = self.config.settings.fallback and not any(one.lost for one in named)
        return bool(named) and answered and failures.was_cut(error)

    def _along(self, failed: Search, failure: Failure) -> Iterator[Answer]:
        """Yield answers that make the next command avoid a failed site for its other channels too.

        They are likely to be as broken, and conda stops at the first broken one: without this the
        user would have to run the command again for each channel.
        """
        assert failure.answer is not None
        code, of_index = failure.answer.code, "repodata" in failure.answer.url
        spreads = code in _SPREADING or (of_index and code in _OF_INDEXES)
        for one in self.searches if spreads else ():
            name, url = one.place
            if one is not failed and name == failed.place[0] and not one.lost:
                yield failure.answer._replace(url=f"{url}/{self.config.subdir}/repodata.json")

    def _of_own(self, policy: ChannelPolicy, facts: dict[str, Any]) -> Notice:
        """The notice on a failing mirror that the user's own configuration names."""
        from ..models import Notice

        facts["channel"] = policy.name
        if policy.name in self.config.enabled:
            others = [self.config.mirror(mirror) for mirror, _ in policy.others]
            if instead := next(filter(None, others), None):
                return Notice("failed_enabled", {**facts, "instead": instead.word})
            alone = condarc.ours() == (condarc.system_file(),)
            return Notice("failed_enabled_alone", {**facts, "system": " --system" * alone})
        alias = policy.code == "channel_alias"
        key = "channel_alias" if alias else "custom_channels"
        source = settings.source_of(key, None if alias else policy.name)
        return Notice("failed_own", {**facts, "key": key, "file": source})

    def _by_url(self, error: BaseException) -> Notice | None:
        """The notice on a failing mirror that a channel of the command names by its URL."""
        from ..index import cache
        from ..models import Notice
        from ..redirect.own import by_url
        from ..text.messages import text
        from ..transport import failures

        named = by_url.of_this_command(self.urls, self.config.registry)
        steps = {one.route: one.step for one in named}
        failure = failures.find_culprit(error, list(steps))
        if failure is None and not failures.is_deliberate(error):
            failure = failures.find_broken_index(error, list(steps))
            if failure is not None:
                cache.forget(failure.route, self.config.subdir)
        if failure is None or (failure.answer and failure.answer.code in _OF_EVERY_SITE):
            return None
        step = steps[failure.route]
        facts = {**failure.reason.facts, "mirror": failure.route.place}
        why = text(failure.reason.code, facts)
        return Notice("failed_here", {**facts, "why": why, "step": text(step.code, step.facts)})

    def _failure(self, error: BaseException) -> Failure | None:
        from ..index import cache, emptied
        from ..transport import failures, probe

        places = [(one.policy.name, *one.place) for one in self.searches]
        places += [(one.name, one.mirror or OWN, str(one.url)) for one in self.own.values()]
        routes = [Route(name, url, mirror) for name, mirror, url in places if mirror != UPSTREAM]
        if (found := failures.find_culprit(error, routes)) is not None:
            return found
        if failures.is_deliberate(error):
            return None
        if (found := failures.find_broken_index(error, routes)) is not None:
            # Conda has cached the broken index, which would break the next command as well.
            cache.forget(found.route, self.config.subdir)
            return found
        # Conda treats an index that the server refuses as an empty one, and finds no packages.
        dropped = emptied.drop_emptied()
        for route in routes if dropped else ():
            if str(cache.path_of(route, self.config.subdir)) in dropped:
                index = f"{route.url}/{self.config.subdir}/repodata.json"
                answer = probe.ask([probe.ProbeTarget(index)], deadline=ROUND)[index]
                reason = answer._replace(code="withheld") if answer.ok else answer
                return failures.from_answer(route, reason)
        return self._behind(error, routes)

    def _behind(self, error: BaseException, routes: Iterable[Route]) -> Failure | None:
        """The failure of a mirror whose index lacks a package that its channel is known to have,
        where conda has found none of that name: such an index is old or half synced."""
        said = {**(getattr(error, "_kwargs", None) or {}), **vars(error)}  # old conda, newer conda
        if not said.get("channel_urls"):
            return None
        from ..transport import failures
        from ..transport.answers import Answer
        from . import lacking

        specs = [str(spec) for spec in said.get("packages") or ()]
        for route in routes:
            if fn := lacking.find(route, self.config.subdir, specs):
                file = f"{route.url}/{self.config.subdir}/{fn}"
                answer = Answer(file, "behind", host=host_of(file), at=time.time())
                return failures.from_answer(route, answer)
        return None


def _remember(answers: Iterable[Answer], *, certain: bool) -> None:
    from ..transport.probe_cache import ProbeCache

    cache = ProbeCache(fresh=True)
    cache.keep(answers)
    cache.save(certain=certain)


#: The fallback of the running command, and the log handler for the errors of an old conda.
_present: Fallback | None = None
_listener: _Listener | None = None

#: The logger that conda 24.7 prints its errors through, and the functions that call it.
_ERRORS = "conda.stderr"
_PRINTING = ("print_conda_exception", "write_out")


class _Listener(logging.Handler):
    """A log handler that explains the first error that conda prints."""

    def __init__(self, show: Callable[[Notice], None]) -> None:
        super().__init__()
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        """Explain the exception being handled, if conda is printing one. Raises nothing."""
        import sys

        error = sys.exc_info()[1]
        if error is None or record.funcName not in _PRINTING:
            return
        end()
        if getattr(error, "return_code", 1) == 0:  # the user said no, or a dry run has ended
            return
        try:
            notice = explain(error)
            if notice is not None:
                self._show(notice)
        except Exception:  # conda has already reported the error itself
            return


def begin(fallback: Fallback, show: Callable[[Notice], None] | None) -> None:
    """Explain the errors of this command from now on. `show` prints a notice on a conda that does
    not ask plugins for hints, and is None otherwise."""
    global _present, _listener
    end()
    _present = fallback
    if show is not None:
        _listener = _Listener(show)
        logging.getLogger(_ERRORS).addHandler(_listener)


def end() -> None:
    """Remove the log handler."""
    global _listener
    if _listener is not None:
        logging.getLogger(_ERRORS).removeHandler(_listener)
        _listener = None


def forget() -> None:
    """Undo `begin`."""
    global _present
    end()
    _present = None


def explain(error: BaseException) -> Notice | None:
    """Return the notice for an error of the running command, at most once; None where no mirror is
    to blame, or no command is redirected."""
    found = None if _present is None else _present.explain(error)
    if found is not None:
        forget()  # conda may ask for each part of an error
    return found
