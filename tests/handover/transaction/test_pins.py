"""The pins that conda's solvers get, where a hand-over has a pin or a spec of the same name."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from conda.base.context import context
from conda.core import solve

from conda_torchmirror.handover.transaction.pins import all_applied
from conda_torchmirror.redirect.configuration import environment, reload
from conda_torchmirror.selection.plan import PINS

BUILD = "pytorch=2.1.0=py3.11_cuda11.8_cudnn8.7.0_0"


def shown(specs) -> list[str]:
    return sorted(str(spec).replace("=[", "[") for spec in specs)  # newer conda writes no "="


@pytest.fixture
def pins(tmp_path, monkeypatch):
    """The pins of a run with these in the environment's file, given the command's words."""

    def of(lines: str, ours: str = "", *words: str) -> list[str]:
        (tmp_path / "conda-meta").mkdir(exist_ok=True)
        (tmp_path / "conda-meta" / "pinned").write_text(lines)
        variables = {PINS: ours} if ours else {}
        with environment(variables), all_applied(("install", "-c", "pytorch", *words), variables):
            reload()
            found = solve.get_pinned_specs(str(tmp_path))
        reload()
        return shown(found)

    return of


@pytest.mark.parametrize(
    ("lines", "ours", "words", "expected"),
    [
        ("mkl >=2020", "mkl<2024.1", (), ["mkl[version='<2024.1,>=2020']"]),
        ("mkl", "mkl<2024.1", (), ["mkl[version='<2024.1']"]),
        ("mkl<2024.1", "mkl<2024.1", (), ["mkl[version='<2024.1']"]),
        ("pytorch >=1.10", "", (BUILD,), [BUILD.replace("=", "==", 1)]),
        ("pytorch=*=*cuda*", "", (BUILD,), [BUILD.replace("=", "==", 1)]),
        ("pytorch >=1.10", "", ("pytorch",), ["pytorch[version='>=1.10']"]),
        (
            "numpy >=1.20",
            "mkl<2024.1",
            (BUILD,),
            ["mkl[version='<2024.1']", "numpy[version='>=1.20']"],
        ),
        ("numpy >=1.20", "", ("numpy<2",), ["numpy[version='<2,>=1.20']"]),
        # The last of the user's own, as before.
        ("numpy=1.26\nnumpy=2", "", (), ["numpy=2"]),
        # Builds that cannot be one: the user's stays.
        ("libblas=*=*mkl", "", ("libblas=*=*openblas",), ["libblas[build=*mkl]"]),
    ],
)
def test_pins_and_specs_of_one_name_are_one_pin(pins, lines, ours, words, expected):
    assert pins(lines, ours, *words) == expected


def test_a_solver_that_imported_the_function_gets_them_too_and_only_for_the_run(
    tmp_path, monkeypatch
):
    monkeypatch.setenv(PINS, "mkl >=2020")
    reload()
    early, late = ModuleType("early_solver"), ModuleType("late_solver")
    early.read, original = solve.get_pinned_specs, solve.get_pinned_specs
    early.get_pinned_specs = original
    monkeypatch.setitem(sys.modules, "early_solver", early)
    with all_applied(("install", "mkl<2024.1"), {}):
        late.get_pinned_specs = solve.get_pinned_specs
        for module in (early, late):
            assert shown(module.get_pinned_specs(str(tmp_path))) == [
                "mkl[version='<2024.1,>=2020']"
            ]
    assert solve.get_pinned_specs is early.get_pinned_specs is original
    assert shown(late.get_pinned_specs(str(tmp_path))) == shown(original(str(tmp_path)))
    monkeypatch.undo()
    reload()
    assert context.pinned_packages == ()
