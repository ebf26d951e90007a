"""The law of advice for both sources: what a step of a refusal says is what taking it comes to.

Each step is taken by its words, as a reader would, and the whole rule of `--source` is asked again:
without the word that tied a request, another source may be the one that answers.
conda-forge's builds are its real records and stubs of its matrices, the channel pytorch's are the
built-in index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from support.both_channels import Reader
from support.steps_taken import LESS, Asked, taken

from conda_torchmirror.exceptions.base import TorchMirrorError
from conda_torchmirror.exceptions.choice import HistoryConflict, NoFittingBuild, PinConflict
from conda_torchmirror.index.sources import AUTO, named
from conda_torchmirror.install import request as requests
from conda_torchmirror.install.sources import answer as answers
from conda_torchmirror.install.sources import contradiction, refusal
from conda_torchmirror.install.sources.answer import SourceChoice
from conda_torchmirror.install.task import Target, Task
from conda_torchmirror.machine.survey import Survey
from conda_torchmirror.models import Installed, Machine, Notice, Pin
from conda_torchmirror.options import InstallOptions

FORGE, CHANNEL = "conda-forge", "pytorch"
#: The source of pins that bind a new environment too.
SETTINGS = "pinned_packages"
Refusal = (NoFittingBuild, PinConflict, HistoryConflict)


def answer(asked: Asked) -> SourceChoice:
    """What the rule comes to. Raises: NoFittingBuild."""
    on = asked.machine
    options = InstallOptions(
        specs=asked.words,
        source=asked.source,
        cuda=asked.cuda,
        cuda_compat=asked.compat,
        allow_cpu=asked.allow_cpu,
        python=asked.python,
        dry_run=True,
    )
    request = requests.of(options, asked.source)
    order = answers.in_order(options, request, on)
    task = Task(
        options, None, Target(None), request, Survey(on), named(order.sources[0]), ("defaults",)
    )
    return answers.find(task, order, Reader(on.subdir))  # type: ignore[arg-type]


#: Steps by tables of other places, or to look; `tests/laws/test_advice.py` holds what they say.
ELSEWHERE = (
    *("use_conda_forge", "use_conda_forge_cpu", "use_wheels", "use_wheel_set"),
    *("other_channel_has", "see_list"),
)

LINUX, WIN = "linux-64", "win-64"


def gpu(subdir: str, cuda: str, arch: str, **more: Any) -> Machine:
    return Machine(subdir, cuda=cuda, cuda_from="libcuda", cuda_arch=arch, **more)


def _bound(spec: str, source: str = SETTINGS, pins: tuple[Pin, ...] = (), **more: Any) -> Machine:
    found = {"subdir": LINUX, "cuda": "12.4", "arch": "8.6", **more}
    return gpu(**found, pins=(Pin(spec, source), *pins))


def _before(*specs: str, **more: Any) -> Machine:
    history = tuple(Pin(spec, "history") for spec in specs)
    return gpu(LINUX, "12.4", "8.6", python="3.11", python_from="prefix", history=history, **more)


THERE = Installed("pytorch", "2.5.1", "py3.12_cuda12.4_cudnn9.1.0_0", CHANNEL)
MACHINES: dict[str, Machine] = {
    "no GPU": Machine(LINUX),
    "12.9": gpu(LINUX, "12.9", "8.9"),
    "RTX 5090": gpu(LINUX, "13.0", "12.0"),
    "11.8": gpu(LINUX, "11.8", "8.6", driver="520.61.05"),
    "K80": gpu(LINUX, "11.4", "3.7"),
    "Python 3.8": gpu(LINUX, "12.9", "8.9", python="3.8"),
    "Python 3.14": gpu(LINUX, "12.9", "8.9", python="3.14"),
    "Windows": gpu(WIN, "12.8", "8.9"),
    "10.2": gpu(WIN, "10.2", "7.5"),
    "Mac": Machine("osx-arm64", python="3.12"),
    "Intel Mac": Machine("osx-64", python="3.13"),
    "Jetson": gpu("linux-aarch64", "12.6", "8.7"),
    "pinned": gpu(LINUX, "12.9", "8.9", python="3.10", pins=(Pin("pytorch 2.4.*", "pinned"),)),
    # Pins and history against a rule that the choice would add.
    "mkl": _bound("mkl 2025.*"),
    "mkl, Python 3.13": _bound("mkl 2025.*", python="3.13", python_from="--python"),
    "mkl, in the environment": _bound("mkl 2025.*", "conda-meta/pinned", python="3.13"),
    "numpy": _bound("numpy 2.*"),
    "numpy, Windows": _bound("numpy 2.*", subdir=WIN),
    "numpy, a broken driver": Machine(LINUX, failing=True, pins=(Pin("numpy 2.*", SETTINGS),)),
    "numpy, 11.8": _bound("numpy 2.*", cuda="11.8", driver="520.61.05"),
    "numpy, K80": _bound("numpy 2.*", cuda="11.4", arch="3.7"),
    "mkl and numpy": _bound("mkl 2025.*", pins=(Pin("numpy 2.*", "conda-meta/pinned"),)),
    "mkl before": _before("mkl=2025"),
    "mkl and numpy before": _before("mkl=2025", "numpy=2.1"),
    "mkl before, numpy pinned": _before("mkl=2025", pins=(Pin("numpy 2.*", SETTINGS),)),
    "the channel's torch": gpu(LINUX, "12.9", "8.9", python="3.12", installed=(THERE,)),
}
#: What is asked on which machine, of which source.
CASES: list[tuple[str, tuple[str, ...], str]] = [
    ("Mac", ("pytorch-cuda=12.1",), AUTO),
    ("Mac", ("torch==2.7.1+cu128",), AUTO),
    ("Mac", ("pytorch=2.1.2=py3.10_cuda12.1_cudnn8_0",), AUTO),
    ("Mac", ("pytorch=2.13", "cuda-version=12.9"), AUTO),
    ("Windows", ("pytorch=1.8.2", "torchvision"), AUTO),
    ("Windows", ("pytorch=2.6", "torchaudio"), AUTO),
    ("Windows", ("pytorch>=2.6,<2.8", "torchaudio"), AUTO),
    ("Windows", ("pytorch=2.13", "torchaudio=2.10"), AUTO),
    ("Python 3.8", ("pytorch=2.13", "cuda-version=11.8"), AUTO),
    ("Python 3.8", ("pytorch=2.6",), AUTO),
    ("Python 3.14", ("pytorch=2.3", "torchvision=0.28"), AUTO),
    ("Python 3.14", ("pytorch=2.5.1",), AUTO),
    ("Intel Mac", ("pytorch::pytorch=2.5.1",), AUTO),
    ("Intel Mac", ("conda-forge::pytorch=1.9",), AUTO),
    ("11.8", ("pytorch=2.7",), AUTO),
    ("11.8", ("torch==2.3.1+cu121",), AUTO),
    ("11.8", ("torchvision=0.28", "torchaudio"), AUTO),
    ("11.8", ("torch==2.3.1+cu121",), CHANNEL),
    ("RTX 5090", ("pytorch=2.5.1",), AUTO),
    ("RTX 5090", ("pytorch-cuda=12.1",), AUTO),
    ("RTX 5090", ("torch==2.3.1+cu121",), AUTO),
    # In any version torchtext is a package of the channel alone.
    ("RTX 5090", ("pytorch=1.6.0", "torchtext=0.7.0"), AUTO),
    ("Python 3.14", ("torchtext",), AUTO),
    ("Python 3.14", ("torchtext", "torchvision"), AUTO),
    ("Python 3.14", ("pytorch", "torchtext"), AUTO),
    ("RTX 5090", ("torch==2.7.1+cu128",), FORGE),
    ("12.9", ("pytorch=2.13", "torchvision=0.20"), AUTO),
    ("12.9", ("pytorch=2.13", "cuda-version=11.8"), AUTO),
    ("12.9", ("pytorch>=2.14",), AUTO),
    ("12.9", ("pytorch::pytorch=2.7",), AUTO),
    ("12.9", ("pytorch::pytorch=2.7", "torchvision"), AUTO),
    ("12.9", ("pytorch=2.2", "pytorch-cuda=12.4"), AUTO),
    ("no GPU", ("pytorch-gpu=2.4.1",), AUTO),
    ("no GPU", ("pytorch=2.3", "pytorch=2.4"), AUTO),
    ("K80", ("pytorch=2.13",), AUTO),
    ("K80", ("torchtext",), FORGE),
    ("K80", (), FORGE),
    ("10.2", ("torchtext",), FORGE),
    ("Jetson", ("pytorch=2.5.1",), AUTO),
    ("Jetson", ("pytorch=2.3",), AUTO),
    ("pinned", ("pytorch=2.13",), AUTO),
    ("pinned", ("torchvision=0.28",), AUTO),
    ("the channel's torch", ("pytorch=2.5.1", "torchvision=0.28"), AUTO),
    ("the channel's torch", ("pytorch=2.99",), AUTO),
    *(
        (machine, words, source)
        for machine in MACHINES
        if machine.startswith(("mkl", "numpy"))
        for words, source in (
            ((), CHANNEL),
            (("pytorch=2.1",), AUTO),
            (("pytorch=2.1",), CHANNEL),
            (("pytorch=2.1.2", "torchvision=0.20"), CHANNEL),
            (("pytorch=2.1", "pytorch-cuda=12.4"), CHANNEL),
            (("pytorch=2.1", "pytorch-cuda=12.1"), AUTO),
            (("pytorch=2.1.2=py3.10_cpu_0",), CHANNEL),
            (("pytorch=2.7",), CHANNEL),
            (("pytorch=1.13", "torchtext"), AUTO),
        )
    ),
]


@pytest.fixture
def ways(monkeypatch):
    """The steps of the refusal that was raised last."""
    found: list[Notice] = []

    def noting(kind: type[TorchMirrorError]) -> Any:
        def make(*, ways: Sequence[Notice], **facts: Any) -> TorchMirrorError:
            found[:] = ways
            return kind(ways=ways, **facts)

        return make

    for room, names in (
        (refusal, ("NoFittingBuild", "NoFittingSource")),
        (contradiction, ("PinConflict", "HistoryConflict")),
    ):
        for name in names:
            monkeypatch.setattr(room, name, noting(getattr(room, name)))
    return found


def _refused(asked: Asked) -> bool:
    try:
        answer(asked)
    except Refusal:
        return True
    return False


@pytest.mark.parametrize(("machine", "words", "source"), CASES)
def test_a_step_comes_to_what_it_says(ways, machine, words, source):
    asked = Asked(words, MACHINES[machine], source=source)
    if not _refused(asked):
        assert machine.startswith(("mkl", "numpy")), "a case that shows nothing"
        return
    steps = list(ways)
    assert steps
    for step in steps:
        if step.code in ELSEWHERE:
            continue
        for again in taken(asked, step):
            found = answer(again).choice
            if step.code == LESS:  # the tables go by minor versions
                assert found.torch.version.startswith(f"{step.facts['torch']}."), (step, again)
            elif "torch" in step.facts and step.code != "open_build":
                assert step.facts["torch"] == f"pytorch {found.torch.version}", (step, again)
            if step.code in ("drop_cuda", "name_cuda", "use_minor"):
                assert found.cuda == step.facts["cuda"], (step, again)


@pytest.mark.parametrize(
    ("machine", "words", "code", "torch"),
    [
        # The word tied the request to the channel; without it the newest counts.
        ("Mac", ("pytorch-cuda=12.1",), "drop_cuda_cpu", "pytorch 2.13.0"),
        ("Windows", ("pytorch=1.8.2", "torchvision"), "older_release", "pytorch 2.13.0"),
        # conda-forge never has torchaudio here; the channel pytorch does.
        ("Windows", ("pytorch=2.13", "torchaudio=2.10"), "open_versions", "pytorch 2.5.1"),
        # What a metapackage says of the release goes with it.
        ("no GPU", ("pytorch-gpu=2.4.1",), "drop_cuda_cpu", "pytorch 2.13.0"),
        ("11.8", ("pytorch=2.7",), "older_release", "pytorch 2.5.1"),
        # A channel that was typed stays.
        ("12.9", ("pytorch::pytorch=2.7",), "torch_instead", "pytorch 2.5.1"),
    ],
)
def test_a_step_may_lead_to_the_other_source(ways, machine, words, code, torch):
    with pytest.raises(NoFittingBuild):
        answer(Asked(words, MACHINES[machine]))
    assert {step.code: step.facts.get("torch") for step in ways}.get(code) == torch


@pytest.mark.parametrize(
    ("machine", "words", "source", "codes"),
    [
        ("mkl", (), CHANNEL, {"change_pins": None, "use_conda_forge": "2.13"}),
        ("mkl", ("pytorch=2.1",), CHANNEL, {"change_pins": None}),
        (
            "mkl",
            ("pytorch=2.1",),
            AUTO,
            {"change_pins": None, "newer_release": "pytorch 2.13.0"},
        ),
        (
            "numpy",
            ("pytorch=2.1",),
            CHANNEL,
            {"change_pins": None, "newer_release": "pytorch 2.5.1"},
        ),
        ("mkl before", (), CHANNEL, {"change_spec": None, "repeat_spec": None}),
    ],
)
def test_the_steps_of_a_contradiction(ways, machine, words, source, codes):
    with pytest.raises((PinConflict, HistoryConflict)):
        answer(Asked(words, MACHINES[machine], source=source))
    found = {step.code: step.facts.get("torch") for step in ways if step.code != "see_list"}
    assert codes.items() <= found.items()
    assert ("newer_release" in found) == ("newer_release" in codes)
    for step in ways:
        if step.code == "change_pins":
            assert step.facts["pins"] == f"{MACHINES[machine].pins[0].spec} ({SETTINGS})"


def test_a_python_that_leads_to_a_contradiction_is_not_offered(ways):
    """Every build of the channel for such a Python would come with the rule."""
    on = MACHINES["mkl, Python 3.13"]
    with pytest.raises(NoFittingBuild):
        answer(Asked((), on, source=CHANNEL))
    assert "use_python" not in {step.code for step in ways}
    with pytest.raises(NoFittingBuild):
        answer(Asked((), on._replace(pins=()), source=CHANNEL))
    assert "use_python" in {step.code for step in ways}
