"""What is said about the machine where a build is chosen, and where none can be."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stubs import Card, asked_afresh, build, needs_compiler, smi, variables
from support.choosing import KNOWLEDGE, chosen, known, refused
from support.running import Result

from conda_torchmirror.install import request
from conda_torchmirror.machine.evidence import REASONS, TOLD
from conda_torchmirror.models import Choice, Gpu, Machine, NoChoice, Notice, Request
from conda_torchmirror.options import InstallOptions
from conda_torchmirror.selection import alternatives
from conda_torchmirror.selection import choose as selection
from conda_torchmirror.selection.refused import Case
from conda_torchmirror.selection.sources import elsewhere
from conda_torchmirror.text import reasons
from conda_torchmirror.text.tables.machine import TEXT

A100 = Card("NVIDIA A100-SXM4-80GB", 80)
K80 = Card("Tesla K80", 37)
RTX = Card("NVIDIA GeForce RTX 5090", 120)

#: Driver versions between the floors of Linux and of Windows, for CUDA 12.x and 11.x.
BETWEEN = [("12.0", "12.4", "527.41"), ("11.0", "11.8", "451.48")]

GPUS = (Gpu("NVIDIA A100", "8.0"),)


def choose(*words: str, subdir: str = "linux-64", **facts: Any) -> Choice | NoChoice:
    """The choice for a machine with these facts, all of its own."""
    asked = request.make(words, cuda_word="auto", compat="minor", allow_cpu=False)
    on = Machine(subdir, **facts)
    return selection.choose(on, asked, known(subdir), KNOWLEDGE)


@pytest.mark.parametrize(("driver", "cuda", "version"), BETWEEN, ids=["12.x", "11.x"])
@pytest.mark.parametrize(
    ("subdir", "wsl", "runs"),
    [("linux-64", False, True), ("linux-64", True, False), ("win-64", False, False)],
    ids=["Linux", "WSL 2", "Windows"],
)
def test_the_floor_is_that_of_the_drivers_own_system(
    driver: str, cuda: str, version: str, subdir: str, wsl: bool, runs: bool
) -> None:
    words = ("pytorch", f"pytorch-cuda={cuda}")
    facts = {"cuda": driver, "cuda_from": "libcuda", "wsl": wsl}
    unknown = choose(*words, subdir=subdir, **facts)
    assert isinstance(unknown, Choice)
    found = choose(*words, subdir=subdir, driver=version, **facts)
    assert isinstance(found, Choice) is runs
    codes = {rejection.code for rejection in found.rejected}
    assert ("driver_too_old" in codes) is not runs


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"gpus": GPUS}, "the driver of this machine's GPU (NVIDIA A100), which does not run"),
        ({"failing": True}, "the NVIDIA driver, which does not run"),
    ],
    ids=["a GPU that is listed", "nothing listed"],
)
def test_a_driver_that_does_not_run_is_a_reason_of_its_own(
    facts: dict[str, Any], says: str
) -> None:
    found = refused("pytorch", **facts)
    told = {r.code: reasons.reason([r]) for r in found.rejected}
    assert told["driver_unusable"].partition(" need ")[2] == says
    assert "None" not in " ".join(map(reasons.reason, ([r] for r in found.rejected)))
    assert {r.code for r in found.rejected} == {"driver_unusable", "cpu_build"}


def test_of_a_driver_behind_an_override_without_sense_nothing_is_said() -> None:
    """With `CONDA_OVERRIDE_CUDA=cpu` it was "the driver of this machine's GPU, which does not
    run"."""
    found = choose("pytorch", gpus=GPUS, driver="570.86.10", cuda_from="CONDA_OVERRIDE_CUDA")
    assert isinstance(found, NoChoice)
    told = {r.code: reasons.reason([r]) for r in found.rejected}
    assert "the override of `__cuda` names no version" in told["driver_unusable"]
    assert "does not run" not in told["driver_unusable"]


def test_the_way_out_of_it_starts_with_the_evidence() -> None:
    remarks = (Notice("machine.driver_mismatch"),)
    on = Machine("linux-64", gpus=GPUS, remarks=remarks)
    found = refused("pytorch", gpus=GPUS, remarks=remarks)
    asked = Request({"pytorch": ("pytorch",)})
    out = alternatives.find(Case(found, on, asked, known("linux-64"), KNOWLEDGE))
    codes = [notice.code for notice in out.steps]
    assert codes == ["machine.driver_mismatch", "name_cuda", "use_cpu"]


def test_a_cpu_build_in_spite_of_it_is_told_with_the_evidence() -> None:
    remarks = (Notice("machine.driver_mismatch"),)
    choice = chosen("pytorch", gpus=GPUS, remarks=remarks, allow_cpu=True)
    codes = [notice.code for notice in choice.notices]
    assert (choice.cuda, codes) == (None, ["cpu_allowed", "machine.driver_mismatch"])


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({}, "cpu_no_driver"),
        ({"driver": "550.54.14"}, "cpu_no_gpu"),
        ({"remarks": (Notice("machine.container_without_driver"),)}, "cpu_no_gpu"),
        ({"subdir": "osx-64", "remarks": (Notice("machine.rosetta"),)}, "cpu_mac"),
    ],
    ids=["no driver", "a driver", "a container", "Rosetta"],
)
def test_why_it_is_a_cpu_build(facts: dict[str, Any], code: str) -> None:
    """Never "no driver" where there is one: a person would install a second one."""
    found = choose("pytorch", **facts)
    told = [notice.code for notice in found.notices]
    assert told == [code, *(remark.code for remark in facts.get("remarks", ()))]


def test_what_a_gpu_too_new_for_the_channel_needs() -> None:
    """An RTX 50: conda-forge and wheels from 2.7 on; PTX of older ones does not count."""
    found = outside("linux-64", "12.0")
    assert found["use_conda_forge"]["since"] == "2.7"
    assert found["use_conda_forge"]["cuda"] == "12.9"
    found = outside("win-64", "12.0")
    assert (found["use_wheels"]["since"], found["use_wheels"]["cuda"]) == ("2.7", "12.8")


def test_an_old_gpu_has_no_way_out_of_the_channel() -> None:
    assert outside("linux-64", "3.5") == {}


def outside(subdir: str, arch: str) -> dict[str, Any]:
    """What other sources are said to have for a GPU on a driver of CUDA 12.8."""
    on = Machine(subdir, cuda="12.8", cuda_from="libcuda", cuda_arch=arch)
    asked = request.make(())
    return {n.code: n.facts for n in elsewhere.find(on, asked, KNOWLEDGE, InstallOptions())}


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("driver"))


Preview = Callable[..., Result]


@pytest.fixture
def preview(
    conda_in_process: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    from_pytorch: None,
) -> Iterator[Preview]:
    """`preview(env, ...)`: a dry run of torch-install, offline, on the machine of `env`."""
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA")
    monkeypatch.setenv("PATH", os.pathsep.join((str(smi(tmp_path, "exit 9")), os.environ["PATH"])))

    def run(env: dict[str, str], *words: str) -> Result:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        return conda_in_process("torch-install", "--dry-run", "--offline", *words)

    with asked_afresh():
        yield run


def flat(said: str) -> str:
    return re.sub(r"\s+", " ", said)


@needs_compiler
def test_a_login_node_is_told_so(preview: Preview, libraries: Path) -> None:
    done = preview(variables(libraries, [], cuInit=100)).ok()
    assert "PyTorch 2.5.1 for the CPU" in done.stdout
    assert "There is an NVIDIA driver, but it offers no GPU here" in flat(done.stdout)
    assert "no NVIDIA driver" not in done.stdout


@needs_compiler
def test_the_gpu_that_decides_is_named(preview: Preview, libraries: Path) -> None:
    done = preview(variables(libraries, [A100, K80])).ok()
    assert "for CUDA 11.8" in done.stdout
    assert "Tesla K80 (3.7) has the lowest compute capability, and decides" in flat(done.stdout)


@needs_compiler
def test_a_gpu_that_is_left_out_is_named(preview: Preview, libraries: Path) -> None:
    done = preview({**variables(libraries, [A100, K80]), "CUDA_VISIBLE_DEVICES": "0"}).ok()
    assert "for CUDA 12.4" in done.stdout
    assert "CUDA_VISIBLE_DEVICES='0' leaves out Tesla K80 (3.7)." in flat(done.stdout)


@needs_compiler
@pytest.mark.parametrize(
    ("cards", "answers"),
    [([A100], {"cuInit": 803}), ([], {"cuInit": 803, "nvmlInit_v2": 18})],
    ids=["NVML lists it", "NVML refuses too"],
)
def test_an_error_shows_what_the_driver_answered(
    preview: Preview, libraries: Path, cards: list[Card], answers: dict[str, Any]
) -> None:
    done = preview(variables(libraries, cards, **answers), "--json")
    assert done.rc == 1
    document = done.json()
    said = " ".join(hint["text"] for hint in document["guidance"]["hints"])
    assert "cuInit answered 803 (CUDA_ERROR_SYSTEM_DRIVER_MISMATCH)" in said
    assert "restart this machine" in said  # the stand-ins are in a folder of LD_LIBRARY_PATH
    assert "None" not in document["guidance"]["cause"]


@needs_compiler
def test_a_gpu_that_the_channel_cannot_run_gets_ways_out(preview: Preview, libraries: Path) -> None:
    done = preview(variables(libraries, [RTX], cuda=12080, driver="570.26"), "--json")
    hints = {hint["hint_code"]: hint["text"] for hint in done.json()["guidance"]["hints"]}
    assert "from PyTorch 2.7 on" in hints["use_conda_forge"]
    assert "PyTorch 2.13.0 from cu129 fit" in hints["use_wheel_set"]


def test_every_remark_has_a_sentence() -> None:
    assert TOLD.union(*REASONS) <= TEXT.keys()
