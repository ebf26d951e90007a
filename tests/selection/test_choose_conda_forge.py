"""The choice among conda-forge's builds, by machine. The expected values are typed by hand.

Builds are real records, and stubs of the feedstocks' matrices where there is none.
"""

from __future__ import annotations

from typing import Any

import pytest
from support import forge_stubs
from support.choosing import codes, request

from conda_torchmirror.index import builtin, match
from conda_torchmirror.models import Build, Choice, Installed, Machine, NoChoice
from conda_torchmirror.selection import choose
from conda_torchmirror.selection.facts import conda_forge, cuda
from conda_torchmirror.selection.facts.record import Knowledge

KNOWLEDGE = Knowledge(match.admits, cuda.conda_forge_tables(), conda_forge.SOURCE)
BOTH = ("pytorch", "torchvision")


def ask(
    *words: str,
    subdir: str = "linux-64",
    driver: str | None = None,
    compat: Any = "minor",
    builds: tuple[Build, ...] | None = None,
    **machine: Any,
) -> Choice | NoChoice:
    """The choice for these specs on a machine whose driver runs this CUDA."""
    asked = request.make(words, cuda_word="auto", compat=compat, allow_cpu=False)
    on = Machine(subdir, cuda=driver, cuda_from="libcuda" if driver else "none", **machine)
    return choose.choose(on, asked, builds or forge_stubs.builds(subdir), KNOWLEDGE)


def chosen(*words: str, **facts: Any) -> Choice:
    """`ask`, where there must be a choice."""
    found = ask(*words, **facts)
    assert isinstance(found, Choice), found
    return found


@pytest.mark.parametrize(
    ("words", "facts", "expected"),
    [
        pytest.param(
            *(BOTH, {"driver": "13.0", "cuda_arch": "8.9"}),
            *(("2.13.0", "13.0", "0.28.0", "strict"),),
            id="RTX 4090, 13.0",
        ),
        pytest.param(
            *(BOTH, {"driver": "12.9", "cuda_arch": "8.9"}),
            *(("2.13.0", "12.9", "0.28.0", "strict"),),
            id="RTX 4090, 12.9",
        ),
        pytest.param(
            *(BOTH, {"driver": "12.4", "cuda_arch": "8.6"}),
            *(("2.13.0", "12.9", "0.28.0", "minor"),),
            id="RTX 3090, 12.4",
        ),
        pytest.param(
            *(BOTH, {"driver": "12.4", "cuda_arch": "8.6", "compat": "strict"}),
            *(("2.5.1", "12.0", "0.20.1", "strict"),),
            id="RTX 3090, 12.4 strict",
        ),
        pytest.param(
            *(BOTH, {"driver": "11.8", "cuda_arch": "8.6"}),
            *(("2.5.1", "11.8", "0.20.1", "strict"),),
            id="RTX 3060, 11.8",
        ),
        pytest.param(
            *(BOTH, {"driver": "13.0", "cuda_arch": "7.0"}),
            *(("2.13.0", "12.9", "0.28.0", "strict"),),
            id="V100, 13.0",
        ),
        pytest.param(
            *(BOTH, {"driver": "12.9", "cuda_arch": "6.1"}),
            *(("2.13.0", "12.9", "0.28.0", "strict"),),
            id="GTX 1080, 12.9",
        ),
        pytest.param(
            *(BOTH, {"driver": "13.0", "cuda_arch": "12.0"}),
            *(("2.13.0", "13.0", "0.28.0", "strict"),),
            id="RTX 5090, 13.0",
        ),
        pytest.param(
            *(("pytorch<2.8", "torchvision"), {"driver": "13.0", "cuda_arch": "12.0"}),
            *(("2.7.1", "12.9", "0.22.1", "strict"),),
            id="RTX 5090, the oldest release",
        ),
        pytest.param(BOTH, {}, ("2.13.0", None, "0.28.0", "strict"), id="no GPU"),
        pytest.param(
            *(BOTH, {"driver": "12.9", "cuda_arch": "8.9", "python": "3.13"}),
            *(("2.13.0", "12.9", "0.28.0", "strict"),),
            id="Python 3.13",
        ),
        pytest.param(
            *(BOTH, {"driver": "12.9", "cuda_arch": "8.9", "python": "3.9"}),
            *(("2.7.1", "12.9", "0.22.0", "strict"),),
            id="Python 3.9",
        ),
        pytest.param(
            *(BOTH, {"driver": "12.9", "cuda_arch": "8.9", "python": "3.8"}),
            *(("2.4.0", "12.0", "0.19.0", "strict"),),
            id="Python 3.8",
        ),
        pytest.param(
            *(BOTH, {"driver": "12.8", "cuda_arch": "8.9", "subdir": "win-64"}),
            *(("2.13.0", "12.8", "0.28.0", "strict"),),
            id="Windows, 12.8",
        ),
        pytest.param(
            *(BOTH, {"driver": "12.6", "cuda_arch": "8.9", "subdir": "win-64"}),
            *(("2.13.0", "12.8", "0.28.0", "minor"),),
            id="Windows, 12.6",
        ),
        pytest.param(
            *(("pytorch=2.10", "torchvision"),),
            *({"driver": "12.8", "cuda_arch": "8.9", "subdir": "win-64"},),
            # Every torchvision of it is for CUDA 12.9, which the whole set then runs with.
            *(("2.10.0", "12.8", "0.25.0", "minor"),),
            id="Windows, a torchvision of another minor",
        ),
        pytest.param(
            *(BOTH, {"subdir": "osx-arm64"}), ("2.13.0", None, "0.28.0", "strict"), id="Mac"
        ),
        pytest.param(
            *(BOTH, {"subdir": "osx-64"}), ("2.13.0", None, "0.28.0", "strict"), id="Intel Mac"
        ),
        pytest.param(
            *(BOTH, {"driver": "13.0", "cuda_arch": "9.0", "subdir": "linux-aarch64"}),
            *(("2.13.0", "13.0", "0.28.0", "strict"),),
            id="GH200",
        ),
        pytest.param(
            *(BOTH, {"driver": "13.0", "cuda_arch": "12.1", "subdir": "linux-aarch64"}),
            *(("2.13.0", "13.0", "0.28.0", "strict"),),
            id="DGX Spark",
        ),
        pytest.param(
            *(BOTH, {"driver": "12.9", "cuda_arch": "8.7", "subdir": "linux-aarch64"}),
            *(("2.13.0", "12.9", "0.28.0", "strict"),),
            id="Jetson Orin, 12.9",
        ),
        pytest.param(
            *(BOTH, {"driver": "13.0", "cuda_arch": "8.0", "glibc": "2.17"}),
            *(("2.5.1", "12.6", "0.20.1", "strict"),),
            id="CentOS 7",
        ),
        pytest.param(
            *(BOTH, {"driver": "13.0", "cuda_arch": "8.0", "glibc": "2.28"}),
            *(("2.13.0", "13.0", "0.28.0", "strict"),),
            id="Rocky 8",
        ),
        pytest.param(
            *(BOTH, {"subdir": "osx-arm64", "osx": "11.7"}),
            *(("2.12.1", None, "0.27.1", "strict"),),
            id="macOS 11",
        ),
        pytest.param(
            *(BOTH, {"subdir": "osx-arm64", "osx": "14.5"}),
            *(("2.13.0", None, "0.28.0", "strict"),),
            id="macOS 14",
        ),
    ],
)
def test_the_best_set_of_a_machine(
    words: tuple[str, ...], facts: dict[str, Any], expected: tuple[str | None, ...]
) -> None:
    found = chosen(*words, **facts)
    torch, vision = found.builds
    assert (torch.version, found.cuda, vision.version, found.compat) == expected


@pytest.mark.parametrize(
    ("words", "facts", "code"),
    [
        # 12.0 is in no build of 2.5.1.
        (("pytorch=2.5.1",), {"driver": "13.0", "cuda_arch": "12.0"}, "arch_missing"),
        (("pytorch",), {"driver": "10.2", "cuda_arch": "7.5"}, "cuda_too_new"),
        # There never was one for Windows.
        (
            *(("pytorch", "torchaudio"),),
            *({"driver": "12.8", "cuda_arch": "8.9", "subdir": "win-64"}, "partner_missing"),
        ),
        # Orin's code is in no build for servers up to this one.
        (
            *(("pytorch=2.9.1",),),
            *({"driver": "12.9", "cuda_arch": "8.7", "subdir": "linux-aarch64"}, "arch_missing"),
        ),
        (("pytorch=2.13",), {"subdir": "osx-arm64", "osx": "11.7"}, "macos_too_old"),
        (
            *(("pytorch=2.13=cuda130*",),),
            *({"driver": "13.0", "cuda_arch": "8.0", "glibc": "2.17"}, "glibc_too_old"),
        ),
    ],
)
def test_what_nothing_runs(words: tuple[str, ...], facts: dict[str, Any], code: str) -> None:
    found = ask(*words, **facts)
    assert isinstance(found, NoChoice)
    assert code in codes(found)


def test_kepler_is_refused_for_its_cudnn() -> None:
    """Real records alone: their builds for CUDA 11.8 have its code, and ask for cuDNN 8.9."""
    records = builtin.load("linux-64", channel="conda-forge")
    assert records
    found = ask("pytorch", driver="11.8", cuda_arch="3.7", builds=records.builds)
    assert isinstance(found, NoChoice)
    rejected = {r.build: r.code for r in found.rejected if r.version == "2.4.0"}
    assert rejected["cuda118_py311h4ee7bbc_301"] == "cudnn_too_new"


def test_torchaudio_lowers_the_release() -> None:
    """2.10 is the last with one; its own comes before the newer one that it admits as well."""
    found = chosen(*BOTH, "torchaudio", driver="12.9", cuda_arch="8.9")
    assert [build.version for build in found.builds] == ["2.10.0", "0.25.0", "2.10.0"]


def test_torchaudio_has_the_minor_of_its_pytorch() -> None:
    found = chosen("pytorch", "torchaudio", driver="13.0", cuda_arch="8.9")
    assert {conda_forge.read(build).cuda for build in found.builds} == {"13.0"}


@pytest.mark.parametrize(("driver", "arm", "number"), [("12.9", "tegra", 2), ("13.0", "sbsa", 2)])
def test_the_build_for_jetson(driver: str, arm: str, number: int) -> None:
    found = chosen(*BOTH, driver=driver, cuda_arch="8.7", subdir="linux-aarch64")
    facts = conda_forge.read(found.torch)
    assert (facts.arm, facts.number) == (arm, number)


def test_of_a_release_the_last_build_is_chosen() -> None:
    found = chosen("pytorch", driver="12.9", cuda_arch="8.9", python="3.9")
    assert conda_forge.read(found.torch).number == 4


@pytest.mark.parametrize(
    ("installed", "blas"),
    [((), "mkl"), ((Installed("libblas", "3.9.0", "34_h59b9bed_openblas"),), "generic")],
)
def test_the_blas_of_the_environment_decides(installed: tuple[Installed, ...], blas: str) -> None:
    for facts in ({}, {"driver": "12.9", "cuda_arch": "8.9"}):
        found = chosen(*BOTH, installed=installed, **facts)
        assert conda_forge.read(found.torch).blas == blas


def test_a_pinned_runtime_may_be_newer_than_the_build() -> None:
    """cuda-version 12.9 runs what was built for 12.6."""
    found = chosen("pytorch=2.6", "cuda-version=12.9", driver="12.9", cuda_arch="8.9")
    assert found.cuda == "12.6"
    none = ask("pytorch=2.6", "cuda-version=12.4", driver="12.9", cuda_arch="8.9")
    assert isinstance(none, NoChoice)


def test_a_newer_driver_never_gives_an_older_release() -> None:
    before = (0,)
    for driver in ("11.2", "11.8", "12.0", "12.4", "12.6", "12.8", "12.9", "13.0", "13.2"):
        found = ask(*BOTH, driver=driver, cuda_arch="8.6")
        if isinstance(found, Choice):
            version = tuple(map(int, found.torch.version.split(".")))
            assert version >= before, driver
            before = version
    assert before == (2, 13, 0)


def test_the_order_of_records_does_not_matter() -> None:
    builds = forge_stubs.builds("linux-64")
    facts = {"driver": "13.0", "cuda_arch": "7.0"}
    assert ask(*BOTH, **facts, builds=builds[::-1]) == ask(*BOTH, **facts, builds=builds)


# The stubs


@pytest.mark.parametrize("subdir", ["linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64"])
def test_stubs_are_marked_and_stand_beside_no_real_record(subdir: str) -> None:
    builds = forge_stubs.builds(subdir)
    records = builtin.load(subdir, channel="conda-forge")
    assert records
    assert builds[: len(records.builds)] == records.builds
    for stub in builds[len(records.builds) :]:
        assert (stub.known_by, stub.sha256, stub.size, stub.timestamp) == ("derived", None, None, 0)
    cells = [forge_stubs._cell(build) for build in builds[len(records.builds) :]]
    assert len(cells) == len(set(cells))
    assert not set(cells) & {forge_stubs._cell(build) for build in records.builds}


@pytest.mark.parametrize("subdir", ["linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64"])
def test_every_real_record_is_in_a_matrix(subdir: str) -> None:
    """So nothing was uploaded that the feedstocks do not name.

    The torchaudio that says cpu and needs CUDA 11.8 is the cell of CUDA 11.8.
    """
    records = builtin.load(subdir, channel="conda-forge")
    assert records
    cells = {forge_stubs._cell(stub) for stub in forge_stubs._stubs(subdir)}
    missing = {
        build.spec
        for build in records.builds
        if build.name in ("pytorch", "torchvision", "torchaudio")
        and forge_stubs._cell(build) not in cells
    }
    assert missing == set()


# The CUDA of the whole set


def _vision(cuda: str, number: int) -> Build:
    """A torchvision of 0.20.1 whose CUDA may be another one than that of its pytorch."""
    return Build(
        name="torchvision",
        version="0.20.1",
        build=f"cuda{cuda.replace('.', '')}_py312_h0_{number}",
        build_number=number,
        subdir="linux-64",
        channel="conda-forge",
        depends=(
            "python",
            "python_abi 3.12.* *_cp312",
            "pytorch * cuda*",
            "pytorch >=2.5.1,<2.6.0a0",
            f"cuda-version >={cuda},<13",
            "__cuda",
        ),
    )


def _torch_of_12_6() -> tuple[Build, ...]:
    every = forge_stubs.builds("linux-64")
    return tuple(b for b in every if b.name == "pytorch" and "cuda126_" in b.build)


def test_a_partner_within_the_driver_comes_before_a_newer_one():
    builds = (*_torch_of_12_6(), _vision("12.9", 9), _vision("12.6", 1))
    found = chosen(*BOTH, driver="12.6", cuda_arch="8.6", builds=builds)
    assert [b.build_number for b in found.builds if b.name == "torchvision"] == [1]
    assert found.compat == "strict"
    newer = chosen(*BOTH, driver="12.9", cuda_arch="8.6", builds=builds)
    assert [b.build_number for b in newer.builds if b.name == "torchvision"] == [9]


def test_a_partner_beyond_the_driver_makes_the_set_one_of_minor_version_compatibility():
    builds = (*_torch_of_12_6(), _vision("12.9", 9))
    found = chosen(*BOTH, driver="12.6", cuda_arch="8.6", builds=builds)
    assert (found.cuda, found.compat) == ("12.6", "minor")
    [told] = [notice for notice in found.notices if notice.code == "minor_version_compat"]
    assert told.facts == {"cuda": "12.9", "driver": "12.6"}
    refused = ask(*BOTH, driver="12.6", cuda_arch="8.6", builds=builds, compat="strict")
    assert isinstance(refused, NoChoice)
    assert "minor_version_only" in codes(refused)
    alone = chosen("pytorch", driver="12.6", cuda_arch="8.6", builds=builds, compat="strict")
    assert alone.compat == "strict"


def test_a_set_that_the_driver_runs_by_itself_comes_before_a_higher_cuda_that_it_does_not():
    """Of one release: CUDA 12.6 with a partner beyond the driver, and 11.8 with one within it."""
    torch = tuple(
        b for b in forge_stubs.builds("linux-64") if b.name == "pytorch" and b.version == "2.5.1"
    )
    vision = _vision("11.8", 1)
    spec = "cudatoolkit >=11.8,<12"
    older = vision._replace(depends=(*vision.depends[:4], spec, "cuda-version >=11.8,<12"))
    builds = (*torch, _vision("12.9", 9), older)
    found = chosen(*BOTH, driver="12.6", cuda_arch="8.6", builds=builds)
    assert (found.cuda, found.compat) == ("11.8", "strict")


@pytest.mark.parametrize("subdir", builtin.platforms("conda-forge"))
def test_a_pytorch_brings_the_libtorch_that_was_built_with_it(subdir: str) -> None:
    """Before 2.6 a pytorch asks for a release alone, which has libraries for every variant."""
    known = builtin.load(subdir, channel="conda-forge")
    assert known is not None
    for build in known.builds:
        if build.name == "pytorch":
            (library,) = choose._libraries(build, known.builds, KNOWLEDGE)
            variant = build.build.partition("_py")[0].removesuffix("_mkl").removesuffix("_generic")
            assert library.version == build.version
            assert library.build.startswith(f"{variant}_")
            assert library.build.rpartition("_")[2] == build.build.rpartition("_")[2]


@pytest.mark.parametrize(
    ("word", "python"),
    [
        *(("numpy=1.22", "3.10"), ("numpy=1.24", "3.11")),
        ("numpy<2", "3.12"),
        ("numpy=1.26", "3.12"),
        ("numpy=2.2", "3.13"),
        ("numpy>=1.20", "3.13"),
        ("scipy<1.10", "3.13"),
    ],
)
def test_a_numpy_that_is_asked_for_decides_between_pythons(word, python):
    """NumPy 1 has no build for Python 3.13: the newest Python left the solver nothing."""
    assert chosen("pytorch=2.8", word, driver="12.9").python == python
    # It only decides between Pythons: where there is one, the solver has the last word.
    assert chosen("pytorch=2.8", word, driver="12.9", python="3.13").python == "3.13"
