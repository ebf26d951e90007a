"""Which of several sources' sets is taken. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ...models import Choice, Notice
from ..choose import UNSUITED
from ..specs import release


def unsuited(choice: Choice) -> Notice | None:
    """The notice on what else is asked for and likely missing for the Python of a set, if any."""
    return next((notice for notice in choice.notices if notice.code in UNSUITED), None)


def suits(choice: Choice) -> bool:
    """Whether nothing else that is asked for is likely missing for the Python of a set."""
    return unsuited(choice) is None


def newest(found: Mapping[str, Choice]) -> str:
    """The source whose set has the newest release; at the same release the first one.

    A set for the GPU comes before a newer one for the CPU, and one that suits what else is asked
    for before one that does not, as within one source. `found` is in the order of the sources, and
    not empty.
    """

    def rank(name: str) -> tuple[object, ...]:
        choice = found[name]
        newer = release(choice.torch.version) or release("0")
        return choice.cuda is not None, suits(choice), newer

    return max(found, key=rank)
