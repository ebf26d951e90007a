"""The recipes of `docs/many-machines.md`, in both languages, done as they stand there.

A shell runs the lines. What stands in for another program, or for a place of the whole machine, is
said where it does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from support import forge_channel
from support.built import ROOT
from support.isolation import Sandbox
from support.machine_files import write
from support.markdown import blocks, marked
from support.mirror import Mirror
from support.prefixes import installed
from support.running import Result, run_conda
from support.sshd import write_conda

from conda_torchmirror.machine.facts import parse

pytest_plugins = ("support.fleet_fixtures",)

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="what it is about is Linux"
)

PAGES = [ROOT / "docs" / name for name in ("many-machines.md", "many-machines-zh.md")]
CLOUD = "anaconda/cloud"
#: srun for a job on one node.
SRUN = """#!/bin/sh
case $1 in --ntasks-per-node=1) shift ;; *) exit 2 ;; esac
SLURMD_NODENAME=node1 exec "$@"
"""

each_page = pytest.mark.parametrize("page", PAGES, ids=["en", "zh"])


def lines(page: Path, beginning: str) -> list[str]:
    """The lines of the one block of commands that begins so."""
    [text] = [b.text for b in blocks(page) if not b.language and b.text.startswith(beginning)]
    return text.splitlines()


@pytest.fixture
def shell(sandbox: Sandbox, tmp_path: Path) -> Callable[[str], str]:
    """`shell(line)`: run a line that works. Folders of the root are in the working directory."""
    programs = tmp_path / "programs"
    programs.mkdir()
    write_conda(programs)
    (programs / "srun").write_text(SRUN, encoding="utf-8")
    (programs / "srun").chmod(0o755)
    path = os.pathsep.join((str(programs), os.environ["PATH"]))

    def run(line: str) -> str:
        for place in ("/local/", "/shared/", "/opt/"):
            line = line.replace(f" {place}", f" {tmp_path}{place}").replace(
                f"={place}", f"={tmp_path}{place}"
            )
        done = subprocess.run(
            ["sh", "-c", line],
            env={**os.environ, "PATH": path},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


@each_page
def test_slurm(page: Path, origin: Mirror, shell: Callable[[str], str], tmp_path: Path) -> None:
    for folder in ("machines", "reports"):
        (tmp_path / folder).mkdir()
    facts, plan, install, check, table = lines(page, "srun")
    shell(facts)
    parse((tmp_path / "machines" / "node1.json").read_bytes())
    # The nodes have GPUs, which this machine has not.
    (tmp_path / "machines" / "node1.json").unlink()
    for name in ("ampere", "ada"):
        write(tmp_path / "machines", name)
    shell(plan)
    origin.stop()
    shell(install)
    assert "as planned" in " ".join(shell(install).split())
    found = json.loads((tmp_path / "plans" / "cuda12.4" / "plan.json").read_text())
    there = {**installed(tmp_path / "local" / "torch")}
    assert there.keys() == {package["name"] for package in found["packages"]}
    shell(check)
    assert "node1" in shell(table)


@each_page
def test_apptainer(page: Path, origin: Mirror, shell: Callable[[str], str], tmp_path: Path) -> None:
    """conda alone does what the definition says; the files are where it says."""
    run_conda("torch-install", "--save-plan", tmp_path / "plan", "--cuda", "12.4", "pytorch").ok()
    stanzas: dict[str, list[str]] = {}
    for line in marked(page, "apptainer").splitlines():
        if line.startswith("%"):
            stanzas[line] = []
        elif line.startswith(" "):
            stanzas[next(reversed(stanzas))].append(line.strip())
    [copied] = stanzas["%files"]
    name, place = copied.split()
    (tmp_path / place.lstrip("/")).parent.mkdir()
    (tmp_path / name).rename(tmp_path / place.lstrip("/"))
    for line in stanzas["%post"]:
        shell(line)
    [setting] = stanzas["%environment"]
    shell(f"{setting.replace('=/opt/', f'={tmp_path}/opt/')}; python -c 'import torch'")


@each_page
def test_shared_storage(
    page: Path, origin: Mirror, shell: Callable[[str], str], tmp_path: Path, sandbox: Sandbox
) -> None:
    run_conda("torch-install", "--save-plan", tmp_path / "plan", "--cuda", "12.4", "pytorch").ok()
    [filling] = lines(page, "CONDA_PKGS_DIRS")
    shell(filling)
    assert list((tmp_path / "shared" / "pkgs").glob("pytorch-2*"))
    assert not list(sandbox.pkgs.glob("pytorch-2*"))
    [shared] = lines(page, "conda torch-install -y --plan plan -p")
    shell(shared)
    assert "pytorch" in installed(tmp_path / "shared" / "torch")


@each_page
def test_a_site_with_one_proxy_and_without_defaults(
    page: Path,
    tmp_path: Path,
    make_mirror: Callable[..., Mirror],
    condarc: Callable[..., Path],
    sandbox: Sandbox,
    conda_in_process: Callable[..., Result],
) -> None:
    """With a server of real records in place of the proxy, and the file of its entry elsewhere."""
    served = make_mirror(forge_channel.build(tmp_path / "forge"), {"conda-forge": CLOUD})
    yaml = YAML(typ="safe")
    texts = [b.text for b in blocks(page) if b.language == "yaml"]
    [entry] = [yaml.load(text) for text in texts if text.startswith("lab:")]
    [settings] = [yaml.load(text) for text in texts if "torchmirror_only" in text]
    del entry["lab"]["channels"]["pkgs/main"]
    [root] = entry["lab"]["roots"]
    entry["lab"]["roots"] = [f"{served.url}/{root.rpartition('/')[2]}"]
    settings["plugins"]["torchmirror_registry"] = json.dumps(entry)
    condarc(**settings)
    variables = {"CONDA_OVERRIDE_CUDA": "12.9"}
    words = ("torch-install", "-y", "-n", "torch", "--python", "3.13")
    run_conda(*words, env=variables).ok()
    assert installed(sandbox.envs / "torch")["pytorch"].startswith("2.8.0=cuda129")
