"""`conda torch-mirror enable` and `disable`: what the file holds, and what is said about it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from conda.base.context import context
from conda.common.configuration import YamlRawParameter

from ..exceptions.mirror import BadRegistry, NothingToEnable
from ..exceptions.usage import BadMirror
from ..mirrors.registry import MirrorError, upstream_url
from ..redirect import condarc, in_process, policy, settings
from ..text.layout import bullet, columns, safe
from ..text.messages import text
from ..text.output import emit
from .mirror_status import print_lines, source_of

#: What the file maps if no channel is named. More would slow every start of conda down: it reads
#: 0.2 ms for each line.
CHANNELS = (
    "defaults",
    "conda-forge",
    "pytorch",
    "nvidia",
    "pytorch-lts",
    "pytorch-test",
    "pytorch3d",
    "rapidsai",
    "dglteam",
    "bioconda",
)


def enable(args: Namespace) -> int:
    """Write the file, or with `--hook-only` remove it. The exit code is returned.

    Raises: BadMirror, BadRegistry, NothingToEnable, ForeignFile, CannotWrite.
    """
    path = _path(args)
    if args.hook_only:
        condarc.remove(path)
        _refresh()
        return _report(path, "hook_only", ["hook_only"], auto=settings.read().auto)
    around = _world(args.mirror or ())
    # What an earlier `enable` wrote is about to be replaced, so it is nobody's own.
    around.own -= around.enabled.keys()
    verdicts = policy.decide(args.channels or CHANNELS, around)
    mapped = [v for v in verdicts if v.code in ("mirrored", "unfit_url") and _parent(v)]
    if not mapped:
        raise NothingToEnable(
            channels=", ".join(args.channels or CHANNELS),
            subdir=around.subdir,
            mirrors=", ".join(around.preference) or "upstream",
        )
    content = _content(mapped, verdicts, around, given=bool(args.mirror))
    written = condarc.write(path, content)
    _refresh()
    rows = [(v.name, str(v.mirror), safe(str(v.url))) for v in mapped]
    lines = [text("enabled", {"file": str(path)}), "", text("enabled_for"), *columns(rows), ""]
    own = [v.name for v in verdicts if v.code in ("configured", "default_channels")]
    lacking = [v.name for v in verdicts if v.code in ("not_carried", "elsewhere")]
    if own:
        lines += bullet(text("enabled_own", {"names": ", ".join(own)}))
    if lacking:
        lines += bullet(text("enabled_upstream", {"names": ", ".join(lacking)}))
    lines += bullet(text("enabled_undo"))
    auto = settings.read().auto
    if not auto:
        lines += bullet(text("still_off", {"file": source_of("torchmirror_auto")}))
    found = {v.name: {"mirror": v.mirror, "url": safe(str(v.url))} for v in mapped}
    return _report(path, "enabled", lines, auto=auto, written=written, channels=found)


def disable(args: Namespace) -> int:
    """Replace the file by the switch that keeps the automatic redirect off.

    Raises: ForeignFile, CannotWrite.
    """
    path = _path(args)
    written = condarc.write(path, condarc.OFF)
    _refresh()
    auto = settings.read().auto
    lines = bullet(text("disabled", {"file": str(path)}))
    if auto:
        lines += bullet(text("still_on", {"file": source_of("torchmirror_auto")}))
    return _report(path, "disabled", lines, auto=auto, written=written)


def _path(args: Namespace) -> Path:
    return condarc.system_file() if args.system else condarc.user_file()


def _world(asked: Sequence[str]) -> policy.UserConfig:
    try:
        chosen = settings.read()
        written = settings.entries(chosen)
        return policy.UserConfig(chosen, settings.preference(asked, chosen, written), written)
    except MirrorError as error:
        if asked:
            raise BadMirror(value=" ".join(asked), detail=str(error)) from error
        raise BadRegistry(detail=str(error)) from error


def _parent(verdict: policy.ChannelPolicy) -> str | None:
    return in_process.parent(verdict.name, str(verdict.url))


def _content(
    mapped: Iterable[policy.ChannelPolicy],
    verdicts: Iterable[policy.ChannelPolicy],
    around: policy.UserConfig,
    *,
    given: bool,
) -> str:
    parents = {v.name: str(_parent(v)) for v in mapped}
    guarded = [
        v.name
        for v in mapped
        if not v.name.startswith("pkgs/")
        and not around.written[str(v.mirror)]["channels"][v.name].get("labels")
    ]
    parts = [v for v in verdicts if v.name.startswith("pkgs/")]
    moved = any(v.name in parents for v in parts)
    defaults = [v.url or upstream_url(v.name) for v in parts] if moved else []
    from_ = ", ".join(around.preference)
    return condarc.render(
        parents,
        [str(url) for url in defaults],
        about=f"Preference: {from_}. Platform: {around.subdir}.",
        guarded=guarded,
        mirrors=around.preference if given else (),
    )


def _refresh() -> None:
    """Let conda see what was written."""
    if hasattr(YamlRawParameter, "cache_clear"):  # new conda reads each file once
        YamlRawParameter.cache_clear()
    in_process.reload()
    context.__dict__.pop("plugins", None)


def _report(path: Path, code: str, lines: Sequence[str], *, auto: bool, **facts: Any) -> int:
    if context.json:
        emit({"state": code, "file": str(path), "auto": auto, **facts})
    else:
        print_lines([text(line) for line in lines] if code == "hook_only" else lines)
    return 0
