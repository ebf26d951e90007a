"""What conda's own errors gain: one next step where this plugin knows it, silence elsewhere."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conda.exceptions import (
    CondaHTTPError,
    CondaValueError,
    PackagesNotFoundError,
    UnsatisfiableError,
)
from conda.models.match_spec import MatchSpec
from conda.plugins import types
from support.channels import file_name, write_channel
from support.running import Result

from conda_torchmirror.exceptions.usage import BadCuda
from conda_torchmirror.hooks.error_hints import OWN, RUNTIME, known
from conda_torchmirror.text.tables.hints import HINT

#: Conda 26.7 and newer ask plugins for hints.
ASKS = hasattr(types, "CondaErrorHint")
asks = pytest.mark.skipif(not ASKS, reason="this conda asks for no hints")

TUNA = "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch/linux-64/repodata.json"
UPSTREAM = "https://conda.anaconda.org/pytorch/linux-64/repodata.json"

Condarc = Callable[..., Path]


class Unsatisfiable(UnsatisfiableError):
    """As the solvers of other plugins make it: with a message of their own."""

    def __init__(self, message: str) -> None:
        super(UnsatisfiableError, self).__init__(message)


def http(status: int, url: str) -> CondaHTTPError:
    return CondaHTTPError("message", url, status, "reason", "0.1")


#: Messages of the solvers for a channel without the CUDA packages.
LIBMAMBA = (
    "Encountered problems while solving:\n  - nothing provides cuda-cudart >=12.1.55,<12.2.0a0"
    " needed by pytorch-cuda-12.1-ha16c6d3_5"
)
RATTLER = (
    "Cannot solve the request because of: pytorch-cuda 12.1.* cannot be installed because there are"
    " no viable options:\n  pytorch-cuda 12.1 would require\n    cuda-cudart >=12.1.55,<12.2.0a0,"
    " for which no candidates were found."
)
CHAIN = (
    "pytorch==2.3.1 -> pytorch-cuda[version='>=12.1,<12.2'] -> cuda-cudart[version='>=12.1,<12.2']"
)
OTHER = "nothing provides cuda-cudart needed by cupy-13.0-py311_0"


@asks
@pytest.mark.parametrize(
    ("error", "channels", "code"),
    [
        (PackagesNotFoundError(["pytorch-cuda=12.1"]), ["defaults"], "torch_channel"),
        (PackagesNotFoundError([MatchSpec("pytorch-cuda=12.1")]), ["defaults"], "torch_channel"),
        (PackagesNotFoundError(["pytorch-cuda=99"]), ["pytorch", "nvidia"], None),
        (PackagesNotFoundError([CHAIN]), ["pytorch"], "runtime_channel"),
        (PackagesNotFoundError(["cuda-cudart"]), ["pytorch"], "runtime_channel"),
        (PackagesNotFoundError(["cuda-cudart"]), ["defaults"], None),
        (PackagesNotFoundError(["numpy=99"]), ["defaults"], None),
        (Unsatisfiable(LIBMAMBA), ["pytorch"], "runtime_channel"),
        (Unsatisfiable(RATTLER), ["pytorch"], "runtime_channel"),
        (Unsatisfiable(LIBMAMBA), ["pytorch", "nvidia"], None),
        (Unsatisfiable(LIBMAMBA), ["pytorch", "nvidia/label/cuda-12.1.0"], None),
        (Unsatisfiable(OTHER), ["defaults"], None),
        (http(403, TUNA), ["pytorch"], "mirror_forbids"),
        (http(403, UPSTREAM), ["pytorch"], None),
        (http(404, TUNA), ["pytorch"], None),
        (http(403, "https://private.invalid/pytorch"), ["pytorch"], None),
        (CondaValueError("pytorch-cuda"), ["defaults"], None),
        (ValueError("pytorch-cuda"), ["defaults"], None),
    ],
    ids=[
        "package asked for",
        "spec asked for",
        "channels are there",
        "chain of a solver",
        "leaf of the classic solver",
        "the same without pytorch",
        "another package",
        "libmamba",
        "rattler",
        "nvidia is there",
        "a label of nvidia is there",
        "not of PyTorch",
        "403 of a mirror",
        "403 of upstream",
        "404 of a mirror",
        "403 of another site",
        "another error",
        "no error of conda",
    ],
)
def test_what_is_known_of_an_error(
    condarc: Condarc, error: Exception, channels: list[str], code: str | None
) -> None:
    condarc(channels=channels, default_channels=["https://defaults.invalid/main"])
    found = known(error)
    assert (found.code if found else None) == code
    if found:
        assert HINT[code].format_map(found.facts)


@asks
def test_names_are_told_whole(condarc: Condarc) -> None:
    """`cuda` is a package of the channel, and the beginning of many others."""
    condarc(channels=["pytorch"])
    found = known(Unsatisfiable(LIBMAMBA))
    assert found is not None
    assert found.facts == {"name": "cuda-cudart"}


def test_the_lists_are_what_the_records_say() -> None:
    from support.choosing import real

    needed = {
        spec.split(" ")[0].removesuffix("-dev")
        for build in real("linux-64")
        if build.name == "pytorch-cuda"
        for spec in build.depends
    }
    assert needed <= {*RUNTIME}
    assert "pytorch-cuda" in OWN


@asks
@pytest.mark.parametrize(
    ("error", "count"),
    [(PackagesNotFoundError(["pytorch-cuda"]), 1), (BadCuda(value="x"), 0), (KeyError("x"), 0)],
    ids=["known", "our own", "foreign"],
)
def test_the_hook_yields_at_most_one(condarc: Condarc, error: Exception, count: int) -> None:
    from conda_torchmirror.plugin import conda_error_hints

    condarc(channels=["https://other.invalid/main"])
    assert len(list(conda_error_hints(error))) == count


def record(name: str, *depends: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": "12.1",
        "build": "ha16c6d3_5",
        "build_number": 5,
        "depends": list(depends),
        "subdir": "noarch",
        "noarch": "generic",
    }


@asks
@pytest.mark.parametrize(
    "solver",
    [
        "classic",
        pytest.param(
            "rattler",
            marks=pytest.mark.skipif(
                importlib.util.find_spec("conda_rattler_solver") is None, reason="not installed"
            ),
        ),
    ],
)
@pytest.mark.parametrize(
    ("channel", "asked", "code"),
    [
        ("pytorch", "pytorch-cuda", "torchmirror_runtime_channel"),
        ("other", "cpuonly", "torchmirror_torch_channel"),
    ],
    ids=["needs nvidia", "not there"],
)
def test_conda_shows_it(
    conda_in_process: Callable[..., Result],
    condarc: Condarc,
    tmp_path: Path,
    solver: str,
    channel: str,
    asked: str,
    code: str,
) -> None:
    needs_runtime = record("pytorch-cuda", "cuda-cudart >=12.1,<12.2.0a0")
    root = tmp_path / channel
    write_channel(root, "noarch", {file_name(needs_runtime): needs_runtime})
    write_channel(root, "linux-64", {})
    condarc(solver=solver, channels=[root.as_uri()])
    done = conda_in_process("create", "-p", tmp_path / "env", "--dry-run", "--json", asked)
    assert done.rc == 1
    guidance = done.json().get("guidance") or {}
    hints = [hint["hint_code"] for hint in guidance.get("hints", ())]
    assert code in hints, done
