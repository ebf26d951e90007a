"""What differs between the versions of conda that are supported, as far as tests have to know."""

from __future__ import annotations

import pytest
from conda import __version__
from packaging.version import Version

from .isolation import CONDARC

VERSION = Version(__version__)

#: Statuses after which conda takes an index for an empty one. It says of a 403 what it is from 26.1
#: on (conda's CHANGELOG, #15594); of a 404 it never does, but for `noarch`.
EMPTYING = ("not_found",) if Version("26.1") <= VERSION else ("not_found", "blocked")

#: For what is kept of printed words: newer condas add lines to an error, and know no `nodefaults`.
of_old_conda = pytest.mark.skipif(
    Version("26.1") <= VERSION, reason="what is kept was said with an older conda"
)

#: For what only the classic solver does with pins: others refuse one that no build meets.
drops_pins = pytest.mark.skipif(
    CONDARC["solver"] != "classic", reason="another solver refuses such a pin"
)

#: For what only some solvers' parser of match specs reads over.
reads_over = pytest.mark.skipif(
    CONDARC["solver"] != "classic", reason="with another solver conda refuses it"
)
