"""The automatic redirect of conda's own commands.

Runs before the commands in `plugin.REDIRECTED` that name a channel which a mirror may have, so it
does as little as it can: find the channels that the command names (`named_channels`), decide where
each is read from (`policy`), and redirect them (`in_process`). It raises nothing but
KeyboardInterrupt: any failure is one line on standard error, and conda goes on without mirrors.
"""

from __future__ import annotations

import os.path
import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from conda.plugins import types

if TYPE_CHECKING:
    from typing import Literal

    from ..models import Notice
    from ..redirect.named_channels import NamedChannels
    from ..redirect.policy import ChannelPolicy, UserConfig

    #: What the redirect has to know about a command. "installed": it shows or uses what is
    #: installed, so that the channels in the environment's history count. "reads": it reads
    #: channels or shows their URLs, and the user is told which of them are redirected. "fetches":
    #: it fetches an index whenever it has something to do, so its mirrors are probed first. "any":
    #: it reads a manifest of its own, which we do not parse, so it may read any channel.
    Trait = Literal["installed", "reads", "fetches", "any"]

#: Arguments of `create` that give it something to fetch, by their names in conda's parser; without
#: any of them it makes an empty environment.
FETCHED = ("packages", "file", "remote_definition")

#: Options of `info` that show no channel unless `--all` is given; `env list` is `info --envs`.
WITHOUT_CHANNELS = ("base", "envs", "license", "system")

#: Whether this conda asks plugins for hints on its errors, as it does from 26.7 on.
ASKS = hasattr(types, "CondaErrorHint")

DEFAULTS = "defaults"
#: The policy codes of channels that the user's own configuration sends somewhere.
OWN = ("configured", "enabled", "channel_alias")
#: Most channel names in one line on standard error.
NAMED = 6


def before(
    command: str, traits: Collection[Trait] | None, found: NamedChannels | None = None
) -> None:
    """Redirect a command before it runs, as the pre-command hook; one without traits is left alone.

    `found` are the channels that the command names, if already known. Raises nothing but
    KeyboardInterrupt.
    """
    try:
        if _clear() and traits is not None and not _is_left_to_exports(command):
            _redirect(command, traits, found)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a SystemExit here would end `conda info` without a word
        _warn(error)


def after(command: str) -> None:
    """Undo the redirect, as the post-command hook. Raises nothing but KeyboardInterrupt."""
    try:
        _clear()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        _warn(error)


def _is_left_to_exports(command: str) -> bool:
    """Whether `exports` takes care of the command: it is `export`, and this conda has the hook.

    With a list of the channels that are allowed, this conda refuses those of the configuration that
    lead to none of them: what needs the redirect to be installed needs it to be exported.
    """
    if command != "export" or not hasattr(types, "CondaPrefixDataLoader"):
        return False
    from ..redirect.configuration import Lists

    return not Lists().allowed


def _clear() -> bool:
    """Undo a redirect in force. Return False if one of our own commands holds it, so it stays."""
    # Looked up without an import: as long as the module is not loaded, nothing can be in force.
    in_process: Any = sys.modules.get("conda_torchmirror.redirect.in_process")
    if in_process is None:
        return True
    if in_process.busy():
        return False
    in_process.undo()
    fallback: Any = sys.modules.get("conda_torchmirror.hooks.fallback")
    if fallback is not None:
        fallback.forget()
    return True


def _redirect(command: str, traits: Collection[Trait], found: NamedChannels | None) -> None:
    from conda.base.context import context

    from ..redirect.named_channels import candidates, of_this_command

    reads = "reads" in traits
    found = found or of_this_command(installed="installed" in traits)
    named = set(found.asked) if "any" in traits else None
    found.everything = found.everything or named is not None
    names = candidates(found)
    if not names and not found.packages:
        return
    from ..redirect import configuration, settings

    chosen = settings.read()
    if not chosen.auto:
        names = tuple(sorted(configuration.holding_credentials(names, found.secret)))
        if not names:
            return
    from ..redirect import in_process, policy

    config = policy.UserConfig(chosen)
    policies = policy.decide(names, config, found)
    if not chosen.auto:  # the file of `torch-mirror enable` may be in force all the same
        in_process.apply(policy.redirects(policies, config, found))
        return
    listed = found.explicit or _clones()
    if "fetches" in traits and not listed and _fetches(command):
        policies = _at_places_that_answer(policies, config, found)
    begun = policy.redirects(policies, config, found)
    # With a list of the channels that are allowed, an address has to stay what it is.
    is_export = command == "export" and not configuration.Lists().allowed
    former = policy.above_channels(config) if is_export else ()
    in_process.apply(begun, shards=policy.has_shards(policies, config), former=former)
    if reads and command != "info" and not context.offline:
        from ..index.emptied import drop_emptied

        drop_emptied()
    told = reads and not (command == "info" and _shows_no_channel())
    if told and not context.json and not context.quiet:
        if not listed:  # else no channel is read: the packages come from their own URLs
            _tell(policies, found, config, named)
        _tell_packages(policy.decide(tuple(found.packages), config, found), found)


def _fetches(command: str) -> bool:
    """Whether the running command will fetch an index."""
    from conda.base.context import context

    if context.offline or context.use_index_cache:
        return False
    given = context._argparse_args
    if command in ("install", "update") and not os.path.isdir(context.target_prefix):
        return False  # conda will refuse a missing environment
    if command != "create" or "packages" not in given:  # the latter is `env create`
        return True
    return any(given.get(word) for word in FETCHED) or bool(context.create_default_packages)


def _clones() -> bool:
    """Whether the running command copies an environment."""
    from conda.base.context import context

    return bool(context._argparse_args.get("clone"))


def _at_places_that_answer(
    policies: list[ChannelPolicy], config: UserConfig, named: NamedChannels
) -> list[ChannelPolicy]:
    """The policies with every channel that the command reads at a place that answers; tell the user
    about each mirror that is not used."""
    from ..redirect.policy import is_led, redirects

    led = {name for name, _, _ in redirects(policies, config, named)}
    asked = [one for one in policies if _is_read(one.name, named) and is_led(one, config, named)]
    read = {one.name for one in asked if one.code == "mirrored" and one.name in led}
    own = [one for one in asked if one.code in OWN and one.leads_away]
    urls = sorted({url for group in named.urls.values() for url in group})
    if not read and not own and not urls and not (config.own_defaults and DEFAULTS in named.asked):
        return policies
    from conda.base.context import context

    from . import fallback

    searched = [one for one in policies if one.name in read]
    found = fallback.Fallback(searched, config, own, urls)
    if read and config.settings.fallback:
        found.search()
        for code, facts in () if context.json or context.quiet else found.told():
            _say(code, **facts)
    fallback.begin(found, None if ASKS or context.json else _explain)
    places = {one.name: one for one in found.policies}
    kept = (places.get(one.name) if one.name in read else one for one in policies)
    return [one for one in kept if one is not None]


def _is_read(name: str, named: NamedChannels) -> bool:
    """Whether the command reads this channel."""
    part = DEFAULTS in named.asked and name.startswith("pkgs/")
    return named.everything or part or name in named.asked or name in named.urls


def observe(error: BaseException) -> None:
    """Explain an error of the running command, unless conda asks for hints on every part of it.

    Conda 26.5 never asks for hints, 26.7 asks for them on conda's own errors only. Any other ends
    in a report of a hundred lines, which would hide a sentence before it: ours is the last.
    """
    from conda import CondaError
    from conda.base.context import context

    from ..exceptions.causes import flatten
    from . import fallback

    hinted = ASKS and all(isinstance(part, CondaError) for part in flatten(error))
    if context.json or hinted:
        return
    notice = fallback.explain(error)
    if notice is not None:
        import atexit

        atexit.register(_explain, notice)


def _explain(notice: Notice) -> None:
    _say(f"hint.{notice.code}", **notice.facts)


def _shows_no_channel() -> bool:
    from conda.base.context import context

    given = context._argparse_args
    return not given.get("all") and any(given.get(option) for option in WITHOUT_CHANNELS)


def _tell(
    policies: Sequence[ChannelPolicy],
    found: NamedChannels,
    config: UserConfig,
    named: Collection[str] | None = None,
) -> None:
    """Say in one line which channels are read from which mirrors, and in a second one which
    channels only a mirror outside the preference carries.

    `named` are the channels to report where the command may read any.
    """
    from ..redirect.policy import is_led

    everything = found.everything and named is None
    asked = {*(found.asked if named is None else named)}
    if everything or DEFAULTS in asked:
        asked |= {p.name for p in policies if everything or p.name.startswith("pkgs/")}
    places: dict[str, list[str]] = {}
    for one in policies:
        if one.code == "mirrored" and one.name in asked and is_led(one, config, found):
            whole = one.name.startswith("pkgs/") and DEFAULTS in found.asked
            mirrors = places.setdefault(DEFAULTS if whole else one.name, [])
            if one.mirror and one.mirror not in mirrors:
                mirrors.append(one.mirror)
    _tell_faults([p for p in policies if p.name in asked])
    if not places:
        return
    groups: dict[str, list[str]] = {}
    for name, mirrors in places.items():
        groups.setdefault(", ".join(mirrors), []).append(name)
    from ..text.messages import clauses

    _say("redirected", where=clauses(_phrase(names, m) for m, names in groups.items()))
    missed = [p for p in policies if p.code == "elsewhere" and p.name in asked]
    if missed:
        mirror = str(missed[0].mirror)
        names = [p.name for p in missed if p.mirror == mirror]
        listed = ", ".join((*config.preference, mirror))
        _say("read_upstream", names=", ".join(names[:NAMED]), mirror=mirror, listed=listed)


def _tell_faults(policies: Sequence[ChannelPolicy]) -> None:
    """Say which channels the user's own configuration sends to where they are not."""
    for one in policies:
        if one.code in ("alias_lacks", "lacking", "misplaced"):
            _say(f"own_{one.code}", channel=one.name, mirror=str(one.mirror))
    alias = next((one for one in policies if one.code == "alias_misplaced"), None)
    if alias is not None:  # one fault, whatever the channels
        _say("own_alias_misplaced", mirror=str(alias.mirror))


def _tell_packages(policies: Sequence[ChannelPolicy], found: NamedChannels) -> None:
    """Say that packages named by official URL come from there, where a mirror has the channel."""
    mirrors = dict.fromkeys(p.mirror for p in policies if p.code == "mirrored" and p.mirror)
    if mirrors:
        code = "packages_by_url_listed" if found.explicit else "packages_by_url"
        _say(code, mirrors=", ".join(mirrors))


def _phrase(names: Sequence[str], mirrors: str) -> str:
    from ..text.messages import text

    facts = {"names": ", ".join(names[:NAMED]), "mirrors": mirrors, "count": len(names) - NAMED}
    return text("redirected_more" if len(names) > NAMED else "redirected_names", facts)


def _warn(error: BaseException) -> None:
    # The message and cause of our own errors, without their next steps: this is one line.
    parts = (getattr(error, "message", error), getattr(error, "_cause", ""))
    detail = ": ".join(" ".join(str(part).split()) for part in parts if part)
    if not detail or not type(error).__module__.startswith("conda_torchmirror."):
        detail = f"{type(error).__name__}: {detail}".removesuffix(": ")
    _say("not_redirected", detail=detail)


def _say(code: str, **facts: Any) -> None:
    from ..text.messages import text
    from ..text.output import warn

    said = f"torchmirror: {text(code, facts)}"
    if sys.stderr is None or not sys.stderr.isatty():
        warn(said)  # a line of a log stays one
        return
    from ..text.layout import terminal_width, width, wrapped

    # To wrap takes longer than all the rest.
    warn(said if width(said) < terminal_width() else wrapped(said, indent="  "))
