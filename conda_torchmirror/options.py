"""What the command line of `torch-install` says, as the stages read it."""

from typing import Literal, NamedTuple

from .models import Compat, Facts

#: What `torch-install` is asked to end in.
Action = Literal["list", "urls", "save", "replay", "download", "print", "install"]

#: The tools of `--print`. Of these, one lists all packages that conda's solver finds, some install
#: wheels alone, and one is for Linux alone.
TOOLS = (
    *("conda", "mamba", "micromamba", "pixi", "environment.yml"),
    *("explicit", "dockerfile", "pip", "uv"),
)
EXPLICIT, OF_WHEELS, OF_LINUX = "explicit", ("pip", "uv"), "dockerfile"


class InstallOptions(NamedTuple):
    """What the command line of `torch-install` says, and with `-f` what the files add to it.

    `dry_run` and `solve` combine with every action. `urls` is the format of `--urls`, which goes
    with the actions save and replay too, as `download` (`--download-only`) does. `tool` is the word
    of `--print`. `save`, `plan` and `wheel_dir` are folders, `subdir` is the word of `--platform`.
    `source` is "" where the command line names none, and the setting holds. `passed` are the
    options that go on to conda's own command, each as its words; `conda_words` says which of them a
    verb takes. `machines` are the files of `--machine`; a run for one machine has its `facts`.
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
        """Whether conda's solver is asked."""
        return self.solve or not self.preview
