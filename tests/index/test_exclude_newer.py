"""Conda's setting `exclude_newer`: what its solver will not see is not chosen."""

from __future__ import annotations

import json

import pytest

from conda_torchmirror.index.exclude_newer import without_newer
from conda_torchmirror.models import Build, Records

OLD, NEW, UNDATED = (
    Build("pytorch", version, "b", 0, "linux-64", "pytorch", timestamp=time)
    for version, time in (("2.3.0", 1_713_000_000_000), ("2.5.1", 1_730_000_000_000), ("2.4", 0))
)
RECORDS = Records((NEW, OLD, UNDATED), "live")


def knows_it() -> bool:
    from conda.base.context import context

    return hasattr(context, "exclude_newer_policy")


class Policy:
    """What `context.exclude_newer_policy` is on new conda, for a cutoff in the middle of 2024."""

    active = True

    @staticmethod
    def should_include(record):
        return record.timestamp <= 1_720_000_000_000


def test_newer_builds_do_not_exist(monkeypatch):
    from conda.base.context import context

    monkeypatch.setattr(type(context), "exclude_newer_policy", Policy, raising=False)
    assert without_newer(RECORDS) == Records((OLD, UNDATED), "live", excluded=1)


def test_without_the_setting_nothing_is_kept_out():
    assert without_newer(RECORDS) is RECORDS


PREVIEW = ("torch-install", "-d", "--json", "--cuda", "12.4")


def test_the_choice_and_what_is_said(mirrored, conda_in_process, monkeypatch):
    from conda.base.context import context

    monkeypatch.setattr(type(context), "exclude_newer_policy", Policy, raising=False)
    found = conda_in_process(*PREVIEW).ok().json()["torchmirror"]
    assert found["selected"]["builds"][0]["version"] == "2.3.0"
    assert "excluded_newer" in [warning["code"] for warning in found["warnings"]]


def test_a_request_that_it_makes_impossible(mirrored, conda_in_process, monkeypatch):
    from conda.base.context import context

    monkeypatch.setattr(type(context), "exclude_newer_policy", Policy, raising=False)
    found = json.loads(conda_in_process(*PREVIEW, "pytorch=2.5.1").stdout)
    assert found["exception_name"] == "NoFittingBuild"
    assert "exclude_newer" in json.dumps(found["guidance"])


@pytest.mark.skipif(not knows_it(), reason="this conda has no exclude_newer")
def test_condas_own_variable(mirrored, conda_in_process, monkeypatch):
    monkeypatch.setenv("CONDA_EXCLUDE_NEWER", "2024-07-01")
    found = conda_in_process(*PREVIEW).ok().json()["torchmirror"]
    assert found["selected"]["builds"][0]["version"] == "2.3.0"
