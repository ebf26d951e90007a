"""Fallback for conda's own redirected commands, as far as a hook can give one.

Before the command: a mirror of which nothing is known from the last minutes is asked for the first
bytes of one index, and one that fails is left for the next mirror that carries the channel, or for
the official one. Nobody is asked where the answer is remembered (`redirect.answer_log`), which is
all that most commands find here; what asks is loaded only then. Where nothing answers, the fault is
likely on this side: all stays as it was, and conda says what it finds.

After a failure: which mirror it was, and what the same command does when it is run again. Conda
26.7 and newer ask for that, or show the error to observers; of an older one the log of errors is
listened to.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..mirrors.registry import OWN, Route
from ..mirrors.urls import UPSTREAM, upstream_url
from ..redirect import answer_log, settings
from ..redirect.policy import ChannelPolicy

if TYPE_CHECKING:
    from ..models import Notice
    from ..redirect.policy import UserConfig
    from ..transport.answers import Answer
    from ..transport.failures import Failure

#: Seconds for one round of requests, and for all rounds of a command.
ROUND, TOTAL = 5.0, 10.0

#: Failures of which every mirror is suspected where this computer has no network.
_NO_NETWORK = frozenset(("dns", "unreachable", "proxy"))

#: Failures of one index that the others of its site may have as well.
_SPREADING = frozenset(("broken", "not_the_file", "reset", "timeout", "unreadable"))


class Search:
    """One redirected channel, and the places that it can be read from, the preferred one first.

    `at` is the present place, `failure` what was wrong with the first one. `lost` says that none
    is left; the first one is then the present place again.
    """

    __slots__ = ("at", "failure", "lost", "places", "policy")

    def __init__(self, policy: ChannelPolicy, config: UserConfig) -> None:
        official = upstream_url(policy.name)
        self.policy = policy
        self.places = [(str(policy.mirror), str(policy.url)), *policy.others]
        # With an alias of the user's, a name that is not redirected does not lead there.
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
        """Pass the places that are known to fail; whether one is reached of which nothing is
        known."""
        while not self.lost:
            found = answer_log.verdict(answers.values(), self.place[1], subdir)
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

    `own` are those that the user's own configuration leads to a mirror: they stay there, and a
    failure is explained.
    """

    def __init__(
        self,
        mirrored: Sequence[ChannelPolicy],
        config: UserConfig,
        own: Sequence[ChannelPolicy] = (),
    ) -> None:
        self.config = config
        self.own = {one.name: one for one in own}
        self.searches = [Search(one, config) for one in mirrored]
        self.asked: set[str] = set()

    def search(self) -> None:
        """Find the first place that answers for every channel, within `TOTAL` seconds."""
        from conda.base.context import context

        sites = {answer_log.site_of(url) for one in self.searches for _, url in one.places}
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
            # Where a place is found that is there, what failed was not this side's fault.
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
        """Codes and facts of what to say: which mirror is left, why, and what is used instead."""
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
        """What to say of an error of the command: the mirror whose fault it is, and what to do.

        What failed is remembered, so that the same command leaves it out. None where no mirror is
        to blame.
        """
        from ..models import Notice
        from ..text.messages import text

        failure = self._failure(error)
        if failure is None or failure.answer is None:
            return None
        name = failure.route.channel
        facts = {**failure.reason.facts, "mirror": failure.route.place}
        facts["why"] = text(failure.reason.code, facts)
        if name in self.own:
            return self._of_own(self.own[name], facts)
        one = next(s for s in self.searches if s.policy.name == name)
        ours = one.lost or failure.answer.code in _NO_NETWORK
        if self.config.settings.fallback and not ours:
            # A conda that failed on the compressed index will not do without it the next time.
            url = failure.answer.url.removesuffix(".zst")
            _remember([failure.answer._replace(url=url), *self._along(one, failure)], certain=True)
            if one.at + 1 < len(one.places):
                facts |= {"channel": name, "instead": one.places[one.at + 1][0]}
                return Notice("failed_again", facts)
        return Notice("failed_test", facts)

    def _along(self, failed: Search, failure: Failure) -> Iterator[Answer]:
        """Answers by which the next command leaves the site of a failure for its other channels.

        Each may be as broken, conda stops at the first of them, and a user would run the command
        once for each.
        """
        assert failure.answer is not None
        for one in self.searches if failure.answer.code in _SPREADING else ():
            name, url = one.place
            if one is not failed and name == failed.place[0] and not one.lost:
                yield failure.answer._replace(url=f"{url}/{self.config.subdir}/repodata.json")

    def _of_own(self, policy: ChannelPolicy, facts: dict[str, Any]) -> Notice:
        """What to do about a mirror that the user's own configuration leads to."""
        from ..models import Notice

        facts["channel"] = policy.name
        if policy.name in self.config.enabled:
            others = [mirror for mirror, _ in policy.others]
            return Notice("failed_enabled", {**facts, "instead": others[0] if others else UPSTREAM})
        alias = policy.code == "channel_alias"
        key = "channel_alias" if alias else "custom_channels"
        source = settings.source_of(key, None if alias else policy.name)
        return Notice("failed_own", {**facts, "key": key, "file": source})

    def _failure(self, error: BaseException) -> Failure | None:
        from ..index import cache
        from ..transport import failures, probe

        places = [(one.policy.name, *one.place) for one in self.searches]
        places += [(one.name, one.mirror or OWN, str(one.url)) for one in self.own.values()]
        routes = [Route(name, url, mirror) for name, mirror, url in places if mirror != UPSTREAM]
        if (found := failures.find_culprit(error, routes)) is not None:
            return found
        if failures.is_deliberate(error):
            return None
        if (found := failures.find_broken_index(error, routes)) is not None:
            # What cannot be read would break the next command that reads this mirror as well.
            cache.forget(found.route, self.config.subdir)
            return found
        # Conda takes an index that is refused for an empty one, and finds no packages.
        dropped = cache.drop_emptied()
        for route in routes if dropped else ():
            if str(cache.path_of(route, self.config.subdir)) in dropped:
                index = f"{route.url}/{self.config.subdir}/repodata.json"
                answer = probe.ask([probe.ProbeTarget(index)], deadline=ROUND)[index]
                reason = answer._replace(code="withheld") if answer.ok else answer
                return failures.from_answer(route, reason)
        return None


def _remember(answers: Iterable[Answer], *, certain: bool) -> None:
    from ..transport.probe_cache import ProbeCache

    cache = ProbeCache(fresh=True)
    cache.keep(answers)
    cache.save(certain=certain)


#: What the running command was redirected by, and what listens to the errors of an old conda.
_present: Fallback | None = None
_listener: _Listener | None = None

#: The logger that conda prints its errors through, and the functions that do, on 24.7.
_ERRORS = "conda.stderr"
_PRINTING = ("print_conda_exception", "write_out")


class _Listener(logging.Handler):
    """Says what is known of the first error that conda prints."""

    def __init__(self, show: Callable[[Notice], None]) -> None:
        super().__init__()
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        """Explain the error of a record, if it has one. Raises nothing."""
        import sys

        error = sys.exc_info()[1]
        if error is None or record.funcName not in _PRINTING:
            return
        end()
        if getattr(error, "return_code", 1) == 0:  # declined, or a dry run that is over
            return
        try:
            notice = explain(error)
            if notice is not None:
                self._show(notice)
        except Exception:  # conda has said what happened
            return


def begin(fallback: Fallback, show: Callable[[Notice], None] | None) -> None:
    """Explain the errors of this command from now on. `show` prints, for a conda that does not ask
    for hints."""
    global _present, _listener
    end()
    _present = fallback
    if show is not None:
        _listener = _Listener(show)
        logging.getLogger(_ERRORS).addHandler(_listener)


def end() -> None:
    """Listen no more."""
    global _listener
    if _listener is not None:
        logging.getLogger(_ERRORS).removeHandler(_listener)
        _listener = None


def forget() -> None:
    """End what `begin` began."""
    global _present
    end()
    _present = None


def explain(error: BaseException) -> Notice | None:
    """What to say of an error of the running command; None where no mirror is to blame, or no
    command is redirected."""
    found = None if _present is None else _present.explain(error)
    if found is not None:
        forget()  # conda may ask for each part of an error
    return found
