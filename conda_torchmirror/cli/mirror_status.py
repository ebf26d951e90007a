"""`conda torch-mirror list` and `status`: which mirrors exist, and where channels are read from."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from conda.base.context import context
from conda.models.channel import Channel

from ..handover.channels import check as check_channels
from ..mirrors.addresses import Identified, split
from ..mirrors.registry import Mirror, Registry, channels_for, parts_of_defaults
from ..mirrors.urls import UPSTREAM, MirrorError
from ..redirect import condarc, configuration, in_process, named_channels, policy, settings
from ..redirect.named_channels import NamedChannels
from ..text.language import ENGLISH, current
from ..text.layout import bullet, columns, wrapped
from ..text.messages import of_error, text
from ..text.output import can_show, emit, say
from ..text.sanitize import safe

#: The column in which the URL of a channel begins in `status`.
INDENT = 16


def show_list(args: Namespace) -> int:
    """Print the registry of mirrors. Raises: BadRegistry, BadSetting."""
    chosen = settings.read()
    try:
        known = settings.registry(chosen)
        preferred = settings.preference((), chosen, known)
    except MirrorError as error:
        raise settings.unusable(error) from error
    faults = _faults(known, preferred, allow_http=chosen.http)
    if context.json:
        found = [_as_json(mirror, preferred) for mirror in known.values()]
        emit({"preference": list(preferred), "mirrors": found, "faults": faults})
    else:
        say([*_table(known, preferred), *(line for fault in faults for line in bullet(fault))])
    return 0


def _faults(known: Registry, preferred: Sequence[str], *, allow_http: bool) -> list[str]:
    """The fault of the configured preference, if any: shown, since the list has the right names."""
    try:
        known.resolve(preferred, allow_http=allow_http)
    except MirrorError as error:
        return [text("list.fault", {"places": settings.places(), "detail": of_error(error)})]
    return []


def _table(known: Registry, preferred: Sequence[str]) -> list[str]:
    shown = channels_for("columns")
    main = parts_of_defaults(context.subdir)[0]
    names = ("defaults" if channel == main else channel for channel in shown)
    rows: list[tuple[str, ...]] = [("", text("list.mirror"), *names, "pypi", "wheels")]
    for name, mirror in known.items():
        place = str(preferred.index(name) + 1) if name in preferred else ""
        carried = [_carried(mirror, channel) for channel in shown]
        pip = [
            mirror.confidence.get("pypi", "yes") if mirror.pypi else "-",
            mirror.confidence.get("wheels", "yes") if mirror.wheels else "-",
        ]
        cells = [text(f"list.{cell}", default=cell) for cell in (*carried, *pip)]
        if set(cells) != {"-"}:  # others stay in the registry to recognise their URLs in old files
            rows.append((place, name, *cells))
    # `as_of` may be a year alone; only full dates count here.
    listed = [row[1] for row in rows[1:]]
    days = (known[name].as_of or "" for name in listed)
    dates = sorted(day for day in days if len(day) == 10)
    lines = [*columns(rows), "", *columns(_sites(known, listed)), ""]
    lines += wrapped(text("list.legend"), "  ", "  ")
    if dates:
        facts = {"first": dates[0], "last": dates[-1]}
        lines += wrapped(text("list.dates", facts), "  ", "  ")
    return lines


def _sites(known: Registry, names: Iterable[str]) -> list[tuple[str, str]]:
    """Two rows for each mirror: its titles (the Chinese one alone in a Chinese run), its URL."""
    rows = []
    for mirror in map(known.__getitem__, names):
        chinese = mirror.title_zh if can_show(mirror.title_zh) else ""
        titles = (mirror.title, chinese) if current() == ENGLISH or not chinese else (chinese,)
        rows.append((mirror.name, ", ".join(filter(None, titles))))
        rows.append(("", mirror.home))
    return rows


def _carried(mirror: Mirror, channel: str) -> str:
    there = mirror.channels.get(channel)
    if there is None or there.status == "no":
        return "-"
    if there.status != "yes":
        return "?" if there.status == "unknown" else there.status
    return mirror.confidence.get("conda", "yes")


def _as_json(mirror: Mirror, preferred: Sequence[str]) -> dict[str, Any]:
    return {
        "name": mirror.name,
        "title": mirror.title,
        "title_zh": mirror.title_zh or None,
        "home": safe(mirror.home),
        "preference": preferred.index(mirror.name) + 1 if mirror.name in preferred else None,
        "chosen_for": list(mirror.chosen),
        "confidence": dict(mirror.confidence),
        "channels": {
            name: {
                "url": safe(there.url),
                "status": there.status,
                "subdirs": None if there.subdirs is None else sorted(there.subdirs),
                "labels": there.labels,
            }
            for name, there in mirror.channels.items()
        },
        "pypi": [safe(url) for url in mirror.pypi],
        "wheels": None
        if mirror.wheels is None
        else {"url": safe(mirror.wheels.url), "layout": mirror.wheels.layout},
        "redirects_to": list(mirror.redirects_to),
        "note": mirror.note,
        "as_of": mirror.as_of,
        "source": list(mirror.source),
    }


class Reading(NamedTuple):
    """One channel as conda reads it now: the URL, the mirror that it belongs to, and why.

    `reason` is the sentence for `code`; `source` is the file or variable that decides, if any.
    """

    name: str
    url: str
    mirror: str | None
    code: str
    reason: str
    source: str | None = None


def show_status(args: Namespace) -> int:
    """Print where channels are read from now, and why.

    Raises: BadChannel, BadRegistry, BadSetting.
    """
    check_channels(args.channels)
    chosen = settings.read()
    config, shown = read_now(chosen, args.channels)
    if context.json:
        emit(_document(chosen, config, shown))
    else:
        say(_status_lines(chosen, config, shown))
    return 0


def read_now(
    chosen: settings.Settings, channels: Iterable[str] = ()
) -> tuple[policy.UserConfig, list[Reading]]:
    """Return where conda reads its configured channels and `channels` from. Raises: BadRegistry."""
    try:
        config = policy.UserConfig(chosen)
    except MirrorError as error:
        raise settings.unusable(error) from error
    named = named_channels.of_this_command(words=())
    asked = dict.fromkeys((*context.channels, *channels_for("status"), *channels))
    for word in asked:
        named.channel(word)
    policies = {p.name: p for p in policy.decide(named.asked, config, named)}
    ours = policy.redirects(policies.values(), config, named) if chosen.auto else []
    rows = []
    try:
        in_process.apply(ours)
        for word in asked:
            rows += _resolved(word, config)
    finally:
        in_process.undo()
    shown = dict.fromkeys(rows)  # a part of `defaults` may be named as well
    return config, [_explained(name, url, policies, config) for name, url in shown]


def _resolved(word: str, config: policy.UserConfig) -> list[tuple[str, str]]:
    """The name and URL that a channel resolves to now, one row for each part of `defaults`."""
    channel = Channel(word)
    if word == configuration.DEFAULTS:
        parts = [str(url) for url in channel.base_urls]
        names = parts_of_defaults(config.subdir)
        if [url.rpartition("/")[2] for url in parts] == [n.rpartition("/")[2] for n in names]:
            return list(zip(names, parts, strict=True))
        return [(word, url) for url in parts]
    return [(word, str(url)) for url in channel.base_urls]


def _explained(
    name: str,
    url: str,
    policies: Mapping[str, policy.ChannelPolicy],
    config: policy.UserConfig,
) -> Reading:
    there = split(url, config.registry.book)
    plain = NamedChannels()
    plain.channel(name)
    base = next(iter(plain.asked), name)
    here = policies.get(base)
    code, facts = ("url", {}) if here is None else _reason(here, config, url)
    if code in ("url", "default_channels") and there and _is_lacking(there.identified, config):
        listed = settings.source_of("default_channels") if base == configuration.DEFAULTS else None
        source = facts.get("source") or listed
        code = "lacking" if source else "url_lacking"
        facts = {**facts, "mirror": there.identified.mirror, "source": source}
    return Reading(
        safe(name),
        safe(url),
        there.identified.mirror if there else None,
        code,
        text(f"status.{code}", facts),
        facts.get("source"),
    )


def _is_lacking(place: Identified, config: policy.UserConfig) -> bool:
    """Whether a mirror is known not to have a channel that a URL names there."""
    mirror = config.registry.get(place.mirror)
    return mirror is not None and mirror.lacks(place.channel, config.subdir)


def _reason(
    here: policy.ChannelPolicy, config: policy.UserConfig, url: str
) -> tuple[str, dict[str, Any]]:
    code = here.code
    facts: dict[str, Any] = {"mirror": here.mirror, "subdir": config.subdir}
    if code == "configured":
        keys = ("custom_channels", "custom_multichannels")
        source = next(filter(None, (settings.source_of(key, here.name) for key in keys)), None)
        source = source or settings.source_of("custom_multichannels")  # in a group there
        code = "enabled" if _file_of_ours(source) else code
        facts["source"] = source
    elif code == "default_channels":
        if not config.own_defaults:
            code = "no_part"
        keys = ("default_channels", "custom_multichannels")
        facts["source"] = next(filter(None, map(settings.source_of, keys)), None)
    elif code in ("lacking", "misplaced"):
        facts["source"] = settings.source_of("custom_channels", here.name)
    elif code == "alias_misplaced":
        facts["source"] = settings.source_of("channel_alias")
    elif code in ("mirrored", "alias_lacks") and not config.settings.auto:
        code = "off"
        facts["source"] = settings.source_of("torchmirror_auto")
    elif code == "mirrored" and not url.startswith(str(here.url)):
        code = "label"
    return code, facts


def _document(
    chosen: settings.Settings, config: policy.UserConfig, rows: Sequence[Reading]
) -> dict[str, Any]:
    return {
        "auto": chosen.auto,
        "auto_from": settings.source_of("torchmirror_auto"),
        "files": [str(path) for path in condarc.ours()],
        "preference": list(config.preference),
        "only": list(chosen.only),
        "subdir": config.subdir,
        "channels": [
            {name: value for name, value in row._asdict().items() if name != "source"}
            for row in rows
        ],
    }


def _status_lines(
    chosen: settings.Settings, config: policy.UserConfig, rows: Sequence[Reading]
) -> list[str]:
    source = settings.source_of("torchmirror_auto")
    switch = text("status.on") if chosen.auto else text("status.is_off", {"source": source})
    facts = [(text("status.label_auto"), switch)]
    abouts = [_about(path) for path in condarc.ours()] or [text("status.no_file")]
    facts += [(text("status.label_file"), about) for about in abouts]
    facts.append((text("status.label_preference"), ", ".join(config.preference) or UPSTREAM))
    if chosen.only:
        facts.append((text("status.label_only"), ", ".join(chosen.only)))
    return [*columns(facts), "", *(line for row in rows for line in _lines_of(row))]


def _lines_of(row: Reading) -> list[str]:
    """The name beside the URL, the reason below; a long name has a line of its own."""
    indent = " " * INDENT
    facts = {"mirror": row.mirror, "reason": row.reason}
    why = text("status.at", facts) if row.mirror else row.reason
    if row.name == row.url:
        head = [f"  {row.url}"]
    elif len(row.name) > INDENT - 4:
        head = [f"  {row.name}", f"{indent}{row.url}"]
    else:
        head = [f"  {row.name:<{INDENT - 2}}{row.url}"]
    return [*head, *wrapped(why, indent, indent)]


def _about(path: Path) -> str:
    return text("status.file_off" if condarc.is_off(path) else "status.file", {"file": str(path)})


def _file_of_ours(source: str | None) -> bool:
    return source is not None and condarc.is_ours(Path(source))
