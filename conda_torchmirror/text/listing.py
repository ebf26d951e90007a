"""`--list`: the sets available for a platform, as lines for a terminal or as the JSON value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..models import Listed, Listing, Offer, Rejection
from ..selection.facts.names import TORCH
from ..selection.specs import number
from .decision import asks_no_driver, driver
from .layout import bullet, columns, wrapped
from .messages import clauses, text
from .reasons import nearest, of_mac, reason, shown

#: Rows of the table without `-v`: with the text around them they fill a screen of 24 lines.
ROWS = 12
#: Rows of each source without `-v` if there are several.
ROWS_OF_EACH = 5
#: Reasons shown without `-v`.
REASONS = 2


class _Row(NamedTuple):
    """Releases of one minor version that have the same sets, newest first. `sampled` says that the
    index has only some of the builds of the source."""

    source: str
    sampled: bool
    releases: list[str]
    offers: list[Offer]


def document(listing: Listing) -> dict[str, Any]:
    """The value of the key `torchmirror`: a row for each release, CUDA and Python."""
    rows = []
    for listed in listing.of:
        for offer in listed.rows:
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
                    "source": listed.source,
                    "version": offer.release,
                    "cuda": offer.cuda,
                    "python": offer.python,
                    "fits": offer.fits,
                    "why": why,
                }
            )
    rows.sort(key=lambda row: number(str(row["version"])), reverse=True)
    first = listing.of[0]
    return {
        "subdir": listing.machine.subdir,
        "source": first.source if len(listing.of) == 1 else listing.request.source,
        "index": first.records.origin,
        "sources": [
            {
                "source": listed.source,
                "index": listed.records.origin,
                "index_date": listed.records.date,
                "unread_from": listed.unread,
            }
            for listed in listing.of
        ],
        "list": rows,
    }


def lines(listing: Listing, *, verbose: bool = False) -> list[str]:
    """Lines: a row for each release, newest first, equal rows of one minor version merged; then why
    nothing of a release fits, and where a channel ends."""
    cuda = listing.request.cuda
    if cuda == "cpu":
        on = shown("on_cpu")
    elif asks_no_driver(listing.request):  # but ROCm or XPU
        on = cuda
    else:
        on = driver(listing.request, listing.machine, alone=False)
    about = {"subdir": listing.machine.subdir, "driver": on}
    on_file = any(remark.code == "machine.described" for remark in listing.machine.remarks)
    elsewhere = listing.machine.foreign or on_file
    marks = ("list_legend_there", "list_none_there") if elsewhere else ("list_legend", "list_none")
    listed = [of for of in listing.of if of.rows]
    if len(listed) > 1:
        head = wrapped(shown("list_head_of_all", **about))
        return [*_of_all(listed, head, marks=marks, verbose=verbose), *_mac(listing)]
    listed = listed or list(listing.of[:1])
    head = wrapped(shown("list_head", **about, index=clauses(map(_index, listed))))
    end = [line for of in listed if of.end for line in bullet(text("channel_end", of.end))]
    for of in listed:
        end += bullet(text("older_unread", {"release": of.unread})) if of.unread else []
    if not listed[0].rows:
        return [*head, "", *bullet(_nothing(listing)), *end]
    grouped = _grouped(listed[0])
    most = len(grouped) if verbose else ROWS
    table = columns([_header(), *map(_cells, grouped[:most])])
    rows = [*table, *_older(grouped[most:])]
    told = list(_unfit(grouped if verbose else grouped[:ROWS], several=False))
    below = (*_below(listed, told, marks=marks, verbose=verbose), *end, *_mac(listing))
    return [*head, "", *rows, *below]


def _mac(listing: Listing) -> list[str]:
    """The line on what the builds for a Mac use, where it is asked for CUDA."""
    offers = [offer for of in listing.of for offer in of.rows]
    codes = {offer.rejection.code for offer in offers if offer.rejection}
    on_mac = listing.machine.subdir.startswith("osx-") and "cpu_build" in codes
    return bullet(of_mac(listing.machine.subdir)) if on_mac else []


def _of_all(
    listed: Sequence[Listed], head: Sequence[str], *, marks: tuple[str, str], verbose: bool
) -> list[str]:
    """Lines for several sources: a block of rows for each, that with the newest release first."""
    blocks = sorted(
        ((of, _grouped(of)) for of in listed),
        key=lambda block: number(block[1][0].releases[0]),
        reverse=True,
    )
    most = max(len(grouped) for _, grouped in blocks) if verbose else ROWS_OF_EACH
    shown_rows = [row for _, grouped in blocks for row in grouped[:most]]
    header, *cells = columns([_header(), *map(_cells, shown_rows)])
    out = [*head, "", header]
    told: list[str] = []
    for at, (of, grouped) in enumerate(blocks):
        index = _index(of)
        title = shown("list_end", index=index, **of.end) if of.end else index
        rows, cells = cells[: len(grouped[:most])], cells[len(grouped[:most]) :]
        out += [*([""] if at else []), *wrapped(title), *rows, *_older(grouped[most:])]
        told += _unfit(grouped[:most], several=True)
    return [*out, *_below(listed, told, marks=marks, verbose=verbose)]


def _below(
    listed: Iterable[Listed], told: Sequence[str], *, marks: tuple[str, str], verbose: bool
) -> list[str]:
    """Lines below the rows: the meaning of the marks, where there are any and where not, and why
    nothing of a release fits."""
    fitting, none = marks
    any_fits = any(offer.fits for of in listed for offer in of.rows)
    out = ["", *wrapped(shown(fitting if any_fits else none), "  ", "  ")]
    return [*out, *(line for why in told[: None if verbose else REASONS] for line in bullet(why))]


def _older(grouped: Sequence[_Row]) -> list[str]:
    """The line on how many releases are not shown."""
    older = [name for row in grouped for name in row.releases]
    if not older:
        return []
    return wrapped(shown("list_older", count=len(older), last=older[-1]), "  ", "  ")


def _header() -> tuple[str, str, str]:
    return shown("list_release"), shown("list_cuda"), shown("list_python")


def _cells(row: _Row) -> tuple[str, str, str]:
    cuda = _marked(row.offers, _accelerator)
    python = _marked(sorted(row.offers, key=_python), lambda offer: offer.python)
    return ", ".join(row.releases), cuda, python


def _accelerator(offer: Offer) -> str:
    """The CUDA of a set, or what else it is for; only wheels, by their version, are for ROCm or
    XPU."""
    variant = offer.builds[0].version.partition("+")[2]
    return offer.cuda or (variant if variant not in ("", "cpu") else shown("list_cpu"))


def _index(listed: Listed) -> str:
    """The sentence on which index a source's rows come from."""
    records = listed.records
    code = "list_index_of" if records.date else "list_index"
    # Of wheels the built-in list is whole: what it did not see follows from the rule of names.
    if _sampled(listed) and listed.source != "wheels":
        code = "list_index_part"
    return shown(code, source=listed.source, index=records.origin, date=records.date)


def _sampled(listed: Listed) -> bool:
    return listed.records.origin == "built-in" and listed.end is None


def _nothing(listing: Listing) -> str:
    """The sentence on why there are no rows: no release meets the specs."""
    specs = " ".join(spec for each in listing.request.specs.values() for spec in each)
    builds = [build for listed in listing.of for build in listed.records.builds]
    releases = sorted({b.version for b in builds if b.name == TORCH}, key=number)
    if not releases:
        hidden = any(each.records.excluded or each.records.packed for each in listing.of)
        subdir = {"subdir": listing.machine.subdir}
        return text("nothing_hidden", subdir) if hidden else text("no_release")
    span = {"first": releases[0], "last": releases[-1]}
    return shown("list_empty", specs=specs, subdir=listing.machine.subdir, **span)


def _unfit(grouped: Iterable[_Row], *, several: bool) -> Iterator[str]:
    """Sentences on why nothing of a release fits: the reason nearest to a fit, one sentence for
    releases that share it."""
    found: list[tuple[_Row, list[Rejection]]] = []
    for row in grouped:
        rejected = [offer.rejection for offer in row.offers if offer.rejection is not None]
        near = nearest(rejected) if len(rejected) == len(row.offers) else []
        # A sample of a channel may have only the CPU build of a release.
        if not near or (row.sampled and near[0].code == "cpu_build"):
            continue
        for same, alike in found:
            if (alike[0].code, alike[0].machine) == (near[0].code, near[0].machine):
                same.releases.extend(row.releases)
                alike += near
                break
        else:
            found.append((row._replace(releases=[*row.releases]), near))
    for row, alike in found:
        code = "list_why_of" if several else "list_why"
        yield shown(code, releases=_span(row.releases), source=row.source, reason=reason(alike))


def _python(offer: Offer) -> tuple[Any, ...]:
    return number(offer.python)


def _grouped(listed: Listed) -> list[_Row]:
    """The offers of each release, newest first; releases of one minor version with the same sets
    are one row."""
    found: dict[str, list[Offer]] = {}
    for offer in listed.rows:
        found.setdefault(offer.release, []).append(offer)
    sampled = _sampled(listed)
    alike: dict[Any, _Row] = {}
    for name in sorted(found, key=number, reverse=True):
        sets = frozenset((offer.cuda, offer.python, offer.fits) for offer in found[name])
        row = _Row(listed.source, sampled, [], found[name])
        alike.setdefault((number(name)[:2], sets), row).releases.append(name)
    return list(alike.values())


def _marked(offers: Sequence[Offer], value: Any) -> str:
    """Each value once, with a star where any set with it fits."""
    fits: dict[str, bool] = {}
    for offer in offers:
        fits[value(offer)] = fits.get(value(offer), False) or offer.fits
    return " ".join(word + ("*" if fit else "") for word, fit in fits.items())


def _span(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else shown("list_span", first=names[-1], last=names[0])
