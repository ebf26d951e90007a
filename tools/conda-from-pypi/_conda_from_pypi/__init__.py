"""Owns the import finder that offers conda-lock's copy of conda where no conda is installed.

Every start of the interpreter runs `install()` (from `conda_from_pypi.pth`), so this module
imports nothing but `sys`; what it takes to answer is imported when `conda` is asked for and
nothing else has it. Annotations are strings because `__future__` is a file too: reading it would
be a third of the cost.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class CondaFallbackFinder:
    """Answers for the top-level name `conda`, after every other finder has declined."""

    @staticmethod
    def find_spec(
        fullname: str,
        path: "Sequence[str] | None" = None,
        target: "ModuleType | None" = None,
    ) -> "ModuleSpec | None":
        """Return a spec for conda-lock's conda, or None for other names and without conda-lock."""
        if fullname != "conda":
            return None
        # Editable installs append their finders too, maybe later than install() did; a real conda
        # in one of them goes first.
        finders = sys.meta_path
        if CondaFallbackFinder in finders:
            for finder in finders[finders.index(CondaFallbackFinder) + 1 :]:
                spec = finder.find_spec(fullname, path, target)
                if spec is not None:
                    return spec

        from . import vendored

        return vendored.spec()


def install() -> None:
    """Put the finder at the end of `sys.meta_path`, once."""
    if CondaFallbackFinder not in sys.meta_path:
        sys.meta_path.append(CondaFallbackFinder)
