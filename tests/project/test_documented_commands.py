"""Every command that the README, in both languages, and the pages name is run, or read by a parser.

`HOW` says what becomes of each; a command that is in no table fails, so that nothing is documented
which nobody tried. Options that stand alone are held against the parsers of our commands.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support import condas
from support.built import ROOT
from support.documented import (
    PAGES,
    How,
    World,
    asks_mirrors,
    checks_a_cache,
    checks_an_environment,
    collects_reports,
    documented,
    installs,
    installs_from_conda_forge,
    installs_into_the_active,
    prints,
    prints_facts,
    prints_offline,
    runs,
    runs_for_a_machine,
    runs_in_the_active,
    runs_offline,
    runs_without_conda,
    sets_pips_index,
    sets_the_index,
    spans,
    writes_a_report,
)
from support.running import Result

pytest_plugins = ("support.site_fixtures",)

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
    "python benchmarks/bench_hook.py": ("measures", "benchmarks/bench_hook.py"),
    "python benchmarks/bench_envfile.py": ("measures", "benchmarks/bench_envfile.py"),
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
    "docker build -t torch .": ("another program; tests/text/tools/test_render.py", "tests/text"),
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
