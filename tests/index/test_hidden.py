"""Conda's setting `exclude_newer`: what its solver will not see is not chosen."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from conda_torchmirror.index.hidden import undated, without_hidden
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
    assert without_hidden(RECORDS) == Records((OLD, UNDATED), "live", excluded=1)


def test_without_the_setting_nothing_is_kept_out():
    assert without_hidden(RECORDS) is RECORDS


def test_a_build_without_a_date_cannot_be_judged(monkeypatch):
    from conda.base.context import context

    assert undated(RECORDS.builds) == 0  # without the setting nothing is
    # New conda keeps the policy that it has just made on the object itself.
    monkeypatch.setattr(context, "exclude_newer_policy", Policy, raising=False)
    assert undated(RECORDS.builds) == 1


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


@pytest.mark.parametrize(
    "words",
    [
        "pytorch=2.5.1 --source pytorch",
        "pytorch-cuda=12.4 --source pytorch",
        "pytorch=2.7 --source conda-forge --offline --platform linux-64",
    ],
)
def test_what_it_hides_is_not_said_to_be_in_no_channel(
    mirrored, conda_in_process, monkeypatch, words
):
    from conda.base.context import context

    monkeypatch.setattr(type(context), "exclude_newer_policy", Policy, raising=False)
    found = json.loads(conda_in_process(*PREVIEW, *words.split()).stdout)
    cause = found["guidance"]["cause"]
    assert cause.startswith("of the builds for linux-64 that conda's settings do not hide, none is")


@pytest.mark.skipif(not knows_it(), reason="this conda has no exclude_newer")
def test_condas_own_variable(mirrored, conda_in_process, monkeypatch):
    monkeypatch.setenv("CONDA_EXCLUDE_NEWER", "2024-07-01")
    found = conda_in_process(*PREVIEW).ok().json()["torchmirror"]
    assert found["selected"]["builds"][0]["version"] == "2.3.0"


def test_an_offline_preview_says_what_it_could_not_judge(monkeypatch, conda_in_process):
    from conda.base.context import context

    words = ("torch-install", "-d", "--offline", "--json", "--cuda", "cpu", "pytorch=2.2.1")
    monkeypatch.setattr(type(context), "exclude_newer_policy", Policy, raising=False)
    found = conda_in_process(*words, "torchvision").ok().json()["torchmirror"]
    # The rules name these two builds; no record with a date has been seen.
    assert "record" not in [build["evidence"] for build in found["selected"]["builds"]]
    told = [warning["text"] for warning in found["warnings"] if warning["code"] == "undated"]
    assert len(told) == 1
    assert told[0].startswith("2 of these builds have no date in the built-in index")


def test_a_build_without_a_date_is_no_older_than_its_release(monkeypatch):
    """PyTorch 2.5.1 of the built-in index was chosen by a date before 2.4."""
    from conda.base.context import context

    monkeypatch.setattr(type(context), "exclude_newer_policy", Policy, raising=False)
    builds = (*RECORDS.builds, NEW._replace(timestamp=0), NEW._replace(version="2.6", timestamp=0))
    for origin, left in (("built-in", (OLD, UNDATED)), ("live", (OLD, UNDATED, *builds[3:]))):
        assert without_hidden(Records(builds, origin)).builds == left


def test_an_older_release_that_was_built_later_hides_no_newer_one(monkeypatch):
    """1.8.2 (LTS) is from after 1.9.0: the builds of 1.9.0 that have no date were left out."""
    from conda.base.context import context

    monkeypatch.setattr(type(context), "exclude_newer_policy", Policy, raising=False)
    lts, seen = NEW._replace(version="1.8.2"), OLD._replace(version="1.9.0")
    undated = seen._replace(build="c", timestamp=0)
    unknown = undated._replace(version="1.10.0")
    found = without_hidden(Records((lts, seen, undated, unknown), "built-in"))
    assert found.builds == (seen, undated)


@pytest.mark.parametrize("date", ["2025-04-01", "2025-07-30", "2025-08-01"])
def test_what_is_told_of_conda_forge_is_what_the_date_lets_be_seen(
    mirrored, conda_in_process, monkeypatch, date
):
    """2.13.0 of its tables was told and offered, and then refused."""
    from conda.base.context import context

    limit = datetime.fromisoformat(f"{date}T00:00:00+00:00").timestamp() * 1000

    class Until(Policy):
        @staticmethod
        def should_include(record):
            return record.timestamp <= limit

    monkeypatch.setattr(type(context), "exclude_newer_policy", Until, raising=False)
    words = ("pytorch=2.5.1", "--source", "pytorch", "--platform", "linux-64")
    found = conda_in_process(*PREVIEW, *words).ok().json()["torchmirror"]
    told = next(one["text"] for one in found["warnings"] if one["code"] == "source_chosen")
    # 2.7.1 was built until 2025-07-30, and 2.6.0 until 2025-04-10.
    assert ("2.7.1" in told) is (date == "2025-08-01")
    assert ("2.7.0" in told) is (date == "2025-07-30")
    refused = conda_in_process(*PREVIEW, "pytorch=2.7", "--source", "pytorch")
    codes = [hint["hint_code"] for hint in refused.json()["guidance"]["hints"]]
    assert ("use_conda_forge" in codes) is (date != "2025-04-01")


def test_builds_that_conda_is_told_not_to_see_are_not_chosen(mirrored):
    """With `use_only_tar_bz2` a .conda build of conda-forge was chosen, which no solver found."""
    built = tuple(build._replace(fn=f"{build.spec}.conda") for build in RECORDS.builds[:1])
    records = Records((*built, *RECORDS.builds[1:]), "live")
    assert without_hidden(records) is records
    mirrored(use_only_tar_bz2=True)
    assert without_hidden(records) == Records(RECORDS.builds[1:], "live", packed=1)


def test_what_is_chosen_and_said_then(mirrored, conda_in_process):
    words = ("torch-install", "-d", "--json", "--offline", "--platform", "linux-64")
    words += ("--cuda", "12.4", "--source")
    mirrored(use_only_tar_bz2=True)
    found = conda_in_process(*words, "auto").ok().json()["torchmirror"]["selected"]
    assert (found["source"], found["builds"][0]["version"]) == ("pytorch", "2.5.1")
    refused = conda_in_process(*words, "conda-forge")
    assert refused.rc == 1
    hints = {hint["hint_code"]: hint["text"] for hint in refused.json()["guidance"]["hints"]}
    assert "`conda config --show use_only_tar_bz2`" in hints["allow_packed"]
    mirrored(use_only_tar_bz2=False)
    assert conda_in_process(*words, "conda-forge").rc == 0


@pytest.mark.parametrize("set_", [True, False])
def test_of_wheels_it_is_said_that_it_does_not_apply(conda_in_process, monkeypatch, set_):
    from conda.base.context import context

    if set_:
        monkeypatch.setattr(type(context), "exclude_newer_policy", Policy, raising=False)
    words = ("--offline", "--cuda", "12.4", "--python", "3.12", "--source", "wheels")
    done = conda_in_process("torch-install", "-d", "--json", *words).ok()
    codes = {one["code"] for one in done.json()["torchmirror"]["warnings"]}
    assert ("wheels_not_by_date" in codes) is set_
