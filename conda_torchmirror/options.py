"""The parsed command line of `torch-install`, as the stages read it, and as words again.

Every command of ours that a message offers is made here: of the options that were typed, with what
the step changes (`again`), as words (`words`). An option that is not mentioned cannot be lost.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from .models import Compat, Facts, Request

#: What a run of `torch-install` is to do.
Action = Literal["list", "urls", "save", "replay", "download", "print", "install"]

#: The values of `--print`. "explicit" lists every package of a solve, pip and uv install wheels
#: only, and "dockerfile" is for Linux only.
TOOLS = (
    *("conda", "mamba", "micromamba", "pixi", "environment.yml"),
    *("explicit", "dockerfile", "pip", "uv"),
)
EXPLICIT, OF_WHEELS, OF_LINUX = "explicit", ("pip", "uv"), "dockerfile"

#: The option that limits conda to the channels of the command line.
ALONE = "--override-channels"
#: Conda's option for a run without a network.
OFFLINE = "--offline"
#: The environment of a step that needs a new one.
NEW = "NEW"
#: The tools of `--print` that take conda's words as a command.
OF_CONDA = ("conda", "mamba", "micromamba")
#: Options of conda on how a run talks, not on what it does. Offered commands leave them out, as
#: they do `--json` and `--explain`: without `--yes`, conda asks.
_TALK = frozenset(("--yes", "--quiet", "--verbose", "--debug", "--trace", "--console"))
#: Options that change what conda's solver installs.
_SOLVERS = frozenset(
    (
        *("--no-deps", "--only-deps", "--force-reinstall", "--satisfied-skip-solve"),
        *("--update-all", "--update-deps", "--update-specs", "--freeze-installed", "--use-local"),
    )
)
#: Options of conda on how it reads channels, all that a list of builds depends on.
_READING = frozenset(
    (
        *(OFFLINE, "--insecure", "--use-index-cache", "--repodata-fn", "--experimental"),
        *("--no-lock", "--repodata-use-zst", "--no-repodata-use-zst", "--exclude-newer"),
        *("--repodata-use-shards", "--no-repodata-use-shards"),
    )
)


class InstallOptions(NamedTuple):
    """The parsed command line of `torch-install`; with `-f`, what the files add to it too.

    `dry_run` and `solve` combine with every action. `urls` is the format of `--urls`, which goes
    with the actions save and replay too, as `download` (`--download-only`) does. `tool` is the
    value of `--print`, `subdir` that of `--platform`; `save`, `plan` and `wheel_dir` are folders.
    `source` is "" where the command line names none and the setting decides. `passed` are the
    options for conda's own command, each as its words; `handover.conda.taken` picks those that a
    verb accepts. `machines` are the files of `--machine`; a run for one machine has its `facts`.
    """

    action: Action = "install"
    dry_run: bool = False
    solve: bool = False
    specs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    name: str | None = None
    prefix: str | None = None
    subdir: str | None = None
    channels: tuple[str, ...] = ()
    override_channels: bool = False
    cuda: str = "auto"
    cuda_compat: Compat = "minor"
    python: str | None = None
    source: str = ""
    allow_cpu: bool = False
    mirrors: tuple[str, ...] = ()
    fallback: bool = True
    check_upstream: bool = False
    explain: bool = False
    urls: str | None = None
    save: str | None = None
    with_packages: bool = False
    plan: str | None = None
    wheel_dir: str | None = None
    download: bool = False
    tool: str | None = None
    check: bool = True
    as_json: bool = False
    passed: tuple[tuple[str, ...], ...] = ()
    machines: tuple[str, ...] = ()
    facts: Facts | None = None

    @property
    def preview(self) -> bool:
        """Whether the choice is only shown: nothing is installed, saved or downloaded."""
        return self.action in ("list", "urls", "print") or (self.dry_run and self.action != "save")

    @property
    def solving(self) -> bool:
        """Whether conda's solver is run."""
        return self.solve or not self.preview

    @property
    def of_solver(self) -> tuple[str, ...]:
        """The given options that change what conda's solver installs, which pip has none of."""
        return tuple(words[0] for words in self.passed if words[0] in _SOLVERS)

    @property
    def for_conda(self) -> tuple[tuple[str, ...], ...]:
        """The options that conda's own command takes over, without those on how this run talks, and
        on what it reads of channels here and now."""
        left = _TALK | {ALONE, OFFLINE, "--use-index-cache"}
        return tuple(words for words in self.passed if words[0] not in left)

    def without(self, *names: str) -> "InstallOptions":
        """The same without some of conda's options."""
        return self._replace(passed=tuple(each for each in self.passed if each[0] not in names))

    def elsewhere(self) -> "InstallOptions":
        """The same for a new environment."""
        return self._replace(name=NEW, prefix=None)


def words(asked: InstallOptions) -> list[str]:
    """The command line that asks for this, without defaults and without what is about its output
    only."""
    machines = (asked.facts.file,) if asked.facts and not asked.machines else asked.machines
    of_wheel_files = asked.wheel_dir is not None or any(map(is_wheel_file, asked.specs))
    found = ["conda", "torch-install", *(["--list"] if asked.action == "list" else [])]
    for option, values in (
        ("-f", asked.files),
        ("-n", (asked.name,)),
        ("-p", (asked.prefix,)),
        ("--python", (asked.python,)),
    ):
        found += _each(option, values)
    found += asked.specs
    found += ["--cuda", asked.cuda] if asked.cuda != "auto" else []
    found += ["--cuda-compat", asked.cuda_compat] if asked.cuda_compat != "minor" else []
    found += ["--allow-cpu"] if asked.allow_cpu else []
    found += _each("--platform", (asked.subdir,))
    found += ["--machine", *machines] if machines else []
    found += _each("--source", () if of_wheel_files else (asked.source,))
    found += _each("-c", asked.channels)
    found += [ALONE] if asked.override_channels else []
    found += _each("--mirror", asked.mirrors)
    found += ["--no-fallback"] if not asked.fallback else []
    found += ["--check-upstream"] if asked.check_upstream else []
    left = {*_TALK, ALONE}
    found += [word for option in asked.passed if option[0] not in left for word in option]
    return [*found, *_ending(asked)]


def _ending(asked: InstallOptions) -> list[str]:
    """The words on what is to become of the choice."""
    found = ["--urls" if asked.urls == "plain" else f"--urls={asked.urls}"] if asked.urls else []
    for option, value in (
        ("--print", asked.tool),
        ("--save-plan", asked.save),
        ("--plan", asked.plan),
        ("--wheel-dir", asked.wheel_dir),
    ):
        found += [option, value] if value is not None else []
    found += ["--with-packages"] if asked.with_packages else []
    found += ["--download-only"] if asked.download else []
    installs = asked.action in ("install", "replay") and not (asked.preview or asked.download)
    found += ["--no-check"] if installs and not asked.check else []
    found += ["--solve"] if asked.solve and asked.tool != EXPLICIT else []
    return [*found, *(["--dry-run"] if asked.dry_run else [])]


def _each(option: str, values: Iterable[str | None]) -> list[str]:
    return [word for value in values if value for word in (option, value)]


def is_wheel_file(word: str) -> bool:
    """Whether an argument of the command line is the path of a wheel, and not a URL."""
    return word.lower().endswith(".whl") and "://" not in word


def again(
    asked: InstallOptions,
    before: Request,
    after: Request,
    *,
    python: str | None = None,
    new: bool = False,
) -> InstallOptions:
    """The options that ask for the request `after`, where `asked` are those that were typed and
    `before` is the request that they made: what is the same stays as it was typed.

    `python` is another Python, `new` says that it is for a new environment.
    """
    meant = dict(before.typed)
    lost = [pin.text for pin in before.pins if pin not in after.pins]
    changed = {
        name
        for name in {**before.specs, **after.specs}
        if before.specs.get(name) != after.specs.get(name)
    }
    # What stays of a changed package may have been typed with its channel.
    there = {
        word.rpartition("::")[2]: word for word in asked.specs if before.source == after.source
    }
    found: list[str] = []
    named: set[str] = set()
    for word in asked.specs:
        name = meant.get(word, "")
        if name == "python":
            found += [] if python else [word]
        elif name in ("", "cpu"):
            stays = word in after.others if not name else before.cuda == after.cuda
            found += [word] if stays else []
        elif name in changed or any(word.endswith(text) for text in lost):
            stay = () if name in named else after.specs.get(name, ())
            found += [there.get(spec, spec) for spec in stay]
            named.add(name)
        else:
            # Another source takes no package of this one's channel.
            found.append(word.rpartition("::")[2] if after.source != before.source else word)
            named.add(name)
    typed = named.union(meant.get(word, "") for word in asked.specs).intersection(before.specs)
    for name, specs in after.specs.items() if not before.files else ():
        # The default set is named where only a part of it was changed.
        whole = changed and not typed and name not in after.wishes
        narrow = specs != (name,) and (name in changed or new)
        if name not in named and (whole or narrow):
            found += specs
    found += [word for word in after.others if word not in before.others]
    # Of the words that were changed, one may have said that it is for the CPU.
    cuda = asked.cuda if before.cuda == after.cuda else after.cuda
    if after.cuda == "cpu" and cuda == "auto" and not before.files and _lost_cpu(found, meant):
        cuda = "cpu"
    channels = tuple(channel for channel in asked.channels if channel in after.channels)
    alone = ALONE in after.channels and asked.override_channels
    if alone and not channels and after.source != "auto":
        channels = (after.source,)  # conda wants one, and this one is read anyway
    asked = asked.elsewhere() if new else asked
    return asked._replace(
        specs=tuple(found),
        python=python or asked.python,
        cuda=cuda,
        cuda_compat=after.compat,
        allow_cpu=after.allow_cpu,
        source=asked.source if before.source == after.source else after.source,
        channels=channels,
        override_channels=alone and bool(channels),
    )


def _lost_cpu(kept: Iterable[str], meant: Mapping[str, str]) -> bool:
    """Whether none of the words says that the set is for the CPU."""
    said = (word for word in kept if word in meant)
    marks = ("+cpu", "=cpu")
    return not any(meant[word] == "cpu" or word.endswith(marks) or "-cpu" in word for word in said)


def listing(asked: InstallOptions, *, offline: bool = False) -> InstallOptions:
    """The options that list what there is for the same machine, read in the same way."""
    passed = tuple(each for each in asked.passed if each[0] in _READING)
    if offline and (OFFLINE,) not in passed:
        passed = (*passed, (OFFLINE,))
    return InstallOptions(
        action="list",
        subdir=asked.subdir,
        cuda=asked.cuda,
        source=asked.source,
        mirrors=asked.mirrors,
        fallback=asked.fallback,
        passed=passed,
        machines=asked.machines,
        facts=asked.facts,
    )
