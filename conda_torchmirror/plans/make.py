"""Making a plan of what conda solved: saved, with its packages, or printed as an explicit file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..handover import disk_space, package_cache, solve
from ..handover.solve import Transaction
from ..models import Decision, Notice
from ..options import NEW, InstallOptions
from ..selection.plan import offered
from ..text.decision import summary
from ..text.layout import file_size
from . import downloads
from .downloads import DownloadList
from .saved_plan import DOCUMENT, EXPLICIT, Saved, SavedPlan, drafted, explicit, line, packages_of


def make(
    options: InstallOptions,
    decision: Decision,
    command: Sequence[str],
    variables: Mapping[str, str],
) -> Saved | DownloadList:
    """`--save-plan` and `--urls --solve`: solve, and save or list the result without installing it.

    Raises: what `drafted` and `Draft.write` raise, CannotWrite and NoSpace before a download, and
    what conda raises.
    """
    found = solve.solve(command, variables)
    about = summary(decision)
    if options.save is None:
        return DownloadList(downloads.downloads(found.new), about, on_choice=decision.notices)
    draft = drafted(
        Path(options.save),
        *(about, decision.machine.subdir, found),
        prefix=decision.prefix,
        with_packages=options.with_packages,
    )
    if options.dry_run:
        about = {**about, "plan": draft.plan.about}
        return unsaved(draft.plan, options, decision.prefix, about, warnings(found))
    fetched = options.download or options.with_packages
    beside = [Notice("plan_offline", {"folder": options.save})]
    if fetched:
        disk_space.refuse_unwritable_folder(str(draft.plan.folder), "--save-plan")
        disk_space.check(disk_space.measure(found.state, None))
        if options.with_packages:
            check_copies(found, str(draft.plan.folder))
        package_cache.fetch(found.state, quiet=options.as_json)
    archives: Mapping[str, str] = {}
    if options.with_packages:
        archives, beside = with_packages(draft.plan, found)
    plan = draft.write(archives)
    then = carried_out(options, options.save, decision.prefix)
    facts = {"folder": options.save, "count": len(plan.packages), "subdir": plan.subdir}
    notices = (
        Notice("plan_saved", {**facts, "size": file_size(plan.total)}),
        *warnings(found),
        Notice("plan_next", {**facts, "command": then, "document": DOCUMENT, "explicit": EXPLICIT}),
        *beside,
    )
    about = {**about, "plan": plan.about}
    return Saved(plan, decision.prefix, about, notices, fetched, decision.notices)


def unsaved(
    plan: SavedPlan,
    options: InstallOptions,
    prefix: str | None,
    about: Mapping[str, Any],
    told: Sequence[Notice] = (),
    more: int = 0,
) -> Saved:
    """What is shown of a plan under `--dry-run`, which writes nothing; `more` counts its wheels."""
    facts = {"folder": options.save, "count": len(plan.packages) + more}
    notice = Notice("plan_unsaved", {**facts, "size": file_size(plan.total)})
    return Saved(plan, prefix, about, (notice, *told), False)


def check_copies(
    found: Transaction, folder: str, sizes: Sequence[int] = (), lacking: Sequence[int] = ()
) -> None:
    """Check that the folder of a plan has room for its packages, and for wheels of these sizes.

    Raises: NoSpace.
    """
    every = {record: record.get("size") or 0 for record in found.state}
    fetched = [size for record, size in every.items() if package_cache.cached(record) is None]
    needed = disk_space.measure_copies([*every.values(), *sizes], [*fetched, *lacking], folder)
    disk_space.check(needed, copies=True)


def with_packages(plan: SavedPlan, found: Transaction) -> tuple[Mapping[str, str], list[Notice]]:
    """The package archives that are to be put beside a plan, as paths by name, and notices."""
    archives, lacking = package_cache.archives(found.state)
    facts = {"folder": str(plan.folder)}
    if lacking:
        return archives, [Notice("plan_without_archives", {"names": ", ".join(lacking), **facts})]
    return archives, [Notice("plan_with_packages", facts)]


def listed(
    decision: Decision, command: Sequence[str], variables: Mapping[str, str]
) -> tuple[str, list[Notice]]:
    """`--print explicit`: solve, and return the explicit file of the result with the notices on it.

    Raises: PlanWithoutAddress, PlanBadRecord, and what conda raises.
    """
    found = solve.solve(command, variables)
    packages = packages_of(found, decision.machine.subdir, decision.prefix)
    return explicit(decision.machine.subdir, map(line, packages)), warnings(found)


def warnings(found: Transaction) -> list[Notice]:
    """Notices on URLs of a plan that do not work elsewhere: with credentials, or of local files."""
    secret = {r.channel.base_url for r in found.state if solve.needs_credentials(r.url)}
    local = [r.name for r in found.state if r.url.startswith("file:")]
    notices = []
    if secret:
        notices.append(Notice("plan_credentials", {"channels": ", ".join(sorted(secret))}))
    if local:
        notices.append(Notice("plan_local", {"names": ", ".join(local)}))
    return notices


def carried_out(options: InstallOptions, folder: str, prefix: str | None = None) -> str:
    """The command for the plan that a run with these options saved in the folder: in the
    environment that was named, if any, or in the active one, whose `prefix` the run then had."""
    name = options.name or (None if options.prefix or prefix else NEW)
    return offered(InstallOptions("replay", name=name, prefix=options.prefix, plan=folder))
