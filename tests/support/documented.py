"""The commands that the pages name, and what a test does with one: where and how it is run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from conda_torchmirror.machine.facts import parse

from . import forge_channel
from .built import ROOT
from .machine_files import write
from .markdown import blocks
from .prefixes import installed
from .running import Result
from .torches import bare_environment, install_torch

PAGES = [
    *(ROOT / name for name in ("README.md", "README.zh.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "fleet" / "ansible" / "README.md",
]
_COMMAND = re.compile(
    r"(conda|python|pip|pre-commit|srun|ansible-playbook|apptainer|docker)( |$)"
    r"|CONDA_PKGS_DIRS=|\.ci/"
)
_FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")


def spans(page: Path) -> Iterator[str]:
    """What stands between backticks, and the lines of blocks that hold commands."""
    for block in blocks(page):
        lines = block.text.splitlines()
        if block.language == "console":
            yield from (line.removeprefix("$ ") for line in lines if line.startswith("$ "))
        elif not block.language and not block.mark.startswith("benchmark"):
            yield from lines
    for found in _SPAN.findall(_FENCED.sub("", page.read_text(encoding="utf-8"))):
        yield " ".join(found.split())


def documented() -> list[str]:
    """Commands, each once; those that are joined by `&&` apart."""
    found: dict[str, None] = {}
    for page in PAGES:
        for span in spans(page):
            if _COMMAND.match(span):
                found |= dict.fromkeys(span.split(" && "))
    return list(found)


class World:
    """A home with channels on loopback, and environment files in the working directory."""

    def __init__(self, run: Callable[..., Result], folder: Path, envs: Path, request: Any) -> None:
        self.run, self.folder, self.envs, self.request = run, folder, envs, request
        for name in ("environment.yml", "FILE", "FILE..."):
            (folder / name).write_text(FILE, encoding="utf-8")

    def conda(self, command: str, *more: str, **options: Any) -> Result:
        """Run a command as it stands, with words behind it."""
        words = shlex.split(command.replace("python -m conda ", "conda "))
        assert words[0] == "conda"
        return self.run(*words[1:], *more, cwd=self.folder, **options).ok()


FILE = "name: torch\nchannels: [pytorch, nvidia, defaults]\ndependencies: [python=3.11, pytorch]\n"
How = Callable[[World, str], object]


def installs(world: World, command: str) -> None:
    world.conda(command, "-y")
    assert "pytorch" in installed(world.envs / "torch")


def runs_in_the_active(world: World, command: str, *more: str) -> Path:
    """In an environment with a Python, as after `conda activate`."""
    prefix: Path = world.request.getfixturevalue("env_of")("python=3.11")
    world.conda(command, *more, env={"CONDA_PREFIX": str(prefix), "CONDA_SHLVL": "1"})
    return prefix


def installs_into_the_active(world: World, command: str) -> None:
    assert "pytorch" in installed(runs_in_the_active(world, command, "-y"))


def installs_from_conda_forge(world: World, command: str) -> None:
    """From a server of real records of conda-forge, which are for CUDA 12.9."""
    site = world.request.getfixturevalue("make_mirror")(
        forge_channel.build(world.folder / "forge"),
        {"conda-forge": "anaconda/cloud", "pkgs/main": "anaconda"},
    )
    world.request.getfixturevalue("condarc")(
        custom_channels=site.custom_channels(),
        channels=["defaults"],
        default_channels=[site.channel_url("pkgs/main")],
    )
    world.conda(command, "-y", env={"CONDA_OVERRIDE_CUDA": "12.9"})
    assert installed(world.envs / "torch")["pytorch"].startswith("2.8.0=cuda129")


def runs(world: World, command: str) -> Result:
    return world.conda(command)


def runs_offline(world: World, command: str) -> None:
    """With the built-in index, where the channels here lack what it names."""
    world.conda(command, *({"--dry-run", "--offline"} - set(command.split())))


def prints_offline(world: World, command: str) -> None:
    assert world.conda(command, "--offline").stdout


def checks_an_environment(world: World, command: str) -> None:
    """One with a real Python and a stand-in of torch."""
    install_torch(bare_environment(world.envs / "torch"))
    world.conda(command)


def sets_the_index(world: World, command: str) -> None:
    """In the configuration of a home of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    home = str(world.folder)
    env |= {"HOME": home, "XDG_CONFIG_HOME": home, "APPDATA": home, "PIP_NO_INPUT": "1"}

    def pip(*words: str) -> str:
        words = (sys.executable, "-m", "pip", *words)
        return subprocess.run(
            words, env=env, check=True, capture_output=True, text=True, timeout=120
        ).stdout

    if "unset" in command:
        pip("config", "set", "global.index-url", "before")
    pip(*shlex.split(command)[3:])
    said = pip("config", "list")
    assert ("global.index-url='ADDRESS'" in said) is ("unset" not in command)
    assert "before" not in said


def asks_mirrors(world: World, command: str) -> None:
    """Two on loopback, by name: without one it asks the real ones."""
    world.request.getfixturevalue("sites")
    world.run = world.request.getfixturevalue("conda_in_process")
    world.run(*shlex.split(command)[1:], "first", "second").ok()


def runs_without_conda(world: World, command: str) -> None:
    words = shlex.split(command)[1:]
    subprocess.run([sys.executable, *words], cwd=world.folder, check=True, timeout=120)


def runs_for_a_machine(world: World, command: str) -> None:
    """With the facts in the file that it names; of the channels here the Python is typed."""
    write(world.folder, "ampere", python="3.11").rename(world.folder / "node.json")
    saving = "--save-plan" in command
    command = command.partition(" > ")[0]  # the rest is the shell's part
    world.conda(command, *(("--source", "pytorch") if saving else ("--offline",)))


def prints_facts(world: World, command: str) -> None:
    """Into a file, which is the shell's part."""
    parse(world.conda(command.partition(" > ")[0]).stdout.encode())


def collects_reports(world: World, command: str) -> None:
    """Of a machine whose facts are all that there is."""
    (world.folder / "reports").mkdir()
    write(world.folder / "reports", "ampere").rename(world.folder / "reports" / "a.json")
    done = world.run(*shlex.split(command)[1:], cwd=world.folder)
    assert (done.rc, "not tried" in done.stdout) == (1, True)


def writes_a_report(world: World, command: str) -> None:
    """Into a file, which is the shell's part."""
    install_torch(bare_environment(world.envs / "NAME"))
    assert '"check"' in world.conda(command.partition(" > ")[0]).stdout


def prints(world: World, command: str) -> None:
    """Into a file, which is the shell's part."""
    assert world.conda(command.partition(" > ")[0]).stdout


def checks_a_cache(world: World, command: str) -> None:
    """In a folder that is there."""
    world.conda(command.replace("/srv/torch-cache", str(world.folder)))


def sets_pips_index(world: World, command: str) -> None:
    """In the user's own file, which is there for pip's next run."""
    home = {**os.environ, "HOME": str(world.folder), "XDG_CONFIG_HOME": str(world.folder)}
    home.pop("PIP_CONFIG_FILE", None)
    words = [sys.executable, *shlex.split(command)[1:]]
    subprocess.run(words, env=home, check=True, timeout=120, capture_output=True)
    (file,) = world.folder.rglob("pip.conf")
    assert command.rpartition(" ")[2] in file.read_text()
