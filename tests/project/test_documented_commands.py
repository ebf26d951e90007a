"""Every command that the README, in both languages, and the pages name is run, or read by a parser.

`HOW` says what becomes of each; a command that is in no table fails, so that nothing is documented
which nobody tried. Options that stand alone are held against the parsers of our commands.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support import condas, forge_channel
from support.built import ROOT
from support.machine_files import write
from support.markdown import blocks
from support.prefixes import installed
from support.running import Result
from support.torches import bare_environment, install_torch

from conda_torchmirror.machine.facts import parse

pytest_plugins = ("support.site_fixtures",)

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


# What becomes of a command


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


FACTS = "--machine node.json"
#: What is run, by the way it is.
HOW: dict[str, How] = {
    "conda torch-install -n torch --python 3.11": installs,
    "conda torch-install -n torch --python 3.12 --source wheels": runs_offline,
    "conda torch-install -n torch --source wheels torch==2.7.1+cu126 torchvision": runs_offline,
    "conda torch-install -n torch pytorch=2.3.1 --python 3.12 --cuda 12.1": runs_offline,
    "conda torch-install --source wheels --cuda cpu --dry-run": runs_offline,
    "conda torch-install --source wheels --cuda cpu --print uv": prints_offline,
    "conda torch-install --source wheels --cuda cpu --print pip": prints_offline,
    "conda torch-install --source wheels -f environment.yml --print environment.yml": (
        prints_offline
    ),
    "python -m pip config set global.index-url "
    "https://mirrors.tuna.tsinghua.edu.cn/pypi/web/simple": sets_pips_index,
    "conda torch-install -n torch --python 3.11 --print environment.yml": runs,
    "conda torch-install -n torch --cuda cpu": installs,
    'conda torch-install -n torch --python 3.11 pytorch scikit-learn "numpy<2"': installs,
    "conda torch-install -f environment.yml": installs,
    "conda torch-install pytorch=2.3 torchvision": installs_into_the_active,
    "conda torch-install -n torch --python 3.13 --source conda-forge": installs_from_conda_forge,
    "conda torch-install --dry-run": runs,
    "conda torch-install --dry-run --explain": runs,
    "conda torch-install --dry-run --solve -n torch": runs,
    "conda torch-install --list": runs,
    "conda torch-install --dry-run --platform win-64 --cuda 12.4 --python 3.12": runs_offline,
    "conda torch-install -f environment.yml torchaudio jupyter": runs_offline,
    "python -m conda torch-install --cuda 12.4 --python 3.12 --dry-run --offline": runs_offline,
    "python -m pip config set global.index-url ADDRESS": sets_the_index,
    "python -m pip config unset global.index-url": sets_the_index,
    "conda torch-verify -n torch": checks_an_environment,
    "conda torch-verify --facts": prints_facts,
    "conda torch-verify --facts > node.json": prints_facts,
    "conda torch-verify --collect reports": collects_reports,
    "conda torch-verify -n NAME --json > HOST.json": writes_a_report,
    "conda torch-install --dry-run --machine node.json": runs_for_a_machine,
    "conda torch-install --machine node.json --save-plan plan": runs_for_a_machine,
    f"conda torch-install -n torch {FACTS} --print dockerfile > Dockerfile": runs_for_a_machine,
    "conda torch-mirror list": runs,
    "conda torch-mirror status": runs,
    "conda torch-mirror test": asks_mirrors,
    "conda torch-mirror enable": runs,
    "conda torch-mirror disable": runs,
    "conda torch-mirror cache --print nginx --dir /srv/torch-cache > nginx.conf": prints,
    "conda torch-mirror cache --print registry --url http://cache.lab:8080 > cache.yaml": prints,
    "conda torch-mirror cache --print condarc --url http://cache.lab:8080 > condarc": prints,
    "conda torch-mirror cache --print pip --url http://cache.lab:8080 > pip.conf": prints,
    "conda torch-mirror cache --check /srv/torch-cache": checks_a_cache,
    "conda torch-mirror cache --print nginx": prints,
    "conda torch-mirror rewrite FILE": runs,
    "conda torch-mirror upstream FILE": runs,
    "conda torch-mirror rewrite environment.yml": runs,
    "conda torch-mirror upstream environment.yml": runs,
    "conda torch-mirror upstream --check FILE...": runs,
    "python -m conda_torchmirror upstream --check FILE...": runs_without_conda,
    "conda list": runs_in_the_active,
    "conda list --explicit": runs_in_the_active,
    "conda list --export": runs_in_the_active,
}

#: Conda's own, of which the page names the command and not what comes after it.
PARSED = {
    "conda doctor",
    "conda install",
    "conda env export",
    "conda export",
    "conda export --format requirements",
    "conda install --file",
    "conda create --file",
    "conda env create",
    "conda env create -f",
    "conda env update -f",
    "conda torch-install",
    "conda clean",
    "conda torch-install --machine",
    "conda torch-install --plan",
    "conda torch-mirror cache",
    "conda torch-verify",
}

NODE = "srun --ntasks-per-node=1"
#: What is run where the reason says, and what has to be there for it.
ELSEWHERE = {
    "python -m pip install ./tools/conda-from-pypi .": (
        ".ci/run, in a fresh environment",
        ".ci/run",
    ),
    "python -m pip install ./tools/conda-from-pypi '.[test]'": (".ci/run", ".ci/run"),
    "python -m pip install .": ("the same without conda, which .ci/run installs too", ".ci/run"),
    "python -m pytest -n auto --dist worksteal": ("these tests", "tests"),
    "python -m pip install '.[docs]'": ("tests/project/test_site.py", "mkdocs.yml"),
    "pip install torch": ("what this is compared with", ""),
    "pip install --dry-run": ("what this is compared with", ""),
    "conda activate": ("a function of the shell, which `conda init` makes", ""),
    "conda activate base": ("a function of the shell, which `conda init` makes", ""),
    "conda activate torch": ("a function of the shell, which `conda init` makes", ""),
    "python benchmarks/bench_install.py": ("measures; -m benchmark", "benchmarks/bench_install.py"),
    "python benchmarks/bench_conda_forge.py": (
        "measures; -m benchmark",
        "benchmarks/bench_conda_forge.py",
    ),
    "python benchmarks/bench_index.py": ("measures", "benchmarks/bench_index.py"),
    "python benchmarks/bench_wheels.py --beside": ("measures", "benchmarks/bench_wheels.py"),
    "conda create pytorch-gpu torchvision": ("what is measured there", ""),
    "python benchmarks/bench_cache.py": ("measures", "benchmarks/bench_cache.py"),
    **dict.fromkeys(
        (
            f"{NODE} sh -c 'conda torch-verify --facts > machines/$SLURMD_NODENAME.json'",
            "conda torch-install --machine machines/*.json --save-plan plans --with-packages",
            f"{NODE} conda torch-install -y --plan plans/cuda12.4 -p /local/torch",
            f"{NODE} sh -c 'conda torch-verify -p /local/torch --json"
            " > reports/$SLURMD_NODENAME.json'",
            "CONDA_PKGS_DIRS=/shared/pkgs conda torch-install --plan plan --download-only",
            "conda torch-install -y --plan plan -p /shared/torch",
        ),
        ("by a shell, line after line", "tests/fleet/test_recipes.py"),
    ),
    **dict.fromkeys(
        (
            "conda torch-install -y --offline --plan plan -n torch",
            "conda torch-verify -p /shared/torch",
        ),
        ("by one who may not write there", "tests/fleet/test_shared_storage.py"),
    ),
    "conda torch-install --plan plan --download-only": (
        "tests/commands/test_plans.py",
        "tests/commands/test_plans.py",
    ),
    "ansible-playbook -i inventory.yml site.yml": (
        "tests/fleet/test_ansible.py, with hosts of its own",
        "fleet/ansible/site.yml",
    ),
    "ansible-playbook -i inventory.yml site.yml --check": (
        "tests/fleet/test_ansible.py",
        "fleet/ansible/inventory.yml",
    ),
    "python -m pip install ansible-core": (".ci/run", ".ci/run"),
    "srun": ("another program, named without what it does", ""),
    # Their files are the product's; conda's part of the second one is run by tests/fleet.
    "docker build -t torch .": ("another program; tests/text/test_tools.py", "tests/text"),
    "docker run --gpus all -it torch python": ("another program, and a GPU", ""),
    "apptainer build torch.sif docker-daemon://torch:latest": ("another program", ""),
    "apptainer build torch.sif torch.def": ("another program", "tests/fleet/test_recipes.py"),
    "apptainer exec --nv torch.sif python": ("another program, and a GPU", ""),
    ".ci/run": ("runs these tests", ".ci/run"),
    "python tools/translations update": ("tests/translations", "tools/translations/__main__.py"),
    "python tools/selector-page selector.html": (".ci/run", "tools/selector-page/__main__.py"),
    "pre-commit install": ("another program", ".pre-commit-config.yaml"),
    "python -m conda_torchmirror": ("named without what it does", "conda_torchmirror/__main__.py"),
    "python -m": ("part of the former", ""),
}
#: Words that only look like commands.
NO_COMMANDS = {"python", "conda", "pip"}


def test_every_documented_command_is_run_or_read() -> None:
    known = HOW.keys() | PARSED | ELSEWHERE.keys() | NO_COMMANDS
    assert set(documented()) - known == set()


def test_the_tables_name_no_command_that_is_documented_no_more() -> None:
    assert (HOW.keys() | PARSED | ELSEWHERE.keys()) - set(documented()) == set()


@pytest.mark.parametrize("command", sorted(HOW))
def test_the_command_runs(
    command: str,
    mirrored: Callable[..., Path],
    run_conda: Callable[..., Result],
    sandbox: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    HOW[command](World(run_conda, tmp_path, sandbox.envs, request), command)


@pytest.mark.parametrize("command", sorted(ELSEWHERE))
def test_what_is_run_elsewhere_is_there(command: str) -> None:
    _, path = ELSEWHERE[command]
    assert (ROOT / path).exists()


# Options


@cache
def parsers() -> Mapping[str, argparse.ArgumentParser]:
    """The parsers of conda's commands and ours by their words, with all of their options."""
    from conda.cli.conda_argparse import generate_parser

    from conda_torchmirror.cli import deferred

    found = {}

    def collect(parser: argparse.ArgumentParser, *words: str) -> None:
        found[" ".join(words)] = parser = deferred.fill(parser)
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for word, inner in action.choices.items():
                    collect(inner, *words, word)

    collect(generate_parser())
    return found


def options() -> list[str]:
    """Spans that are options alone."""
    found: dict[str, None] = {}
    for page in PAGES:
        found |= dict.fromkeys(span for span in spans(page) if re.match(r"--?[a-z]", span))
    return list(found)


#: Of other programs: pip's, whose options `--pip` is about, pytest's, uv's, srun's and Ansible's.
OTHERS = {"--torch-backend", "-i", "--index-url", "--extra-index-url", "--find-links", "-m"}
OTHERS |= {"--constraint", "--nodelist", "--limit"}


@pytest.mark.parametrize("span", options())
def test_an_option_is_one_of_ours(span: str) -> None:
    """Its values are read too, by a command that has all of its words."""
    words = shlex.split(span)
    names = [word for word in words if word.startswith("-")]
    if names[0] in OTHERS:
        return
    ours = {name: p for name, p in parsers().items() if name.startswith(("torch-", "doctor"))}
    having = [
        name
        for name, parser in ours.items()
        if all(word in parser._option_string_actions for word in names)
    ]
    assert having or names == ["--fix"], f"no command has {names}"  # --fix: not on conda 24.7
    if len(words) > len(names):
        spare = ["FILE"] if having[0].endswith(("rewrite", "upstream")) else []
        ours[having[0]].parse_args([*words, *spare])


@pytest.mark.parametrize("command", sorted(PARSED))
def test_what_is_named_of_conda_is_there(command: str) -> None:
    words = command.split()[1:]
    names = [word for word in words if not word.startswith("-") and word != "requirements"]
    parser = parsers().get(" ".join(names))
    assert parser is not None
    for word in words:
        if word == "--format" and condas.VERSION.major < 25:
            pytest.skip("this conda exports environment files alone")
        if word.startswith("-"):
            assert word in parser._option_string_actions
