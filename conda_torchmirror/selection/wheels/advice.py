"""When no set of wheels fits: what rules every set out, and which next steps would help. Pure.

Most steps are those for builds of a channel (`alternatives`). As there, a step is offered only if
the choice, made again as if it were taken, gives a set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ...models import Build, Choice, Machine, NoChoice, Notice, Rejection, Request
from ...options import InstallOptions
from .. import alternatives, refused
from ..plan import offered
from ..specs import cuda_version, number, release
from .choose import WheelCase, prepare, shown
from .link import Link
from .request import Asked, understand
from .source import takes_some_patch
from .tables import NAMED, PLAIN, TORCH, WheelTables


class Refusal(NamedTuple):
    """Why there is no set: the rejection of each wheel, and the advice as in `alternatives`."""

    rejected: tuple[Rejection, ...] = ()
    cause: Notice | None = None
    blamed: frozenset[str] = frozenset()
    steps: tuple[Notice, ...] = ()


def find(
    request: Request,
    machine: Machine,
    links: Iterable[Link],
    table: WheelTables | None = None,
    asked: InstallOptions | None = None,
    *,
    fresh: bool = False,
    here: Machine | None = None,
) -> Refusal:
    """Find the rejections, the cause and the next steps for a request without a set.

    `links` for Pythons other than the machine's show which of these would do; `asked`, `fresh`
    and `here` are those of `refused.Case`.
    """
    case = prepare(request, machine, links, table, any_python=True)
    failed = case.choose()
    if isinstance(failed, Choice):
        return Refusal()
    rejected = tuple(shown(item, case) for item in failed.rejected)
    on, judged = case.judged()
    builds = tuple(case.of_accelerator())
    told = refused.Case(failed, on, judged, builds, case.knowledge, asked=asked, fresh=fresh)
    if here is not None:
        as_it_is = case._replace(machine=here).judged()[0]
        told = told._replace(here=lambda: as_it_is)
    if case.named:
        steps = tuple(_named_steps(case, told._replace(request=case.request)))
        return Refusal(rejected, _cause_of_named(case, failed), steps=steps)
    found = alternatives.find(told)
    cause = _no_directory(case, builds) or found.cause
    said, more = _said_of_files(case)
    if said:
        cause = said
    elif not any(build.name == TORCH for build in builds):
        cause = Notice("no_wheel_at_all", {"subdir": machine.subdir})
        if unfinished := _newest_prerelease(case):
            cause = Notice("only_prereleases", {"torch": unfinished})
            more = tuple(_ask_for_prerelease(case, told, unfinished))
    elif cause and cause.code == "no_such_release":
        listed = any(wheel.link.known_by != "record" for wheel in case.page.wheels)
        cause = cause._replace(code="no_such_wheel_built_in" if listed else "no_such_wheel")
    steps = (*more, *_name_cuda(case), *_open_variant(case), *found.steps)
    return Refusal(rejected, cause, found.blamed, steps)


def without_variants(request: Request) -> Request:
    """The request for the same versions from any directory."""
    opened = {
        name: tuple(
            f"{word.project}{word.specifier}"
            for spec in specs
            if isinstance(word := understand(spec), Asked)
        )
        for name, specs in request.specs.items()
    }
    return request._replace(specs=opened)


def _said_of_files(case: WheelCase) -> tuple[Notice | None, tuple[Notice, ...]]:
    """The cause and the steps where the set would fit but for what is said of its files: that they
    are yanked, or for another Python than their tags say."""
    links = [wheel.link for wheel in case.page.wheels]
    own = prepare(case.request, case.machine, links, case.tables)
    refused = {
        wheel.link: _refused(wheel.link, fit.pythons, yanked=own.yanked)
        for wheel in own.page.wheels
        if (fit := own.target.fit(wheel.triple))
    }
    if not any(refused.values()):
        return None, ()
    open_ = (one._replace(requires_python=None, yanked=False) for one in links)
    relaxed = prepare(case.request, case.machine, open_, case.tables)
    choice = relaxed.choose()
    if not isinstance(choice, Choice):
        return None, ()
    by_name = {(one.variant, one.filename): code for one, code in refused.items() if code}
    for build in choice.builds:
        if code := by_name.get((build.channel, build.fn)):
            wheel = relaxed.pool.wheel(build)
            known = next(one for one in refused if one.filename == build.fn)
            facts = {"wheel": f"{wheel.project} {wheel.full_version}", "python": choice.python}
            cause = Notice(code, {**facts, "needs": str(known.requires_python)})
            return cause, tuple(_exactly(case, relaxed, choice))
    return None, ()


def _newest_prerelease(case: WheelCase) -> str | None:
    """The newest torch for the machine, which is a prerelease; None without any."""
    links = [wheel.link for wheel in case.page.wheels]
    own = prepare(case.request, case.machine, links, case.tables).page.wheels
    found = {version for w in own if w.project == TORCH and (version := release(w.version))}
    return str(max(found)) if found else None


def _ask_for_prerelease(case: WheelCase, told: refused.Case, version: str) -> Iterator[Notice]:
    """Ask for prereleases by a bound on torch, with the partners if a source says which go with
    it, else without them."""
    spec = f"{TORCH}>={version.partition('.dev')[0]}.dev0"
    links = [wheel.link for wheel in case.page.wheels]
    partners = {name: (name,) for name in case.request.specs if name != TORCH}
    for kept in (partners, {}) if partners else ({},):
        asked = case.request._replace(specs={TORCH: (spec,), **kept}, wishes=())
        if isinstance(prepare(asked, case.machine, links, case.tables).choose(), Choice):
            yield Notice("ask_for_prerelease", {"command": offered(told.again(asked))})
            return


def _refused(link: Link, pythons: Iterable[str], *, yanked: bool) -> str | None:
    """The code of why a file is not chosen, whatever else is asked for; else None."""
    if link.yanked and not yanked:
        return "wheel_yanked"
    if not any(takes_some_patch(link.requires_python, python) for python in pythons):
        return "wheel_needs_python"
    return None


def _exactly(case: WheelCase, relaxed: WheelCase, choice: Choice) -> Iterator[Notice]:
    """Name the versions of a set, so that yanked files of it are taken."""
    wheels = [relaxed.pool.wheel(build) for build in choice.builds]
    exact = {one.project: (f"{one.project}=={one.full_version}",) for one in wheels}
    links = [wheel.link for wheel in case.page.wheels]
    named = case.request._replace(specs=exact, wishes=())
    if isinstance(prepare(named, case.machine, links, case.tables).choose(), Choice):
        instead = " ".join(word for words in exact.values() for word in words)
        yield Notice("name_exactly", {"instead": instead})


def _no_directory(case: WheelCase, builds: Sequence[Build]) -> Notice | None:
    """The notice that no wheel of torch is in the directory that the words name, if so."""
    there = {build.channel or PLAIN for build in builds if build.name == TORCH}
    for spec in case.request.specs[TORCH]:
        word = understand(spec)
        if there and isinstance(word, Asked) and word.variant and word.variant not in there:
            listed = sorted(there, key=lambda name: number(cuda_version(name) or "0"))
            facts = {"variant": word.variant, "subdir": case.machine.subdir}
            return Notice("no_variant_but", {**facts, "there": ", ".join(listed)})
    return None


def _name_cuda(case: WheelCase) -> Iterator[Notice]:
    """Suggest `--cuda` if the words name a directory of CUDA and nothing here runs CUDA."""
    if case.machine.has_gpu or case.request.cuda != "auto":
        return
    words = (understand(spec) for spec in case.request.specs[TORCH])
    named = (cuda_version(w.variant or "") for w in words if isinstance(w, Asked))
    for cuda in filter(None, named):
        on = case.machine._replace(cuda=cuda, cuda_from="--cuda")
        if isinstance(case.choose(on, case.request._replace(cuda=cuda)), Choice):
            yield Notice("name_cuda", {"cuda": cuda})


def _open_variant(case: WheelCase) -> Iterator[Notice]:
    """Use the same versions from another directory than the words name."""
    named = [
        spec
        for specs in case.request.specs.values()
        for spec in specs
        if isinstance(word := understand(spec), Asked) and word.variant
    ]
    choice = case.choose(request=without_variants(case.request)) if named else None
    if isinstance(choice, Choice):
        wheels = [case.pool.wheel(build) for build in choice.builds]
        instead = " ".join(f"{wheel.project}=={wheel.full_version}" for wheel in wheels)
        facts = {"spec": " ".join(named), "instead": instead}
        yield Notice("open_variant", {**facts, "variant": choice.torch.channel or PLAIN})


def _named_steps(case: WheelCase, told: refused.Case) -> Iterator[Notice]:
    """Use another directory of the same accelerator, or the newest release in the named one."""
    kind = str(case.named)[:4]
    for variant in _variants(case):
        if variant != case.named and variant[:4] == kind:
            asked = case.request._replace(cuda=variant)
            if isinstance(case.choose(request=asked), Choice):
                facts = {"variant": variant, "command": offered(told.again(asked))}
                yield Notice("other_variant", facts)
                break
    opened = case.request._replace(specs={name: (name,) for name in case.request.specs})
    choice = case.choose(request=opened) if opened != case.request else None
    if isinstance(choice, Choice):
        yield Notice("open_versions", {"torch": f"{TORCH} {choice.torch.version}"})


def _variants(case: WheelCase) -> list[str]:
    """The directories of accelerators that are chosen by name, the newest first."""
    found = {
        build.channel
        for build in case.pool.builds
        if build.name == TORCH and NAMED.fullmatch(build.channel)
    }
    return sorted(found, key=lambda name: number(name[4:] or "0"), reverse=True)


def _cause_of_named(case: WheelCase, failed: NoChoice) -> Notice | None:
    if failed.rejected:
        return None
    there = ", ".join(_variants(case))
    if case.named in _variants(case):
        words = " ".join(spec for specs in case.request.specs.values() for spec in specs)
        return Notice("no_wheel_of_variant", {"variant": case.named, "spec": words})
    facts = {"variant": case.named, "subdir": case.machine.subdir}
    return (
        Notice("no_variant_but", {**facts, "there": there})
        if there
        else Notice("no_variant", facts)
    )
