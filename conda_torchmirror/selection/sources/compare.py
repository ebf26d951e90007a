"""Which of several sources' sets is taken. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ...models import Choice
from ..specs import release


def newest(found: Mapping[str, Choice]) -> str:
    """The source whose set has the newest release; at the same release the first one.

    A set for the GPU comes before a newer one for the CPU, as within one source. `found` is in the
    order of the sources, and not empty.
    """

    def rank(name: str) -> tuple[object, ...]:
        choice = found[name]
        return choice.cuda is not None, release(choice.torch.version) or release("0")

    return max(found, key=rank)
