"""`__cuda_arch` as CEP 46 defines it, in real conda commands, beside conda's own and others'."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from conda.plugins.types import CondaVirtualPackage
from stubs import Card, asked_afresh, build, needs_compiler, smi, variables
from support.channels import file_name, write_channel
from support.running import Result

from conda_torchmirror.hooks.cuda_arch import with_ours
from conda_torchmirror.machine import nvidia

A100 = Card("NVIDIA A100-SXM4-80GB", 80)
K80 = Card("Tesla K80", 37)
RTX = Card("NVIDIA GeForce RTX 5090", 120)

#: New conda asks plugins for a function, old conda for a value.
DEFERRED = hasattr(CondaVirtualPackage, "to_virtual_package")

#: A plugin as nvidia-virtual-packages is one: a value, found when the hook is called.
OTHER = """
from conda.plugins import hookimpl
from conda.plugins.types import CondaVirtualPackage

@hookimpl
def conda_virtual_packages():
    {body}
"""

#: Ends a command with the names of all modules that it loaded, and what it started.
LOG = """
import atexit, os, sys
started = []
sys.addaudithook(
    lambda event, args: started.append(str(args[0])) if event.startswith("subprocess") else None
)
owner = os.getpid()
def write():
    if os.getpid() == owner:
        with open({path!r}, "w") as file:
            print(*sys.modules, *("started " + name for name in started), sep="\\n", file=file)
atexit.register(write)
"""

Conda = Callable[..., Result]
Shown = Callable[..., "dict[str, str] | None"]


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("driver"))


def packages(done: Result) -> dict[str, str]:
    """The virtual packages that `conda info --json` shows, name to `version=build`."""
    found = done.ok().json()["virtual_pkgs"]
    assert len({name for name, _, _ in found}) == len(found)
    return {name: f"{version}={build}" for name, version, build in found}


@pytest.fixture
def shown(conda_in_process: Conda, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shown:
    """`shown(env)`: the virtual packages under these variables; the driver is asked afresh."""
    path = os.pathsep.join((str(smi(tmp_path / "none", "exit 9")), os.environ["PATH"]))

    def run(env: dict[str, str | None]) -> dict[str, str]:
        for name, value in {"PATH": path, "CONDA_OVERRIDE_CUDA": None, **env}.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        with asked_afresh():
            return packages(conda_in_process("info", "--json"))

    return run


@needs_compiler
@pytest.mark.parametrize(
    ("cards", "expected"),
    [([A100], "8.0=0"), ([RTX], "12.0=0"), ([A100, K80], "3.7=0"), ([], None)],
    ids=["one", "two digits", "the lowest of two", "no device"],
)
def test_the_lowest_of_all_devices(
    libraries: Path, shown: Shown, cards: list[Card], expected: str | None
) -> None:
    found = shown(variables(libraries, cards))
    assert (found["__cuda"], found.get("__cuda_arch")) == ("12.4=0", expected)


@needs_compiler
@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"CUDA_VISIBLE_DEVICES": "0"}, ("12.4=0", "3.7=0")),
        ({"CONDA_OVERRIDE_CUDA_ARCH": "9.0"}, ("12.4=0", "9.0=0")),
        ({"CONDA_OVERRIDE_CUDA_ARCH": ""}, ("12.4=0", None)),
        ({"CONDA_OVERRIDE_CUDA_ARCH": "sm_90"}, ("12.4=0", "3.7=0")),
        ({"CONDA_OVERRIDE_CUDA": ""}, (None, None)),
        ({"CONDA_OVERRIDE_CUDA": "", "CONDA_OVERRIDE_CUDA_ARCH": "9.0"}, (None, None)),
        ({"CONDA_OVERRIDE_CUDA": "11.8"}, ("11.8=0", "3.7=0")),
    ],
    ids=["hidden from CUDA", "set", "empty", "no sense", "no __cuda", "set, no __cuda", "__cuda"],
)
def test_what_the_variables_do(
    libraries: Path, shown: Shown, env: dict[str, str], expected: tuple[str | None, str | None]
) -> None:
    found = shown({**variables(libraries, [A100, K80]), **env})
    assert (found.get("__cuda"), found.get("__cuda_arch")) == expected


@pytest.mark.parametrize(
    ("cuda", "arch", "expected"),
    [("12.4", "8.6", "8.6=0"), (None, "8.6", None), ("12.4", None, None)],
    ids=["both set", "no __cuda", "no device"],
)
@pytest.mark.skipif(bool(nvidia.signs()), reason="this machine has an NVIDIA driver")
def test_without_a_driver(
    shown: Shown, cuda: str | None, arch: str | None, expected: str | None
) -> None:
    env = {"CONDA_OVERRIDE_CUDA": cuda, "CONDA_OVERRIDE_CUDA_ARCH": arch}
    assert shown(env).get("__cuda_arch") == expected


@pytest.mark.skipif(not DEFERRED, reason="this conda has no override_virtual_packages")
def test_an_override_in_the_rc_file(shown: Shown, condarc: Callable[..., Path]) -> None:
    condarc(override_virtual_packages={"cuda": "12.9", "cuda_arch": "12.0"})
    assert shown({})["__cuda_arch"] == "12.0=0"


def plugin(folder: Path, name: str, body: str) -> str:
    """Install a plugin into `folder` as a wheel would; returns the PYTHONPATH that has it."""
    (folder / f"{name}-1.0.dist-info").mkdir(parents=True)
    (folder / f"{name}.py").write_text(OTHER.format(body=body), encoding="utf-8")
    (folder / f"{name}-1.0.dist-info" / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8"
    )
    (folder / f"{name}-1.0.dist-info" / "entry_points.txt").write_text(
        f"[conda]\n{name} = {name}\n", encoding="utf-8"
    )
    return os.pathsep.join((str(folder), os.environ["PYTHONPATH"]))


OFFER = 'yield CondaVirtualPackage(name="cuda_arch", version="7.5", build="0")'


@needs_compiler
@pytest.mark.parametrize("name", ["aaa_first", "zzz_last"])
def test_another_plugins_comes_first(
    libraries: Path, run_conda: Conda, tmp_path: Path, name: str
) -> None:
    env = {**variables(libraries, [A100]), "CONDA_OVERRIDE_CUDA": None}
    path = plugin(tmp_path / "site", name, OFFER)
    found = packages(run_conda("info", "--json", env={**env, "PYTHONPATH": path}))
    assert found["__cuda_arch"] == "7.5=0"


def test_two_of_others_are_condas_own_error(run_conda: Conda, tmp_path: Path) -> None:
    """What the test above would show if ours were offered beside the other."""
    plugin(tmp_path / "site", "first", OFFER)
    path = plugin(tmp_path / "site", "second", OFFER)
    done = run_conda("info", env={"PYTHONPATH": path, "CONDA_OVERRIDE_CUDA": "12.4"})
    assert done.rc == 1
    assert "onflicting" in done.stderr
    assert "cuda_arch" in done.stderr


@needs_compiler
def test_another_plugin_that_offers_other_things_does_not_count(
    libraries: Path, run_conda: Conda, tmp_path: Path
) -> None:
    env = {**variables(libraries, [A100]), "CONDA_OVERRIDE_CUDA": None}
    body = 'yield CondaVirtualPackage(name="cuda_archive", version="1", build="0")'
    path = plugin(tmp_path / "site", "other", body)
    found = packages(run_conda("info", "--json", env={**env, "PYTHONPATH": path}))
    assert (found["__cuda_arch"], found["__cuda_archive"]) == ("8.0=0", "1=0")


def test_the_error_of_another_plugin_is_its_own(run_conda: Conda, tmp_path: Path) -> None:
    path = plugin(tmp_path / "site", "broken", 'raise OSError("mine")\n    yield')
    done = run_conda("info", env={"PYTHONPATH": path})
    assert done.rc == 1
    assert "mine" in done.stderr
    assert "PluggyTeardown" not in done.stderr


def test_nothing_is_asked_before_conda_goes_through_the_offers() -> None:
    def others() -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(name="cuda")
        raise LookupError("of another plugin")

    offers = itertools.chain.from_iterable(with_ours([others()]))
    assert next(offers).name == "cuda"
    with pytest.raises(LookupError, match="of another plugin"):
        next(offers)


@pytest.mark.skipif(not DEFERRED, reason="old conda asks for the value at once")
def test_an_offer_alone_asks_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "probe", lambda: pytest.fail("the driver was asked"))
    [offer] = itertools.chain.from_iterable(with_ours([]))
    assert offer.name == "cuda_arch"
    assert callable(offer.version)


def needing(name: str, version: str, *depends: str) -> dict[str, object]:
    return {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": list(depends),
        "subdir": "noarch",
        "noarch": "generic",
    }


@pytest.fixture
def channel(tmp_path: Path) -> str:
    """A package whose second version needs a GPU of 8.0 and whose third one of 9.0."""
    records = [
        needing("kernels", "1.0"),
        needing("kernels", "2.0", "__cuda_arch >=8"),
        needing("kernels", "3.0", "__cuda_arch >=9"),
    ]
    root = tmp_path / "channel"
    write_channel(root, "noarch", {file_name(record): record for record in records})
    write_channel(root, "linux-64", {})
    return root.as_uri()


@needs_compiler
@pytest.mark.parametrize(
    ("cards", "expected"),
    [([A100], "2.0"), ([RTX], "3.0"), ([A100, K80], "1.0"), ([], "1.0")],
    ids=["A100", "RTX 5090", "A100 and K80", "none"],
)
def test_the_solver_sees_it(
    libraries: Path,
    run_conda: Conda,
    tmp_path: Path,
    channel: str,
    cards: list[Card],
    expected: str,
) -> None:
    words = ("--override-channels", "-c", channel, "--dry-run", "--json", "kernels")
    env = {**variables(libraries, cards), "CONDA_OVERRIDE_CUDA": None}
    done = run_conda("create", "-p", tmp_path / "env", *words, env=env).ok()
    assert [package["version"] for package in done.json()["actions"]["LINK"]] == [expected]


def test_a_requirement_that_is_not_met_is_refused(
    run_conda: Conda, tmp_path: Path, channel: str
) -> None:
    words = ("--override-channels", "-c", channel, "--dry-run", "kernels=2.0")
    env = {"CONDA_OVERRIDE_CUDA": "12.4", "CONDA_OVERRIDE_CUDA_ARCH": "7.5"}
    done = run_conda("create", "-p", tmp_path / "env", *words, env=env)
    assert done.rc == 1
    assert "__cuda_arch" in done.stderr


@needs_compiler
@pytest.mark.parametrize(
    "command", [("list",), ("config", "--show"), ("clean", "--all", "--dry-run")], ids=" ".join
)
def test_other_commands_pay_nothing(
    libraries: Path, run_conda: Conda, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """No module of ours about machines, no process, even with a driver."""
    log = tmp_path / "log"
    (tmp_path / "sitecustomize.py").write_text(LOG.format(path=str(log)), encoding="utf-8")
    env = {**variables(libraries, [A100]), "CONDA_OVERRIDE_CUDA": None}
    run_conda(*command, env={**env, "PYTHONPATH": str(tmp_path)})
    loaded = set(log.read_text("utf-8").splitlines())
    assert "conda_torchmirror.plugin" in loaded
    ours = {
        f"conda_torchmirror.{name}"
        for name in ("hooks.cuda_arch", "machine.survey", "machine.nvidia", "machine.driver_calls")
    }
    assert not loaded & ours
    assert not [line for line in loaded if line.startswith("started") and "driver_calls" in line]
