"""Words of the command line that cannot be used."""

from __future__ import annotations

from .base import UsageError


class BadCuda(UsageError):
    """`--cuda` is neither auto, cpu nor a version."""

    code = "bad_cuda"


class BadPython(UsageError):
    """`--python` is not a version."""

    code = "bad_python"


class BadPythonSpec(UsageError):
    """A spec on Python that does not name one version."""

    code = "bad_python_spec"


class Contradiction(UsageError):
    """Two words of the command line that cannot both hold."""

    code = "contradiction"


class SolveAlone(UsageError):
    """`--solve` without a preview to go on from."""

    code = "solve_alone"
    hints = ("solve_preview",)


class BadSpec(UsageError):
    """A match spec that conda cannot read."""

    code = "bad_spec"


class OtherChannelSpec(UsageError):
    """A spec of the torch family that names another channel."""

    code = "other_channel"


class BadMirror(UsageError):
    """`--mirror` names no known mirror and no usable URL."""

    code = "bad_mirror"
