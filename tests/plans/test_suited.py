"""A plan whose packages are made for a newer system than the one here."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_torchmirror.exceptions.plan import PlanNewerSystem
from conda_torchmirror.models import Machine
from conda_torchmirror.options import InstallOptions
from conda_torchmirror.plans import suited
from conda_torchmirror.plans.saved_plan import SavedPlan
from conda_torchmirror.plans.wheel_part import PlanWheel, WheelPart
from conda_torchmirror.selection.wheels.link import Link


def plan_of(*depends: str, wheels: tuple[str, ...] = (), subdir: str = "linux-64") -> SavedPlan:
    """A plan of one package of conda's, and of these wheels for Python 3.13."""
    files = tuple(
        PlanWheel(
            name.partition("-")[0], name.split("-")[1], Link(name, f"https://m.example/{name}")
        )
        for name in wheels
    )
    return SavedPlan(
        folder=Path("plan"),
        subdir=subdir,
        created="2026-11-27T00:00:00+00:00",
        decision={
            "request": {
                "specs": ["pytorch=2.9"],
                "others": ["numpy<2"],
                "cuda": "12.6",
                "source": "auto",
            }
        },
        packages=({"name": "libtorch", "depends": list(depends)},),
        wheels=WheelPart("3.13", files[:1], (), files[1:]) if files else None,
    )


TORCH = "torch-2.9.0+cu126-cp313-cp313-manylinux_2_28_x86_64.whl"
FREE = "torch-2.9.0+cu126-cp313-cp313t-manylinux_2_28_x86_64.whl"
NUMPY = "numpy-2.3.0-cp313-cp313-manylinux_2_27_x86_64.manylinux_2_17_x86_64.whl"
MAC = "torch-2.9.0-cp313-none-macosx_14_0_arm64.whl"


@pytest.mark.parametrize(
    ("plan", "glibc", "osx", "needed"),
    [
        (plan_of("__glibc >=2.28,<3.0.a0"), "2.17", None, "glibc 2.28"),
        (plan_of("__glibc >=2.28,<3.0.a0"), "2.28", None, None),
        (plan_of("__glibc >=2.28,<3.0.a0"), "2.35", None, None),
        (plan_of("__glibc >=2.28,<3.0.a0"), None, None, None),
        (plan_of("__glibc", "python >=3.99"), "2.17", None, None),
        (plan_of("__osx >=11.0", subdir="osx-arm64"), None, "11.0", None),
        (plan_of("__osx >=11.0", subdir="osx-arm64"), None, "11", None),
        (plan_of("__osx >=14.4", subdir="osx-arm64"), None, "14.3.1", "macOS 14.4"),
        (plan_of(wheels=(TORCH, NUMPY)), "2.17", None, "glibc 2.28"),
        (plan_of(wheels=(FREE,)), "2.17", None, "glibc 2.28"),
        (plan_of(wheels=(TORCH, NUMPY)), "2.28", None, None),
        (plan_of(wheels=(NUMPY,)), "2.17", None, None),
        (plan_of(wheels=(MAC,), subdir="osx-arm64"), None, "13.6", "macOS 14.0"),
        (plan_of(wheels=(MAC,), subdir="osx-arm64"), None, "14.0", None),
    ],
)
def test_it_is_refused_before_anything_is_done(plan, glibc, osx, needed):
    on = Machine(plan.subdir, glibc=glibc, osx=osx)
    if needed is None:
        suited.refuse_older(plan, on, InstallOptions(name="there"))
        return
    with pytest.raises(PlanNewerSystem) as caught:
        suited.refuse_older(plan, on, InstallOptions(name="there"))
    assert f"the plan needs {needed} or newer" in str(caught.value.message)
    (step,) = caught.value._hints
    command = 'conda torch-install -n there pytorch "numpy<2" --cuda 12.6 --save-plan DIR'
    assert step["text"] == f"save one here, for this system: `{command}`"
