"""`--list`: what a platform can have, as lines for a terminal or as the JSON value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..models import Listing, Offer, Rejection
from ..selection.facts.names import TORCH
from ..selection.specs import number
from .decision import driver
from .layout import bullet, columns, wrapped
from .messages import text
from .reasons import nearest, reason, shown

#: Rows of the table without `-v`: with what stands around them they fill a screen of 24 lines.
ROWS = 12
#: Reasons that are told without `-v`.
REASONS = 2


def document(listing: Listing) -> dict[str, Any]:
    """The value of the key `torchmirror`: a row for each release, CUDA and Python."""
    rows = []
    for offer in listing.rows:
        found = offer.rejection
        why = (
            None
            if found is None
            else {
                "code": found.code,
                "reason": reason([found]),
                "fact": found.fact,
            }
        )
        rows.append(
            {
                "version": offer.release,
                "cuda": offer.cuda,
                "python": offer.python,
                "fits": offer.fits,
                "why": why,
            }
        )
    return {
        "subdir": listing.machine.subdir,
        "source": listing.source,
        "index": listing.records.origin,
        "list": rows,
    }


def lines(listing: Listing, *, verbose: bool = False) -> list[str]:
    """A row for each release, the newest first, with those of one minor version that are alike
    together; then why nothing of a release fits, and where the channel ends."""
    records = listing.records
    index = shown(
        "list_index_of" if records.date else "list_index", index=records.origin, date=records.date
    )
    on = (
        shown("on_cpu")
        if listing.request.cuda == "cpu"
        else driver(listing.request, listing.machine)
    )
    about = {"subdir": listing.machine.subdir, "driver": on}
    head = wrapped(shown("list_head", **about, index=index))
    end = bullet(text("channel_end", listing.end)) if listing.end else []
    if not listing.rows:
        return [*head, "", *bullet(_nothing(listing)), *end]
    grouped = _grouped(listing.rows)
    most = len(grouped) if verbose else ROWS
    table = [tuple(map(shown, ("list_release", "list_cuda", "list_python")))]
    for releases, offers in grouped[:most]:
        cuda = _marked(offers, lambda offer: offer.cuda or shown("list_cpu"))
        python = _marked(sorted(offers, key=_python), lambda offer: offer.python)
        table.append((", ".join(releases), cuda, python))
    out = [*head, "", *columns(table)]
    if older := [name for releases, _ in grouped[most:] for name in releases]:
        out += wrapped(shown("list_older", count=len(older), last=older[-1]), "  ", "  ")
    any_fits = any(offer.fits for offer in listing.rows)
    out += ["", *wrapped(shown("list_legend" if any_fits else "list_none"), "  ", "  ")]
    told = list(_unfit(grouped if verbose else grouped[:ROWS]))
    out += [line for why in told[: None if verbose else REASONS] for line in bullet(why)]
    return [*out, *end]


def _nothing(listing: Listing) -> str:
    """Why there is no row at all: no release is what the specs ask for."""
    specs = " ".join(spec for each in listing.request.specs.values() for spec in each)
    releases = sorted({b.version for b in listing.records.builds if b.name == TORCH}, key=number)
    if not releases:
        return text("no_release")
    span = {"first": releases[0], "last": releases[-1]}
    return shown("list_empty", specs=specs, subdir=listing.machine.subdir, **span)


def _unfit(grouped: Iterable[tuple[list[str], list[Offer]]]) -> Iterator[str]:
    """Why nothing of a release fits: the reason nearest to a fit, releases that share it told
    together."""
    found: list[tuple[list[str], list[Rejection]]] = []
    for releases, offers in grouped:
        rejected = [offer.rejection for offer in offers if offer.rejection is not None]
        if len(rejected) < len(offers):
            continue
        near = nearest(rejected)
        for names, alike in found:
            if (alike[0].code, alike[0].machine) == (near[0].code, near[0].machine):
                names += releases
                alike += near
                break
        else:
            found.append(([*releases], near))
    for names, alike in found:
        yield shown("list_why", releases=_span(names), reason=reason(alike))


def _python(offer: Offer) -> tuple[Any, ...]:
    return number(offer.python)


def _grouped(rows: Iterable[Offer]) -> list[tuple[list[str], list[Offer]]]:
    """The offers of each release, newest first; releases of one minor version with the same sets
    are one row."""
    found: dict[str, list[Offer]] = {}
    for offer in rows:
        found.setdefault(offer.release, []).append(offer)
    alike: dict[Any, tuple[list[str], list[Offer]]] = {}
    for name in sorted(found, key=number, reverse=True):
        sets = frozenset((offer.cuda, offer.python, offer.fits) for offer in found[name])
        names, _ = alike.setdefault((number(name)[:2], sets), ([], found[name]))
        names.append(name)
    return list(alike.values())


def _marked(offers: Sequence[Offer], value: Any) -> str:
    """Each value once, with a star where any set with it fits."""
    fits: dict[str, bool] = {}
    for offer in offers:
        fits[value(offer)] = fits.get(value(offer), False) or offer.fits
    return " ".join(word + ("*" if fit else "") for word, fit in fits.items())


def _span(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else shown("list_span", first=names[-1], last=names[0])
