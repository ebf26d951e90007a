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
from ..mirrors.urls import MirrorError, upstream_url
from ..redirect import condarc, configuration, policy, settings
from ..text.layout import bullet, columns, safe
from ..text.messages import text
from ..text.output import emit
from .mirror_status import print_lines

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
    config = _config(args.mirror or ())
    # What an earlier `enable` wrote is about to be replaced, so it is nobody's own.
    config.own -= config.enabled.keys()
    policies = policy.decide(args.channels or CHANNELS, config)
    mapped = [p for p in policies if p.code in ("mirrored", "unfit_url") and p.parent]
    if not mapped:
        raise NothingToEnable(
            channels=", ".join(args.channels or CHANNELS),
            subdir=config.subdir,
            mirrors=", ".join(config.preference) or "upstream",
        )
    content = _content(mapped, policies, config, given=bool(args.mirror))
    written = condarc.write(path, content)
    _refresh()
    rows = [(p.name, str(p.mirror), safe(str(p.url))) for p in mapped]
    lines = [text("enabled", {"file": str(path)}), "", text("enabled_for"), *columns(rows), ""]
    own = [p.name for p in policies if p.code in ("configured", "default_channels")]
    lacking = [p.name for p in policies if p.code in ("not_carried", "elsewhere")]
    if own:
        lines += bullet(text("enabled_own", {"names": ", ".join(own)}))
    if lacking:
        lines += bullet(text("enabled_upstream", {"names": ", ".join(lacking)}))
    lines += bullet(text("enabled_undo"))
    auto = settings.read().auto
    if not auto:
        lines += bullet(text("still_off", {"file": settings.source_of("torchmirror_auto")}))
    found = {p.name: {"mirror": p.mirror, "url": safe(str(p.url))} for p in mapped}
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
        lines += bullet(text("still_on", {"file": settings.source_of("torchmirror_auto")}))
    return _report(path, "disabled", lines, auto=auto, written=written)


def _path(args: Namespace) -> Path:
    return condarc.system_file() if args.system else condarc.user_file()


def _config(asked: Sequence[str]) -> policy.UserConfig:
    try:
        return policy.UserConfig(settings.read(), asked)
    except MirrorError as error:
        if asked:
            raise BadMirror(value=" ".join(asked), detail=str(error)) from error
        raise BadRegistry(detail=str(error)) from error


def _content(
    mapped: Iterable[policy.ChannelPolicy],
    policies: Iterable[policy.ChannelPolicy],
    config: policy.UserConfig,
    *,
    given: bool,
) -> str:
    parents = {p.name: str(p.parent) for p in mapped}
    guarded = [
        p.name
        for p in mapped
        if not p.name.startswith("pkgs/")
        and (mirror := config.mirror(p.mirror)) is not None
        and not mirror.channels[p.name].labels
    ]
    parts = [p for p in policies if p.name.startswith("pkgs/")]
    moved = any(p.name in parents for p in parts)
    defaults = [p.url or upstream_url(p.name) for p in parts] if moved else []
    from_ = ", ".join(config.preference)
    return condarc.render(
        parents,
        [str(url) for url in defaults],
        about=f"Preference: {from_}. Platform: {config.subdir}.",
        guarded=guarded,
        mirrors=config.preference if given else (),
    )


def _refresh() -> None:
    """Let conda see what was written."""
    if hasattr(YamlRawParameter, "cache_clear"):  # new conda reads each file once
        YamlRawParameter.cache_clear()
    configuration.reload()
    context.__dict__.pop("plugins", None)


def _report(path: Path, code: str, lines: Sequence[str], *, auto: bool, **facts: Any) -> int:
    if context.json:
        emit({"state": code, "file": str(path), "auto": auto, **facts})
    else:
        print_lines([text(line) for line in lines] if code == "hook_only" else lines)
    return 0
