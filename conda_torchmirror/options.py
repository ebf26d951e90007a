"""The parsed command line of `torch-install`, as the stages read it."""

from typing import Literal, NamedTuple

from .models import Compat, Facts

#: What a run of `torch-install` is to do.
Action = Literal["list", "urls", "save", "replay", "download", "print", "install"]

#: The values of `--print`. "explicit" lists every package of a solve, pip and uv install wheels
#: only, and "dockerfile" is for Linux only.
TOOLS = (
    *("conda", "mamba", "micromamba", "pixi", "environment.yml"),
    *("explicit", "dockerfile", "pip", "uv"),
)
EXPLICIT, OF_WHEELS, OF_LINUX = "explicit", ("pip", "uv"), "dockerfile"


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
