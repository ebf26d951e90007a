"""Errors about a channel, its index, its files or their hashes."""

from __future__ import annotations

from typing import ClassVar

from ..text.messages import N_
from .base import TorchMirrorError


class NothingCached(TorchMirrorError):
    """Offline, and the channel's index is not in conda's cache."""

    code = "nothing_cached"
    message = N_("the index of `{channel}` for {subdir} is not in conda's cache")
    cause = N_("conda is offline, and an installation never goes by the built-in index")
    facts = ("channel", "subdir", "mirror")
    hints = ("go_online", "preview_offline")


class NothingCachedToSolve(TorchMirrorError):
    """Offline, and a preview for which conda solves needs an index that is not in its cache. The
    raise adds the way to a preview that needs no solver."""

    code = "nothing_cached_to_solve"
    message = N_("the index of `{channel}` for {subdir} is not in conda's cache")
    cause = N_("conda is offline, and its solver needs the channel's own index")
    facts = ("channel", "subdir")
    hints = ("go_online",)


class PackagesNotCached(TorchMirrorError):
    """Offline, and packages that are to be installed are not in conda's package cache."""

    code = "packages_not_cached"
    message = N_("conda's package cache does not hold {files}")
    cause = N_("conda is offline, and takes packages from there alone")
    facts = ("files",)
    hints = ("go_online", "bring_packages")


class ChannelError(TorchMirrorError):
    """Base of everything that goes wrong while a channel's index is read.

    `status` is the HTTP status or None, `detail` the underlying error in words.
    """

    facts: ClassVar[tuple[str, ...]] = ("channel", "subdir", "mirror", "url", "status", "detail")
    hints: ClassVar[tuple[str, ...]] = ("other_mirror", "preview_offline")


class ChannelMissing(ChannelError):
    """The mirror does not have the channel for this platform."""

    code = "channel_missing"
    message = N_("{mirror} does not have the channel `{channel}` for {subdir}")
    cause = N_("{url} answers {status}")


class ChannelForbidden(ChannelError):
    """The mirror answers 403."""

    code = "channel_forbidden"
    message = N_("{mirror} refuses the channel `{channel}`")
    cause = N_(
        "{url} answers 403: mirrors do so to a network that downloaded too much; it has "
        "nothing to do with an account"
    )
    hints = ("do_not_retry", "other_mirror", "preview_offline")


class ChannelUnreachable(ChannelError):
    """The connection was refused, timed out or broke off, or DNS does not know the host."""

    code = "channel_unreachable"
    message = N_("the channel `{channel}` could not be read from {mirror}")
    cause = N_("{url}: {detail}")
    hints = ("check_network", "other_mirror", "preview_offline")


class ChannelTls(ChannelError):
    """The TLS connection failed."""

    code = "channel_tls"
    message = N_("no secure connection to {mirror}")
    cause = N_("{url}: {detail}")
    hints = ("check_certificates", "other_mirror", "preview_offline")


class ChannelUnsent(ChannelError):
    """This computer's own settings do not let a request be made."""

    code = "channel_unsent"
    message = N_("{mirror} cannot be asked, by this computer's own settings")
    cause = N_("{url}: {detail}")
    hints = ("check_settings",)


class ChannelBroken(ChannelError):
    """The mirror sent something that is not an index: HTML, truncated, or not JSON."""

    code = "channel_broken"
    message = N_("what {mirror} sent for `{channel}` is not an index")
    cause = N_("{url}: {detail}")
    hints = ("clean_index", "other_mirror", "preview_offline")


class OtherIndexBroken(TorchMirrorError):
    """The index of one of the user's own channels, which has no mirror, cannot be read."""

    code = "other_index_broken"
    message = N_("the index of `{channel}` cannot be read")
    cause = N_("{url}: {detail}")
    facts = ("channel", "url", "detail")
    hints = ("clean_index",)


class UrlUnreadable(TorchMirrorError):
    """The user names a channel by the URL of a mirror, which fails. The raise adds the step."""

    code = "url_unreadable"
    message = N_("the channel `{channel}` could not be read from {mirror}")
    cause = N_("{url} is the address of that mirror: {why}")
    facts = ("channel", "mirror", "url", "why")


class NoSource(ChannelError):
    """Every source of a channel failed; the cause lists the failure of each."""

    code = "no_source"
    message = N_("the channel `{channel}` cannot be had from {tried}")
    cause = N_("{detail}")
    facts = ("channel", "tried", "detail")
    hints: ClassVar[tuple[str, ...]] = ()


class NoWheels(NoSource):
    """No mirror has a readable page of wheels."""

    code = "no_wheels"
    message = N_("wheels of PyTorch cannot be had from {tried}")


class WheelNowhere(NoSource):
    """Every mirror lacks a file that its pages list; `channel` is the name of the file."""

    code = "wheel_nowhere"
    message = N_("{channel} cannot be had from {tried}")


class PlanNowhere(NoSource):
    """No place has a package of a saved plan; `channel` is the one that it is of."""

    code = "plan_nowhere"
    message = N_("packages of the plan, those of `{channel}`, cannot be had from {tried}")


class WheelsNotHere(TorchMirrorError):
    """Offline, and wheels of the set are not on this disk; `files` are the missing ones."""

    code = "wheels_not_here"
    message = (
        N_("conda is offline, and {count} wheel of the set is not on this disk"),
        N_("conda is offline, and {count} wheels of the set are not on this disk"),
    )
    cause = N_("lacking: {files}")
    facts = ("files", "count")


class WheelDamaged(TorchMirrorError):
    """A wheel on this disk does not match its name or its hash."""

    code = "wheel_damaged"
    message = N_("{file} is not the wheel that it should be")
    cause = N_("{detail}")
    facts = ("file", "detail")
    hints = ("fetch_again",)


class WheelUnlike(TorchMirrorError):
    """A wheel does not go with the set that it was chosen for, as its METADATA tells only now."""

    code = "wheel_unlike"
    message = N_("{wheel} does not go with the set that it was chosen for")
    cause = N_("by its own METADATA, which its mirror does not serve, it needs {needs}")
    facts = ("wheel", "needs")
    hints = ("choose_anew",)


class HashConflict(TorchMirrorError):
    """A mirror's index and the official channel have different hashes for a chosen build."""

    code = "hash_conflict"
    message = N_("{mirror} offers another {what} than the official channel")
    cause = N_("sha256 {found} at {mirror}, {expected} upstream")
    facts = ("mirror", "what", "found", "expected")
    hints = ("tell_operators",)


class HashUnconfirmed(TorchMirrorError):
    """A hash differs from the known one, or was to be compared, and the official channel cannot be
    reached for it. `ways` say how to do without, which differs for the two."""

    code = "hash_unconfirmed"
    message = N_("the hash of {what} at {mirror} could not be confirmed")
    cause = N_("{because}, and the official channel cannot be asked: {detail}")
    facts = ("what", "mirror", "because", "detail")
    hints = ("check_network",)
