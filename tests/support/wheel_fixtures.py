"""Fixtures of `support.wheel_lab` and `support.wheel_site`, for modules that name this one in
`pytest_plugins`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conda_torchmirror.handover.installers import uv

from . import wheel_files
from .mirror import Mirror
from .wheel_commands import CUDA, WHEELS
from .wheel_files import Made
from .wheel_lab import PYTHON, TAG, dist_record, write_lab
from .wheel_site import Site, put

LINUX = f"{TAG}-{TAG}-manylinux_2_28_x86_64"
TORCH = "2.7.1"
VISION, AUDIO = "0.22.1", "2.7.1"


@pytest.fixture(scope="session")
def lab_channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A channel with a Python and a pip that work, and two old distributions. Do not change it."""
    root = tmp_path_factory.mktemp("lab")
    return write_lab(root, *(dist_record("setuptools", v) for v in ("80.9.0", "82.0.1")))


@pytest.fixture(scope="session")
def torch_wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Made]]:
    """The set of torch 2.7.1 for three variants, by variant, and what PyPI has, under ""."""
    folder = tmp_path_factory.mktemp("wheels")
    found: dict[str, list[Made]] = {}
    for variant in ("cu118", "cu126", "cpu"):
        found[variant] = [
            wheel_files.make(
                folder / variant,
                name,
                f"{version}+{variant}",
                LINUX,
                requires=needs,
                says=f"mirror {variant}",
                padding=200_000 if name == "torch" else 0,
                variant=variant,
            )
            for name, version, needs in (
                ("torch", TORCH, ("filelock", "sympy>=1.13.3")),
                ("torchvision", VISION, (f"torch=={TORCH}", "numpy")),
                ("torchaudio", AUDIO, (f"torch=={TORCH}",)),
            )
        ]
    found[""] = [
        wheel_files.make(folder / "pypi", name, version, says="index")
        for name, version in (
            ("filelock", "3.19.1"),
            ("sympy", "1.14.0"),
            ("numpy", "2.2.6"),
            ("pip", "1.0"),
            ("setuptools", "81.0.0"),
        )
    ]
    # What must never be taken: the same versions, with other content.
    found["decoys"] = [
        wheel_files.make(folder / "decoys", name, version, LINUX, says="decoy", variant="cu126")
        for name, version in (
            ("torch", f"{TORCH}+cu126"),
            ("torch", f"{TORCH}+cu118"),
            ("torchvision", f"{VISION}+cu126"),
            ("torchaudio", f"{AUDIO}+cu126"),
            ("filelock", "99.0"),
            ("numpy", "99.0"),
        )
    ]
    return found


class Lab:
    """The servers of a test: two mirrors of wheels, an index, one with decoys, and a channel."""

    def __init__(self, make: Callable[[str], Site], channel: Mirror, wheels: dict[str, list[Made]]):
        self.first, self.second = make("first"), make("second")
        self.index, self.spare, self.decoys = make("index"), make("spare"), make("decoys")
        self.channel, self.made = channel, wheels
        for site in (self.index, self.spare):
            put(site, wheels[""], "simple")
        put(self.decoys, wheels["decoys"], "simple", hashes=False)
        put(self.decoys, wheels["decoys"], "flat", hashes=False)

    def of(self, *variants: str) -> list[Made]:
        """The wheels of some variants."""
        return [made for variant in variants for made in self.made[variant]]

    def registry(self) -> dict[str, Any]:
        """Mirrors of one's own: what `torchmirror_registry` takes."""
        return {
            "first": {
                "wheels": {"url": self.first.wheels, "layout": "index"},
                "pypi": [self.index.simple],
            },
            "second": {
                "wheels": {"url": self.second.wheels, "layout": "index"},
                "pypi": [self.spare.simple],
            },
        }

    def settings(self, **more: Any) -> dict[str, Any]:
        """The rc file that makes conda and the registry see them."""
        return {
            "custom_channels": self.channel.custom_channels(),
            "channels": ["conda-forge"],
            "default_channels": [],
            "plugins": {
                "torchmirror_registry": json.dumps(self.registry()),
                "torchmirror_mirrors": ["first", "second"],
                "torchmirror_auto": False,
                **more,
            },
        }


@pytest.fixture
def wheel_lab(
    lab_channels: Path,
    torch_wheels: dict[str, list[Made]],
    make_mirror: Callable[..., Mirror],
    condarc: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Lab]:
    """The servers, with an rc file that knows them; the first mirror has every variant."""
    from conda_torchmirror.transport.wheels import routes

    with ExitStack() as stack:

        def make(name: str) -> Site:
            return stack.enter_context(Site(tmp_path / "sites" / name))  # type: ignore[return-value]

        channel = make_mirror(lab_channels, {"conda-forge": "anaconda/cloud"})
        found = Lab(make, channel, torch_wheels)
        upstream = make("upstream")
        monkeypatch.setattr(
            routes, "_UPSTREAM", routes.WheelMirror("upstream", upstream.wheels, ("index",))
        )
        put(found.first, found.of("cu118", "cu126", "cpu"))
        condarc(**found.settings())
        yield found


@pytest.fixture
def lab_env(wheel_lab: Lab, conda_in_process: Callable[..., Any], tmp_path: Path) -> Path:
    """An environment that conda made, with a Python and a pip that work."""
    prefix = tmp_path / "env"
    conda_in_process("create", "-y", "-q", "-p", prefix, "python", "pip").ok()
    return prefix


@pytest.fixture
def install(lab_env: Path, conda_in_process: Callable[..., Any]) -> Callable[..., Any]:
    """`install(*words)`: into the environment, without a question."""
    return partial(conda_in_process, *WHEELS, *CUDA, "-p", lab_env, "-y")


@pytest.fixture
def preview_wheels(
    wheel_lab: Lab, conda_in_process: Callable[..., Any], tmp_path: Path
) -> Callable[..., Any]:
    """`preview_wheels(*words)`: for a new environment, as JSON."""

    def run(*words: Any) -> Any:
        new = ("-p", tmp_path / "new", "--python", PYTHON)
        done = conda_in_process(*WHEELS, *words, *new, "--dry-run", "--json")
        assert not (tmp_path / "new").exists()
        return done

    return run


def imported(prefix: Path, *names: str) -> dict[str, str]:
    """What the modules of an environment say when they are imported, by name."""
    code = (
        "import sys, json, importlib as i\n"
        "print(json.dumps({n: i.import_module(n).SAYS for n in sys.argv[1:]}))"
    )
    done = subprocess.run(
        [prefix / "bin" / "python", "-I", "-c", code, *names],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, str] = json.loads(done.stdout)
    return said


@pytest.fixture(params=["pip", "uv"])
def installer(request: pytest.FixtureRequest, wheel_lab: Any, condarc: Callable[..., Path]) -> str:
    """Each installer in turn, as the setting says."""
    tool: str = request.param
    if tool == "uv" and uv.find(None) is None:
        pytest.skip("uv is not installed")
    condarc(**wheel_lab.settings(torchmirror_installer=tool))
    return tool
