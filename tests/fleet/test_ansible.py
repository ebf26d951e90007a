"""The role for Ansible, by a real one over real sshd on loopback: three hosts, each with a driver
of its own, which need three plans."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
from stubs import Card, build, needs_compiler, variables
from support import fleet_channels
from support.built import ROOT
from support.isolation import Sandbox
from support.mirror import Mirror
from support.nginx import caching, needs_nginx, site
from support.sites import FIRST
from support.sshd import PATIENCE, Host, make_key, needs_sshd, write_conda
from support.torches import TORCH
from support.wheel_files import Made, make
from support.wheel_lab import PYTHON, TAG
from support.wheel_site import Site, put

from conda_torchmirror.proxy import clients

pytest_plugins = ("support.fleet_fixtures", "support.wheel_fixtures")

PLAYBOOK = ROOT / "fleet" / "ansible" / "site.yml"
PROGRAM = os.environ.get("TORCHMIRROR_ANSIBLE_PLAYBOOK") or shutil.which("ansible-playbook")

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="no ansible-playbook: pip install ansible-core"),
    needs_sshd,
    needs_compiler,
]


class Recap(NamedTuple):
    """What Ansible says of a host at the end."""

    ok: int
    changed: int
    unreachable: int
    failed: int


class Run(NamedTuple):
    rc: int
    out: str

    @property
    def recap(self) -> dict[str, Recap]:
        line = re.compile(
            r"^(\w+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.M
        )
        return {host: Recap(*map(int, counts)) for host, *counts in line.findall(self.out)}

    @property
    def changed(self) -> dict[str, int]:
        """Changes by host, of hosts that came to the end."""
        assert not any(one.unreachable or one.failed for one in self.recap.values()), self.out
        return {host: one.changed for host, one in self.recap.items()}


class Fleet:
    """Three hosts and a control node, which is the world of the test."""

    def __init__(self, hosts: Mapping[str, Host], folder: Path, key: Path) -> None:
        self.hosts, self.folder, self.work = hosts, folder, folder / "work"
        self.inventory: dict[str, Any] = {
            "all": {
                "hosts": {name: host.variables(key) for name, host in hosts.items()},
                "vars": {
                    "torch_control_conda": str(write_conda(folder)),
                    "torch_work": str(self.work),
                    "torch_specs": ["pytorch"],
                    "torch_options": ["--source", "pytorch", "--python", fleet_channels.MINOR],
                    "torch_with_packages": True,
                },
            }
        }
        self.set()
        (folder / "ansible.cfg").touch()
        self.processes: list[subprocess.Popen[str]] = []
        self.sockets = Path(mkdtemp(prefix="ssh-"))  # a socket's path is a hundred bytes at most

    def set(self, **values: object) -> None:
        """Change variables of the role."""
        self.inventory["all"]["vars"].update(values)
        text = json.dumps(self.inventory)
        (self.folder / "inventory.json").write_text(text, encoding="utf-8")

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the playbook."""
        settings = {
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.sockets),
            "ANSIBLE_TIMEOUT": str(int(PATIENCE)),
        }
        process = subprocess.Popen(
            [str(PROGRAM), "-i", str(self.folder / "inventory.json"), str(PLAYBOOK), *words],
            env={**os.environ, **settings},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.processes.append(process)
        return process

    def close(self) -> None:
        """End what still runs."""
        for process in self.processes:
            process.kill()
            process.wait()
        for host in self.hosts.values():
            host.kill()
        shutil.rmtree(self.sockets, ignore_errors=True)

    def end(self, process: subprocess.Popen[str]) -> Run:
        """Wait for its end."""
        try:
            out, _ = process.communicate(timeout=5 * PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(process.communicate()[0]) from None
        return Run(process.returncode, out)

    def run(self, *words: str) -> Run:
        return self.end(self.start(*words))

    def torch(self, name: str) -> list[str]:
        """The builds of torch on a host."""
        found = (self.hosts[name].world.envs / "torch" / "conda-meta").glob("pytorch-2*.json")
        return [json.loads(path.read_text())["build"] for path in found]


@pytest.fixture
def make_fleet(origin: Mirror, tmp_path: Path) -> Iterator[Callable[..., Fleet]]:
    """`make_fleet(ada=(card, cuda, driver), login=None)`: hosts with these drivers, started."""
    libraries = build(tmp_path / "drivers")
    client = make_key(tmp_path / "client")
    fleets: list[Fleet] = []

    def make(**kinds: tuple[Card, int, str] | None) -> Fleet:
        hosts = {}
        for name, kind in kinds.items():
            of_driver = {}
            if kind is not None:
                card, cuda, driver = kind
                of_driver = variables(libraries, [card], cuda=cuda, driver=driver)
            hosts[name] = Host(Sandbox(tmp_path / name).create(), client, of_driver)
        fleets.append(Fleet(hosts, tmp_path, tmp_path / "client"))
        for host in hosts.values():
            host.start()
        return fleets[-1]

    try:
        yield make
    finally:
        for fleet in fleets:
            fleet.close()


#: Machines of a lab: a card, the CUDA of its driver, and the driver.
ADA = (Card("NVIDIA L4", 89), 12040, "550.54.14")
PASCAL = (Card("Tesla P4", 61), 11040, "470.256.02")
ANCIENT = (Card("Tesla P4", 61), 9000, "384.81")


def test_a_host_that_dies_is_finished_by_the_next_run(
    make_fleet: Callable[..., Fleet], origin: Mirror
) -> None:
    fleet = make_fleet(ada=ADA, pascal=PASCAL, login=None)
    # It does so when it is about to install.
    victim = fleet.hosts["pascal"]
    (victim.world.home / "stuck").touch()
    process = fleet.start()
    end = time.monotonic() + 3 * PATIENCE
    while not (victim.world.home / "reached").exists() and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.05)
    victim.kill()
    first = fleet.end(process)
    assert first.rc == 4, first.out
    assert (first.recap["pascal"].unreachable, first.recap["pascal"].failed) == (1, 0)
    assert {name: fleet.torch(name) for name in fleet.hosts} == {
        "ada": ["py3.12_cuda12.4_cudnn9.1.0_0"],
        "login": ["py3.12_cpu_0"],
        "pascal": [],
    }
    assert row(first.out, "ada") == "works 2.5.1 (CUDA 12.4) NVIDIA L4"
    assert row(first.out, "login") == "works 2.5.1 (CPU) -"
    assert row(first.out, "pascal") == "not tried - Tesla P4"

    # When it is back, what is left is said, and not done.
    (victim.world.home / "stuck").unlink()
    victim.start()
    preview = fleet.run("--check")
    assert preview.rc == 0, preview.out
    assert fleet.torch("pascal") == []

    # The same command does it.
    second = fleet.run()
    assert second.rc == 0, second.out
    assert second.changed == preview.changed == {"ada": 0, "login": 0, "pascal": 1}
    assert fleet.torch("pascal") == ["py3.12_cuda11.8_cudnn9.1.0_0"]
    assert row(second.out, "pascal") == "not on GPU 2.5.1 (CUDA 11.8) Tesla P4"

    # And then there is nothing to do.
    third = fleet.run()
    assert third.rc == 0, third.out
    assert set(third.changed.values()) == {0}

    # Everybody's packages came from the control node, which fetched each once.
    packages = fetched(origin)
    assert len(packages) == len(set(packages)) > 0


def test_a_host_that_nothing_fits_does_not_stop_the_others(
    make_fleet: Callable[..., Fleet], origin: Mirror
) -> None:
    fleet = make_fleet(ada=ADA, old=ANCIENT)
    fleet.set(torch_with_packages=False)

    # At first one host alone. What would be done is said, and not done.
    preview = fleet.run("--check", "--limit", "ada")
    assert preview.rc == 0, preview.out
    assert preview.changed["ada"] > 0
    assert not (fleet.work / "plans").exists()
    assert not fleet.hosts["ada"].world.envs.exists()
    alone = fleet.run("--limit", "ada")
    assert alone.rc == 0, alone.out
    assert fleet.torch("ada") == ["py3.12_cuda12.4_cudnn9.1.0_0"]
    assert len(fetched(origin)) == 6  # by the host itself

    # Another kind of machine: plans are made anew, and what is right already stays.
    reports = fleet.work / "reports"
    (reports / "old.json").write_bytes((reports / "ada.json").read_bytes())  # of another day
    both = fleet.run()
    assert (both.rc, both.recap["old"].failed) == (2, 1), both.out
    assert "--allow-cpu" in both.out
    assert both.recap["ada"].failed == 0
    assert row(both.out, "ada") == "works 2.5.1 (CUDA 12.4) NVIDIA L4"
    assert row(both.out, "old") == "not tried - Tesla P4"
    assert len(fetched(origin)) == 6
    for kept in (fleet.hosts["ada"].world.home / "plans", fleet.work / "plans"):
        assert len({path.name[:12] for path in kept.iterdir()}) == 1  # those of one decision


@needs_nginx
def test_wheels_come_through_a_cache_and_are_there_when_every_mirror_is_gone(
    make_fleet: Callable[..., Fleet],
    lab_channels: Path,
    make_mirror: Callable[..., Mirror],
    condarc: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    fleet = make_fleet(ada=ADA)
    fleet.set(
        torch_with_packages=False,
        torch_specs=[],
        torch_options=["--source", "wheels", "--python", PYTHON],
    )
    channel = make_mirror(lab_channels, {"conda-forge": "anaconda/cloud"})
    with Site(tmp_path / "site") as origin:
        made = torch_wheels(tmp_path / "wheels")
        put(origin, made)
        rest = make(tmp_path / "wheels", "filelock", "3.19.1")
        # An index without a page for pip itself is taken for one that does not work.
        put(origin, [rest, make(tmp_path / "wheels", "pip", "25.3")], "simple")
        wheels = {"url": origin.wheels, "layout": "index"}
        mirror = site("lab", channel, wheels=wheels, pypi=[origin.simple])
        with caching([mirror]) as cache:
            registry = tmp_path / "cache.yaml"
            registry.write_text(clients.registry(cache.layout, cache.url), encoding="utf-8")
            plugins = {
                "torchmirror_registry": str(registry),
                "torchmirror_mirrors": [clients.FIRST],
            }
            condarc(channels=["conda-forge"], default_channels=[], plugins=plugins)
            monkeypatch.delenv("CONDA_PLUGINS_TORCHMIRROR_SOURCE")
            first = fleet.run()
            assert first.rc == 0, first.out
            assert row(first.out, "ada") == "works 2.6.0+cu124 (CUDA 12.4) NVIDIA L4"
            # With every mirror gone, what is there stays, and what was kept makes it once more.
            origin.refuse()
            channel.refuse()
            asked = [path.rpartition("/")[2] for path in origin.asked("*.whl")]
            assert sorted(map(unquote, asked)) == sorted(one.name for one in [*made, rest])
            second = fleet.run()
            assert second.rc == 0, second.out
            assert second.changed == {"ada": 0}
            shutil.rmtree(fleet.hosts["ada"].world.envs)
            shutil.rmtree(fleet.hosts["ada"].world.pkgs)
            third = fleet.run()
            assert third.rc == 0, third.out
            assert third.changed == {"ada": 1}


def torch_wheels(folder: Path) -> list[Made]:
    """torch and its partners for CUDA 12.4, that can be tried."""
    tags = f"{TAG}-{TAG}-manylinux_2_28_x86_64"
    code = TORCH.format(
        knobs={"version": "2.6.0+cu124", "cuda": "12.4", "gpus": [["NVIDIA L4", [8, 9]]]}
    )
    needs = {
        "torch": ("filelock",),
        "torchvision": ("torch==2.6.0",),
        "torchaudio": ("torch==2.6.0",),
    }
    return [
        make(
            *(folder, name, f"{version}+cu124", tags),
            requires=needs[name],
            variant="cu124",
            code=code if name == "torch" else "",
        )
        for name, version in (
            ("torch", "2.6.0"),
            ("torchvision", "0.21.0"),
            ("torchaudio", "2.6.0"),
        )
    ]


def fetched(origin: Mirror) -> list[str]:
    """The packages that were asked for, without the look at their first bytes."""
    asked = [request for request in origin.requests if request.path.endswith(".tar.bz2")]
    return [request.path for request in asked if request.headers.get("Range") != FIRST]


def row(out: str, host: str) -> str:
    """The row of a host in the table, without what keeps columns apart."""
    [found] = re.findall(rf'^ *" *{host} +(.*)",?$', out, re.MULTILINE)
    return " ".join(found.split())
