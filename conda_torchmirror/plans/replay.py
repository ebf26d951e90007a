"""`--plan DIR`: carry out a saved plan, without reading an index or solving."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from conda.api import PrefixData
from conda.base.context import context

from ..envfiles.file_io import write_file
from ..exceptions.environment import NoEnvironment
from ..exceptions.plan import PlanAltered, PlanInTheWay, PlanNotCached
from ..handover import conda, disk_space, environment_lock, package_cache, solve
from ..handover.conda import Outcome
from ..handover.disk_space import temporary_folder
from ..handover.transaction.asked import asking
from ..handover.transaction.removal import removing_beside_files
from ..index.match import admits
from ..machine import survey
from ..models import Machine, Notice
from ..options import InstallOptions
from ..redirect import in_process
from ..selection.specs import package_name
from ..text.layout import file_size
from ..text.messages import text
from ..text.sanitize import safe
from . import places, saved_plan, suited
from .downloads import DownloadList
from .saved_plan import SavedPlan


class Replay(NamedTuple):
    """A saved plan about to be carried out in `prefix`, which is None for downloads only.
    `lacking` counts the packages still to be downloaded, `to_download` their bytes; `changed` is
    False if the environment already is as planned."""

    plan: SavedPlan
    prefix: str | None
    lacking: int
    to_download: int
    notices: tuple[Notice, ...]
    changed: bool = True

    @property
    def about(self) -> dict[str, Any]:
        """The value of `torchmirror` in the JSON document."""
        about = summary(self.plan, self.notices)
        return {**about, "to_download": self.to_download, "changed": self.changed}


def replay(
    plan: SavedPlan,
    options: InstallOptions,
    prefix: str | None,
    *,
    exists: bool,
    report: Callable[[Replay | Notice], None],
) -> DownloadList | Replay | Outcome:
    """Carry out a plan on the environment at `prefix`; `exists` says whether it exists yet.

    Return the downloads for `--urls` and the `Replay` for `--dry-run`. Otherwise pass the `Replay`
    to `report` before anything is done, and return the outcome. An environment that already is as
    planned is left alone.

    Raises: one of the `Plan...` errors, or what conda raises.
    """
    if options.urls:
        where = Notice("urls_beside_plan", {"folder": str(plan.folder)})
        return DownloadList(plan.files, summary(plan, ()), (where,))
    if plan.subdir != context.subdir:
        raise suited.other_platform(plan)
    records = records_of(plan)
    uncached = [record for record in records if package_cache.cached(record) is None]
    files = package_cache.find_brought(uncached, str(plan.folder))
    lacking = [record for record in uncached if record not in files]
    on = survey.inspect(subdir=plan.subdir, prefix=prefix if exists else None)
    if not options.download:
        suited.refuse_older(plan, on, options)
    size = sum(record.get("size") or 0 for record in lacking)
    leaving = _leaving(plan, prefix if exists else None, on)
    spoilt = of_spoilt(plan, (record.fn for record in lacking))
    notices = (
        *suited.of_machine(plan, on),
        *_removal(() if options.download else leaving),
        *(() if options.download else _against_pins(records, on)),
        *spoilt,
    )
    if exists and not (leaving or options.download) and _is_as_planned(records, str(prefix)):
        notices = (*notices, Notice("plan_as_planned", {"prefix": str(prefix)}))
        found = Replay(plan, prefix, 0, 0, notices, changed=False)
    else:
        found = Replay(plan, prefix, len(lacking), size, notices)
        if exists and not options.download:
            _check(plan, on, str(prefix), leaving)
    if options.dry_run:
        return found
    report(found)
    if not found.changed:
        return unchanged(found)
    if context.offline and lacking:
        raise PlanNotCached(
            count=len(lacking),
            total=len(records),
            size=file_size(size),
            names=", ".join(sorted(record.fn for record in lacking)[:5])
            + (", ..." if len(lacking) > 5 else ""),
            folder=str(plan.folder),
            ways=spoilt,
        )
    if not options.download:
        if prefix is None:
            raise NoEnvironment()
        disk_space.refuse_unwritable(prefix)
    disk_space.check(disk_space.measure(records, None if options.download else prefix))
    if uncached:
        told = places.fetch(uncached, files, options, report, plan.folder)
        found = found._replace(notices=(*found.notices, *told))
    if options.download or prefix is None:
        return Outcome(0, found.about, downloaded=True)
    if leaving:
        conda.confirm(as_json=options.as_json)
    with environment_lock.held(prefix), conda.unmade(prefix), removing_beside_files(leaving):
        return link(options, found, records, prefix, exists)


def unchanged(found: Replay) -> Outcome:
    """The outcome of a plan whose environment already is as planned."""
    said = text("plan_as_planned", {"prefix": str(found.prefix)})
    return Outcome(0, found.about, {"message": said, "prefix": found.prefix})


def records_of(plan: SavedPlan) -> list[Any]:
    """The packages of a plan as conda's own records.

    Raises: PlanAltered, conda's ChannelNotAllowed or ChannelDenied.
    """
    try:
        records = solve.loaded(plan.packages)
    except Exception as error:  # conda's records refuse values in many ways
        raise PlanAltered(folder=str(plan.folder), detail=str(error)) from error
    package_cache.check_allowed(records)
    return records


def link(
    options: InstallOptions, found: Replay, records: Sequence[Any], prefix: str, exists: bool
) -> Outcome:
    """Let conda install from an explicit file whose packages are all in its cache."""
    plan = found.plan
    lines = []
    for package, record in zip(plan.packages, records, strict=True):
        # Conda looks up a cached file by the exact URL it came from, which may hold a token.
        there = package_cache.cached(record)
        url = there.url if there is not None else record.url
        lines.append(saved_plan.line({**package, "url": url}, md5_only=True))
    verb = "install" if exists else "create"
    words = conda.taken(options.passed, verb)
    if not exists:
        words.append("--no-default-packages")
        if plan.subdir != survey.native_subdir():
            words += ["--subdir", plan.subdir]
    if options.as_json:
        words.append("--json")
    with temporary_folder("torchmirror-") as folder:
        file = os.path.join(folder, saved_plan.EXPLICIT)
        write_file(Path(file), saved_plan.explicit(plan.subdir, lines))
        command = [verb, "--prefix", prefix, *words, "--file", file]
        # URLs are final here. The automatic redirect would assign them to other channels than those
        # under which conda has read its cache, and conda would not find the files in it.
        asked = plan.decision.get("specs")
        with (
            in_process.redirected((), override=False),
            asking(asked if isinstance(asked, list) else ()),
        ):
            done = conda.run(command, {}, {"prefix": prefix, "torchmirror": found.about})
    return Outcome(done.code, found.about, {**done.document, "prefix": prefix})


def _is_as_planned(records: Sequence[Any], prefix: str) -> bool:
    """Whether an environment holds exactly the packages of a plan, by name, version, build and
    hash. Further packages in it do not matter."""
    try:
        there = {record.name: record for record in PrefixData(prefix).iter_records()}
    except Exception:  # a record that cannot be read is reported later
        return False

    def same(planned: Any) -> bool:
        one = there.get(planned.name)
        if one is None or (one.version, one.build) != (planned.version, planned.build):
            return False
        hashes = [
            (planned.get(kind), one.get(kind)) for kind in ("sha256", "md5") if planned.get(kind)
        ]
        return all(wanted == has for wanted, has in hashes if has)

    return all(map(same, records))


def _leaving(plan: SavedPlan, prefix: str | None, on: Machine) -> tuple[str, ...]:
    """The packages in the environment that the plan removes, by name."""
    # `_check` refuses records that cannot be read before anything is done.
    if prefix is None or any(remark.code == "machine.record_broken" for remark in on.remarks):
        return ()
    there = {record.name for record in PrefixData(prefix).iter_records()}
    return tuple(sorted(there.intersection(plan.removed)))


def of_spoilt(plan: SavedPlan, lacking: Iterable[str]) -> tuple[Notice, ...]:
    """The notice on files beside the plan that have the name of a file that is `lacking`, and are
    not that file: of them, only the name is as it should be."""
    names = sorted(name for name in set(lacking) if (plan.folder / name).is_file())
    facts = {"names": ", ".join(names), "count": len(names), "folder": safe(str(plan.folder))}
    return (Notice("plan_spoilt", facts),) if names else ()


def _removal(names: Sequence[str]) -> tuple[Notice, ...]:
    """The notice on packages that will be removed; none without any."""
    return (Notice("plan_removes", {"names": ", ".join(names)}),) if names else ()


def _against_pins(records: Sequence[Any], on: Machine) -> tuple[Notice, ...]:
    """The notice on pins of the environment that the plan does not meet: conda applies none where
    it is given files."""
    planned = {record.name: record for record in records}
    against = [
        pin
        for pin in on.pins
        if (record := planned.get(package_name(pin.spec)))
        and not admits(pin.spec, record.name, record.version, record.build)
    ]
    if not against:
        return ()
    names = dict.fromkeys(package_name(pin.spec) for pin in against)
    facts = {
        "packages": ", ".join(f"{name} {planned[name].version}" for name in names),
        "pins": ", ".join(f"{safe(pin.text)} ({pin.source})" for pin in against),
    }
    return (Notice("plan_against_pins", facts),)


def _check(plan: SavedPlan, on: Machine, prefix: str, leaving: Collection[str]) -> None:
    """Check an environment before it is changed.

    Raises: PlanInTheWay, PipTorch, BrokenRecord, UnreadableHistory, DamagedHistory, UnreadablePins.
    """
    check_conda(plan, on, prefix, leaving)
    conda.refuse_pip_torch(on.installed, prefix)


def check_conda(plan: SavedPlan, on: Machine, prefix: str, leaving: Collection[str] = ()) -> None:
    """Check that the plan breaks no other package: given an explicit list, conda does not check
    whether the dependencies of the remaining packages are still met.

    Raises: PlanInTheWay, BrokenRecord, UnreadableHistory, DamagedHistory, UnreadablePins.
    """
    conda.refuse_unreadable(on, prefix, solving=False)
    planned = {str(p["name"]): (str(p["version"]), str(p["build"])) for p in plan.packages}
    broken: dict[str, str] = {}
    for record in PrefixData(prefix).iter_records():
        for spec in record.depends if record.name not in {*planned, *leaving} else ():
            name = package_name(spec)
            if name in leaving or (name in planned and not admits(spec, name, *planned[name])):
                broken[record.name] = spec
    if broken:
        needed = ", ".join(f"`{spec}`" for spec in sorted(set(broken.values())))
        raise PlanInTheWay(prefix=prefix, names=" ".join(sorted(broken)), needed=safe(needed))


def summary(plan: SavedPlan, notices: Sequence[Notice]) -> dict[str, Any]:
    """The value of `torchmirror` in the JSON document."""
    warnings = [{"code": n.code, "text": text(n.code, n.facts), "url": n.url} for n in notices]
    return {**plan.decision, "warnings": warnings, "plan": plan.about}
