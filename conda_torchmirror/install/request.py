"""From the arguments of the command line to a `Request`. Conda parses the match specs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from ..exceptions.usage import (
    BadCuda,
    BadPython,
    BadPythonSpec,
    BadSpec,
    Contradiction,
    OtherChannelSpec,
)
from ..index.match import Spec, admits, channel_for_conda, read
from ..index.sources import (
    AUTO,
    SOURCES,
    Source,
    allowed,
    channel_of,
    hidden_days,
    is_elsewhere,
    is_of,
    takes_along,
)
from ..mirrors import addresses
from ..mirrors.registry import built_in
from ..mirrors.urls import UPSTREAM
from ..models import Compat, Notice, Pin, Request
from ..options import ALONE, InstallOptions
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
    PARTNERS,
    RUNTIME,
    RUNTIMES,
    TOOLKIT,
    TORCH,
)
from ..selection.specs import (
    admits_cuda,
    after_name,
    cuda_option,
    cuda_version,
    fixed_minor,
    for_torch,
    likely_cuda,
    marks,
    package_name,
)
from ..text.messages import text

_PYTHON = r"(?:py(?:thon)?)?={0,2}(\d{1,9})\.(\d{1,9})(\.\d{1,9})?(?:\.\*)?"
_BRACKETS = r"python\[version='([^',]*)'\]"
#: Packages that only work with the builds of one source.
_OF_ONE = (*RUNTIMES, MUTEX, *METAPACKAGES, LIBTORCH)
#: The CUDA of those builds of conda-forge that need `cudatoolkit`; which version of it each takes,
#: as any 11 from 11.2 on, its own record says.
WITH_TOOLKIT = f"{CUDA_NAMES[0]}<12"


def cuda(value: str) -> str:
    """Normalize `--cuda`: auto, cpu, major.minor (from 12.4, 12.4.1, 124, cu124 or cuda12.4), or a
    major alone, which stands for a driver that runs every minor of it.

    Raises: BadCuda.
    """
    word = value.strip().lower()
    if word in ("auto", "cpu"):
        return word
    found = cuda_option(word)
    if found is None:
        raise BadCuda.of(value, likely_cuda(value))
    return found


def python(value: str) -> tuple[str, str]:
    """Parse `--python`; return major.minor, and the version for the solver, with a patch if given.

    Raises: BadPython.
    """
    found = re.fullmatch(_PYTHON, value.strip().lower())
    if not found:
        raise BadPython.of(value)
    # As numbers, because a Chinese keyboard has digits of its own.
    major, minor, *patch = (str(int(part.lstrip("."))) for part in found.groups() if part)
    return f"{major}.{minor}", ".".join((major, minor, *patch))


def of(options: InstallOptions, source: str, sources: Sequence[Source] | None = None) -> Request:
    """Make the request of the options, for a value of `--source`. See `make`."""
    made = make(
        options.specs,
        cuda_word=options.cuda,
        compat=options.cuda_compat,
        allow_cpu=options.allow_cpu,
        source=source,
        python_word=options.python,
        channels=options.channels,
        sources=sources,
    )
    alone = (ALONE,) if options.override_channels else ()
    return made._replace(channels=(*options.channels, *alone))


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
    """Make a request of specs: we choose the torch family, everything else goes to the solver.

    `torch` is accepted as `pytorch`. pytorch is always part of the set. Specs for the CPU
    (`cpuonly`, `pytorch-mutex=*=cpu`, `+cpu`) mean `--cuda cpu`, and `python=3.11` means `--python
    3.11`. Other hints at a CUDA version (`cuda-version`, a label in `channels`, `+cu121` ...)
    restrict that of the set, as `cudatoolkit` does where builds of conda-forge are meant, which is
    the runtime of those for CUDA 11. `sources` are those whose package names are recognized, by
    default those that `source` allows.

    Raises: BadSpec, OtherChannelSpec, BadCuda, BadPython, Contradiction.
    """
    specs = [(word, read(word)) for word in words]
    beside = any(spec.name == RUNTIME for _, spec in specs)
    family: dict[str, list[str]] = {}
    others: list[str] = []
    on_cpu: list[str] = []
    pins: list[Pin] = []
    wanted = cuda(cuda_word)
    of_python = (python_word, f"--python {python_word}") if python_word else None
    sources = allowed(source) if sources is None else sources
    known = _Known.of(sources)
    ties: list[tuple[str, str]] = []
    typed: list[tuple[str, str]] = []
    along = takes_along(TOOLKIT, [spec for _, spec in specs], channels, sources)
    for word, spec in specs:
        name = spec.name
        if says_cpu(spec) or (spec.name == CPU_METAPACKAGE and spec.name in known.metapackages):
            on_cpu.append(word)
        pins += narrowing(word, spec)
        if spec.name == TOOLKIT and along:
            pins.append(Pin(WITH_TOOLKIT, "", word))
            others.append(word)
            typed.append((word, ""))
            continue
        if len(sources) > 1:
            ties += [(one.name, word) for one in sources if is_of(spec, one)]
        if spec.name == "python":
            of_python = _named_python(word, spec.plain, of_python)
        elif spec.name == TOOLKIT and beside:
            name = ""
            others.append(word)  # the spec for pytorch-cuda decides the CUDA
        elif spec.name in PARTNERS and is_elsewhere(spec, sources):
            name = ""
            others.append(word)
        elif spec.name in _OF_ONE and spec.name not in known.names:
            said = "torchmirror_source: " if source == AUTO else "--source "
            raise Contradiction.of(word, said + sources[0].name)
        elif spec.name in known.metapackages:
            name = TORCH
            family.setdefault(TORCH, []).append(_of_torch(word, spec, sources))
            pins += _of_metapackage(word, spec)
        elif spec.name == TOOLKIT and spec.channel:
            family.setdefault(TOOLKIT, []).append(spec.plain)
            others.append(word)  # several channels have it
        elif spec.name in (*known.family, *RUNTIMES):
            family.setdefault(spec.name, []).append(_of_source(word, spec, sources))
        elif spec.name != CPU_ONLY:
            name = ""
            others.append(word)
            if spec.name == LIBTORCH:
                _of_source(word, spec, sources)
        typed.append((word, "cpu" if name == CPU_ONLY else name))
    if on_cpu or wanted == "cpu":
        option = [] if wanted == "auto" else [f"--cuda {cuda_word}"]
        names_cuda = [
            *(pin.text for pin in pins if pin.spec.startswith(CUDA_NAMES)),
            *(spec for name in RUNTIMES for spec in family.get(name, ())),
            *(option if wanted != "cpu" else ()),
        ]
        if names_cuda:
            first = " ".join((*on_cpu, *(option if wanted == "cpu" else ())))
            raise Contradiction.of(first, " ".join(dict.fromkeys(names_cuda)))
        wanted = "cpu"
    else:
        pins += [pin for channel in channels for pin in of_label(channel, channel)]
        pins = beside_runtime(pins, family.get(RUNTIME, ()))
    wishes: tuple[str, ...] = ()
    if not any(name in FAMILY for name in family):
        family = {**{name: [name] for name in DEFAULT}, **family}
        wishes = (AUDIO,)
    implied = TORCH not in family
    family.setdefault(TORCH, [TORCH])
    ordered = {name: tuple(family[name]) for name in (*FAMILY, *RUNTIMES) if name in family}
    return Request(
        specs=ordered,
        others=tuple(others),
        cuda=wanted,
        compat=compat,
        allow_cpu=allow_cpu,
        source=source,
        python=python(of_python[0])[1] if of_python else None,
        pins=tuple(dict.fromkeys(pins)),
        wishes=wishes,
        ties=tuple(ties),
        implied=implied,
        typed=tuple(typed),
        hidden_days=hidden_days(),
    )


class _Known(NamedTuple):
    """The package names of the allowed sources: the family, those that bring or select the CUDA,
    metapackages, and all of them."""

    family: frozenset[str]
    runtimes: frozenset[str]
    metapackages: frozenset[str]
    names: frozenset[str]

    @classmethod
    def of(cls, sources: Sequence[Source]) -> _Known:
        """Return the names of these sources."""
        facts = [one.facts for one in sources]
        runtimes = frozenset(n for f in facts for n in (*f.runtimes, *((f.mutex or ())[:1])))
        return cls(
            frozenset(name for found in facts for name in found.family),
            runtimes,
            frozenset(name for found in facts for name in found.metapackages),
            runtimes.union(*(found.names for found in facts)),
        )


def _of_torch(word: str, spec: Spec, sources: Sequence[Source]) -> str:
    """The spec for pytorch that corresponds to one for its metapackage: the same version.

    Raises: OtherChannelSpec.
    """
    return for_torch(_of_source(word, spec, sources))


def _of_metapackage(word: str, spec: Spec) -> list[Pin]:
    """The pin that the metapackage of CUDA builds implies: the CUDA of its build string, or any."""
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
    """The pins that a spec implies for the CUDA or the release of the set, by its channel's label,
    its wheel variant, or a package outside the family.

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
    elif spec.name == LIBTORCH and not spec.open:
        pins.append(Pin(for_torch(spec.plain), source, word))  # pytorch needs its own
    elif spec.name not in (*FAMILY, *RUNTIMES):
        named = marks(spec.plain.partition(spec.name)[2])
        # A build string with a CUDA but no torch is about other libraries of that package.
        if named.torch and named.cuda:
            pins += _pins(named.cuda, named.torch, word, source)
    return pins


def of_any_runtime(pin: Pin) -> list[Pin]:
    """Turn a spec for cudatoolkit into a pin on the CUDA of any release: releases from 1.13 on have
    another runtime package, but the file wants that CUDA all the same."""
    minor, tail = fixed_minor(pin.spec), after_name(pin.spec)
    wanted = f"={minor}" if minor else tail
    return [Pin(f"{CUDA_NAMES[0]}{wanted}", pin.source, pin.spec)] if wanted else []


def beside_runtime(pins: Iterable[Pin], runtimes: Iterable[str]) -> list[Pin]:
    """The pins that apply beside specs for pytorch-cuda, which decides the CUDA of the set.

    Drops a `cuda-version` with the same major, whatever its minor: exports have one beside
    pytorch-cuda, where it only restricts other packages.
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
    """The pins on CUDA and release that a channel's label implies (`nvidia/label/cuda-11.8.0`)."""
    if "/label/" not in channel:
        return []
    named = marks(channel.partition("/label/")[2])
    return _pins(named.cuda, named.torch, word, source)


def _pins(version: str | None, torch: str | None, word: str, source: str) -> list[Pin]:
    found = [Pin(f"{CUDA_NAMES[0]}={version}", source, word)] if version else []
    return [*found, Pin(f"{TORCH}={torch}", source, word)] if torch else found


def _of_source(word: str, spec: Spec, sources: Sequence[Source]) -> str:
    """A spec without its channel, if that is one of a source that has the package, or none.

    Raises: OtherChannelSpec.
    """
    channel = channel_of(spec)
    having = [one for one in sources if spec.name in one.facts.names]
    if channel not in (None, *(one.channel for one in having)):
        channels, ways = other_channel(channel, having)
        ways = [*_at_mirror(word, spec.plain, {one.channel for one in having}), *ways]
        ways.insert(0, Notice("leave_channel_out", {"channels": channels}))
        if channel_for_conda(word) == spec.channel:
            ways.append(Notice("conda_takes_it", {"spec": word}))
        if spec.name not in PARTNERS and is_elsewhere(spec, SOURCES):
            ways = ways[:1]  # there is no such package
        raise OtherChannelSpec(spec=word, channel=channel, channels=channels, ways=ways)
    return spec.plain


def _at_mirror(word: str, plain: str, channels: Collection[str]) -> list[Notice]:
    """The hint to name a mirror by its option, if a spec names one as its channel."""
    where = word.rpartition("::")[0]
    if where in built_in():
        return [Notice("spec_at_mirror", {"spec": plain, "mirror": where})]
    found = addresses.identify(where)
    if found is None or found.mirror == UPSTREAM or found.channel not in channels:
        return []
    facts = {"spec": f"{found.channel}::{plain}", "mirror": found.mirror}
    return [Notice("spec_at_mirror", facts)]


def other_channel(channel: str | None, sources: Sequence[Source]) -> tuple[str, list[Notice]]:
    """The channels of the sources as text, and a hint if another source has the channel named."""
    named = ", ".join(f"`{one.channel}`" for one in sources)
    other = [s.name for s in SOURCES if channel and s.channel == channel and s not in sources]
    return named, [Notice("choose_from", {"source": name}) for name in other]


def _named_python(word: str, spec: str, given: tuple[str, str] | None) -> tuple[str, str] | None:
    """The value for `--python`, and what said it, if a spec for Python is given beside it (`given`)
    or instead of it. Raises: BadPythonSpec, Contradiction.
    """
    tail = re.sub(_BRACKETS, r"python=\1", spec).partition("python")[2].strip()
    if not tail:
        return given
    if not re.fullmatch(_PYTHON, tail):
        raise BadPythonSpec(spec=word)
    found = (tail.lstrip("= "), word)
    shorter, longer = sorted((given or found, found), key=lambda each: len(python(each[0])[1]))
    if not f"{python(longer[0])[1]}.".startswith(f"{python(shorter[0])[1]}."):
        raise Contradiction.of(word, given[1] if given else word)
    return longer


def names_torch(word: str) -> bool:
    """Whether a spec on the command line is for pytorch itself."""
    return read(word).name == TORCH
