"""From the words of the command line to a `Request`. Match specs are read by conda."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..exceptions.usage import (
    BadCuda,
    BadPython,
    BadPythonSpec,
    BadSpec,
    Contradiction,
    OtherChannelSpec,
)
from ..index.match import Spec, admits, read
from ..index.sources import AUTO, SOURCES, Source, allowed, own_names
from ..mirrors import addresses
from ..models import Build, Compat, Notice, Pin, Request
from ..selection.facts.names import (
    AUDIO,
    CPU_METAPACKAGE,
    CPU_ONLY,
    CUDA_NAMES,
    DEFAULT,
    FAMILY,
    GPU_METAPACKAGE,
    LIBTORCH,
    METAPACKAGES,
    MUTEX,
    RUNTIME,
    RUNTIMES,
    TOOLKIT,
    TORCH,
)
from ..selection.specs import admits_cuda, cuda_version, marks, package_name, without_build
from ..text.messages import text

_PYTHON = r"(?:py(?:thon)?)?={0,2}(\d+)\.(\d+)(\.\d+)?(?:\.\*)?"
_BRACKETS = r"python\[version='([^',]*)'\]"
#: The build of a package for any Python and platform, which is built against no pytorch. That of
#: another channel's torchvision would be, and its own one besides.
_NOARCH = r"[=\s]py(?:h[0-9a-f]{7})?_\d+$"
#: What goes with the builds of one source alone.
_OF_ONE = (*RUNTIMES, MUTEX, *METAPACKAGES, LIBTORCH)


def cuda(value: str) -> str:
    """Normalise `--cuda`: auto, cpu, major.minor (from 12.4, 12.4.1, cu124 or cuda12.4), or a
    major alone, which is a driver for every minor of it.

    Raises: BadCuda.
    """
    word = value.strip().lower()
    if word in ("auto", "cpu"):
        return word
    found = cuda_version(word)
    if found is None:
        raise BadCuda(value=value)
    return found


def python(value: str) -> tuple[str, str]:
    """(major.minor, the version as it goes to the solver) of `--python`.

    Raises: BadPython.
    """
    found = re.fullmatch(_PYTHON, value.strip().lower())
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
    source: str = AUTO,
    python_word: str | None = None,
    channels: Sequence[str] = (),
    sources: Sequence[Source] | None = None,
) -> Request:
    """Read the specs: the torch family is chosen by us, everything else goes to the solver.

    `torch` is accepted as `pytorch`. pytorch is always part of the set. What says CPU (`cpuonly`,
    `pytorch-mutex=*=cpu`, `+cpu`) stands for `--cuda cpu`, `python=3.11` for `--python 3.11`.
    What names a CUDA without being chosen by us (`cuda-version`, a label among `channels`, `+cu121`
    ...) narrows that of the set. `sources` are those whose names are understood, by default those
    that `source` allows.

    Raises: BadSpec, OtherChannelSpec, BadCuda, BadPython, Contradiction.
    """
    specs = [(word, read(word)) for word in words]
    beside = any(spec.name == RUNTIME for _, spec in specs)
    family: dict[str, list[str]] = {}
    others: list[str] = []
    on_cpu: list[str] = []
    pins: list[Pin] = []
    wanted = cuda(cuda_word)
    sources = allowed(source) if sources is None else sources
    known = _Known.of(sources)
    ties: list[tuple[str, str]] = []
    for word, spec in specs:
        if says_cpu(spec) or (spec.name == CPU_METAPACKAGE and spec.name in known.metapackages):
            on_cpu.append(word)
        pins += narrowing(word, spec)
        if len(sources) > 1:
            ties += [(one.name, word) for one in sources if _is_of(spec, one)]
        if spec.name == "python":
            python_word = _named_python(word, spec.plain, python_word)
        elif spec.name == TOOLKIT and beside:
            others.append(word)  # pytorch-cuda says which CUDA
        elif spec.name in _OF_ONE and spec.name not in known.names:
            said = "torchmirror_source: " if source == AUTO else "--source "
            raise Contradiction(first=word, second=said + sources[0].name)
        elif spec.name in known.metapackages:
            family.setdefault(TORCH, []).append(_of_torch(word, spec, sources))
            pins += _of_metapackage(word, spec)
        elif spec.name in (*known.family, *RUNTIMES):
            family.setdefault(spec.name, []).append(_of_source(word, spec, sources))
        elif spec.name != CPU_ONLY:
            others.append(word)
    if on_cpu and wanted not in ("auto", "cpu"):
        raise Contradiction(first=on_cpu[0], second=f"--cuda {cuda_word}")
    if on_cpu or wanted == "cpu":
        names_cuda = [
            *(pin.text for pin in pins if pin.spec.startswith(CUDA_NAMES)),
            *(spec for name in RUNTIMES for spec in family.get(name, ())),
        ]
        if names_cuda:
            first = on_cpu[0] if on_cpu else f"--cuda {cuda_word}"
            raise Contradiction(first=first, second=names_cuda[0])
        wanted = "cpu"
    else:
        pins += [pin for channel in channels for pin in of_label(channel, channel)]
        pins = beside_runtime(pins, family.get(RUNTIME, ()))
    wishes: tuple[str, ...] = ()
    if not any(name in FAMILY for name in family):
        family = {**{name: [name] for name in DEFAULT}, **family}
        wishes = (AUDIO,)
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
        pins=tuple(dict.fromkeys(pins)),
        wishes=wishes,
        ties=tuple(ties),
    )


class _Known(NamedTuple):
    """What the allowed sources have: the family, what brings or says the CUDA, metapackages, and
    all of their names."""

    family: frozenset[str]
    runtimes: frozenset[str]
    metapackages: frozenset[str]
    names: frozenset[str]

    @classmethod
    def of(cls, sources: Sequence[Source]) -> _Known:
        """Those of some sources."""
        facts = [one.facts for one in sources]
        runtimes = frozenset(n for f in facts for n in (*f.runtimes, *((f.mutex or ())[:1])))
        return cls(
            frozenset(name for found in facts for name in found.family),
            runtimes,
            frozenset(name for found in facts for name in found.metapackages),
            runtimes.union(*(found.names for found in facts)),
        )


def _is_of(spec: Spec, source: Source) -> bool:
    """Whether a spec names a package that this source has and no other, or one of the family by
    the channel of this source or by a build that is named as its are."""
    if spec.name not in source.facts.names or spec.name in own_names(source):
        return spec.name in source.facts.names
    others = (other for other in SOURCES if other is not source)
    return _channel(spec) == source.channel or any(
        other.facts.named_for(spec.plain) == source.name for other in others
    )


def _of_torch(word: str, spec: Spec, sources: Sequence[Source]) -> str:
    """The spec on pytorch that one on its metapackage means: the same version.

    Raises: OtherChannelSpec.
    """
    plain = _of_source(word, spec, sources)
    return TORCH + (without_build(plain) or plain)[len(spec.name) :]


def _of_metapackage(word: str, spec: Spec) -> list[Pin]:
    """That the metapackage of CUDA builds means these, and which CUDA its build string names."""
    if spec.name != GPU_METAPACKAGE:
        return []
    named = marks(spec.plain.partition(spec.name)[2]).cuda
    return [Pin(f"{CUDA_NAMES[0]}={named}" if named else CUDA_NAMES[0], "", word)]


def says_cpu(spec: Spec) -> bool:
    """Whether a spec asks for a CPU build, whatever the machine has."""
    if spec.name == MUTEX:
        said = [kind for kind in ("cpu", "cuda") if admits(spec.plain, MUTEX, "1.0", kind)]
        return said == ["cpu"]
    return spec.name == CPU_ONLY or spec.variant == "cpu"


def narrowing(word: str, spec: Spec, source: str = "") -> list[Pin]:
    """What a spec says of CUDA or of the release without being on a package that is chosen here.

    Raises: BadSpec for the variant of a wheel that no conda build has.
    """
    pins = of_label(spec.channel or "", word, source)
    if spec.variant and spec.variant != "cpu":
        version = cuda_version(spec.variant)
        if version is None:
            raise BadSpec(spec=word, detail=text("spec_variant", {"variant": spec.variant}))
        pins.append(Pin(f"{CUDA_NAMES[0]}={version}", source, f"+{spec.variant}"))
    if spec.name in (*CUDA_NAMES, MUTEX) and not spec.open:
        pins.append(Pin(spec.plain, source))
    elif spec.name not in (*FAMILY, *RUNTIMES):
        named = marks(spec.plain.partition(spec.name)[2])
        # A build string that names a CUDA alone is that of another package's own libraries.
        if named.torch and named.cuda:
            pins += _pins(named.cuda, named.torch, word, source)
    return pins


def beside_runtime(pins: Iterable[Pin], runtimes: Iterable[str]) -> list[Pin]:
    """The pins that bind beside specs on pytorch-cuda.

    It says which CUDA the set has. A `cuda-version` of another minor of the same major, as exports
    have it beside pytorch-cuda, narrows other packages alone.
    """
    majors = {
        major
        for spec in runtimes
        for major in range(11, 20)
        if any(admits(spec, RUNTIME, f"{major}.{minor}", "") for minor in range(10))
    }
    if len(majors) != 1 or all(spec == RUNTIME for spec in runtimes):
        return list(pins)
    (major,) = majors
    return [
        pin
        for pin in pins
        if package_name(pin.spec) != CUDA_NAMES[0]
        or not any(
            admits_cuda(pin.spec, CUDA_NAMES[0], f"{major}.{minor}", admits) for minor in range(10)
        )
    ]


def of_label(channel: str, word: str, source: str = "") -> list[Pin]:
    """What a channel with a label, such as `nvidia/label/cuda-11.8.0`, says of CUDA and release."""
    if "/label/" not in channel:
        return []
    named = marks(channel.partition("/label/")[2])
    return _pins(named.cuda, named.torch, word, source)


def _pins(version: str | None, torch: str | None, word: str, source: str) -> list[Pin]:
    found = [Pin(f"{CUDA_NAMES[0]}={version}", source, word)] if version else []
    return [*found, Pin(f"{TORCH}={torch}", source, word)] if torch else found


def _of_source(word: str, spec: Spec, sources: Sequence[Source]) -> str:
    """A spec of the family without its channel, which must be that of a source.

    Raises: OtherChannelSpec.
    """
    channel = _channel(spec)
    if channel not in (None, *(one.channel for one in sources)):
        channels, ways = other_channel(channel, sources)
        raise OtherChannelSpec(spec=word, channel=channel, channels=channels, ways=ways)
    return spec.plain


def other_channel(channel: str | None, sources: Sequence[Source]) -> tuple[str, list[Notice]]:
    """The channels that are chosen from, and how to choose from another one that may be."""
    named = ", ".join(f"`{one.channel}`" for one in sources)
    other = [s.name for s in SOURCES if channel and s.channel == channel and s not in sources]
    return named, [Notice("choose_from", {"source": name}) for name in other]


def _channel(spec: Spec) -> str | None:
    """The channel that a spec names, or that its file is of."""
    if not spec.url:
        return spec.channel
    found = addresses.split(spec.url)
    return found.identified.channel if found else spec.url


def _named_python(word: str, spec: str, given: str | None) -> str | None:
    """The version of `--python`, where a spec on Python stands beside it or for it.

    Raises: BadPythonSpec, Contradiction.
    """
    tail = re.sub(_BRACKETS, r"python=\1", spec).partition("python")[2].strip()
    if not tail:
        return given
    found = re.fullmatch(_PYTHON, tail)
    if not found:
        raise BadPythonSpec(spec=word)
    if given is not None and python(given)[0] != f"{found[1]}.{found[2]}":
        raise Contradiction(first=word, second=f"--python {given}")
    return given or tail.lstrip("= ")


def names_torch(word: str) -> bool:
    """Whether a spec on the command line is on pytorch itself."""
    return read(word).name == TORCH


def without_foreign(
    source: Source, request: Request, builds: Sequence[Build], channels: Iterable[str]
) -> tuple[Request, list[Notice]]:
    """The request without partners whose build only another channel can have, which go to the
    solver as they are written; and notices to show."""
    if {source.channel, source.runtime_channel}.issuperset(channels):
        return request, []
    foreign = {
        name: specs
        for name, specs in request.specs.items()
        if name in source.facts.partners
        and any(re.search(_NOARCH, spec) for spec in specs)
        and not any(
            all(admits(spec, name, build.version, build.build, build) for spec in specs)
            for build in builds
            if build.name == name
        )
    }
    kept = {name: specs for name, specs in request.specs.items() if name not in foreign}
    words = tuple(spec for specs in foreign.values() for spec in specs)
    told = [
        Notice("partner_elsewhere", {"spec": spec, "channel": source.channel}) for spec in words
    ]
    return request._replace(specs=kept, others=(*words, *request.others)), told
