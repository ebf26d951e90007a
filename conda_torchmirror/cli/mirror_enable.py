"""`conda torch-mirror enable` and `disable`: writing our configuration file, and reporting it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from conda.base.context import context
from conda.common.configuration import YamlRawParameter

from ..exceptions.mirror import BadCondarc, BadRegistry, BadSetting, NothingToEnable, OwnChannels
from ..exceptions.usage import BadMirror, Contradiction
from ..mirrors.registry import channels_for
from ..mirrors.urls import UPSTREAM, MirrorError, upstream_url
from ..models import Notice
from ..redirect import condarc, configuration, named_channels, policy, settings
from ..text.layout import bullet, columns, wrapped
from ..text.messages import text
from ..text.output import emit, say
from ..text.sanitize import safe
from .mirror_status import read_now

#: Policies of channels that the user's own configuration maps, be it to where they are not.
_OWN = (
    *("configured", "default_channels", "channel_alias"),
    *("lacking", "misplaced", "alias_lacks", "alias_misplaced"),
)
#: Policies of channels that no preferred mirror carries.
_LACKING = ("not_carried", "elsewhere")


def enable(args: Namespace) -> int:
    """Write the file, or with `--hook-only` remove it; return the exit code.

    Raises: BadMirror, BadRegistry, Contradiction, NothingToEnable, OwnChannels, ForeignFile,
    CannotWrite.
    """
    if args.hook_only:
        for word in (*(f"--mirror {name}" for name in args.mirror or ()), *args.channels):
            raise Contradiction.of_options("--hook-only", safe(word))
        return _hook_only(args)
    config = _config(args.mirror or ())
    if {*config.preference} <= {UPSTREAM}:
        raise BadMirror(value=UPSTREAM, detail=text("enable_upstream"))
    # Mappings of an earlier `enable` are about to be replaced: do not respect them as the user's.
    config.own = config.own - config.enabled.keys() | config.within(config.groups)
    channels = args.channels or channels_for("enabled")
    named = named_channels.of_this_command(words=())  # some with a token or password, perhaps
    policies = policy.decide(channels, config, named)
    mapped = [p for p in policies if p.code in ("mirrored", "unfit_url") and p.parent]
    own = [p.name for p in policies if p.code in _OWN]
    if not mapped and (kept := [p.name for p in policies if p.code not in _LACKING]):
        raise OwnChannels(channels=", ".join(kept))
    if not mapped:
        meant = [name for word in channels if (name := config.registry.named(word))]
        by = "".join(f" --mirror {name}" for name in dict.fromkeys(meant))
        command = f"conda torch-mirror enable{by}{' --system' if args.system else ''}"
        raise NothingToEnable(
            ways=[Notice("spec_meant", {"specs": command})] if meant else [],
            channels=", ".join(channels),
            subdir=config.subdir,
            mirrors=", ".join(config.preference) or UPSTREAM,
        )
    path = _path(args)
    written = _put(path, _content(mapped, policies, config, given=bool(args.mirror)))
    rows = [(p.name, str(p.mirror), safe(str(p.url))) for p in mapped]
    lines = [*_head("enabled", path), "", *wrapped(text(_dry("enabled_for"))), *columns(rows), ""]
    lacking = [p.name for p in policies if p.code in _LACKING]
    if own:
        lines += bullet(text("enabled_own", {"names": ", ".join(own)}))
    if lacking:
        lines += bullet(text("enabled_upstream", {"names": ", ".join(lacking)}))
    left: dict[str, list[str]] = {}
    for one in policies:
        if one not in mapped and one.code not in (*_OWN, *_LACKING):
            left.setdefault(text(f"status.{one.code}", {"mirror": one.mirror}), []).append(one.name)
    for reason, names in left.items():
        lines += bullet(text("enabled_left", {"names": ", ".join(names), "reason": reason}))
    if not context.dry_run:
        lines += bullet(text("enabled_mamba"))
        lines += bullet(text("enabled_undo", {"system": _option(path)}))
        lines += _still_off()
    found = {p.name: {"mirror": p.mirror, "url": safe(str(p.url))} for p in mapped}
    return _report(path, "enabled", lines, written=written, channels=found)


def _hook_only(args: Namespace) -> int:
    """Remove the file, and report what still keeps the redirect off or still maps channels."""
    path = _path(args)
    written = _put(path, None)
    lines = _head("hook_only", path) if written else []
    if not context.dry_run:
        for other in _others(path):
            code = "hook_only_other_off" if condarc.is_off(other) else "hook_only_other"
            lines += bullet(text(code, {"file": str(other), "system": _option(other)}))
        auto = _auto()
        if auto:
            lines += bullet(text("hook_only_on"))
        elif auto is None or not any(map(condarc.is_off, _others(path))):
            lines += _still_off()
    return _report(path, "hook_only", lines, written=written)


def disable(args: Namespace) -> int:
    """Replace the file's content with the setting that turns the automatic redirect off.

    Reports anything that still sends channels to mirrors. Raises: ForeignFile, CannotWrite.
    """
    path = _path(args)
    written = _put(path, condarc.OFF)
    lines = _head("disabled", path)
    if not context.dry_run:
        lines += bullet(text("disabled_undo", {"system": _option(path)}))
        try:
            lines += _still_mirrored(path)
        # Broken settings, or a broken configuration of conda's, must not prevent `disable`.
        except (BadSetting, BadRegistry) as error:
            lines += bullet(str(error.message))
        except Exception as error:
            if (found := BadCondarc.behind(error)) is None:
                raise
            lines += bullet(str(found.message))
    return _report(path, "disabled", lines, written=written)


def _put(path: Path, content: str | None) -> bool:
    """Write the file, or remove it if `content` is None; return whether it changed or, with
    --dry-run, would change."""
    if context.dry_run:
        return condarc.differs(path, content)
    changed = condarc.remove(path) if content is None else condarc.write(path, content)
    _refresh()
    return changed


def _head(code: str, path: Path) -> list[str]:
    """The first sentence: what was done to the file or, with --dry-run, would be."""
    return wrapped(text(_dry(code), {"file": str(path)}), "", "  ")


def _dry(code: str) -> str:
    """The code of the sentence on what was done or, with --dry-run, would be."""
    return f"{code}_dry" if context.dry_run else code


def _others(path: Path) -> list[Path]:
    """Our files in places other than `path`."""
    return [file for file in condarc.ours() if file != path]


def _option(path: Path) -> str:
    """The option by which our commands refer to this file, with a space before it; may be ""."""
    return " --system" if path == condarc.system_file() else ""


def _auto() -> bool | None:
    """Whether the automatic redirect is on; None where one of our settings is broken, in which case
    nothing is redirected."""
    try:
        return settings.read().auto
    except BadSetting:
        return None


def _still_off() -> list[str]:
    """Report what keeps the redirect off although this run turned it on."""
    try:
        if settings.read().auto:
            return []
    except BadSetting as error:
        return bullet(str(error.message))
    return bullet(text("still_off", {"file": settings.source_of("torchmirror_auto")}))


def _still_mirrored(path: Path) -> list[str]:
    """Report what still sends channels to mirrors although this run turned that off.

    Raises: BadSetting, BadRegistry.
    """
    chosen = settings.read()
    if chosen.auto:
        return bullet(text("still_on", {"file": settings.source_of("torchmirror_auto")}))
    lines = []
    _, channels = read_now(chosen)
    for other in (other for other in _others(path) if not condarc.is_off(other)):
        lines += bullet(text("still_enabled", {"file": str(other), "system": _option(other)}))
    own = [
        row.name for row in channels if row.mirror not in (None, UPSTREAM) and row.code != "enabled"
    ]
    names = ", ".join(dict.fromkeys(own))
    return [*lines, *bullet(text("still_own", {"names": names}))] if own else lines


def _path(args: Namespace) -> Path:
    return condarc.system_file() if args.system else condarc.user_file()


def _config(asked: Sequence[str]) -> policy.UserConfig:
    try:
        return policy.UserConfig(settings.read(), asked)
    except MirrorError as error:
        raise settings.unusable(error, asked) from error


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
    from_ = ", ".join(mirror.name for mirror in config.mirrors)
    return condarc.render(
        parents,
        [str(url) for url in defaults],
        about=f"Preference: {from_}. Platform: {config.subdir}.",
        guarded=guarded,
        mirrors=config.preference if given else (),
    )


def _refresh() -> None:
    """Make conda in this process read its configuration again."""
    if hasattr(YamlRawParameter, "cache_clear"):  # new conda reads each file once
        YamlRawParameter.cache_clear()
    configuration.reload()
    context.__dict__.pop("plugins", None)


def _report(path: Path, code: str, lines: Sequence[str], *, written: bool, **facts: Any) -> int:
    if context.json:
        dry_run = bool(context.dry_run)
        about = {"state": code, "file": str(path), "auto": bool(_auto()), **facts}
        about["would_write" if dry_run else "written"] = written
        emit(about, dry_run=dry_run)
    elif lines:
        say(lines)
    return 0
