"""`conda torch-install`, stage after stage: machine, records, choice, plan, hand-over."""

from __future__ import annotations

import os
from argparse import Action, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import (
    catalog,
    compat,
    fromfile,
    handover,
    machine,
    plan,
    render,
    replay,
    rules,
    saved,
    sections,
    settings,
    transaction,
    urls,
    ways,
)
from . import request as requests_
from .builds import FAMILY, RUNTIMES, TORCH
from .cli_verify import verify_after
from .exceptions import (
    ChannelError,
    ForeignPlatform,
    LeftoverFirst,
    NoEnvironment,
    NoFittingBuild,
    NothingCached,
    PinConflict,
    PipTorch,
    Shadowed,
    TorchMirrorError,
    UnknownPlatform,
)
from .fallback import Sources
from .models import (
    Build,
    Choice,
    Decision,
    Installed,
    Located,
    Machine,
    NoChoice,
    Notice,
    Records,
    Request,
)
from .selection import RuntimeIndex, choose, table, with_runtime

#: Channels that a set can come from: pytorch itself, and those of its CUDA packages.
SOURCES = ("pytorch", "nvidia", "conda-forge")
#: The names whose records a choice needs.
NAMES = frozenset((*FAMILY, "pytorch-cuda"))
PIP_NAMES = ("torch", "torchvision", "torchaudio")


@dataclass(frozen=True)
class Target:
    """The environment that is meant, as a path, and the words that name it on a command line."""

    prefix: str | None
    words: tuple[str, ...] = ()
    exists: bool = False


def execute(args: Namespace, actions: Sequence[Action]) -> int:
    """Run the command with conda's context set up for `args`; the exit code is returned.

    Raises: TorchMirrorError, or what conda raises.
    """
    from conda.base.context import context

    args.given = None if args.plan else fromfile.take(args)
    subdir = context.subdir
    target = _target(args)
    if args.plan:
        return replay.execute(args, actions, target.prefix, exists=target.exists)
    if args.save_plan:
        saved.check_folder(Path(args.save_plan))
    preview = bool(args.dry_run or args.list or args.urls) and not args.save_plan
    if target.exists and subdir != machine.native_subdir() and args.subdir and not preview:
        raise ForeignPlatform(subdir=subdir, prefix=target.prefix, native=machine.native_subdir())
    if target.prefix is None and not preview and not target.words:
        raise NoEnvironment()
    request, survey = _facts(args, target, subdir)
    sources = Sources(args, subdir, SOURCES)
    if preview and not args.solve and context.offline and not sources.cached(TORCH):
        # Nothing will be read or solved, so conda need not be pointed anywhere.
        return _attempt(args, actions, target, request, survey, sources, _built_in(subdir))
    with sources:
        while True:
            try:
                return _attempt(args, actions, target, request, survey, sources)
            except Exception as error:
                # Returns where another source took the place of the one that failed.
                sources.recover(error)


def _attempt(
    args: Namespace,
    actions: Sequence[Action],
    target: Target,
    request: Request,
    survey: machine.Survey,
    sources: Sources,
    records: Records | None = None,
) -> int:
    """One run with the sources that the channels have at present."""
    preview = bool(args.dry_run or args.list or args.urls) and not args.save_plan
    if records is None:
        records = _records(sources, survey.machine.subdir, preview=preview)
    if args.list:
        render.listing(
            table(survey.machine, request, records.builds, catalog.admits, compat.tables()),
            survey.machine,
            records,
        )
        return 0
    decision = _decide(args, target, request, survey, sources, records)
    decision = replace(decision, notices=(*decision.notices, *sources.check(decision)))
    return _carry_out(args, actions, target, decision, sources)


def _target(args: Namespace) -> Target:
    from conda.base.context import context

    if args.name or args.prefix:
        words = ("-n", args.name) if args.name else ("-p", args.prefix)
        prefix = context.target_prefix
        return Target(prefix, words, (Path(prefix) / "conda-meta").is_dir())
    active = context.active_prefix
    if active and active != context.root_prefix:
        return Target(active, exists=(Path(active) / "conda-meta").is_dir())
    any_new_one = args.save_plan or args.download_only or (args.urls and args.solve)
    return Target(None, ("-n", "NEW") if any_new_one else ())


def _facts(args: Namespace, target: Target, subdir: str) -> tuple[Request, machine.Survey]:
    """The request and the machine; each needs a piece of the other."""
    asked = requests_.make(
        args.specs,
        cuda_word=args.cuda,
        compat=args.cuda_compat,
        allow_cpu=args.allow_cpu,
        source=args.source,
        python_word=args.python,
    )
    survey = machine.survey(
        subdir=subdir,
        prefix=target.prefix if target.exists else None,
        cuda=asked.cuda,
        python=requests_.python(asked.python)[0] if asked.python else None,
        probe_gpus=asked.cuda == "auto",
    )
    torch = _installed(survey.machine, TORCH)
    named = any(requests_.names_torch(word) for word in args.specs)
    if torch and args.specs and not named:
        # Only partners are named: the release that is there stays.
        asked = replace(asked, specs={**asked.specs, TORCH: (f"{TORCH}=={torch.version}",)})
    return fromfile.applied(args.given, asked, survey)


def _installed(on: Machine, name: str) -> Installed | None:
    return next((p for p in on.installed if p.name == name and p.channel != "pypi"), None)


def _records(sources: Sources, subdir: str, *, preview: bool) -> Records:
    """The family's records; a preview falls back to the built-in index where nothing is cached."""
    try:
        return sources.read(TORCH, NAMES)
    except NothingCached:
        if not preview:
            raise
    return _built_in(subdir)


def _built_in(subdir: str) -> Records:
    from . import builtin

    found = builtin.load(subdir, NAMES)
    if found is None:
        raise UnknownPlatform(subdir=subdir, channel=TORCH)
    return found


def _decide(
    args: Namespace,
    target: Target,
    request: Request,
    survey: machine.Survey,
    sources: Sources,
    records: Records,
) -> Decision:
    from conda.base.context import context

    on, admits, tables = survey.machine, catalog.admits, compat.tables()
    chosen = choose(on, request, records.builds, admits, tables)
    if isinstance(chosen, NoChoice):
        found = ways.out(chosen, on, request, records.builds, admits, tables)
        raise NoFittingBuild(
            request=render.asked(request, on),
            detail=render.why(chosen.rejected),
            ways=(*found, *fromfile.ways(args.given, request, chosen.rejected)),
        )
    notices = fromfile.notices(args.given, on)
    runtime = _runtime(chosen, sources, records, notices)
    asked = request.specs.get("pytorch-cuda", ())
    builds = [
        build
        for build in records.builds
        if build.name != "pytorch-cuda"
        or all(admits(spec, build.name, build.version, build.build) for spec in asked)
    ]
    chosen = with_runtime(chosen, builds, runtime, admits)
    by_name = {channel.name: channel for channel in sources.located}
    torch = by_name["pytorch"]
    chosen = replace(chosen, builds=tuple(_with_url(build, torch) for build in chosen.builds))
    pins = _pins(chosen, on, target, args.given, notices)
    only_shown = bool(args.dry_run or args.urls)
    notices += _about(chosen, on, target, records, torch, dry_run=only_shown)
    wanted = [torch]
    if extra := rules.runtime_channel(chosen, on.subdir):
        wanted.append(by_name[extra])
    if fromfile.parts_only(context.channels) and not args.override_channels:
        notices.append(Notice("no_channels"))
        if by_name["conda-forge"] not in wanted:
            wanted.append(by_name["conda-forge"])
    flexible = _must_be_flexible(args)
    if flexible:
        notices.append(Notice("flexible_priority"))
    create = bool(target.words) and not target.exists
    words = target.words
    if create and on.subdir != machine.native_subdir():
        words = (*words, "--platform", on.subdir)
    python = request.python
    if python and not create:
        # The exact builds say which Python; only a change of it has to be named to the solver.
        there = _installed(on, "python")
        if there is None or there.version.startswith(f"{on.python}."):
            python = None
        else:
            notices.append(Notice("python_changes", {"old": there.version, "new": python}))
    behind = None
    if args.given is not None:
        wanted, behind, told = fromfile.located(args.given, wanted, on.subdir)
        notices += told
        # The files say it in their own words.
        python = None if args.given.python == python else python
    made = plan.make(
        chosen,
        request,
        wanted,
        verb="create" if create else "install",
        subdir=on.subdir,
        pins=pins,
        flexible=flexible,
        target=words,
        python=python,
        user_channels=tuple(args.channel or ()),
        behind=behind,
    )
    return Decision(
        machine=on,
        request=request,
        choice=chosen,
        records=records,
        plan=made,
        prefix=target.prefix,
        dry_run=bool(args.dry_run),
        notices=(*chosen.notices, *notices),
        evidence=survey.evidence,
        files=fromfile.summary(args.given),
    )


def _with_url(build: Build, channel: Located) -> Build:
    return build if build.url else replace(build, url=f"{channel.url}/{build.subdir}/{build.fn}")


def _runtime(
    chosen: Choice,
    sources: Sources,
    records: Records,
    notices: list[Notice],
) -> RuntimeIndex | None:
    """What the runtime channel holds of what pytorch-cuda's builds ask for; None if unknown."""
    if chosen.runtime != "pytorch-cuda" or records.index == "built-in":
        return None
    names = {
        spec.split(" ")[0]
        for build in records.builds
        if build.name == chosen.runtime and build.version == chosen.cuda
        for spec in build.depends
    }
    try:
        found = sources.read("nvidia", names)
    except (ChannelError, NothingCached) as error:
        notices.append(Notice("runtime_unread", {"detail": str(error.message)}))
        return None
    index: dict[str, list[tuple[str, str]]] = {}
    for build in found.builds:
        index.setdefault(build.name, []).append((build.version, build.build))
    return index


def _pins(
    chosen: Choice,
    on: Machine,
    target: Target,
    given: fromfile.Given | None,
    notices: list[Notice],
) -> list[str]:
    """The pins for this hand-over, and what has to be said about them.

    Raises: PinConflict where the environment's own pins leave no version.
    """
    pins = []
    for rule in rules.applying(chosen, catalog.admits):
        if pin := rules.conflict(rule, on.pins, catalog.admits):
            raise PinConflict(
                pin=pin.spec,
                source=pin.source,
                needed=rule.pin,
                torch=chosen.torch.version,
                why=rule.why,
            )
        if against := fromfile.against(given, rule):
            notices.append(against)
            continue
        pins.append(rule.pin)
        notices.append(Notice("rule_pin", {"pin": rule.pin, "why": rule.why}, rule.source))
        if there := rules.contradicted(rule, on.installed, catalog.admits):
            name = f"{there.name} {there.version}"
            notices.append(Notice("rule_installed", {"installed": name, "pin": rule.pin}))
    if pins and target.prefix:
        file = os.path.join(target.prefix, "conda-meta", "pinned")
        notices.append(Notice("rule_keep", {"pin": ", ".join(pins), "file": file}))
    return pins


def _about(
    chosen: Choice, on: Machine, target: Target, records: Records, torch: Located, *, dry_run: bool
) -> list[Notice]:
    """Notices about the index, the release and what pip left in the environment.

    Raises: PipTorch where an installation would unpack over pip's files.
    """
    notices = []
    if torch.mirror == "custom_channels":
        notices.append(Notice("custom_mirror"))
    if records.index == "built-in":
        notices.append(Notice("built_in", {"date": records.date}))
        if count := sum(build.evidence == "derived" for build in chosen.builds):
            notices.append(Notice("derived", {"count": count}))
    if records.skipped:
        notices.append(Notice("skipped_records", {"count": records.skipped}))
    notices += rules.notices(chosen, catalog.admits)
    pip = [p for p in on.installed if p.channel == "pypi" and p.name in PIP_NAMES]
    if pip:
        listed = ", ".join(f"{package.name} {package.version}" for package in pip)
        if not dry_run:
            names = " ".join(package.name for package in pip)
            python = os.path.join(
                target.prefix or "", *(("python.exe",) if os.name == "nt" else ("bin", "python"))
            )
            raise PipTorch(packages=listed, prefix=target.prefix, names=names, python=python)
        notices.append(Notice("pip_torch_there", {"packages": listed}))
    if leftover := _leftover(chosen, on):
        notices.append(Notice("cpuonly_removed", {"spec": f"cpuonly {leftover.version}"}))
    return notices


def _leftover(chosen: Choice, on: Machine) -> Installed | None:
    """`cpuonly`, where it stands in the way of a CUDA build."""
    return _installed(on, "cpuonly") if chosen.cuda else None


def _strict() -> bool:
    from conda.base.constants import ChannelPriority
    from conda.base.context import context

    return bool(context.channel_priority == ChannelPriority.STRICT)


def _must_be_flexible(args: Namespace) -> bool:
    """Whether this hand-over has to lift the user's strict channel priority, and may."""
    from conda.base.context import context

    return (
        _strict()
        and getattr(args, "channel_priority", None) != "strict"
        and getattr(context.plugins, "torchmirror_flexible", True)
    )


def _carry_out(
    args: Namespace,
    actions: Sequence[Action],
    target: Target,
    decision: Decision,
    sources: Sources,
) -> int:
    from conda.base.context import context

    if args.urls and not (args.solve or args.save_plan):
        found = urls.downloads(decision.choice.builds)
        urls.show(args.urls, found, render.summary(decision), [Notice("urls_family")])
        return 0
    leftover = _leftover(decision.choice, decision.machine)
    kept = bool(args.save_plan or args.urls)
    if leftover and (kept or args.download_only):
        raise LeftoverFirst(name=leftover.name, prefix=decision.prefix)
    solve = kept or not args.dry_run or (args.solve and leftover is None)
    decision = replace(decision, solved=solve)
    if not context.json and not args.urls and not sources.again:
        render.show(decision, explain=args.explain, verbose=bool(context.verbosity))
    if not solve:
        if context.json:
            render.document(decision)
        return 0
    create = decision.plan.verb == "create"
    prefix = decision.prefix or (transaction.nowhere() if create else context.root_prefix)
    options = [
        *handover.words(actions, args, handover.accepted(decision.plan.verb)),
        *(["--json"] if context.json else []),
        *(["--dry-run"] if args.dry_run else []),
        *(["--download-only"] if args.download_only else []),
    ]
    variables = dict(decision.plan.environment)
    if decision.machine.cuda_from in ("--cuda", "file") and decision.machine.cuda:
        variables["CONDA_OVERRIDE_CUDA"] = decision.machine.cuda
    subdir = decision.machine.subdir
    command = handover.arguments(
        decision.plan,
        prefix,
        options,
        subdir=subdir if subdir != machine.native_subdir() else None,
    )
    extra: dict[str, Any] = {"torchmirror": render.summary(decision)}
    sources.agree(decision)
    checked = 0

    def then(document: dict[str, Any]) -> None:
        nonlocal checked
        if args.given is not None:
            sections.finish(args.given.files, args, prefix, document)
        if not args.no_check and settings.read().check:
            checked = verify_after(prefix, decision, extra["torchmirror"])

    try:
        if kept:
            return saved.make(args, decision, command, variables, extra["torchmirror"])
        return (
            handover.replacing(leftover, prefix, command, args, variables, extra, then) or checked
        )
    except TorchMirrorError:
        raise
    except Exception as error:
        if args.download_only and transaction.downloaded(error, extra):
            return 0
        if _strict() and (shadow := _shadowed(error, decision, sources["pytorch"])):
            raise shadow from error
        raise


def _shadowed(error: Exception, decision: Decision, torch: Located) -> Shadowed | None:
    """The error that names the hiding package, if strict priority made the set unsolvable."""
    from conda.exceptions import UnsatisfiableError

    if not isinstance(error, UnsatisfiableError) and "nsatisfiable" not in type(error).__name__:
        return None
    family = {*FAMILY, *RUNTIMES, "pytorch-mutex", "torchtriton", "torchdata"}
    direct = {spec.split(" ")[0] for b in decision.choice.builds for spec in b.depends} - family
    held = catalog.read(torch, decision.machine.subdir, direct)
    hiding = sorted({build.name for build in held.builds})
    if not hiding:
        return None
    return Shadowed(channel=torch.name, package=", ".join(hiding))
