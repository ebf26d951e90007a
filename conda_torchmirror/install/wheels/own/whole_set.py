"""Where to fetch what the user's own wheels lack of a set."""

from __future__ import annotations

from collections.abc import Iterator

from ....index.sources import WHEELS
from ....index.wheels import builtin
from ....models import Notice, Request
from ....selection.plan import offered
from ....selection.wheels.choose import WheelSet, choose
from ....selection.wheels.name import Wheel, parse
from ....selection.wheels.tables import TORCH
from ....selection.wheels.tags import WheelTarget
from ..task import WheelTask
from .brought import PYTHONS


def addresses(task: WheelTask) -> tuple[Notice, ...]:
    """What is said of files that are passed over, and the step that lists the addresses of a set
    with the torch that is there, else of any, if the built-in list has one."""
    if task.brought is None:
        return ()
    odd, known = task.brought.passed_over, builtin.load(task.machine.subdir)
    for request in _requests(task) if known else ():
        if known and isinstance(choose(request, task.machine, known.links), WheelSet):
            specs = (word for words in request.specs.values() for word in words)
            asked = task.typed._replace(
                action="urls",
                urls="plain",
                specs=tuple(specs),
                source=WHEELS,
                wheel_dir=None,
                save=None,
                dry_run=False,
            )
            return (*odd, Notice("fetch_set", {"command": offered(asked)}))
    return odd


def _requests(task: WheelTask) -> Iterator[Request]:
    """The request with the torch that is there for this machine, and that for any."""
    on, names = task.machine, task.request.specs
    target = WheelTarget(on.subdir, [on.python] if on.python else PYTHONS, on.free_threaded)
    found = (parse(link) for link in task.brought.links) if task.brought else ()
    torch = {
        wheel.full_version
        for wheel in found
        if isinstance(wheel, Wheel) and wheel.project == TORCH and target.fit(wheel.triple)
    }
    open_ = {name: (name,) for name in names}
    if len(torch) == 1:
        yield task.request._replace(specs={**open_, TORCH: (f"{TORCH}=={torch.pop()}",)})
    yield task.request._replace(specs=open_)
