"""`conda torch-mirror test`: which mirrors answer, how fast, and which builds they have.

Picks the mirrors and builds to compare, and shows the comparison; `transport.probe_session` sends
the requests.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from conda.base.context import context

from ..exceptions.mirror import OfflineTest
from ..index.sources import allowed
from ..install import request
from ..machine import survey
from ..mirrors.registry import AUTO, Mirror, Route
from ..mirrors.urls import UPSTREAM, MirrorError, upstream_url
from ..models import Build, Choice, Notice, Request
from ..redirect import settings
from ..selection.choose import choose
from ..selection.facts.names import TORCH
from ..text import output
from ..text.layout import bullet, columns, wrapped
from ..text.messages import plural, text
from ..text.sanitize import safe
from ..transport.answers import Answer
from ..transport.probe_session import Trial, compare

#: The sources whose builds are looked for, in this order; the first one's channels are shown.
SOURCES = allowed()
SOURCE = SOURCES[0]
CHANNELS = tuple(filter(None, (SOURCE.channel, SOURCE.base_channel, SOURCE.runtime_channel)))
#: Seconds for the whole test, unless `--timeout` says otherwise.
SECONDS = 10.0


def execute(args: Namespace) -> int:
    """Run the command. Return 0 if any mirror answered, else 1.

    Raises: BadMirror, OfflineTest.
    """
    if context.offline:
        raise OfflineTest()
    subdir = context.subdir
    asked = _request(args.spec or ())
    chosen = _chosen(subdir, asked)
    trials = _trials(args.mirrors, subdir)
    compare(trials, subdir, chosen, args.timeout or SECONDS)
    passed_over = _passed_over(subdir, asked, chosen)
    best = None if args.spec and not chosen else recommended(trials, chosen)
    if context.json:
        about = _document(trials, chosen, subdir)
        about["recommended"] = None if best is None else safe(best.word)
        about["remarks"] = [text(notice.code, notice.facts) for notice in passed_over]
        output.emit(about, success=any(trial.ok for trial in trials))
    else:
        if args.spec and not chosen and any(trial.ok for trial in trials):
            advice = text("test_unknown", {"specs": _specs(asked)})
        else:
            advice = _advice(trials, chosen, best, named=bool(args.mirrors))
        output.say([*wrapped(advice), "", *_lines(trials, chosen, subdir, passed_over)])
    return 0 if any(trial.ok for trial in trials) else 1


def _request(specs: Sequence[str]) -> Request:
    """Read the specs. Raises: what `install.request.make` raises."""
    return request.make(
        list(specs),
        cuda_word="auto",
        compat="minor",
        allow_cpu=True,
        source="auto",
        python_word=None,
    )


def _chosen(subdir: str, asked: Request) -> tuple[Build, ...]:
    """The builds that torch-install would choose here by the built-in index of the first source
    that has any, without those whose files it knows by the naming rules only; if pytorch is one of
    these, the next best files of the release, if need be those for another driver; () if none
    fit."""
    here = survey.survey(subdir=subdir, prefix=None, cuda="auto", python=None, probe_gpus=False)
    any_driver = here.machine._replace(cuda="99", cuda_from="--cuda", failing=False)
    for source in SOURCES:
        known = source.built_in(subdir)
        if known is None:
            continue
        certain = [b for b in known.builds if b.name != TORCH or b.known_by != "derived"]
        for on, builds in (
            (here.machine, known.builds),
            (here.machine, certain),
            (any_driver, certain),
        ):
            best = choose(on, asked, builds, source.knowledge)
            if isinstance(best, Choice) and best.torch.known_by != "derived":
                return tuple(build for build in best.builds if build.known_by != "derived")
    return ()


def _passed_over(subdir: str, asked: Request, chosen: Sequence[Build]) -> list[Notice]:
    """Notices on specs that no mirror is asked for."""
    found = []
    if asked.others:
        names = ", ".join(str(spec) for spec in asked.others)
        found.append(Notice("test_others", {"specs": names}))
    if not chosen:
        found.append(Notice("test_no_files", {"specs": _specs(asked), "subdir": subdir}))
    return found


def _specs(asked: Request) -> str:
    return " ".join(spec for each in asked.specs.values() for spec in each)


def _trials(names: Sequence[str], subdir: str) -> list[Trial]:
    """The mirrors to test: those named, else the preferred ones, those that `auto` may choose, and
    last the official channels."""
    try:
        values = settings.read()
        known = settings.registry(values)
        wanted = settings.preference(names, values, known)
        if not names:
            everyone = settings.preference([AUTO], values, known)
            wanted = tuple(dict.fromkeys((*wanted, *everyone)))
        found = known.resolve(wanted, allow_http=values.http)
    except MirrorError as error:
        raise settings.unusable(error, names) from error
    trials = [Trial(m.name, m.title, _routes(m, subdir), m.word) for m in found]
    if not names or UPSTREAM in [name.lower() for name in names]:
        official = {name: Route(name, upstream_url(name), UPSTREAM) for name in CHANNELS}
        trials.append(Trial(UPSTREAM, text("upstream_title"), official, UPSTREAM))
    return trials


def _routes(mirror: Mirror, subdir: str) -> dict[str, Route]:
    return {
        name: Route(name, url, mirror.name)
        for name in CHANNELS
        if (url := mirror.may_have(name, subdir)) is not None
    }


def ago(moment: float | None) -> str:
    """The age of a time in seconds since 1970, in whole days, hours or minutes; "?" for None.

    >>> import time
    >>> ago(time.time() - 3 * 3600)
    '3 h'
    """
    if moment is None:
        return "?"
    seconds = max(0.0, time.time() - moment)
    units = (("d", 86400), ("h", 3600), ("min", 60))
    unit, length = next((one for one in units if seconds >= 2 * one[1]), units[-1])
    return f"{seconds / length:.0f} {unit}"


def _lines(
    trials: Sequence[Trial],
    chosen: Sequence[Build],
    subdir: str,
    passed_over: Sequence[Notice],
) -> list[str]:
    before = (text("test_mirror"), text("test_answer"))
    behind = (text("test_file"), text("test_index"), text("test_sync"))
    table: list[tuple[str, ...]] = [(*before, *CHANNELS, *behind)]
    remarks = []
    for trial in trials:
        cells = [_held(trial, name) for name in CHANNELS]
        table.append(
            (trial.name, _answer(trial), *cells, _count(trial, chosen), _age(trial), _synced(trial))
        )
        remarks += [text(n.code, n.facts) for n in _remarks(trial)]
    about = [build.fn for build in chosen]
    head = wrapped(plural("test_head", len(trials), {"subdir": subdir}))
    lines = [*head, "", *columns(table)]
    if remarks:
        lines += [
            "",
            *(line for remark in dict.fromkeys(remarks) for line in bullet(remark)),
        ]
    asked = [text("test_files", {"files": ", ".join(about)})] if about else []
    asked += [text(notice.code, notice.facts) for notice in passed_over]
    if asked:
        lines += ["", *(line for said in asked for line in bullet(said))]
    return lines


def _answer(trial: Trial) -> str:
    if trial.first is None:
        return "-"
    return f"{trial.first.seconds * 1000:.0f} ms" if trial.ok else text("test_no")


def recommended(trials: Sequence[Trial], chosen: Sequence[Build]) -> Trial | None:
    """The mirror to use among those that have everything: the first one tested, which is the most
    preferred, else the fastest. None where no mirror has everything."""
    complete = [trial for trial in trials if trial.name != UPSTREAM and _complete(trial, chosen)]
    if not complete:
        return None
    if complete[0] is trials[0]:
        return complete[0]
    return min(complete, key=lambda trial: trial.first.seconds if trial.first else SECONDS)


def _channel(chosen: Sequence[Build]) -> str:
    """The channel of the set."""
    return chosen[0].channel if chosen else SOURCE.channel


def _complete(trial: Trial, chosen: Sequence[Build]) -> bool:
    """Whether a mirror answers, and has the channel of PyTorch and all files of the set."""
    torch = trial.channels.get(_channel(chosen))
    return trial.ok and torch is not None and torch.ok and all(a.ok for a in trial.files.values())


def _advice(
    trials: Sequence[Trial], chosen: Sequence[Build], best: Trial | None, *, named: bool
) -> str:
    if best is None:
        firsts = [trial.first for trial in trials if trial.first]
        if not any(first.status for first in firsts):
            if len(firsts) > 1 and {first.code for first in firsts} == {"tls"}:
                return text("test_untrusted")
            return text("test_nobody_named" if named else "test_nobody")
        official = next((trial for trial in trials if trial.name == UPSTREAM), None)
        if official is None and named:
            return text("test_none_named")
        if official is None or _complete(official, chosen):
            return text("test_none")
        return text("test_none_there" if official.ok else "test_none_at_all")
    return text("test_keep" if best is trials[0] else "test_recommend", {"mirror": best.word})


def _held(trial: Trial, name: str) -> str:
    if name not in trial.routes:
        return "-"
    answer = trial.channels.get(name)
    return "?" if answer is None else text("test_yes" if answer.ok else "test_no")


def _count(trial: Trial, chosen: Sequence[Build]) -> str:
    if not trial.files:
        return "-" if _channel(chosen) not in trial.routes else "?"
    return f"{sum(answer.ok for answer in trial.files.values())}/{len(trial.files)}"


def _age(trial: Trial) -> str:
    return ago(trial.modified) if trial.ok else "?"


def _synced(trial: Trial) -> str:
    if trial.sync is None:
        return "-"
    return f"{trial.sync['status'][:8]}, {ago(trial.sync['updated'])}"


def _remarks(trial: Trial) -> list[Notice]:
    """Notices on mirrors and files that cannot be had, and on redirects to other hosts."""
    answers = [trial.first, *trial.channels.values(), *trial.files.values()]
    found = []
    for answer in answers:
        if answer is not None and not answer.ok:
            facts = {**answer.notice.facts, "mirror": trial.name}
            found.append(Notice(answer.notice.code, facts))
        elif answer is not None and answer.moved_to:
            facts = {"mirror": trial.name, "channel": SOURCE.channel, "host": answer.moved_to}
            found.append(Notice("mirror_sends_on", facts))
    return found


def _document(trials: Sequence[Trial], chosen: Sequence[Build], subdir: str) -> dict[str, Any]:
    return {
        "subdir": subdir,
        "files": [build.fn for build in chosen],
        "test": [_as_json(trial) for trial in trials],
    }


def _as_json(trial: Trial) -> dict[str, Any]:
    return {
        "mirror": trial.name,
        "title": trial.title,
        "ok": trial.ok,
        "first": _answer_json(trial.first) if trial.first else None,
        "channels": {
            name: {"url": safe(route.url), **_answer_json(trial.channels.get(name))}
            for name, route in trial.routes.items()
        },
        "files": {fn: _answer_json(answer) for fn, answer in trial.files.items()},
        "modified": trial.modified,
        "sync": dict(trial.sync) if trial.sync else None,
        "remarks": [text(n.code, n.facts) for n in _remarks(trial)],
    }


def _answer_json(answer: Answer | None) -> dict[str, Any]:
    if answer is None:
        return {"code": "not_asked"}
    shown = {"code": answer.code, "status": answer.status, "host": answer.host}
    return {**shown, "milliseconds": round(answer.seconds * 1000), "modified": answer.modified}
