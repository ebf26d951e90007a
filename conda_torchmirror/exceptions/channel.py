"""A channel, its index or its hashes."""

from __future__ import annotations

from typing import ClassVar

from .base import TorchMirrorError


class NothingCached(TorchMirrorError):
    """Offline, and the channel's index is not in conda's cache."""

    code = "nothing_cached"
    hints = ("go_online", "preview_offline")


class NothingCachedToSolve(TorchMirrorError):
    """The same for a preview that is to be solved."""

    code = "nothing_cached_to_solve"
    hints = ("go_online", "leave_solve_out")


class ChannelError(TorchMirrorError):
    """Base of everything that goes wrong while a channel's index is read."""

    hints: ClassVar[tuple[str, ...]] = ("other_mirror", "preview_offline")


class ChannelMissing(ChannelError):
    """The mirror does not have the channel for this platform."""

    code = "channel_missing"


class ChannelForbidden(ChannelError):
    """The mirror answers 403."""

    code = "channel_forbidden"
    hints = ("do_not_retry", "other_mirror", "preview_offline")


class ChannelUnreachable(ChannelError):
    """Refused, not found by DNS, timed out, or cut off."""

    code = "channel_unreachable"
    hints = ("check_network", "other_mirror", "preview_offline")


class ChannelTls(ChannelError):
    """The TLS connection failed."""

    code = "channel_tls"
    hints = ("check_certificates", "other_mirror", "preview_offline")


class ChannelBroken(ChannelError):
    """What the mirror sent is no index: HTML, truncated, or not JSON."""

    code = "channel_broken"
    hints = ("clean_index", "other_mirror", "preview_offline")


class NoSource(ChannelError):
    """Every source of a channel failed; what each did stands in the cause."""

    code = "no_source"
    hints = ("test_mirrors",)


class HashConflict(TorchMirrorError):
    """A mirror's index names another hash for a chosen build than the official channel."""

    code = "hash_conflict"
    hints = ("tell_operators",)


class HashUnconfirmed(TorchMirrorError):
    """A hash differs from the one that is known, and the official channel cannot be asked."""

    code = "hash_unconfirmed"
    hints = ("check_network", "accept_hashes")
