"""`conda torch-install`, stage after stage: machine, records, choice, plan, hand-over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..exceptions.base import TorchMirrorError
from ..exceptions.channel import ChannelError, NothingCached, NothingCachedToSolve
from ..exceptions.choice import Shadowed, UnknownPlatform
from ..exceptions.environment import ForeignPlatform, LeftoverFirst, NoEnvironment
from ..index import repodata
from ..index.match import admits
from ..index.sources import PYTORCH
from ..machine import survey as machine
from ..models import Decision, InstallOptions, Notice, Records, Request
from ..selection import cuda
from ..selection.choose import offers
from ..selection.facts import FAMILY, RUNTIMES, TORCH
from ..selection.plan import FLEXIBLE
from ..selection.specs import package_name
from ..text import decision as render
from ..text import output
from ..text.messages import text
from ..transport.routes import OfflineRouter, RecordReader
from . import request as requests_
from .decide import Target, decide, installed, strict
from .decide import leftover as leftover_of

# What a preview does not need is imported where it is used.
if TYPE_CHECKING:
    from .file_constraints import FileRequest


def execute(options: InstallOptions) -> int:
    """Run the command, for whose command line conda's context is set up; return the exit code.

    Raises: TorchMirrorError, or what conda raises.
    """
    from conda.base.context import context

    given: FileRequest | None = None
    if options.files:
        from . import file_request

        options, given = file_request.take(options)
    subdir = context.subdir
    target = _target(options)
    if options.action == "replay":
        from ..plans import replay

        return replay.execute(options, target.prefix, exists=target.exists)
    if options.save is not None:
        from ..plans import saved_plan

        saved_plan.check_folder(Path(options.save))
    foreign = subdir != machine.native_subdir()
    if target.exists and foreign and options.subdir and not options.preview:
        raise ForeignPlatform(subdir=subdir, prefix=target.prefix, native=machine.native_subdir())
    if target.prefix is None and not options.preview and not target.words:
        raise NoEnvironment()
    request, survey = _facts(options, given, target, subdir)
    if not options.solving and context.offline:
        # Nothing is solved; where nothing is cached either, conda need not be pointed anywhere.
        unread = OfflineRouter(options, subdir, PYTORCH.channels)
        if not any(repodata.cached(source, subdir) for source in unread.chains[PYTORCH.channel]):
            records = _built_in(subdir)
            return _attempt(options, given, target, request, survey, unread, records)
    from ..transport.fallback import Router

    def report(notice: Notice) -> None:
        if not context.json:
            output.warn(text(notice.code, notice.facts))

    with Router(options, subdir, PYTORCH.channels, report, solving=options.solving) as reader:
        while True:
            try:
                return _attempt(options, given, target, request, survey, reader)
            except Exception as error:
                # Returns where another route took the place of the one that failed.
                reader.recover(error)


def _attempt(
    options: InstallOptions,
    given: FileRequest | None,
    target: Target,
    request: Request,
    survey: machine.Survey,
    reader: RecordReader,
    records: Records | None = None,
) -> int:
    """One run with the routes that the channels have at present."""
    if records is None:
        records = _records(reader, survey.machine.subdir, options)
    if options.action == "list":
        render.listing(
            offers(survey.machine, request, records.builds, admits, cuda.tables()),
            survey.machine,
            request,
            records,
        )
        return 0
    decision = decide(options, given, target, request, survey, reader, records)
    decision = decision._replace(notices=(*decision.notices, *reader.check(decision)))
    return _carry_out(options, given, target, decision, reader)


def _target(options: InstallOptions) -> Target:
    from conda.base.context import context

    if options.name or options.prefix:
        words = ("-n", options.name) if options.name else ("-p", str(options.prefix))
        prefix = context.target_prefix
        return Target(prefix, words, (Path(prefix) / "conda-meta").is_dir())
    active = context.active_prefix
    if active and active != context.root_prefix:
        return Target(active, exists=(Path(active) / "conda-meta").is_dir())
    any_new_one = options.save is not None or options.download or options.solve
    return Target(None, ("-n", "NEW") if any_new_one else ())


def _facts(
    options: InstallOptions, given: FileRequest | None, target: Target, subdir: str
) -> tuple[Request, machine.Survey]:
    """The request and the machine; each needs a piece of the other."""
    asked = requests_.make(
        options.specs,
        cuda_word=options.cuda,
        compat=options.cuda_compat,
        allow_cpu=options.allow_cpu,
        source=options.source,
        python_word=options.python,
    )
    survey = machine.survey(
        subdir=subdir,
        prefix=target.prefix if target.exists else None,
        cuda=asked.cuda,
        python=requests_.python(asked.python)[0] if asked.python else None,
        probe_gpus=asked.cuda == "auto",
    )
    torch = installed(survey.machine, TORCH)
    named = any(requests_.names_torch(word) for word in options.specs)
    if torch and options.specs and not named:
        # Only partners are named: the release that is there stays.
        asked = asked._replace(specs={**asked.specs, TORCH: (f"{TORCH}=={torch.version}",)})
    return given.applied(asked, survey) if given else (asked, survey)


def _records(reader: RecordReader, subdir: str, options: InstallOptions) -> Records:
    """The family's records; a preview falls back to the built-in index where nothing is cached."""
    try:
        return reader.read(PYTORCH.channel, PYTORCH.packages)
    except NothingCached as error:
        if not options.preview:
            raise
        if options.solve:
            raise NothingCachedToSolve(channel=PYTORCH.channel, subdir=subdir) from error
    return _built_in(subdir)


def _built_in(subdir: str) -> Records:
    found = PYTORCH.built_in(subdir, PYTORCH.packages)
    if found is None:
        raise UnknownPlatform(subdir=subdir, channel=PYTORCH.channel)
    return found


def _carry_out(
    options: InstallOptions,
    given: FileRequest | None,
    target: Target,
    decision: Decision,
    reader: RecordReader,
) -> int:
    from conda.base.context import context

    if options.action == "urls" and not options.solve:
        from ..plans import downloads

        found = downloads.downloads(decision.choice.builds)
        downloads.show(str(options.urls), found, render.summary(decision), [Notice("urls_family")])
        return 0
    leftover = leftover_of(decision.choice, decision.machine)
    kept = options.action in ("save", "urls")
    if leftover and (kept or options.download):
        raise LeftoverFirst(name=leftover.name, prefix=decision.prefix)
    solve = kept or not options.dry_run or (options.solve and leftover is None)
    decision = decision._replace(solved=solve)
    if not context.json and not options.urls and not reader.agreed:
        render.show(decision, explain=options.explain, verbose=bool(context.verbosity))
    if not solve:
        if context.json:
            render.document(decision)
        return 0
    from ..handover import conda, package_cache
    from ..handover import solve as transaction
    from ..plans import saved_plan
    from ..redirect import settings
    from ..text.output import say
    from ..verify.report import lines_after
    from ..verify.run import verify_after
    from . import file_sections

    create = decision.plan.verb == "create"
    prefix = decision.prefix or (transaction.nowhere() if create else context.root_prefix)
    words = [
        *conda.taken(options.passed, decision.plan.verb),
        *(["--json"] if context.json else []),
        *(["--dry-run"] if options.dry_run else []),
        *(["--download-only"] if options.download else []),
    ]
    variables = dict(decision.plan.environment)
    if decision.machine.cuda_from in ("--cuda", "file") and decision.machine.cuda:
        variables["CONDA_OVERRIDE_CUDA"] = decision.machine.cuda
    subdir = decision.machine.subdir
    command = conda.arguments(
        decision.plan,
        prefix,
        words,
        subdir=subdir if subdir != machine.native_subdir() else None,
    )
    extra: dict[str, Any] = {"torchmirror": render.summary(decision)}
    reader.agree(decision)
    if not decision.dry_run:
        package_cache.alias_mirrored(route for chain in reader.chains.values() for route in chain)
    checked = 0

    def then(document: dict[str, Any]) -> None:
        nonlocal checked
        if given is not None:
            file_sections.finish(given.files, prefix, document)
        if options.check and settings.read().check:
            check = verify_after(prefix, decision.machine)
            if check is None:
                return
            extra["torchmirror"]["check"] = check.document()
            checked = check.exit_code_after
            if not context.json and (checked or not context.quiet):
                say(lines_after(check))

    try:
        if kept:
            return saved_plan.make(options, decision, command, variables, extra["torchmirror"])
        with transaction.unmade(prefix):
            code = conda.replacing(leftover, prefix, command, variables, extra, then)
        return code or checked
    except TorchMirrorError:
        raise
    except Exception as error:
        if options.download and transaction.downloaded(error, extra["torchmirror"]):
            return 0
        # Only another solve shows that it was the priority, and not what the user asked for.
        suspect = strict() and leftover is None and _unsatisfiable(error)
        if (
            suspect
            and conda.solves(command, {**variables, **FLEXIBLE})
            and (hiding := _hiding(decision, reader))
        ):
            raise Shadowed(channel=PYTORCH.channel, package=hiding) from error
        raise


def _unsatisfiable(error: Exception) -> bool:
    """Whether this is a solver's word that nothing fits; each has a class of its own."""
    from conda.exceptions import UnsatisfiableError

    return isinstance(error, UnsatisfiableError) or "nsatisfiable" in type(error).__name__


def _hiding(decision: Decision, reader: RecordReader) -> str:
    """The packages that the set needs and of which the torch channel hides conda-forge's, as far
    as both can be read."""
    own = {*FAMILY, *RUNTIMES}
    names = {package_name(spec) for b in decision.choice.builds for spec in b.depends} - own
    subdir = decision.machine.subdir
    try:
        held = [
            {build.name for build in repodata.read(reader[channel], subdir, names).builds}
            for channel in (PYTORCH.channel, PYTORCH.base_channel)
        ]
    except (ChannelError, NothingCached):  # what the solver said is then the better error
        return ""
    return ", ".join(sorted(set.intersection(*held)))
