"""Hosts of a fleet: a real sshd each, on a loopback port, with a home and a world of its own."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from .isolation import Sandbox
from .nginx import free_ports

_SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
PROGRAM = shutil.which("sshd", path=_SBIN)  # sshd wants to be called by its whole path
needs_sshd = pytest.mark.skipif(
    PROGRAM is None or not shutil.which("ssh"), reason="no sshd: apt-get install openssh-server"
)
#: Where sshd of root insists on an empty folder, which the system's service makes when it starts.
_EMPTY = Path("/run/sshd")
#: Seconds for what a busy machine does in a hundredth of it.
PATIENCE = 120.0

#: conda as it is called on a host. While the file `stuck` is there, it stops before a plan is
#: carried out, says so by another file, and goes no further.
_CONDA = """#!/bin/sh
if [ -e {home}/stuck ] && [ "$1 $2" = "torch-install --json" ]; then
  : > {home}/reached
  exec sleep 3600
fi
exec {python} -m conda "$@"
"""


def write_conda(home: Path) -> Path:
    """Write a program named conda, of the Python that runs the tests."""
    program = home / "conda"
    words = {"home": shlex.quote(str(home)), "python": shlex.quote(sys.executable)}
    program.write_text(_CONDA.format(**words), encoding="utf-8")
    program.chmod(0o755)
    return program


def make_key(path: Path) -> str:
    """Make a key; returns the public one."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path.with_name(f"{path.name}.pub").read_text(encoding="utf-8").strip()


class Host:
    """A host: `start` and `kill` at will. `world` holds its home, package cache and environments;
    `more` are variables of every session, as of another driver."""

    def __init__(self, world: Sandbox, client: str, more: Mapping[str, str]) -> None:
        self.world = world
        self.conda = write_conda(world.home)
        [self.port] = free_ports(1)
        self.folder = world.root / "sshd"
        self.folder.mkdir(mode=0o700)
        self.public = make_key(self.folder / "key")
        (self.folder / "clients").write_text(f"{client}\n", encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None
        inherited = os.environ.items()
        own = {k: v for k, v in world.variables().items() if (k, v) not in inherited}
        # A session inherits nothing, and `pip -I` would ask the index of this machine.
        pips = {k: v for k, v in world.variables().items() if k.startswith("PIP_")}
        own |= {"PYTHONPATH": world.variables()["PYTHONPATH"], **pips, **more}
        self._configure(own)

    def _configure(self, variables: Mapping[str, str]) -> None:
        setting = " ".join(f'"{name}={value}"' for name, value in variables.items())
        lines = {
            "ListenAddress": f"127.0.0.1:{self.port}",
            "HostKey": str(self.folder / "key"),
            "AuthorizedKeysFile": str(self.folder / "clients"),
            "AuthenticationMethods": "publickey",
            "PermitRootLogin": "prohibit-password",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "UseDNS": "no",
            "Subsystem": "sftp internal-sftp",
            "SetEnv": setting,
        }
        text = "".join(f"{name} {value}\n" for name, value in lines.items())
        (self.folder / "config").write_text(text, encoding="utf-8")

    @property
    def log(self) -> str:
        """What sshd wrote."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def variables(self, key: Path) -> dict[str, object]:
        """The host as Ansible's inventory has it; the client has the private key `key`."""
        known = self.folder / "known_hosts"
        known.write_text(f"[127.0.0.1]:{self.port} {self.public}\n", encoding="utf-8")
        # One connection for all tasks, which ends with the host.
        options = f"-F none -o UserKnownHostsFile={known} -o BatchMode=yes"
        options += " -o ControlMaster=auto -o ControlPersist=600"
        return {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": getpass.getuser(),
            "ansible_ssh_private_key_file": str(key),
            "ansible_ssh_args": options,
            "ansible_python_interpreter": sys.executable,
            # Ansible takes ~ for the home of the account, which all hosts here share.
            "ansible_remote_tmp": str(self.world.home / "ansible"),
            "torch_home": str(self.world.home / "plans"),
            "torch_conda": str(self.conda),
        }

    def start(self) -> None:
        """Start sshd, and wait until it listens. Skips where this system does not let it."""
        assert PROGRAM is not None
        if os.geteuid() == 0:
            _EMPTY.mkdir(mode=0o755, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            command = [PROGRAM, "-D", "-e", "-f", str(self.folder / "config")]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)
        end = time.monotonic() + PATIENCE
        while f"listening on 127.0.0.1 port {self.port}" not in self.log:
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                pytest.skip(f"sshd does not start here: {self.log}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End sshd and all that it started, at once, as a power cut does."""
        if self.process is None:
            return
        ended = [self.process.pid, *_descendants(self.process.pid)]
        for pid in ended:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None


def _descendants(pid: int) -> Iterator[int]:
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for word in path.read_text(encoding="ascii").split():
                yield from (int(word), *_descendants(int(word)))
