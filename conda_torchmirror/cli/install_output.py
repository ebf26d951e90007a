"""The output of `torch-install`: each result of its stages as text, or as one JSON document.

Lists, plans, files and checks are imported only when there is such a result: a preview has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from conda.base.context import context

from ..models import Decision, Listing, Notice
from ..options import InstallOptions
from ..text import decision as decisions
from ..text.layout import bullet, columns, file_size, wrapped
from ..text.messages import text
from ..text.output import emit, say, warn
from ..text.reasons import shown

if TYPE_CHECKING:
    from ..handover.disk_space import Footprint
    from ..install.printing.printed import Printed
    from ..install.run import Result, Step
    from ..plans.downloads import DownloadList
    from ..plans.replay import Replay
    from ..plans.saved_plan import Saved
    from ..selection.pip.plan import WheelDecision


def reporter(*, explain: bool, as_json: bool) -> Callable[[Step], None]:
    """Return the function that shows each step of a run; with `--json` it shows nothing."""

    def report(step: Step) -> None:
        if as_json:
            return
        if isinstance(step, Decision):
            say(decision_lines(step, explain=explain))
        elif isinstance(step, Notice):
            warn(wrapped(text(step.code, step.facts)))
        else:
            _report_done(step, explain=explain)

    return report


def _report_done(step: Step, *, explain: bool) -> None:
    from ..handover.disk_space import Footprint
    from ..handover.installers.ended import InstallerOutput
    from ..install.files.environment_file import SetVariables
    from ..plans.replay import Replay
    from ..selection.pip.plan import WheelDecision
    from ..verify.report import lines_after
    from ..verify.verdict import Check

    if isinstance(step, Replay):
        say(list(replay_lines(step)))
    elif isinstance(step, WheelDecision):
        say(wheel_lines(step, explain=explain))
    elif isinstance(step, InstallerOutput):
        warn(step.text)
    elif isinstance(step, Footprint):
        if not context.quiet:
            say(["", *footprint_lines(step)])
    elif isinstance(step, Check):
        if step.exit_code_after or not context.quiet:
            say(lines_after(step))
    elif isinstance(step, SetVariables) and not context.quiet:
        say(wrapped(text("file_variables_set", {"names": ", ".join(step.names)})))


def footprint_lines(found: Footprint) -> Iterator[str]:
    """The size of the download and the free space, to show before conda's own list and question."""
    facts = {
        "count": found.packages,
        "size": file_size(found.size),
        "lacking": found.lacking,
        "download": file_size(found.download),
    }
    yield from wrapped(text("plan_size" if found.lacking else "plan_at_hand", facts))
    for place in found.places:
        free = {"folder": place.folder, "free": file_size(place.free)}
        yield from wrapped(text("space_free", free))


def show(result: Result, options: InstallOptions) -> int:
    """Show the result of the run, and return the exit code."""
    if isinstance(result, Listing):
        from ..text import listing

        if options.as_json:
            emit(listing.document(result))
        else:
            say(listing.lines(result, verbose=bool(context.verbosity)))
    elif isinstance(result, Decision):
        if options.as_json:
            emit(decisions.summary(result), dry_run=result.dry_run, prefix=result.prefix)
        else:
            say(decision_lines(result, explain=options.explain))
    else:
        return _show_done(result, options)
    return 0


def _show_done(result: Result, options: InstallOptions) -> int:
    """Show a result other than a preview's, whose modules a preview does not import."""
    from ..selection.pip.plan import WheelDecision

    if isinstance(result, WheelDecision):
        if options.as_json:
            emit(wheel_summary(result), dry_run=result.dry_run, prefix=result.prefix)
        else:
            say(wheel_lines(result, explain=options.explain))
        return 0
    return _show_rest(result, options)


def _show_rest(result: Result, options: InstallOptions) -> int:
    """Show a result that is no preview of a choice."""
    from ..handover.conda import Outcome
    from ..install.machines.run import MachinePlans
    from ..install.printing.printed import Printed
    from ..plans.downloads import DownloadList
    from ..plans.replay import Replay
    from ..plans.saved_plan import Saved

    if isinstance(result, MachinePlans):
        from .fleet import machines

        if result.urls is not None and not options.as_json:
            _show_urls(result.urls, options)
        return machines.show(result, options)
    if isinstance(result, Printed):
        _show_printed(result, options)
    elif isinstance(result, Outcome):
        if options.as_json:
            document = {k: v for k, v in result.document.items() if k != "torchmirror"}
            emit(result.about, **document)
        elif result.downloaded:
            say(wrapped(text("downloaded")))
        return result.code
    elif isinstance(result, DownloadList):
        _show_urls(result, options)
    elif isinstance(result, Saved):
        _show_saved(result, options)
    elif isinstance(result, Replay):
        if options.as_json:
            emit(result.about, dry_run=True, prefix=result.prefix)
        else:
            end = ["", text("dry_run")] if options.dry_run and result.changed else []
            say([*replay_lines(result), *end])
    return 0


def decision_lines(decision: Decision, *, explain: bool) -> list[str]:
    """A decision as lines, with more detail under conda's `-v`."""
    return decisions.lines(decision, explain=explain, verbose=bool(context.verbosity))


def wheel_lines(decision: WheelDecision, *, explain: bool) -> list[str]:
    """A decision for wheels as lines."""
    from ..text.wheels import decision as wheels

    return wheels.lines(decision, explain=explain, verbose=bool(context.verbosity))


def wheel_summary(decision: WheelDecision) -> dict[str, Any]:
    """A decision for wheels as the value of `torchmirror`."""
    from ..text.wheels import decision as wheels

    return wheels.summary(decision)


def _show_saved(saved: Saved, options: InstallOptions) -> None:
    from ..plans.downloads import DownloadList

    if options.urls:
        files = saved.plan.files
        _show_urls(DownloadList(files, saved.about, saved.notices, saved.on_choice), options)
    elif options.as_json:
        emit(saved.about, dry_run=True, prefix=saved.prefix)
    else:
        told = [wrapped(text(notice.code, notice.facts)) for notice in saved.notices]
        say(["", *(line for lines in told for line in lines)])
        # Of packages that lie beside the plan, it is said already.
        if saved.fetched and not options.with_packages:
            say(wrapped(text("downloaded")))


def _show_printed(found: Printed, options: InstallOptions) -> None:
    """Print the text on standard output, and the notices on standard error."""
    if options.as_json:
        emit(found.about, dry_run=True, prefix=found.prefix)
        return
    say(found.text)
    if not context.quiet:
        warn(list(decisions.notes(found.notices, (), verbose=bool(context.verbosity))))


def _show_urls(found: DownloadList, options: InstallOptions) -> None:
    """Print nothing but the URLs on standard output, and totals and notices on standard error."""
    from ..plans.downloads import FORMATS

    if options.as_json:
        listed = [
            {"url": f.url, "file": f.file, "size": f.size, "md5": f.md5, "sha256": f.sha256}
            for f in found.files
        ]
        emit({**found.about, "urls": listed}, dry_run=True)
        return
    say(FORMATS[options.urls or "plain"](found.files))
    if not context.quiet:
        of_files = [line for said in _about_urls(found) for line in wrapped(said)]
        warn([*of_files, *decisions.notes(found.on_choice, (), verbose=bool(context.verbosity))])


def _about_urls(found: DownloadList) -> Iterator[str]:
    from ..plans.downloads import total

    code, files = "urls_total", found.files
    if unknown := sum(file.size is None for file in files):
        code = "urls_total_part" if unknown < len(files) else "urls_total_unknown"
    size = file_size(total(files))
    yield text(code, {"count": len(files), "size": size, "unknown": unknown})
    for notice in found.notices:
        yield text(notice.code, notice.facts)
    if bare := sum(file.hash is None for file in files):
        yield text("urls_no_hash", {"count": bare})


def replay_lines(replay: Replay) -> Iterator[str]:
    """A saved plan and what has to be downloaded for it, as lines."""
    plan = replay.plan
    chosen = plan.decision.get("selected", {})
    names = [build.get("name") for build in chosen.get("builds", ())]
    cuda = chosen.get("cuda")
    yield shown(
        "plan_head",
        date=plan.created[:10],
        target=shown("on_cuda", cuda=cuda) if cuda else shown("on_cpu"),
        python=chosen.get("python"),
        subdir=plan.subdir,
    )
    rows = [tuple(shown(code) for code in ("package", "version", "build", "size"))]
    for package in plan.packages:
        if package["name"] in names:
            size = file_size(package["size"]) if package.get("size") else "?"
            rows.append((package["name"], package["version"], package["build"], size))
    for file in plan.wheels.files if plan.wheels else ():
        size = file_size(file.link.size) if file.link.size else "?"
        rows.append((file.project, file.version, file.link.variant or "-", size))
    yield from ("", *(columns(rows) if len(rows) > 1 else [text("plan_no_family")]), "")
    facts = {
        "count": len(plan.files),
        "size": file_size(plan.total),
        "lacking": replay.lacking,
        "download": file_size(replay.to_download),
    }
    yield text("plan_size" if replay.lacking else "plan_at_hand", facts)
    for notice in replay.notices:
        yield from bullet(text(notice.code, notice.facts))
