"""A next step for those errors of conda's own commands that this plugin can explain.

Conda 26.7 and newer ask plugins for hints when they print an error; older ones never do. For any
other error there is no hint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conda.base.context import context
from conda.models.channel import Channel

from ..exceptions.base import TorchMirrorError
from ..index.sources import SOURCES
from ..mirrors.addresses import split
from ..mirrors.registry import built_in
from ..mirrors.urls import UPSTREAM
from ..models import Notice
from ..selection.facts import names as packages
from ..text.messages import text
from . import fallback

if TYPE_CHECKING:
    from conda.plugins.types import CondaErrorHint

#: The source whose CUDA packages are in a separate channel.
SOURCE = next(source for source in SOURCES if source.runtime_channel)
#: Packages of that channel that pytorch-cuda needs, from the `depends` of its records for CUDA 11.6
#: to 12.4 (tests/data/channels).
RUNTIME = (
    *("cuda", "cuda-cudart", "cuda-cupti", "cuda-libraries", "cuda-nvrtc", "cuda-nvtx"),
    *("cuda-runtime", "libcublas", "libcufft", "libcusolver", "libcusparse", "libnpp", "libnvjpeg"),
    "libnvjitlink",
)
#: Packages that only the channel `pytorch` has.
OWN = (packages.RUNTIME, packages.MUTEX, "torchtriton", packages.CPU_ONLY)

#: How solvers say that a package is in no channel: libmamba, rattler, classic.
_MISSING = r"nothing provides|no candidates|does not exist|none of the providers"


def hints(error: BaseException) -> Iterator[CondaErrorHint]:
    """Yield at most one hint."""
    from conda.plugins.types import CondaErrorHint  # older conda has no such type, and never asks

    if isinstance(error, TorchMirrorError):
        return
    if found := fallback.explain(error) or known(error):
        code = f"hint.{found.code}"
        yield CondaErrorHint(text=text(code, found.facts), hint_code=f"torchmirror_{found.code}")


def known(error: BaseException) -> Notice | None:
    """Return the code and the facts of the advice on a known error, or None."""
    about = getattr(error, "_kwargs", None) or {}
    if about.get("status_code") == 403:
        return _forbidden(str(about.get("url", "")))
    return _missing(error)


def _forbidden(url: str) -> Notice | None:
    found = split(url)
    if found is None or found.identified.mirror == UPSTREAM:
        return None
    mirror = found.identified.mirror
    return Notice("mirror_forbids", {"mirror": built_in()[mirror].title or mirror})


def _missing(error: BaseException) -> Notice | None:
    # Match specs, words, or chains of dependencies as text, depending on who raised the error.
    said = " ".join(str(package) for package in getattr(error, "packages", ()))
    if not said and "nsatisfiable" in type(error).__name__ and re.search(_MISSING, str(error)):
        said = str(error)
    names = re.findall(r"[\w.-]+", said)
    channels = _channels()
    # The classic solver names the missing package but not the one that needs it, so the channel in
    # use counts as well as a name that begins with pytorch.
    of_torch = SOURCE.channel in channels or any(name.startswith(packages.TORCH) for name in names)
    if of_torch and SOURCE.runtime_channel not in channels and (name := _first(RUNTIME, names)):
        return Notice("runtime_channel", {"name": name})
    if SOURCE.channel not in channels and (name := _first(OWN, names)):
        return Notice("torch_channel", {"name": name})
    return None


def _first(wanted: tuple[str, ...], names: list[str]) -> str | None:
    return next((name for name in wanted if name in names), None)


def _channels() -> set[str]:
    """The last path segment of each channel in use, so that a mirror's `pytorch` counts too."""
    names = (str(Channel(name).name).partition("/label/")[0] for name in context.channels)
    return {name.rpartition("/")[2] for name in names}
