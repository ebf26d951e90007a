"""A mirror whose index is old or half synced, asked by conda's own redirected commands."""

from __future__ import annotations

import json

import pytest
from support.channels import zstd_compress
from support.faults import stale
from support.mirror import Exchange
from support.prefixes import records
from support.running import Result

from conda_torchmirror.hooks import lacking
from conda_torchmirror.mirrors.registry import Route

pytest_plugins = ("support.site_fixtures",)

CREATE = ("create", "-y", "-c", "pytorch", "-c", "nvidia")


@pytest.fixture
def half(sites, condarc):
    """The first mirror has every package but those of PyTorch."""
    settings = sites.settings()
    settings["plugins"]["torchmirror_auto"] = True
    condarc(**settings)
    sites.first.fail("*/pytorch/linux-64/*", stale, drop=lambda record: record["name"] == "pytorch")
    return sites


@pytest.fixture
def conda(conda_in_process, monkeypatch):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    return conda_in_process


def what(result: Result) -> str:
    return " ".join(result.stderr.split())


@pytest.mark.parametrize("spec", ["pytorch", "pytorch=2.5", "pytorch::pytorch=2.5.1"])
def test_it_is_named_and_left_by_the_next_run(half, conda, tmp_path, spec):
    refused = conda(*CREATE, "-p", tmp_path / "one", "filelock", spec)
    assert refused.rc == 1
    said = "first has an old index, without pytorch-2.5.1-py3.12_cuda12.4_cudnn9.1.0_0.tar.bz2"
    assert f"{said}; the same command, run again, reads `pytorch` from second" in what(refused)
    done = conda(*CREATE, "-p", tmp_path / "one", "filelock", spec).ok()
    assert said in what(done)
    assert records(tmp_path / "one")["pytorch"]["url"].startswith(half.second.url)


@pytest.mark.parametrize(
    "spec",
    [
        "pytorch=9",
        "no-such-package",
        "conda-forge::pytorch=1.0.0",
        "pytorch=2.5.1=py3.12_cuda99_0",
    ],
)
def test_what_no_index_has_is_nobodys_fault(half, conda, tmp_path, spec):
    refused = conda(*CREATE, "-p", tmp_path / "one", "filelock", spec)
    assert refused.rc == 1
    assert "old index" not in what(refused)


def test_a_whole_index_is_not_called_old(half, conda, tmp_path):
    half.first.heal()
    refused = conda(*CREATE, "-p", tmp_path / "one", "pytorch=2.5.1", "no-such-package")
    assert refused.rc == 1
    assert "old index" not in what(refused)


def forbidden(exchange: Exchange) -> None:
    """403 with a page that tells nothing."""
    exchange.send(403, b"<html></html>", {"Content-Type": "text/html"})


@pytest.mark.parametrize("fault", ["server_error", "busy", forbidden])
def test_an_index_that_fails_after_a_good_probe_costs_one_run(half, conda, tmp_path, fault):
    """The second run left the mirror for this channel alone, and failed at the next one."""
    half.first.heal()
    half.first.fail("*.zst", fault)
    half.first.fail("*/noarch/*", fault)
    refused = conda(*CREATE, "-p", tmp_path / "one", "pytorch")
    if refused.rc:
        assert "the same command, run again" in what(refused)
    conda(*CREATE, "-p", tmp_path / "one", "pytorch").ok()


@pytest.mark.parametrize(("spec", "told"), [("pytorch", True), ("pytorch=2.7.0=cuda126*", False)])
def test_a_live_channel_may_withdraw_builds_but_not_all(half, conda, tmp_path, spec, told):
    refused = conda("create", "-y", "-c", "conda-forge", "-p", tmp_path / "one", spec)
    assert refused.rc == 1
    assert ("first has an old index, without pytorch-" in what(refused)) == told


def empty(exchange: Exchange) -> None:
    """An index of this platform without any package, as between two runs of a mirror."""
    (subdir, name) = exchange.record.path.split("/")[-2:]
    plain = json.dumps({"info": {"subdir": subdir}, "packages": {}, "packages.conda": {}}).encode()
    exchange.send_content(zstd_compress(plain) if name.endswith(".zst") else plain)


def test_an_index_without_any_package_is_left_whatever_was_asked_for(half, conda, tmp_path):
    """filelock is in no built-in index, so nothing was known to be missing: every run failed."""
    half.first.heal()
    half.first.fail("*/conda-forge/*repodata*", empty)
    ask = ("create", "-y", "-c", "conda-forge", "-p", tmp_path / "one")
    refused = conda(*ask, "filelock")
    assert refused.rc == 1
    assert "first has an old index, without pytorch-" in what(refused)
    assert "the same command, run again, reads `conda-forge` from second" in what(refused)
    conda(*ask, "filelock").ok()
    assert records(tmp_path / "one")["filelock"]["url"].startswith(half.second.url)
    # Nothing is known of what is wanted from another channel. (Rattler reports it without channel.)
    route = Route("conda-forge", half.first.channel_url("conda-forge"), "first")
    assert lacking.find(route, "linux-64", ["filelock"])
    assert lacking.find(route, "linux-64", ["pytorch::filelock"]) is None
