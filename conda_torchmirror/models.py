"""The data that passes between the stages. Imports nothing of conda.

Data flows one way: `Machine` and `Request` and a list of `Build` go into `selection`, a `Choice`
(or a `NoChoice`) comes out, `plan` turns it into a `Plan`, and `handover` carries that out.

They are named tuples, which take a third of the time of frozen dataclasses to define and a fifth to
instantiate. There is no `from __future__ import annotations` here nor in other modules that define
many fields, because evaluated annotations cost 40 % less than strings that `typing` has to compile.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from .mirrors.registry import Route

#: `admits(spec, name, version, build[, record])`: does this match spec admit a package? `record`, a
#: Build, answers for hashes, file name, build number and subdir. The semantics are conda's own, so
#: the function is handed in from the edge (`index.match`).
Admits = Callable[..., bool]

Evidence = Literal["record", "listed", "derived"]
Compat = Literal["strict", "minor"]


class Build(NamedTuple):
    """One conda package, reduced to what choosing and showing need.

    `size` is in bytes, `timestamp` in milliseconds since 1970 as in repodata. `known_by` is the
    evidence that it exists: a real `record`, a name `listed` somewhere, or `derived` by the rules.
    """

    name: str
    version: str
    build: str
    build_number: int
    subdir: str
    channel: str = ""
    fn: str = ""
    url: str = ""
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()
    size: int | None = None
    md5: str | None = None
    sha256: str | None = None
    timestamp: int = 0
    known_by: Evidence = "record"

    @property
    def spec(self) -> str:
        """The exact match spec, `name=version=build`."""
        return f"{self.name}={self.version}={self.build}"


class Gpu(NamedTuple):
    """One device as the driver lists it. `arch` is the compute capability, such as "8.6"."""

    name: str
    arch: str | None = None


class Installed(NamedTuple):
    """A package that the target environment already holds. `channel` is "pypi" for pip's."""

    name: str
    version: str
    build: str = ""
    channel: str = ""


class Pin(NamedTuple):
    """A match spec that binds the choice. `source` is the file or setting that it comes from,
    "history" for a spec of the environment's history, "" for the command line.

    `written` is the original text where `spec` is only its meaning, else "".
    """

    spec: str
    source: str
    written: str = ""

    @property
    def text(self) -> str:
        """The spec to show: as it was written."""
        return self.written or self.spec


class Notice(NamedTuple):
    """Something to tell the user: a stable code, the facts for its sentence, a URL as source."""

    code: str
    facts: Mapping[str, Any] = MappingProxyType({})
    url: str | None = None


class Machine(NamedTuple):
    """Facts about the target computer and the target environment.

    `cuda` is the newest CUDA that the driver runs (the value of `__cuda`), or None without a
    driver; `cuda_from` is libcuda, CONDA_OVERRIDE_CUDA, --cuda, --machine, file, prefix (the CUDA
    of the environment's pytorch, where no driver was found) or none. `cuda_arch` is
    the lowest compute capability of all devices. `history` are the specs that the user asked for in
    this environment before. `python` is major.minor, or None where the newest may be taken, and
    `python_from` prefix, --python, --machine or newest. `wsl` means WSL 2, `foreign` a platform
    other than this computer's, `failing` an installed driver that reports an error instead of a
    GPU. `remarks` are shown beside every choice. `glibc` and `osx` are versions, None if unknown.
    `ignores_pins` means that conda applies no pin in this run (`--no-pin`, `ignore_pinned`).
    """

    subdir: str
    cuda: str | None = None
    cuda_from: str = "none"
    driver: str | None = None
    cuda_arch: str | None = None
    gpus: tuple[Gpu, ...] = ()
    python: str | None = None
    python_from: str = "newest"
    installed: tuple[Installed, ...] = ()
    pins: tuple[Pin, ...] = ()
    history: tuple[Pin, ...] = ()
    wsl: bool = False
    foreign: bool = False
    failing: bool = False
    remarks: tuple[Notice, ...] = ()
    glibc: str | None = None
    osx: str | None = None
    ignores_pins: bool = False

    @property
    def has_gpu(self) -> bool:
        """Whether a driver, working or not, or a device was found, or `--cuda` stands for one."""
        return self.cuda is not None or bool(self.gpus) or self.failing

    @property
    def cuda_of_others(self) -> str | None:
        """The CUDA, if it is that of a driver elsewhere, of which nothing here knows."""
        return self.cuda if self.cuda_from in ("--cuda", "file", "prefix") else None

    @property
    def free_threaded(self) -> str | None:
        """The Python of the environment, major.minor, if it is a free-threaded build, and stays."""
        there = (package for package in self.installed if package.name == "python")
        free = (p for p in there if re.search(r"cp3\d+t$", p.build))
        stays = any(p.version.split(".")[:2] == (self.python or "").split(".") for p in free)
        return self.python if stays else None

    @property
    def driver_os(self) -> Literal["linux", "windows"]:
        """The system that the driver belongs to: in WSL 2 the driver is that of Windows."""
        return "windows" if self.wsl or self.subdir.startswith("win-") else "linux"


class Facts(NamedTuple):
    """The facts of another machine, and the file that they were read from."""

    file: str
    machine: Machine


class Request(NamedTuple):
    """What the user asked for. `specs` has the match specs of each name of the torch family.

    `others` go to the solver as written. `pins` are further restrictions: the CUDA and the release
    that arguments imply without naming pytorch. `wishes` are those names in `specs` that were added
    by default: a source may leave them out where the newest release that runs has none. `ties` are
    (source, argument) pairs of arguments that only one source can meet, `channels` those of the
    command line and of files. `implied` says that pytorch was not named. `typed` are (argument,
    name) pairs: the name in `specs` that the argument narrows, "python", "cpu", or "" for one that
    goes to the solver; some are of `files`. `keeps_torch`: pytorch, not named, stays. `pythons`
    is what builds of `others` ask of Python; `exclude_newer` hides conda-forge's `hidden_days`.
    """

    specs: Mapping[str, tuple[str, ...]]
    others: tuple[str, ...] = ()
    cuda: str = "auto"
    compat: Compat = "minor"
    allow_cpu: bool = False
    source: str = "auto"
    python: str | None = None
    pins: tuple[Pin, ...] = ()
    wishes: tuple[str, ...] = ()
    ties: tuple[tuple[str, str], ...] = ()
    implied: bool = False
    channels: tuple[str, ...] = ()
    typed: tuple[tuple[str, str], ...] = ()
    files: bool = False
    keeps_torch: bool = False
    pythons: Mapping[str, frozenset[tuple[str, ...]]] = {}
    hidden_days: frozenset[str] = frozenset()

    def keeping(self, name: str, spec: str) -> "Request":
        """The request for only the packages that were named, without the partners of a new
        environment, besides a pytorch of this name that is there. A metapackage leaves it open."""
        typed = {of for _, of in self.typed}
        specs = {name: (spec,), **{of: s for of, s in self.specs.items() if of in typed}}
        return self._replace(specs=specs, wishes=(), keeps_torch=name not in typed)


class Rejection(NamedTuple):
    """Why a build was rejected: a stable code and the two facts that clash, of the machine (or the
    request) and of the build. `text.reasons.reason` makes a sentence of the three codes."""

    name: str
    version: str
    build: str
    code: str
    machine: Notice
    needs: Notice

    @property
    def fact(self) -> dict[str, dict[str, Any]]:
        """Both facts, as the JSON document shows them."""
        return {
            "machine": {"code": self.machine.code, **self.machine.facts},
            "build": {"code": self.needs.code, **self.needs.facts},
        }


class Choice(NamedTuple):
    """A set of builds that are compatible with each other and run on the machine.

    `builds` starts with pytorch. `runtime` is the package that brings CUDA ("pytorch-cuda",
    "cudatoolkit" or None) and `cuda` its major.minor, None for a CPU build. `libraries` are the
    packages that this pytorch pins exactly, as far as their records are known: nobody asks for
    them, but they are the larger part of the download.
    """

    builds: tuple[Build, ...]
    python: str
    cuda: str | None = None
    runtime: str | None = None
    compat: Compat = "strict"
    rejected: tuple[Rejection, ...] = ()
    notices: tuple[Notice, ...] = ()
    libraries: tuple[Build, ...] = ()

    @property
    def torch(self) -> Build:
        """The pytorch build."""
        return self.builds[0]


class NoChoice(NamedTuple):
    """No set fits: why each candidate was rejected, and what would fit (`ways`)."""

    rejected: tuple[Rejection, ...]
    ways: tuple[Notice, ...] = ()


class Offer(NamedTuple):
    """A complete set that exists for a platform, whether or not it fits the machine.

    `cuda` is None for a CPU set. `driver_floor` is the lowest driver version that runs it, None
    where no table has it. `rejection` is why it does not fit, None where it does.
    """

    release: str
    cuda: str | None
    python: str
    builds: tuple[Build, ...]
    driver_floor: str | None = None
    rejection: Rejection | None = None

    @property
    def fits(self) -> bool:
        """Whether this machine runs the set."""
        return self.rejection is None


class Records(NamedTuple):
    """Builds read from an index, and where that was: `origin` is live, cache or built-in.

    `skipped` counts unusable records, `excluded` the builds that the setting `exclude_newer` keeps
    out, `packed` those that `use_only_tar_bz2` does; `date` is the day of the index (YYYY-MM-DD),
    None where not known.
    """

    builds: tuple[Build, ...]
    origin: Literal["live", "cache", "built-in"]
    date: str | None = None
    skipped: int = 0
    excluded: int = 0
    packed: int = 0


class CondaStep(NamedTuple):
    """One run of conda's `install` or `create`.

    `environment` holds the environment variables that the hand-over and the printed command set.
    `passed` are the channels of `--channel`, in order; `alone` adds `--override-channels`. The
    printed command names channels by mirror URL (`command`) or by name (`command_by_name`).
    """

    verb: Literal["install", "create"]
    specs: tuple[str, ...]
    pins: tuple[str, ...]
    environment: Mapping[str, str]
    command: str
    command_by_name: str
    passed: tuple[str, ...] = ()
    alone: bool = False


class PipStep(NamedTuple):
    """One run of the environment's own pip, or of uv.

    `specs` are its requirements, `files` the chosen wheels as (URL, sha256) pairs, "" for an
    unknown hash; the rest comes from `index_url`, "" for pip's own. `options` are carried over from
    pip's configuration. `command` is run; `by_hand` does the same with the URLs of the files.
    """

    specs: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    index_url: str
    options: tuple[str, ...]
    command: str
    by_hand: str
    tool: Literal["pip", "uv"] = "pip"


class Departure(NamedTuple):
    """Names of packages that an installation removes from the environment or solves for anew.

    `named` are removed, and `orphans` that came along; `unneeded` are after the solve, `unknown`
    would be if nobody asked for them. `dependents` need a removed package, and are solved for anew;
    `specs` request these: as in the history, or by name where no other one needs it."""

    named: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    dependents: tuple[str, ...] = ()
    specs: tuple[str, ...] = ()
    unneeded: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def hidden(self) -> tuple[str, ...]:
        """The packages that the solver must not see in the environment."""
        return self.named + self.orphans + self.dependents


class Plan(NamedTuple):
    """The steps to hand over, in order, and the commands by which a person can do the same.

    The first step is conda's; conda packages need no other. `channels` has where each is read from.
    Conda's step removes the `departure` too, plain conda by commands `before` and `after` it."""

    steps: tuple[CondaStep | PipStep, ...]
    channels: tuple[Route, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    departure: Departure = Departure()

    @property
    def conda(self) -> CondaStep:
        """The step of conda."""
        return next(step for step in self.steps if isinstance(step, CondaStep))


class Decision(NamedTuple):
    """Everything that one run decided, for text and JSON. `prefix` is None without a target.

    `source` is the name of the source of the builds (`index.sources`), `passed_over` the rejections
    of newer releases of other sources, by source. `solved` says that conda's solver was run.
    `files` describes what was read from environment files.
    """

    machine: Machine
    request: Request
    choice: Choice
    records: Records
    plan: Plan
    prefix: str | None
    dry_run: bool
    source: str = ""
    passed_over: Mapping[str, tuple[Rejection, ...]] = MappingProxyType({})
    solved: bool = False
    notices: tuple[Notice, ...] = ()
    evidence: tuple[Notice, ...] = ()
    files: Sequence[Mapping[str, Any]] = ()


class Listed(NamedTuple):
    """What a source has for a platform: every complete set for a request, fitting or not.
    `end` says where a discontinued channel ended, None for one that is maintained. `unread` is the
    newest release that is left out, as not everything of it was read; None where nothing is."""

    source: str
    rows: tuple[Offer, ...]
    records: Records
    end: Mapping[str, str] | None = None
    unread: str | None = None


class Listing(NamedTuple):
    """What each source that a request allows has for a platform."""

    of: tuple[Listed, ...]
    machine: Machine
    request: Request
