"""Fixtures for all tests: a private world by default, and real conda over loopback on request."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from support import isolation, running
from support.channels import build_channels
from support.mirror import Mirror

#: The channels that the stand-in of conda.anaconda.org serves.
UPSTREAM = ("pytorch", "nvidia", "conda-forge", "pkgs/main")

_worlds = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    """Guard this process before anything imports conda, and let no law depend on time: a slow
    machine takes longer over it. Python looks for garbage less often than by itself: a process with
    ten thousand cases and conda's caches spent a tenth of its time on that."""
    isolation.install_guard()
    _heed_signals()
    gc.set_threshold(10_000, 20, 20)
    slow = hypothesis.HealthCheck.too_slow
    hypothesis.settings.register_profile(
        "patient", hypothesis.settings.default, deadline=None, suppress_health_check=[slow]
    )
    if not config.getoption("--hypothesis-profile"):
        hypothesis.settings.load_profile("patient")


def _heed_signals() -> None:
    """Heed what a shell's `&` or `nohup` has its children ignore: commands of tests inherit it, and
    tests send them these signals."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@contextmanager
def _enter(world: isolation.Sandbox) -> Iterator[isolation.Sandbox]:
    with isolation.environment(world.variables()):
        isolation.reset_conda()
        yield world
    blocked = world.take_blocked()
    if blocked:
        pytest.fail("reached for the network: " + "; ".join(blocked), pytrace=False)


@pytest.fixture(autouse=True, scope="session")
def session_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[isolation.Sandbox]:
    """The private world of fixtures that outlive a test, and the parent of all the others."""
    root = tmp_path_factory.mktemp("worlds")
    shared = tmp_path_factory.getbasetemp()
    isolation.share_bytecode(shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared)
    with _enter(isolation.Sandbox(root / "session").create()) as world:
        from conda_torchmirror.exceptions import base

        base.STRICT = True
        yield world


@pytest.fixture(autouse=True)
def sandbox(session_sandbox: isolation.Sandbox) -> Iterator[isolation.Sandbox]:
    """Every test's private home, rc files, package cache and environments; no way to the network.

    A host that was refused fails the test when it ends, unless the test has taken it with
    `sandbox.take_blocked()`.
    """
    root = session_sandbox.root.with_name(str(next(_worlds)))
    with _enter(isolation.Sandbox(root).create()) as world:
        yield world


@pytest.fixture
def condarc(sandbox: isolation.Sandbox) -> Callable[..., Path]:
    """`condarc(channels=[...], ...)`: write the user's rc file, over the tests' defaults.

    None takes a default away. Conda in this process knows at once.
    """

    def write(**settings: Any) -> Path:
        path = sandbox.write_condarc(settings)
        isolation.reset_conda()
        return path

    return write


@pytest.fixture
def run_conda(sandbox: isolation.Sandbox) -> Callable[..., running.Result]:
    """`run_conda("list", ..., env={...})`: conda as a child process; see `support.running`."""
    return running.run_conda


@pytest.fixture
def conda_in_process(sandbox: isolation.Sandbox) -> Callable[..., running.Result]:
    """`conda_in_process("list", ...)`: conda in this process; see `support.running`. The commands
    that a refusal offers are held against what was asked."""

    def run(*words: str | os.PathLike[str], **more: Any) -> running.Result:
        done = running.conda_in_process(*words, **more)
        if done.rc and "--json" in words:
            from support import offered  # which loads the whole command

            return offered.hold(done)
        return done

    return run


@pytest.fixture(scope="session")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All channels with their packages, built once: `<channel>/<subdir>/...`. Do not change it;
    a test that needs other records writes its own with `support.channels.write_channel`."""
    return build_channels(tmp_path_factory.mktemp("channels"))


@pytest.fixture
def make_mirror() -> Iterator[Callable[..., Mirror]]:
    """`make_mirror(root, {"pytorch": "anaconda/cloud", ...})`: a server for some of the channels
    in `root`, each below its URL prefix. Every server ends with the test."""
    with ExitStack() as servers:

        def make(root: Path, prefixes: Mapping[str, str]) -> Mirror:
            mounts = {f"{prefix}/{name}": root / name for name, prefix in prefixes.items()}
            return servers.enter_context(Mirror(mounts, prefixes))

        yield make


@pytest.fixture
def mirror(channels: Path, make_mirror: Callable[..., Mirror]) -> Mirror:
    """A mirror laid out as tuna's, with what tuna carries: all but `nvidia`."""
    cloud = "anaconda/cloud"
    prefixes = {"pytorch": cloud, "conda-forge": cloud, "pkgs/main": "anaconda"}
    return make_mirror(channels, prefixes)


@pytest.fixture
def upstream(channels: Path, make_mirror: Callable[..., Mirror]) -> Mirror:
    """The stand-in of conda.anaconda.org and repo.anaconda.com: everything."""
    return make_mirror(channels, dict.fromkeys(UPSTREAM, ""))


@pytest.fixture
def from_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting that builds come from the channel `pytorch`: for worlds whose conda-forge has no
    torch, where tests are about that channel's own ways."""
    monkeypatch.setenv("CONDA_PLUGINS_TORCHMIRROR_SOURCE", "pytorch")


@pytest.fixture
def mirrored(
    condarc: Callable[..., Path], mirror: Mirror, upstream: Mirror, from_pytorch: None
) -> Callable[..., Path]:
    """`mirrored(**settings)`: an rc file that leads every channel name, and `defaults`, to
    loopback: to `mirror` what it has, the rest to `upstream`."""

    def write(**settings: Any) -> Path:
        return condarc(
            **{
                "custom_channels": {**upstream.custom_channels(), **mirror.custom_channels()},
                # New conda has no channels of its own.
                "channels": ["defaults"],
                "default_channels": [mirror.channel_url("pkgs/main")],
                **settings,
            }
        )

    write()
    return write


@pytest.fixture
def env_of(
    mirrored: Callable[..., Path], conda_in_process: Callable[..., running.Result], tmp_path: Path
) -> Callable[..., Path]:
    """`env_of("python=3.11", ...)`: an environment with these packages, and nothing of ours."""

    def make(*specs: str) -> Path:
        prefix = tmp_path / "there"
        conda_in_process("create", "-y", "-q", "-p", prefix, *specs).ok()
        return prefix

    return make
