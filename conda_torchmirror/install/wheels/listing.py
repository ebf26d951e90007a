"""`--list` for wheels: every complete set in the directories of a mirror for a platform."""

from __future__ import annotations

from ...index.sources import WHEELS
from ...models import Listed, Listing, Records
from ...selection.pip import variants
from ...selection.wheels.choose import offers
from ...selection.wheels.tables import tables
from ...transport.wheels import preview, routes
from ...transport.wheels.local import LocalReader
from .decide import keep, no_choice
from .task import WheelTask


def listing(task: WheelTask) -> Listing:
    """The sets of the first mirror that answers, or of the built-in list if conda is offline; those
    of the user's own wheels if there are any.

    Reads the directories that the request names, else those of the newest releases: a mirror has
    fifty, and each has a page for every project.

    Raises: NoWheels, NoFittingWheel.
    """
    asked, task = task, task.for_partners or task
    on, request, own = task.machine, task.request, task.brought
    if own is not None:
        held = LocalReader("folder", own.folder, own.links, keep(on))
        rows = tuple(offers(request, on, held.read((), tuple(request.specs))))
        return Listing((Listed(WHEELS, rows, Records((), held.origin)),), on, request)
    chains = routes.chains(task.options, task.config.options)
    reader = preview.reader(chains, keep(on), on.subdir, shown=True)
    named = variants.named_by_words(request)
    names = named or variants.of_release(on, request, tables(), newest=NEWEST)
    links = reader.read(names, tuple(request.specs))
    rows = tuple(offers(request, on, links))
    unread = variants.unread(on, request, tables(), names)
    rows = tuple(row for row in rows if row.release not in unread)
    if not rows:
        raise no_choice(asked, chains)
    records = Records((), reader.origin, reader.date)
    return Listing(
        (Listed(WHEELS, rows, records, unread=next(iter(unread), None)),), on, asked.request
    )


#: The number of newest releases in the table whose directories are read.
NEWEST = 10
