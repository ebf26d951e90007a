"""From the words of the command line to a `Request`. Match specs are read by conda."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..exceptions.usage import (
    BadCuda,
    BadPython,
    BadPythonSpec,
    BadSpec,
    Contradiction,
    OtherChannelSpec,
)
from ..index.sources import PYTORCH
from ..models import Compat, Request
from ..selection.facts import CPU_ONLY, DEFAULT, FAMILY, RUNTIMES, TORCH
from ..selection.specs import cuda_version

_TORCH = re.compile(r"^(.*::)?torch(?=$|[\s=<>!~\[])", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]*")
_PYTHON = re.compile(r"(?:py(?:thon)?)?={0,2}(\d+)\.(\d+)(\.\d+)?(?:\.\*)?")


def cuda(value: str) -> str:
    """Normalise `--cuda`: auto, cpu, or major.minor (from 12.4, 12.4.1, cu124 or cuda12.4).

    Raises: BadCuda.
    """
    word = value.strip().lower()
    if word in ("auto", "cpu"):
        return word
    found = cuda_version(word)
    # A major alone could mean its first minor or its last.
    if found is None or word.removeprefix("cuda").isdecimal():
        raise BadCuda(value=value)
    return found


def python(value: str) -> tuple[str, str]:
    """(major.minor, the version as it goes to the solver) of `--python`.

    Raises: BadPython.
    """
    found = _PYTHON.fullmatch(value.strip().lower())
    if not found:
        raise BadPython(value=value)
    major, minor, patch = found.groups()
    return f"{major}.{minor}", f"{major}.{minor}{patch or ''}"


def make(
    words: Iterable[str],
    *,
    cuda_word: str = "auto",
    compat: Compat = "minor",
    allow_cpu: bool = False,
    source: str = "auto",
    python_word: str | None = None,
) -> Request:
    """Read the specs: the torch family is chosen by us, everything else goes to the solver.

    `torch` is accepted as `pytorch`. pytorch is always part of the set. `cpuonly` stands for a CPU
    build, `python=3.11` for `--python 3.11`.

    Raises: BadSpec, OtherChannelSpec, BadCuda, BadPython, Contradiction.
    """
    family: dict[str, list[str]] = {}
    others: list[str] = []
    wanted = cuda(cuda_word)
    for word in words:
        name, spec, channel = _read(word)
        if name == CPU_ONLY:
            if wanted not in ("auto", "cpu"):
                raise Contradiction(first=word, second=f"--cuda {cuda_word}")
            wanted = "cpu"
        elif name == "python":
            python_word = _named_python(word, spec, python_word)
        elif name in (*FAMILY, *RUNTIMES):
            if channel not in (None, PYTORCH.channel):
                raise OtherChannelSpec(spec=word, channel=channel)
            family.setdefault(name, []).append(spec)
        else:
            others.append(word)
    if not any(name in FAMILY for name in family):
        family = {**{name: [name] for name in DEFAULT}, **family}
    family.setdefault(TORCH, [TORCH])
    ordered = {name: tuple(family[name]) for name in (*FAMILY, *RUNTIMES) if name in family}
    return Request(
        specs=ordered,
        others=tuple(others),
        cuda=wanted,
        compat=compat,
        allow_cpu=allow_cpu,
        source=source,
        python=python(python_word)[1] if python_word else None,
    )


def _named_python(word: str, spec: str, given: str | None) -> str | None:
    """The version of `--python`, where a spec on Python stands beside it or for it.

    Raises: BadPythonSpec, Contradiction.
    """
    tail = spec.partition("python")[2].strip()
    if not tail:
        return given
    found = _PYTHON.fullmatch(tail)
    if not found:
        raise BadPythonSpec(spec=word)
    if given is not None and python(given)[0] != f"{found[1]}.{found[2]}":
        raise Contradiction(first=word, second=f"--python {given}")
    return given or tail.lstrip("= ")


def _read(word: str) -> tuple[str, str, str | None]:
    """(name, the spec without its channel, the channel's name) of a match spec."""
    from conda import CondaError
    from conda.models.match_spec import MatchSpec

    bare = _TORCH.sub(r"\1pytorch", word.strip())
    try:
        spec = MatchSpec(bare)
    except (CondaError, ValueError) as error:
        raise BadSpec(spec=word, detail=str(error).splitlines()[0]) from error
    name = spec.get_exact_value("name")
    if not name or not _NAME.fullmatch(name):
        raise BadSpec(spec=word, detail="it names no package")
    channel = spec.get_exact_value("channel")
    plain = bare.rpartition("::")[2]
    if "[" in plain:
        # Bracket forms are written out again by conda, without the channel.
        parts = [f"{key}='{value}'" for key in ("version", "build") if (value := spec.get(key))]
        plain = f"{name}[{','.join(parts)}]" if parts else name
    return name, plain, getattr(channel, "canonical_name", None)


def names_torch(word: str) -> bool:
    """Whether a spec on the command line is on pytorch itself."""
    return _read(word)[0] == TORCH
