"""`--source wheels`, stage after stage: decision, question, files, conda's part, pip's, the check.

Files come before anything changes, so that a mirror that fails leaves the environment as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from conda.base.context import context

from ...exceptions import causes
from ...exceptions.channel import WheelDamaged
from ...exceptions.environment import ForeignPlatform, NoEnvironment, PipFailed
from ...exceptions.mirror import CannotWrite
from ...exceptions.usage import NotForWheels, NotForWheelSetting
from ...handover import conda, disk_space, environment_lock, pip, wheel_cache
from ...handover.conda import Outcome
from ...handover.disk_space import Footprint
from ...handover.pip import PipExit
from ...machine.survey import inspect, native_subdir
from ...mirrors.registry import Route
from ...models import CondaStep, Listing, Notice
from ...options import InstallOptions
from ...plans.downloads import DownloadList, downloads
from ...redirect import settings
from ...selection.pip.plan import WheelDecision, WheelFile
from ...selection.wheels.request import requested_name
from ...text.messages import clauses, text
from ...text.sanitize import safe
from ...text.wheels.decision import summary
from ...transport.fallback import Router
from ...transport.wheels.reader import Located
from ..run import checked
from ..task import Target
from . import steps
from .decide import Decided, decide
from .listing import listing
from .task import prepare

if TYPE_CHECKING:
    from ..printing.printed import Printed
    from ..run import Report

#: Options that have no meaning for wheels, or that are not built yet, by attribute: their names,
#: and the codes of why.
_REFUSED = {
    "files": ("--file", "wheels_not_built"),
    "solve": ("--solve", "wheels_no_solve"),
    "save": ("--save-plan", "wheels_not_built"),
    "check_upstream": ("--check-upstream", "wheels_no_upstream"),
    "channels": ("--channel", "wheels_no_channel"),
    "override_channels": ("--override-channels", "wheels_no_channel"),
}
#: Options of conda's that say what its solver is to do with packages. Pip takes none of them, and
#: one that went unheard would bring what was not asked for.
_SOLVERS = frozenset(
    (
        *("--no-deps", "--only-deps", "--force-reinstall", "--satisfied-skip-solve"),
        *("--update-all", "--update-deps", "--update-specs", "--freeze-installed", "--use-local"),
    )
)


def execute(
    options: InstallOptions, target: Target, report: Report, *, by_setting: bool = False
) -> WheelDecision | DownloadList | Listing | Printed | Outcome:
    """Run the command. `by_setting` says that no word of it names wheels.

    Raises: TorchMirrorError, or what conda raises.
    """
    _refuse(options, by_setting=by_setting)
    subdir, native = context.subdir, native_subdir()
    task = prepare(options, target, subdir)
    if not options.preview and subdir != native:
        raise ForeignPlatform(subdir=subdir, prefix=str(target.prefix), native=native)
    if target.prefix is None and not options.preview and not options.download:
        raise NoEnvironment()
    if options.action == "list":
        return listing(task)
    decided = decide(task)
    decision = decided.decision
    if options.action == "urls":
        return DownloadList(downloads(file.link for file in decision.files), summary(decision))
    if options.action == "print":
        from ..printing import printed

        return printed.of_wheels(options, target, decision)
    if options.dry_run:
        return decision
    report(decision)
    if not options.download:
        disk_space.refuse_unwritable(str(target.prefix), "new_for_wheels")
    report(space := _space(decision, None if options.download else str(target.prefix)))
    disk_space.check(space)
    if decision.conda is None and not options.download:
        conda.confirm(as_json=options.as_json)
    files = _fetched(decided, options, report)
    if options.download:
        return Outcome(0, summary(decision), downloaded=True)
    return _install(decided, files, options, str(target.prefix), report)


def _refuse(options: InstallOptions, *, by_setting: bool) -> None:
    """Raises: NotForWheels, NotForWheelSetting."""
    found = dict(said for name, said in _REFUSED.items() if getattr(options, name))
    found |= {words[0]: "wheels_no_solver" for words in options.passed if words[0] in _SOLVERS}
    given = list(found)
    if given and by_setting:
        file = settings.source_of("torchmirror_source")
        raise NotForWheelSetting(options=", ".join(given), file=safe(str(file)))
    if given:
        detail = clauses(text(code) for code in dict.fromkeys(found.values()))
        raise NotForWheels(options=", ".join(given), detail=detail)


def _space(decision: WheelDecision, prefix: str | None) -> Footprint:
    """What the files of the set take, as far as their sizes are known."""
    sizes = [file.link.size or 0 for file in decision.files]
    lacking = [file.link.size or 0 for file in decision.files if file.cached is None]
    return disk_space.measure_files(sizes, lacking, wheel_cache.folders()[0], prefix)


def _fetched(decided: Decided, options: InstallOptions, report: Report) -> tuple[WheelFile, ...]:
    """The files on this disk, each with its path.

    Raises: WheelNowhere, CannotWrite, what conda's download raises and is nobody's fault.
    """
    reader = decided.reader
    mirrors = {mirror.name: mirror for mirror in reader.mirrors}
    found = []
    for file in decided.decision.files:
        place: Located | None = Located(file.link, mirrors[file.mirror])
        while place is not None:
            path = wheel_cache.find(place.link)
            if path is None and place.link.url.startswith("file:"):
                path = safe(wheel_cache.path_of(place.link))
                raise WheelDamaged(file=path, detail=text("wheel_hash_differs"))
            try:
                if path is None:
                    path = wheel_cache.fetch(
                        place.link, file.project, file.version, quiet=options.as_json
                    )
            except Exception as error:
                if full := causes.disk_error(error):
                    where = full.filename or wheel_cache.folders()[0]
                    raise CannotWrite.of(full, where) from error
                told = len(reader.notices)
                place = reader.after(place, error)
                if place is None:
                    raise
                for notice in reader.notices[told:]:
                    report(notice)
                continue
            found.append(file._replace(link=place.link, cached=path))
            break
    return tuple(found)


def _install(
    decided: Decided,
    files: tuple[WheelFile, ...],
    options: InstallOptions,
    prefix: str,
    report: Report,
) -> Outcome:
    """Conda's part where there is one, then pip's, then the check."""
    decision = decided.decision
    about = summary(decision)
    # A new environment holds what conda brought for the wheels, and nobody has used it.
    with environment_lock.held(prefix), conda.unmade(prefix, filled=True):
        if decision.conda is not None:
            code = _by_conda(decision, decision.conda, options, prefix, report)
            if code:
                return Outcome(code, about)
        _by_pip(decided, files, options, prefix, report)
    outcome = Outcome(0, about, {"prefix": prefix})
    on = decision.machine
    if options.facts is not None:  # what can be tried is what is here
        on = inspect(subdir=native_subdir(), prefix=None)
    return checked(outcome, options, prefix, on, report)


def _by_conda(
    decision: WheelDecision,
    step: CondaStep,
    options: InstallOptions,
    prefix: str,
    report: Report,
) -> int:
    """Let conda make the environment, or bring pip into it, from mirrors like any other run."""
    words = [*conda.taken(options.passed, step.verb), *(["--json"] if options.as_json else [])]
    command = [step.verb, "--prefix", prefix]
    for channel in step.passed:
        command += ["--channel", channel]
    command += [*words, *step.specs]
    names = step.passed or (steps.BASE,)
    extra: dict[str, Any] = {"torchmirror": summary(decision)}
    options = options._replace(mirrors=())
    with Router(options, context.subdir, names, report, solving=True) as router:
        while True:
            try:
                return conda.run(command, step.environment, extra).code
            except Exception as error:
                router.recover(error)


def _by_pip(
    decided: Decided,
    files: tuple[WheelFile, ...],
    options: InstallOptions,
    prefix: str,
    report: Callable[[Notice], None],
) -> None:
    """Run pip; where the index fails or lacks something, once more with the next one.

    Raises: PipFailed.
    """
    decision = decided.decision
    here = tuple(
        file._replace(link=wheel_cache.file_link(file.link, str(file.cached))) for file in files
    )
    others = decision.others
    tried: list[Route] = []
    for index in (decision.rest, *decided.rest):
        step = steps.pip_step(prefix, here, others, index, decision.pip.options)
        ended = pip.run(
            prefix,
            pip.command(
                prefix,
                step.specs,
                family=[file.project for file in here],
                index=index.url,
                links=steps.page_path([file.link for file in here]),
                options=step.options,
            ),
            index=index.url,
            text=pip.page(file.link for file in here),
            quiet=options.as_json or context.quiet,
        )
        if ended.code == 0:
            return
        tried.append(index)
        if ended.kind not in ("missing", "network"):
            break
        remaining = decided.rest[len(tried) - 1 :]
        if remaining:
            facts = {"index": index.mirror, "what": ended.what, "instead": remaining[0].mirror}
            report(Notice("index_left" if ended.kind == "missing" else "index_failed", facts))
    raise PipFailed(
        code=ended.code,
        detail=text(f"pip_{ended.kind}", {"what": ended.what}),
        said=safe(ended.line),
        command=step.command,
        ways=tuple(_after_pip(ended, others, prefix, tried)),
    )


def _after_pip(
    ended: PipExit, others: Sequence[str], prefix: str, tried: Sequence[Route]
) -> Iterator[Notice]:
    """What helps where pip failed; nothing where only its own words tell more."""
    if context.offline and ended.kind in ("missing", "network"):
        yield Notice("pip_offline", {"what": ended.what})
        return
    name = requested_name(ended.what)
    names = ", ".join(index.mirror for index in tried)
    if ended.kind == "missing" and name in map(requested_name, others):
        yield Notice("pip_word", {"what": ended.what})
    elif ended.kind == "missing":
        yield Notice("pip_other_index", {"what": ended.what, "indexes": names})
    elif ended.kind == "network":
        yield Notice("check_network")
        yield Notice("pip_again")
    elif ended.kind == "space":
        yield Notice("make_room_at", {"folder": safe(prefix)})
    elif ended.kind == "hash":
        yield Notice("tell_operators")
