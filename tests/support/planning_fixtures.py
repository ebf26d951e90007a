"""Fixtures of `planning`. A test module says
`pytest_plugins = ("support.planning_fixtures",)`."""

from __future__ import annotations

import json
import shutil

import pytest

from conda_torchmirror.handover import solve
from conda_torchmirror.mirrors.registry import Route
from conda_torchmirror.models import (
    Build,
    Choice,
    CondaStep,
    Decision,
    Machine,
    Plan,
    Records,
    Request,
)

from .isolation import Sandbox, reset_conda
from .planning import draft


@pytest.fixture
def elsewhere(tmp_path):
    """`elsewhere(pkgs=None, **settings)`: another machine, as variables; its package cache is a
    copy of `pkgs`. It knows no channel, no server and no GPU."""

    def make(pkgs=None, **settings):
        world = Sandbox(tmp_path / f"machine{len(list(tmp_path.iterdir()))}").create()
        world.write_condarc(settings)
        if pkgs is not None:
            shutil.copytree(pkgs, world.pkgs)
        return world, world.variables()

    return make


@pytest.fixture
def make_plan(mirrored, mirror, channels, tmp_path):
    """`make_plan("filelock", ...)`: a plan of these packages of conda-forge, without a solve."""

    def make(*names, folder=tmp_path / "plan", base=None, subdir="linux-64", removed=(), **fields):
        from conda.models.records import PackageRecord

        root = base or mirror.channel_url("conda-forge")
        records = []
        for name in names:
            part, found = next(
                (part, record)
                for part in (subdir, "noarch")
                for record in json.loads(
                    (channels / "conda-forge" / part / "repodata.json").read_text()
                )["packages"].values()
                if record["name"] == name
            )
            fn = f"{name}-{found['version']}-{found['build']}.tar.bz2"
            channel = f"{root}/{part}"
            records.append(PackageRecord(fn=fn, url=f"{channel}/{fn}", channel=channel, **found))
        build = Build("pytorch", "2.5.1", "py3.12_cuda12.4_cudnn9.1.0_0", 0, subdir)
        step = CondaStep("create", (build.spec,), (), {}, "", "")
        decision = Decision(
            machine=Machine(subdir, cuda="12.4", cuda_from="--cuda"),
            request=Request({"pytorch": ("pytorch",)}),
            choice=Choice((build,), "3.12", fields.get("cuda", "12.4"), "pytorch-cuda"),
            records=Records((build,), "live"),
            plan=Plan((step,), (Route("pytorch", root, "tuna"),)),
            prefix=None,
            dry_run=False,
        )
        found = solve.Transaction(tuple(records), tuple(records), tuple(removed))
        plan = draft(folder, decision, found).write()
        reset_conda()
        return plan

    return make
