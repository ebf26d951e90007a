"""The rule of `--source auto`: the 27 rows of its decision table, and what ties a request.

conda-forge's builds are its real records and stubs of its matrices, the channel pytorch's are the
built-in index. What is expected is typed by hand from the table, never read from the records.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from support import forge_stubs

from conda_torchmirror.index import match
from conda_torchmirror.index.sources import SOURCES, named, traits
from conda_torchmirror.install import request as requests
from conda_torchmirror.models import Build, Choice, Installed, Machine, NoChoice, Request
from conda_torchmirror.selection.choose import choose
from conda_torchmirror.selection.facts.conda_forge import extras
from conda_torchmirror.selection.sources.compare import newest
from conda_torchmirror.selection.sources.order import Order, order

FORGE, CHANNEL = "conda-forge", "pytorch"


def make(*words: str, **options: Any) -> Request:
    """A request in the words of all sources."""
    return requests.make(words, sources=SOURCES, **options)


class Answer(NamedTuple):
    """The source that answers, its choice, and the order in which the sources were asked."""

    source: str | None
    choice: Choice | NoChoice
    order: Order


def builds(source: str, subdir: str, *, real: bool = False) -> tuple[Build, ...]:
    if source == FORGE and not real:
        return forge_stubs.builds(subdir)
    known = named(source).built_in(subdir)
    return known.builds if known else ()


def machine(subdir: str, cuda: str | None, arch: str | None, **facts: Any) -> Machine:
    origin = "libcuda" if cuda else "none"
    return Machine(subdir, **{"cuda": cuda, "cuda_from": origin, "cuda_arch": arch, **facts})


def ask(
    on: Machine,
    *words: str,
    real: bool = False,
    source: str = "auto",
    channels: tuple[str, ...] = (),
    **options: Any,
) -> Answer:
    """The answer of the rule, where every source can be read."""
    request = make(*words, channels=channels, **options)
    asked = None if source == "auto" else source
    found = order(asked, on, request, channels, traits(), match.admits)
    assert found.clash is None
    sets: dict[str, Choice] = {}
    last: Choice | NoChoice = NoChoice(())
    for name in found.sources:
        one = named(name)
        last = choose(on, request, builds(name, on.subdir, real=real), one.knowledge)
        if isinstance(last, Choice):
            sets[name] = last
            if not found.newest:
                break
    if not sets:
        return Answer(None, last, found)
    in_order = {s.name: sets[s.name] for s in SOURCES if s.name in sets}
    winner = newest(in_order) if found.newest else next(iter(sets))
    return Answer(winner, sets[winner], found)


def versions(found: Answer) -> dict[str, str]:
    assert isinstance(found.choice, Choice), found
    return {build.name: build.version for build in found.choice.builds}


LINUX, WIN, ARM = "linux-64", "win-64", "linux-aarch64"

#: Number, machine, words, options, then source, torch, CUDA, torchvision, torchaudio.
ROWS: list[tuple[Any, ...]] = [
    (1, machine(LINUX, "13.0", "8.9"), (), {}, FORGE, "2.13.0", "13.0", "0.28.0", None),
    (2, machine(LINUX, "12.9", "8.9"), (), {}, FORGE, "2.13.0", "12.9", "0.28.0", None),
    (3, machine(LINUX, "12.4", "8.6"), (), {}, FORGE, "2.13.0", "12.9", "0.28.0", None),
    (
        *(4, machine(LINUX, "12.4", "8.6"), (), {"compat": "strict"}),
        *(CHANNEL, "2.5.1", "12.4", "0.20.1", "2.5.1"),
    ),
    (
        *(5, machine(LINUX, "11.8", "8.6", driver="515.65.01"), (), {}),
        *(CHANNEL, "2.5.1", "11.8", "0.20.1", "2.5.1"),
    ),
    (6, machine(LINUX, "13.0", "7.0"), (), {}, FORGE, "2.13.0", "12.9", "0.28.0", None),
    (7, machine(LINUX, "12.9", "6.1"), (), {}, FORGE, "2.13.0", "12.9", "0.28.0", None),
    (8, machine(LINUX, "11.4", "3.7"), (), {}, CHANNEL, "2.3.1", "11.8", "0.18.1", "2.3.1"),
    (9, machine(LINUX, "13.0", "12.0"), (), {}, FORGE, "2.13.0", "13.0", "0.28.0", None),
    (10, machine(LINUX, "13.0", "12.0"), ("pytorch=2.5.1",), {}, *[None] * 5),
    (11, machine(LINUX, None, None), (), {}, FORGE, "2.13.0", None, "0.28.0", None),
    (
        *(12, machine(LINUX, "12.9", None), ("pytorch=2.3.1",), {}),
        *(CHANNEL, "2.3.1", "12.1", None, None),
    ),
    (
        *(13, machine(LINUX, "12.9", None, python="3.13"), (), {}),
        *(FORGE, "2.13.0", "12.9", "0.28.0", None),
    ),
    (
        *(14, machine(LINUX, "12.9", None, python="3.9"), (), {}),
        *(FORGE, "2.7.1", "12.9", "0.22.0", None),
    ),
    (
        *(15, machine(LINUX, "12.9", None, python="3.8"), (), {}),
        *(CHANNEL, "2.4.1", "12.4", "0.19.1", "2.4.1"),
    ),
    (
        *(16, machine(LINUX, "12.9", None), ("torchaudio",), {}),
        *(FORGE, "2.10.0", "12.9", None, "2.10.0"),
    ),
    (17, machine(WIN, "12.8", "8.9"), (), {}, FORGE, "2.13.0", "12.8", "0.28.0", None),
    (
        *(18, machine(WIN, "12.8", None), ("torchaudio",), {}),
        *(CHANNEL, "2.5.1", "12.4", None, "2.5.1"),
    ),
    (19, machine(WIN, "12.6", "8.9"), (), {}, FORGE, "2.13.0", "12.8", "0.28.0", None),
    (
        *(20, machine("osx-arm64", None, None, osx="14.0"), (), {}),
        *(FORGE, "2.13.0", None, "0.28.0", None),
    ),
    (21, machine("osx-64", None, None), (), {}, FORGE, "2.13.0", None, "0.28.0", None),
    (22, machine(ARM, "13.0", "9.0"), (), {}, FORGE, "2.13.0", "13.0", "0.28.0", None),
    (
        *(23, machine(ARM, "12.6", "8.7"), ("pytorch",), {}),
        *(FORGE, "2.13.0", "12.9", None, None),
    ),
    (
        *(24, machine(LINUX, "13.0", "8.0", glibc="2.17"), (), {}),
        *(CHANNEL, "2.5.1", "12.4", "0.20.1", "2.5.1"),
    ),
    (
        *(27, machine(LINUX, "12.9", None, cuda_from="--cuda"), (), {"cuda_word": "12.9"}),
        *(FORGE, "2.13.0", "12.9", "0.28.0", None),
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row{row[0]}")
def test_the_rows_of_the_table(row):
    _, on, words, options, source, torch, cuda, vision, audio = row
    found = ask(on, *words, **options)
    assert found.source == source
    if source is None:
        assert isinstance(found.choice, NoChoice)
        return
    there = versions(found)
    assert (there["pytorch"], found.choice.cuda) == (torch, cuda)
    assert there.get("torchvision") == vision
    assert audio is None or there["torchaudio"] == audio


def test_row_3_notes_the_minor_version():
    found = ask(machine(LINUX, "12.4", "8.6"))
    assert found.choice.compat == "minor"
    assert "minor_version_compat" in [notice.code for notice in found.choice.notices]


@pytest.mark.parametrize(("cuda", "arch"), [("13.0", "7.0"), ("12.9", "6.1")])
def test_rows_6_and_7_pin_the_cudnn_that_the_gpu_runs(cuda, arch):
    on = machine(LINUX, cuda, arch)
    found = ask(on)
    more = extras(found.choice, (), on, make(), named(FORGE).knowledge)
    assert more.pins == ("cudnn<9.11", "libcudnn<9.11", "cuda-version=12.9")


@pytest.mark.parametrize(
    ("words", "pins"),
    [
        (("torch==2.7.1",), ("cuda-version=12.9",)),
        # The build's own is not what was asked for.
        (("torch==2.7.1+cu128",), ("cuda-version=12.8",)),
        # A word for the solver needs no pin, a metapackage alone names no CUDA.
        (("torch==2.7.1", "cuda-version=12.8"), ()),
        (("pytorch-gpu=2.7.1",), ("cuda-version=12.9",)),
    ],
)
def test_a_named_cuda_is_what_the_set_runs_with(words, pins):
    on = machine(LINUX, "12.9", "8.9")
    request = make(*words)
    found = ask(on, *words)
    assert found.source == FORGE
    assert extras(found.choice, (), on, request, named(FORGE).knowledge).pins == pins


def test_row_17_says_that_torchaudio_is_left_out():
    found = ask(machine(WIN, "12.8", "8.9"))
    assert [n.code for n in found.choice.notices] == ["partner_left_out_always"]


def test_row_20_an_older_macos_gets_the_release_before():
    found = ask(machine("osx-arm64", None, None, osx="11.0"))
    assert versions(found)["pytorch"] == "2.12.1"


def test_row_22_a_spark_runs_the_code_of_12_0():
    found = ask(machine(ARM, "13.0", "12.1"))
    assert (found.source, found.choice.cuda) == (FORGE, "13.0")


def test_row_23_without_a_build_for_jetson_it_is_refused():
    on = machine(ARM, "12.6", "8.7")
    sbsa = [
        build
        for build in builds(FORGE, ARM)
        if named(FORGE).facts.read(build).arm != "tegra" and "cuda126" not in build.build
    ]
    found = choose(on, make("pytorch"), sbsa, named(FORGE).knowledge)
    assert isinstance(found, NoChoice)
    assert "arch_missing" in {rejection.code for rejection in found.rejected}


def test_row_25_the_environment_keeps_its_channel():
    there = Installed("pytorch", "2.5.1", "py3.12_cuda12.4_cudnn9.1.0_0", CHANNEL)
    on = machine(LINUX, "12.9", None, python="3.12", installed=(there,))
    found = ask(on, "torchvision", "pytorch==2.5.1")
    assert (found.source, found.order.why) == (CHANNEL, "bound")
    assert versions(found)["torchvision"] == "0.20.1"


def test_row_26_offline_only_real_records_count():
    """With Python 3.14 the newest complete set of the records is torch alone."""
    on = machine(LINUX, "13.0", "8.9")
    assert versions(ask(on, real=True)) == {"pytorch": "2.8.0", "torchvision": "0.24.0"}
    assert versions(ask(on, "pytorch", real=True)) == {"pytorch": "2.12.1"}


# What ties a request to a source


def of(*words: str, on: Machine | None = None, channels: tuple[str, ...] = ()) -> Order:
    request = make(*words, channels=channels)
    on = on or machine(LINUX, "12.9", None)
    return order(None, on, request, channels, traits(), match.admits)


@pytest.mark.parametrize(
    ("words", "source"),
    [
        (("pytorch::pytorch",), CHANNEL),
        (("pytorch", "pytorch-cuda=12.1"), CHANNEL),
        (("pytorch", "cudatoolkit=11.3"), CHANNEL),
        (("pytorch", "cpuonly"), CHANNEL),
        (("torchtext",), CHANNEL),
        (("conda-forge::pytorch",), FORGE),
        (("pytorch-gpu",), FORGE),
        (("pytorch-cpu=2.4",), FORGE),
        (("libtorch=2.10",), FORGE),
    ],
)
def test_a_sources_own_things_tie(words, source):
    assert of(*words) == Order((source,), "asked")


@pytest.mark.parametrize(
    ("words", "clash"),
    [
        (("pytorch-cuda=12.1", "pytorch-gpu"), ("pytorch-cuda=12.1", "pytorch-gpu")),
        (("conda-forge::pytorch", "cpuonly"), ("conda-forge::pytorch", "cpuonly")),
        (("pytorch=2.6", "pytorch-cuda=12.4"), ("pytorch-cuda=12.4", "pytorch=2.6")),
    ],
)
def test_names_of_both_sides_are_a_contradiction(words, clash):
    assert of(*words).clash == clash


@pytest.mark.parametrize(
    "words",
    [
        # What ties the request has the release itself.
        ("pytorch::pytorch=2.7",),
        ("pytorch=2.7=py3.12_cuda12.4_cudnn9.1.0_0",),
        ("pytorch::pytorch=2.7", "pytorch::torchvision=0.22"),
        ("pytorch::torchvision=0.22",),
        # Other words exclude each other.
        ("torchaudio=0.10.0=py38_cu113", "pytorch=2.1.0", "pytorch=1.11.0"),
        ("pytorch-cuda=12.4", "pytorch=2.7", "torchvision=0.20"),
        ("pytorch-cuda=12.4", "pytorch=2.7", "pytorch=2.3"),
    ],
)
def test_what_the_records_tell_better_is_no_contradiction_of_sources(words):
    assert of(*words) == Order((CHANNEL,), "asked")


@pytest.mark.parametrize(
    ("channels", "sources"),
    [
        (("conda-forge",), (FORGE,)),
        (("pytorch", "nvidia"), (CHANNEL,)),
        (("pytorch", "nvidia", "conda-forge"), (CHANNEL, FORGE)),
        (("conda-forge", "pytorch"), (FORGE, CHANNEL)),
    ],
)
def test_channels_that_are_named_tie(channels, sources):
    assert of("numpy", channels=channels) == Order(sources, "asked")


@pytest.mark.parametrize("channels", [(), ("defaults",), ("bioconda", "nvidia")])
def test_other_channels_tie_nothing(channels):
    assert of("numpy", channels=channels) == Order((CHANNEL, FORGE), "newer", newest=True)


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        (CHANNEL, Order((CHANNEL, FORGE), "bound")),
        (FORGE, Order((FORGE, CHANNEL), "bound")),
        ("pkgs/main", Order((CHANNEL, FORGE), "newer", newest=True)),
    ],
)
def test_the_torch_of_the_environment_ties(channel, expected):
    on = machine(LINUX, "12.9", None, installed=(Installed("pytorch", "2.5.1", "x", channel),))
    assert of(on=on) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("pytorch=2.5.1", Order((CHANNEL, FORGE), "release")),
        ("pytorch=1.13.1", Order((CHANNEL, FORGE), "release")),
        ("pytorch<2.6", Order((CHANNEL, FORGE), "release")),
        ("torchvision=0.20", Order((CHANNEL, FORGE), "release")),
        ("torchaudio<=2.5.1", Order((CHANNEL, FORGE), "release")),
        ("pytorch=2.6", Order((FORGE,), "release")),
        ("pytorch>=2.10", Order((FORGE,), "release")),
        ("pytorch=3", Order((FORGE,), "release")),
        ("torchvision>0.20.1", Order((FORGE,), "release")),
        ("pytorch>=2.4", Order((CHANNEL, FORGE), "newer", newest=True)),
        ("pytorch!=2.6", Order((CHANNEL, FORGE), "newer", newest=True)),
        ("torchvision>=0.20", Order((CHANNEL, FORGE), "newer", newest=True)),
    ],
)
def test_a_named_release_says_whose_time_it_is(spec, expected):
    assert of(spec) == expected


def test_the_word_of_the_option_comes_first():
    found = order(FORGE, machine(LINUX, None, None), make(), (), traits(), match.admits)
    assert found == Order((FORGE,), "asked")
    words = make("pytorch", "pytorch-cuda=12.1")
    found = order(FORGE, machine(LINUX, None, None), words, (), traits(), match.admits)
    assert found.clash == ("--source conda-forge", "pytorch-cuda=12.1")


def test_at_the_same_release_the_first_source_wins_and_cuda_before_cpu():
    on = machine(LINUX, "11.8", "8.6")
    sets = {
        name: choose(on, make("pytorch"), builds(name, LINUX), named(name).knowledge)
        for name in (CHANNEL, FORGE)
    }
    assert {choice.torch.version for choice in sets.values()} == {"2.5.1"}
    assert newest(sets) == CHANNEL
    assert newest({CHANNEL: sets[CHANNEL], FORGE: sets[FORGE]._replace(cuda=None)}) == CHANNEL
    assert newest({CHANNEL: sets[CHANNEL]._replace(cuda=None), FORGE: sets[FORGE]}) == FORGE
