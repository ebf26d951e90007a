"""`--list` for wheels: every whole set that the directories of a mirror have for a platform."""

from __future__ import annotations

from ...index.sources import WHEELS
from ...models import Listed, Listing, Records
from ...selection.pip import variants
from ...selection.wheels.choose import offers
from ...selection.wheels.tables import tables
from ...transport.wheels import preview, routes
from .decide import keep, no_choice
from .task import WheelTask


def listing(task: WheelTask) -> Listing:
    """The sets of the first mirror that answers, or of the built-in list where conda is offline.

    The directories are those of the newest releases that the words admit: a mirror has fifty, and
    each is a page for every project.

    Raises: NoWheels, NoFittingWheel.
    """
    on, request = task.machine, task.request
    chains = routes.chains(task.options, task.config.options)
    reader = preview.reader(chains, keep(on), on.subdir)
    named = variants.named_by_words(request)
    names = named or variants.of_release(on, request, tables(), newest=NEWEST)
    links = reader.read(names, tuple(request.specs))
    rows = tuple(offers(request, on, links))
    if not rows:
        raise no_choice(task, chains)
    records = Records((), reader.origin, reader.date)
    return Listing((Listed(WHEELS, rows, records),), on, request)


#: Releases of the table whose directories are read.
NEWEST = 10
