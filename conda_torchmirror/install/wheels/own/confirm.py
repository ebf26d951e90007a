"""Comparing the hashes of the user's own wheels with those that a mirror lists."""

from __future__ import annotations

from collections.abc import Callable

from conda.base.context import context

from ....exceptions.channel import NoWheels, WheelDamaged
from ....handover import wheel_cache
from ....models import Notice
from ....selection.wheels.choose import WheelSet
from ....selection.wheels.name import Wheel
from ....text.messages import text
from ....text.sanitize import safe
from ....transport.wheels import routes
from ....transport.wheels.reader import WheelReader


def confirmed(
    found: WheelSet, chains: routes.Chains, keep: Callable[[str], bool]
) -> tuple[WheelSet, tuple[Notice, ...]]:
    """The set with the hashes that the first mirror lists, and notices on them.

    A file that cannot be compared is accepted, with a notice that says why: conda is offline, or
    the mirror cannot be read or does not list it.

    Raises: WheelDamaged, if a hash differs.
    """
    listed: dict[tuple[str, str], str] = {}
    mirror = chains.wheels[0]
    why = "uncompared_offline"
    if not context.offline:
        why = "uncompared_unlisted"
        reader = WheelReader(chains._replace(wheels=(mirror,)), keep)
        variants = tuple(dict.fromkeys(wheel.link.variant for wheel in found.wheels))
        try:
            links = reader.read(variants, tuple(wheel.project for wheel in found.wheels))
        except NoWheels:
            links = ()
            if not reader.answered:
                why = "uncompared_unread"
        listed = {(li.variant, li.filename): li.sha256 for li in links if li.sha256}
    wheels = tuple(_with_hash(wheel, listed, mirror.name) for wheel in found.wheels)
    bare = sum(wheel.link.sha256 is None for wheel in wheels)
    told = []
    if bare:
        facts = {"count": bare, "why": text(why, {"mirror": mirror.name})}
        told.append(Notice("wheels_unconfirmed", facts))
    if bare < len(wheels):
        facts = {"count": len(wheels) - bare, "mirror": mirror.name}
        told.append(Notice("wheels_confirmed", facts))
    return found._replace(wheels=wheels), tuple(told)


def _with_hash(wheel: Wheel, listed: dict[tuple[str, str], str], mirror: str) -> Wheel:
    link = wheel.link
    wanted = listed.get((link.variant, link.filename))
    known = link._replace(sha256=wanted)
    if wanted and wheel_cache.find(known) is None:
        detail = text("wheel_hash_of_mirror", {"mirror": mirror})
        raise WheelDamaged(file=safe(wheel_cache.path_of(link)), detail=detail)
    return wheel._replace(link=known)
