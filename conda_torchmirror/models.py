"""The facts that travel between the stages. Imports nothing of conda.

Data flows one way: `Machine` and `Request` and a list of `Build` go into `selection`, a `Choice`
(or a `NoChoice`) comes out, `plan` turns it into a `Plan`, and `handover` carries that out.

They are named tuples, which cost a third of a frozen dataclass to define and a fifth to make: a
preview defines all of them, and makes a thousand builds. Annotations are evaluated here and in the
other modules that define many fields, which costs 40 % less than to have `typing` compile a string
for each.
"""

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

    `size` is in bytes, `timestamp` in milliseconds since 1970 as in repodata. `known_by` says how
    sure its existence is: a real `record`, a name `listed` somewhere, or `derived` from the rules.
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
    """A match spec that binds the choice, and the file or setting it comes from, or history where
    it was asked for when the environment was made; "" for the command line.

    `written` is how it stands there, where the spec is what that means.
    """

    spec: str
    source: str
    written: str = ""

    @property
    def text(self) -> str:
        """The words to show."""
        return self.written or self.spec


class Notice(NamedTuple):
    """Something to tell beside the result: a stable code, the facts for its text, a source."""

    code: str
    facts: Mapping[str, Any] = MappingProxyType({})
    url: str | None = None


class Machine(NamedTuple):
    """What the target computer and the target environment are.

    `cuda` is the newest CUDA that the driver runs (the value of `__cuda`), or None without a
    driver; `cuda_from` is libcuda, CONDA_OVERRIDE_CUDA, --cuda, --machine or none. `cuda_arch` is
    the lowest compute capability of all devices. `history` are the specs that the user asked for in
    this environment before. `python` is major.minor, or None where the newest may be taken, and
    `python_from` prefix, --python, --machine or newest. `wsl` means WSL 2, `foreign` another
    platform than that of this computer, `failing` that a driver is there which should run a GPU and
    does not. `remarks` are shown beside every choice. `glibc` and `osx` are the versions of
    the C library and of macOS, None where not known.
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

    @property
    def has_gpu(self) -> bool:
        """Whether a driver or a device was found, or one was named on the command line."""
        return self.cuda is not None or bool(self.gpus) or self.failing

    @property
    def driver_os(self) -> Literal["linux", "windows"]:
        """The system whose driver versions count: in WSL 2 the driver is the one of Windows."""
        return "windows" if self.wsl or self.subdir.startswith("win-") else "linux"


class Facts(NamedTuple):
    """What a file says of another machine."""

    file: str
    machine: Machine


class Request(NamedTuple):
    """What was asked for. `specs` maps each family name to its match specs, all of which hold.

    `others` go to the solver as written. `pins` is what the words narrow besides: the CUDA and the
    release that they name without naming pytorch. `wishes` are names of `specs` that nobody asked
    for by name: a source may leave them out where the newest release that runs has none. `ties` are
    words that name a thing of one source alone, each behind the name of that source. `repeated`
    says that offered commands repeat the source even where it is auto, as it was typed.
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
    repeated: bool = False


class Rejection(NamedTuple):
    """Why a build fell away: a stable code and the two facts that clash, of the machine (or the
    request) and of the build. The three codes together have a sentence (`text.reasons.reason`)."""

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
    """A set of builds that admit each other and run on the machine.

    `builds` starts with pytorch. `runtime` is the package that brings CUDA ("pytorch-cuda",
    "cudatoolkit" or None) and `cuda` its major.minor, None for a CPU build. `libraries` are what
    that pytorch brings along by an exact pin, as far as their records are known: nobody asks for
    them, and they are the larger part of the download.
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
    """No set fits: why each candidate fell away, and what would fit (`ways`)."""

    rejected: tuple[Rejection, ...]
    ways: tuple[Notice, ...] = ()


class Offer(NamedTuple):
    """A complete set that a platform can have, whether or not it fits the machine.

    `cuda` is None for a CPU set. `driver_floor` is the lowest driver that runs it, None where no
    table says. `rejection` is why it does not fit.
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
    """Builds as read, and from where: `origin` is live, cache or built-in.

    `skipped` counts records that were unusable, `excluded` builds that the setting `exclude_newer`
    keeps out; `date` is the day the index is from, if known.
    """

    builds: tuple[Build, ...]
    origin: Literal["live", "cache", "built-in"]
    date: str | None = None
    skipped: int = 0
    excluded: int = 0


class CondaStep(NamedTuple):
    """One run of conda's `install` or `create`.

    `environment` holds the environment variables that the hand-over and the printed command set.
    `passed` are the channels as conda gets them, in order, the user's own among them; `alone` keeps
    it to these. `command` names a mirror by its URL, `command_by_name` by the channel's name.
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

    `specs` is what it is asked for, `files` are the wheels that it takes as (URL, sha256) pairs, ""
    for an unknown hash; the rest comes from `index_url`, "" for pip's own. `options` are those of
    pip's configuration. `command` is run, `by_hand` does the same by the addresses of the files.
    """

    specs: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    index_url: str
    options: tuple[str, ...]
    command: str
    by_hand: str
    tool: Literal["pip", "uv"] = "pip"


class Departure(NamedTuple):
    """Packages of an environment by name: what leaves it where others are installed.

    `named` are to leave, `orphans` came along with them and leave too, as neither the user nor any
    other package needs them. `dependents` need what leaves, and are solved for anew. `specs` ask
    for these: as in the history, or by name where no other one of them brings it.
    """

    named: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    dependents: tuple[str, ...] = ()
    specs: tuple[str, ...] = ()

    @property
    def hidden(self) -> tuple[str, ...]:
        """What a solver must not find in the environment."""
        return self.named + self.orphans + self.dependents


class Plan(NamedTuple):
    """What is handed over, step after step, and what is printed so that a person can do the same.

    The first step is conda's; builds that conda has need no other. `channels` are those of the
    choice and where they are read from. What is in `departure` leaves in the transaction of the
    conda step; `before` are the commands that do it in plain conda, and come first there.
    """

    steps: tuple[CondaStep | PipStep, ...]
    channels: tuple[Route, ...] = ()
    before: tuple[str, ...] = ()
    departure: Departure = Departure()

    @property
    def conda(self) -> CondaStep:
        """The step that conda does."""
        return next(step for step in self.steps if isinstance(step, CondaStep))

    @property
    def verb(self) -> Literal["install", "create"]:
        """The conda command."""
        return self.conda.verb

    @property
    def specs(self) -> tuple[str, ...]:
        """The match specs for conda."""
        return self.conda.specs

    @property
    def pins(self) -> tuple[str, ...]:
        """The specs that bind conda's solver in this run without being asked for."""
        return self.conda.pins

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables for conda."""
        return self.conda.environment

    @property
    def command(self) -> str:
        """The conda command, with mirrors by URL."""
        return self.conda.command

    @property
    def command_by_name(self) -> str:
        """The conda command, with channels by name."""
        return self.conda.command_by_name

    @property
    def passed(self) -> tuple[str, ...]:
        """The channels as conda gets them."""
        return self.conda.passed


class Decision(NamedTuple):
    """Everything that one run decided, for text and JSON. `prefix` is None without a target.

    `source` is where the builds come from, by name (`index.sources`), `passed_over` why newer
    releases of other sources fell away, by source. `solved` says that conda's solver was asked.
    `files` is what came from environment files.
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
    """What a source has for a platform: every complete set of a request, those that do not fit too.
    `end` is where its channel ended, None where it lives."""

    source: str
    rows: tuple[Offer, ...]
    records: Records
    end: Mapping[str, str] | None = None


class Listing(NamedTuple):
    """What a platform can have, of each source that counts for a request."""

    of: tuple[Listed, ...]
    machine: Machine
    request: Request
