"""Pip's part of a run: one attempt per index until one succeeds, and the error if none does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from conda.base.context import context

from ....envfiles.disk.windows import remove_tree
from ....exceptions.environment import PipFailed
from ....handover import disk_space, wheel_cache
from ....handover.installers import pip, process, uv
from ....handover.installers.ended import InstallerExit, InstallerOutput
from ....handover.installers.process import Workplace
from ....machine.python import distributions
from ....machine.python.activation import environment
from ....mirrors.registry import Route
from ....models import Notice
from ....selection.pip.plan import WheelFile
from ....selection.plan import typed
from ....selection.wheels.request import requested_name
from ....text.messages import text
from ....text.sanitize import safe
from ....transport.wheels.routes import NO_INDEX
from .. import steps
from ..obstacles import not_there, owned_by_conda
from ..steps import PipOrder

#: Failures for which another index may do, and the notice of it.
_AT_INDEX = {"missing": "index_left", "python": "index_left_python", "network": "index_failed"}


def by_pip(
    order: PipOrder,
    indexes: Sequence[Route],
    prefix: str,
    report: Callable[[Notice | InstallerOutput], None],
    *,
    quiet: bool,
) -> None:
    """Run pip or uv, without an index if the files are complete; if something is missing, or an
    index fails, run again with the next of `indexes`. Packages that conda owns stay as they are.

    What an earlier run was killed in the middle of is installed anew.

    Raises: PipFailed.
    """
    _clear(prefix, {file.project for file in order.every}, report)
    owned = owned_by_conda(prefix, [file.project for file in order.files])
    process.write_page(steps.owned_path(prefix), "".join(f"{pin}\n" for pin in owned.values()))
    alone = (NO_INDEX,) if order.beside is not None else ()
    order = order._replace(files=_here(order.files), beside=_here(order.beside or ()))
    tool = "pip" if order.uv is None else "uv"
    indexes = tuple(dict.fromkeys((*alone, *indexes)))
    own = {file.project for file in order.files}
    tried: list[Route] = []
    known: dict[str, InstallerExit] = {}  # what indexes that answered said, by kind
    for index in indexes:
        ended = _run(order, index, prefix, quiet=quiet or context.quiet)
        if ended.output:
            report(InstallerOutput(ended.output))
        if ended.kind == "missing" and (name := requested_name(ended.what)) in owned:
            # Pip 20.3 calls a version missing that a constraint rules out.
            ended = ended._replace(kind="conflict", what=name)
        if ended.kind == "missing" and requested_name(ended.what) in own:
            ended = ended._replace(kind="unfit")
        if ended.code == 0 and not (lacking := not_there(prefix, order.files)):
            return
        if ended.code == 0:
            ended = InstallerExit(0, "unchanged", ", ".join(lacking))
            tried.append(index)
            break
        tried.append(index)
        remaining = indexes[len(tried) :]
        if index == NO_INDEX and remaining and ended.kind in (*_AT_INDEX, "conflict"):
            report(Notice("rest_short", {"instead": remaining[0].mirror}))
            continue
        if ended.kind not in _AT_INDEX:
            break
        known.setdefault(ended.kind, ended)
        if remaining:
            facts = {"index": index.mirror, "what": ended.what, "instead": remaining[0].mirror}
            report(Notice(_AT_INDEX[ended.kind], facts))
    if ended.kind in _AT_INDEX:  # for another Python, it is not for lack of an index
        ended = known.get("python") or known.get("missing") or ended
    raise PipFailed(
        tool=tool,
        code=ended.code,
        detail=text(f"pip_{ended.kind}", {"what": ended.what, "tool": tool}),
        said=safe(ended.line) or text("pip_silent"),
        command=typed(steps.words(order, prefix, tried[-1])),
        ways=(*_after_pip(ended, tool, order.others, prefix, tried), *_about_owned(ended, owned)),
    )


def _clear(prefix: str, names: Collection[str], report: Callable[[Notice], None]) -> None:
    """Remove the metadata of those of these projects that were installed in part, so that pip does
    not take them for installed."""
    torn = [(one, path) for one, path in distributions.unfinished(prefix) if one.name in names]
    for _, path in torn:
        remove_tree(path)
    if torn:
        shown = ", ".join(f"{one.name} {one.version}" for one, _ in torn)
        report(Notice("pip_unfinished", {"packages": safe(shown), "count": len(torn)}))


def _about_owned(ended: InstallerExit, owned: Mapping[str, str]) -> Iterator[Notice]:
    """The next step if packages that conda owns rule out every solution, else none."""
    pins = [owned[name] for name in ended.what.split() if name in owned]
    if ended.kind == "conflict" and pins:
        yield Notice("pip_owned", {"packages": ", ".join(pins)})


def _run(order: PipOrder, index: Route, prefix: str, *, quiet: bool) -> InstallerExit:
    words = steps.words(order, prefix, index)
    page = pip.page(file.link for file in order.every)
    tool = "pip" if order.uv is None else "uv"
    with disk_space.temporary_folder(f"torchmirror-{tool}-") as folder:
        at = Workplace(environment(prefix)[0], folder)
        if order.uv is None:
            return pip.run(words, at, text=page, quiet=quiet)
        options = steps.options(order, index)
        return uv.run(words, at, text=page, options=options, quiet=quiet)


def _here(files: Sequence[WheelFile]) -> tuple[WheelFile, ...]:
    """The files with the URLs of their paths on this disk."""
    return tuple(
        file._replace(link=wheel_cache.file_link(file.link, str(file.cached))) for file in files
    )


def _after_pip(
    ended: InstallerExit, tool: str, others: Sequence[str], prefix: str, tried: Sequence[Route]
) -> Iterator[Notice]:
    """Next steps after a failure of pip; none if only pip's own message helps."""
    if context.offline and ended.kind in ("missing", "network"):
        yield Notice("pip_offline", {"what": ended.what})
        return
    name = requested_name(ended.what)
    names = ", ".join(index.mirror for index in tried if index != NO_INDEX)
    if ended.kind in ("missing", "python") and name in map(requested_name, others):
        yield Notice("pip_word", {"what": ended.what})
    elif ended.kind == "missing":
        yield Notice("pip_other_index", {"what": ended.what, "indexes": names})
    elif ended.kind == "network":
        yield Notice("check_network")
        yield Notice("pip_again")
    elif ended.kind == "unstarted":
        yield Notice("pip_repair", {"program": safe(ended.what)})
    elif ended.kind == "unchanged":
        yield Notice("pip_look", {"tool": tool})
    elif ended.kind == "space":
        yield Notice("make_room_at", {"folder": safe(prefix)})
    elif ended.kind == "broken":
        yield Notice("wheel_bring_again", {"file": safe(ended.what)})
    elif ended.kind == "hash":
        yield Notice("tell_operators")
