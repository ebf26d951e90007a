"""Reading an index: what is skipped, what is an error, and what the error leaves behind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.channels import write_index
from support.sites import ASK

from conda_torchmirror.exceptions import channel as exceptions
from conda_torchmirror.index import repodata
from conda_torchmirror.mirrors.registry import Route

pytest_plugins = ("support.site_fixtures",)

GOOD = {
    "name": "pytorch",
    "version": "2.5.1",
    "build": "py3.12_cuda12.4_cudnn9.1.0_0",
    "build_number": 0,
    "depends": ["python >=3.12,<3.13.0a0"],
    "constrains": [],
    "md5": "0" * 32,
    "sha256": "0" * 64,
    "size": 1,
    "timestamp": 1,
}
#: Whatever is wrong with one record -> the fields that make it so.
DEFECTS: dict[str, Any] = {
    "no object": "pytorch",
    "null": None,
    "no name": {"name": None},
    "a list for a name": {"name": ["pytorch"]},
    "a number for a version": {"version": 2.5},
    "an empty version": {"version": ""},
    "no build": {"build": None},
    "a text for a build number": {"build_number": "0"},
    "true for a build number": {"build_number": True},
    "a negative build number": {"build_number": -1},
    "a text for depends": {"depends": "python"},
    "null for depends": {"depends": None},
    "a number in depends": {"depends": ["python", 3]},
    "an object for constrains": {"constrains": {"cpuonly": "<0"}},
    "no hash": {"md5": None, "sha256": None},
    "a number for md5": {"md5": 5},
    "a number for sha256": {"sha256": 5},
    "a text for a size": {"size": "1"},
    "a negative size": {"size": -1},
}


def _record(defect: Any) -> Any:
    return {**GOOD, **defect} if isinstance(defect, dict) else defect


@pytest.mark.parametrize("section", ["packages", "packages.conda"])
@pytest.mark.parametrize("what", DEFECTS)
def test_an_unusable_record_is_skipped_and_counted(what, section):
    index = {
        section: {
            "bad.conda": _record(DEFECTS[what]),
            "good.conda": GOOD,
            "other.conda": {"name": "numpy"},
        }
    }
    where = Route("pytorch", "https://mirror.example/pytorch", "lab")
    found = list(repodata._builds(index, where, "linux-64", {"pytorch"}))
    assert [build and build.version for build in found] == [None, "2.5.1"]


@pytest.mark.parametrize(
    "more",
    [{}, {"constrains": None}, {"size": None}, {"md5": None}, {"timestamp": "today"}],
    ids=str,
)
def test_what_may_be_missing(more):
    where = Route("pytorch", "https://mirror.example/pytorch", "lab")
    index = {"packages": {"x.conda": {**GOOD, **more}}}
    [build] = repodata._builds(index, where, "linux-64", {"pytorch"})
    assert build is not None


@pytest.fixture
def one_channel(tmp_path, make_mirror):
    """`one_channel(subdir, index)`: the URL of a mirror whose pytorch has this one index."""

    def serve(subdir: str, index: Any) -> str:
        root = tmp_path / "channels"
        for part, content in ((subdir, index), ("noarch", {"packages": {}})):
            folder = root / "pytorch" / part
            folder.mkdir(parents=True)
            write_index(folder, content)
        return f"{make_mirror(root, {'pytorch': 'anaconda/cloud'}).url}/anaconda/cloud"

    return serve


def test_bad_records_change_nothing_and_are_told_with_v(sites, one_channel, run_conda):
    index = json.loads((sites.root / "pytorch/linux-64/repodata.json").read_text())
    bad = {f"bad-{n}.tar.bz2": _record(defect) for n, defect in enumerate(DEFECTS.values())}
    index["packages"] = {**bad, **index["packages"]}
    words = (*ASK, "--dry-run", "--no-fallback", "--mirror", one_channel("linux-64", index))
    plain, loud = run_conda(*words).ok(), run_conda(*words, "-v").ok()
    assert "pytorch=2.5.1=py3.12_cuda12.4_cudnn9.1.0_0" in plain.stdout
    assert "unusable records" not in plain.stdout
    assert f"{len(DEFECTS)} unusable records of the index were skipped" in loud.stdout
    found = run_conda(*words, "--json").ok().json()["torchmirror"]["warnings"]
    assert "skipped_records" in [notice["code"] for notice in found]


# Errors: one mirror, nothing behind it

WAYS: dict[str, tuple[Any, dict[str, Any], type[exceptions.ChannelError], str, str]] = {
    "404": ("not_found", {}, exceptions.ChannelMissing, "answers 404", "other_mirror"),
    "403": ("blocked", {}, exceptions.ChannelForbidden, "403", "other_mirror"),
    "500": ("server_error", {}, exceptions.ChannelUnreachable, "500", "check_network"),
    "refused": ("refused", {}, exceptions.ChannelUnreachable, "refused", "check_network"),
    "reset": ("reset", {}, exceptions.ChannelUnreachable, "", "check_network"),
    "tls": ("tls", {}, exceptions.ChannelTls, "SSL", "check_certificates"),
    "html": ("html", {}, exceptions.ChannelBroken, "", "clean_index"),
    "truncated": ("truncated", {}, exceptions.ChannelBroken, "", "clean_index"),
}


@pytest.mark.parametrize("suffix", ["json", "zst"])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_fail_is_one_error(sites, condarc, conda_in_process, way, suffix):
    """As a channel is read, without the probe before and the fallback behind."""
    fault, options, kind, says, hint = WAYS[way]
    from conda.base.context import context

    base = sites.first.https_url if fault == "tls" else sites.first.url
    condarc(
        **{
            **sites.settings(),
            "custom_channels": {"pytorch": f"{base}/anaconda/cloud"},
            "repodata_use_zst": suffix == "zst",
        }
    )
    conda_in_process("info", "--json").ok()
    sites.first.fail("*", fault, **options)
    where = Route("pytorch", f"{base}/anaconda/cloud/pytorch", "first")
    with pytest.raises(exceptions.ChannelError) as raised:
        repodata.read(where, "linux-64", {"pytorch"})
    error = raised.value
    document = error.dump_map()
    assert type(error) is kind
    assert says in document["guidance"]["cause"]
    assert hint in [item["hint_code"] for item in document["guidance"]["hints"]]
    # What was broken is not kept: the next command starts afresh.
    sites.first.heal()
    if fault not in ("refused", "tls"):
        assert repodata.read(where, "linux-64", {"pytorch"}).builds
    assert context.remote_max_retries == 0


def test_a_403_that_conda_shows_is_told_as_one(sites, condarc, conda_in_process):
    condarc(
        **{**sites.settings(), "custom_channels": {"pytorch": f"{sites.first.url}/anaconda/cloud"}}
    )
    conda_in_process("info", "--json").ok()
    sites.first.fail("*/noarch/*", "blocked")
    where = Route("pytorch", f"{sites.first.url}/anaconda/cloud/pytorch", "first")
    with pytest.raises(exceptions.ChannelForbidden) as raised:
        repodata.read(where, "linux-64", {"pytorch"})
    hints = [item["hint_code"] for item in raised.value.dump_map()["guidance"]["hints"]]
    assert hints[0] == "do_not_retry"


def test_a_name_that_dns_does_not_know(sites, condarc, conda_in_process):
    condarc(**{**sites.settings(), "custom_channels": {"pytorch": "https://mirror.invalid/cloud"}})
    conda_in_process("info", "--json").ok()
    where = Route("pytorch", "https://mirror.invalid/cloud/pytorch", "first")
    with pytest.raises(exceptions.ChannelUnreachable):
        repodata.read(where, "linux-64", {"pytorch"})


@pytest.mark.parametrize(
    "index", [[], "x", 5, {"packages": []}, {"packages.conda": []}, {"packages": "x"}], ids=repr
)
def test_an_index_of_another_shape_is_broken(
    sites, make_mirror, tmp_path, condarc, index, conda_in_process
):
    folder = tmp_path / "channels" / "pytorch" / "linux-64"
    folder.mkdir(parents=True)
    (folder / "repodata.json").write_text(json.dumps(index))
    mirror = make_mirror(folder.parents[1], {"pytorch": ""})
    condarc(**{**sites.settings(), "custom_channels": {"pytorch": mirror.url}})
    conda_in_process("info", "--json").ok()
    with pytest.raises(exceptions.ChannelBroken):
        repodata.read(Route("pytorch", f"{mirror.url}/pytorch", "lab"), "linux-64", {"pytorch"})


def test_offline_with_nothing_cached(sites, conda_in_process, run_conda):
    done = run_conda(*ASK, "--offline", "-n", "new", "--json")
    assert done.rc == 1
    assert done.json()["exception_name"] == "NothingCached"
    assert [h["hint_code"] for h in done.json()["guidance"]["hints"]] == [
        "go_online",
        "preview_offline",
    ]


def test_arm_servers_are_read_live(sites, one_channel, run_conda):
    """No record of linux-aarch64 was found for the built-in index, but the channel has builds."""
    arm = {
        **GOOD,
        "build": "py3.12_cpu_0",
        "subdir": "linux-aarch64",
        "depends": ["python >=3.12,<3.13.0a0", "pytorch-mutex 1.0 cpu"],
    }
    url = one_channel("linux-aarch64", {"packages": {"pytorch-2.5.1-py3.12_cpu_0.tar.bz2": arm}})
    words = ("torch-install", "--dry-run", "--platform", "linux-aarch64", "pytorch", "--json")
    done = run_conda(*words, "--no-fallback", "--mirror", url).ok().json()["torchmirror"]
    assert done["specs"] == ["pytorch=2.5.1=py3.12_cpu_0"]
    assert done["selected"]["index"] == "live"


@pytest.mark.parametrize("kind", ["json", "info.json"])
@pytest.mark.parametrize(
    "content", [b"", b'{"cut', b"\0" * 99, None], ids=["empty", "cut", "zeros", "gone"]
)
def test_a_damaged_cache_is_no_mirrors_fault_offline(
    sites, conda_in_process, sandbox, kind, content
):
    """A power cut or a full disk leaves such files. Offline, the first mirror was blamed, and the
    preview that was offered failed as well."""
    conda_in_process(*ASK, "-n", "before").ok()
    cached = (sandbox.root / "pkgs" / "cache").glob("*.json")
    for file in [file for file in cached if file.name.partition(".")[2] == kind]:
        file.unlink()
        if content is not None:
            file.write_bytes(content)
    refused = conda_in_process(*ASK, "-n", "new", "--offline")
    assert isinstance(refused.error, exceptions.NothingCached)
    assert "previews from conda's cache or the built-in index" in refused.words
    conda_in_process(*ASK, "-n", "new", "--offline", "--dry-run").ok()
    conda_in_process(*ASK, "-n", "new").ok()
