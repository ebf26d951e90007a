"""What is said beside a choice: of the index, the release, and what is installed or asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..index.exclude_newer import undated, without_newer
from ..index.match import admits
from ..index.sources import AUTO, SOURCES, Source
from ..mirrors.registry import Route
from ..models import Choice, Machine, Notice, Records
from ..options import InstallOptions
from ..selection import rules
from ..selection.choose import choose
from ..selection.facts.names import CUDA_NAMES, PIP_NAMES, TOOLKIT, TORCH
from ..selection.plan import typed, words_of
from ..selection.specs import misspelt, package_name

if TYPE_CHECKING:
    from .decide import Task


def of_choice(chosen: Choice, records: Records) -> Iterator[Notice]:
    """What the choice says; what a sample of the channel lacks is not said of the channel."""
    for notice in chosen.notices:
        sampled = records.origin == "built-in" and notice.code.startswith("partner_left_out")
        yield notice._replace(code="partner_unrecorded") if sampled else notice


def about(chosen: Choice, task: Task, records: Records, torch: Route) -> list[Notice]:
    """Notices about the index, the release and what pip left in the environment."""
    on = task.machine
    notices = []
    facts = {"source": task.source.name, "version": chosen.torch.version}
    if task.bound:
        notices.append(Notice("source_bound", facts))
    elif task.request.source != AUTO:
        notices.append(Notice("source_chosen", facts))
    if torch.mirror == "custom_channels":
        notices.append(Notice("custom_mirror", {"channel": torch.channel}))
    if records.origin == "built-in":
        notices.append(Notice("built_in", {"date": records.date}))
        if count := sum(build.known_by == "derived" for build in chosen.builds):
            notices.append(Notice("derived", {"count": count}))
        if count := undated(chosen.builds):
            notices.append(Notice("undated", {"count": count}))
    if records.excluded:
        notices.append(Notice("excluded_newer", {"count": records.excluded}))
    if records.skipped:
        notices.append(Notice("skipped_records", {"count": records.skipped}))
    notices += rules.notices(chosen, admits)
    if pip := [p for p in on.installed if p.channel == "pypi" and p.name in PIP_NAMES]:
        listed = ", ".join(f"{package.name} {package.version}" for package in pip)
        notices.append(Notice("pip_torch_there", {"packages": listed}))
    return [*notices, *_toolkit(chosen, task, records), *_misspelt(task)]


def _toolkit(chosen: Choice, task: Task, records: Records) -> Iterator[Notice]:
    """That `cudatoolkit` holds the release back, where it does."""
    specs = {name: found for name, found in task.request.specs.items() if name != TOOLKIT}
    if len(specs) == len(task.request.specs):
        return
    request = task.request._replace(specs=specs)
    found = choose(task.machine, request, records.builds, task.source.knowledge)
    if isinstance(found, Choice) and found.torch.version != chosen.torch.version:
        yield Notice("toolkit_holds_back", {"torch": f"{TORCH} {found.torch.version}"})


def _misspelt(task: Task) -> Iterator[Notice]:
    """Packages that go to the solver, and whose name is nearly one that is chosen here."""
    facts = task.source.facts
    known = (*facts.family, *facts.runtimes, *facts.cpu_only)
    for word in task.request.others:
        name = package_name(word)
        if name not in CUDA_NAMES and (meant := misspelt(name, known)):
            yield Notice("misspelt", {"spec": word, "nearest": meant})


def other_sources(task: Task) -> Iterator[Notice]:
    """The other sources whose builds fit, as far as the built-in indexes know them."""
    options, on = task.options, task.machine
    if task.source is SOURCES[0] or task.files:
        return
    for other in SOURCES:
        known = other.built_in(on.subdir) if other is not task.source else None
        if known is None:
            continue
        found = choose(on, task.request, without_newer(known).builds, other.knowledge)
        if isinstance(found, Choice):
            words = ["conda", "torch-install", *task.target.words]
            words += words_of(task.request._replace(source=other.name))
            words += ["--platform", on.subdir] if on.foreign else []
            words += ["--python", options.python] if options.python else []
            facts = {"source": other.name, "torch": f"{TORCH} {found.torch.version}"}
            yield Notice("use_source", {**facts, "command": typed(words)})


def where_to_look(options: InstallOptions, on: Machine, records: Records, source: str) -> Notice:
    """The last way out: the list for the machine and the `--source` that were asked about."""
    words = ["conda", "torch-install", "--list"]
    words += ["--platform", on.subdir] if on.foreign else []
    words += ["--cuda", options.cuda] if options.cuda != "auto" else []
    words += ["--source", source] if source != AUTO else []
    words += ["--offline"] if records.origin != "live" else []
    return Notice("see_list", {"command": typed(words)})


def in_part(source: Source, records: Records) -> list[Notice]:
    """That the built-in index of a channel which lives is only a sample of it."""
    if records.origin != "built-in" or source.end is not None:
        return []
    return [Notice("built_in_part", {"date": records.date})]
