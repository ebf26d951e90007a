"""A large channel, read through conda's own cache: as a whole parse reads it, and fetched once."""

from __future__ import annotations

import shutil

import pytest
from conda.gateways.repodata import RepodataCache
from support import shards

from conda_torchmirror.exceptions import channel as exceptions
from conda_torchmirror.index import cache, fetch, repodata
from conda_torchmirror.index.sparse import reader
from conda_torchmirror.mirrors.registry import Route

pytest_plugins = ("support.site_fixtures",)

NAMES = ("pytorch", "pytorch-cuda")


@pytest.fixture
def site(sites, condarc, conda_in_process):
    """`site(...)`: point conda at the first mirror, with these settings."""
    base = f"{sites.first.url}/anaconda/cloud"

    def point(**more):
        own = {"custom_channels": {"pytorch": base}, "repodata_use_zst": False}
        condarc(**{**sites.settings(), **own, **more})
        conda_in_process("info", "--json").ok()
        return Route("pytorch", f"{base}/pytorch", "first")

    return point


def sent(sites) -> int:
    """How many indexes of linux-64 the first mirror has sent."""
    return sum(sites.fetched(f"linux-64/repodata.json{suffix}")["first"] for suffix in ("", ".zst"))


@pytest.mark.parametrize("zst", [False, True])
def test_as_the_whole_index_is_read(sites, site, zst):
    where = site(repodata_use_zst=zst)
    some = repodata.read_some(where, "linux-64", NAMES)
    assert {build.name for build in some.builds} == set(NAMES)
    assert some == repodata.read(where, "linux-64", NAMES)


def test_what_follows_downloads_nothing_again(sites, site):
    from conda.core.subdir_data import SubdirData

    where = site(local_repodata_ttl=600)
    repodata.read_some(where, "linux-64", NAMES)
    assert sent(sites) == 1
    repodata.read_some(where, "linux-64", NAMES)
    assert SubdirData.query_all("pytorch", channels=["pytorch"], subdirs=["linux-64"])
    assert sent(sites) == 1


@pytest.mark.parametrize("ttl", [600, 0], ids=["fresh", "not modified"])
def test_a_cached_index_is_not_read_by_conda(site, monkeypatch, ttl):
    where = site(local_repodata_ttl=ttl)
    first = repodata.read_some(where, "linux-64", NAMES)
    whole = RepodataCache.load

    def load(cache, **options):
        assert options.get("state_only")
        return whole(cache, **options)

    monkeypatch.setattr(RepodataCache, "load", load)
    assert repodata.read_some(where, "linux-64", NAMES) == first


def test_a_fresh_index_needs_nothing_of_a_download(site, monkeypatch):
    where = site(local_repodata_ttl=600)
    first = repodata.read_some(where, "linux-64", NAMES)
    for name in ("get_session", "_run"):
        monkeypatch.delattr(fetch, name)
    assert repodata.read_some(where, "linux-64", NAMES) == first


def test_an_unchanged_index_is_not_scanned_again(site, monkeypatch):
    where = site(local_repodata_ttl=600)
    first = repodata.read_some(where, "linux-64", NAMES)
    monkeypatch.setattr(reader, "scan", lambda *_: pytest.fail("scanned again"))
    assert repodata.read_some(where, "linux-64", NAMES) == first


def test_offline(sites, site):
    live = repodata.read_some(site(), "linux-64", NAMES)
    found = repodata.read_some(site(offline=True), "linux-64", NAMES)
    assert found == live._replace(origin="cache")


def test_offline_and_nothing_there(site):
    with pytest.raises(exceptions.NothingCached):
        repodata.read_some(site(offline=True), "linux-64", NAMES)


FAULTS = {
    "not_found": exceptions.ChannelMissing,
    "blocked": exceptions.ChannelForbidden,
    "server_error": exceptions.ChannelUnreachable,
    "html": exceptions.ChannelBroken,
    "truncated": exceptions.ChannelBroken,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_way_to_fail_is_the_same_error(sites, site, fault):
    where = site()
    sites.first.fail("*/linux-64/*", fault)
    with pytest.raises(exceptions.ChannelError) as raised:
        repodata.read_some(where, "linux-64", NAMES)
    assert type(raised.value) is FAULTS[fault]
    sites.first.heal()
    assert repodata.read_some(where, "linux-64", NAMES).builds, "what was broken was kept"


def test_a_cached_index_that_ends_early_is_dropped(sites, site):
    where = site(local_repodata_ttl=600)
    first = repodata.read_some(where, "linux-64", NAMES)
    path = cache.path_of(where, "linux-64")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    # Conda takes it for fresh, as its state says when it was asked for.
    with pytest.raises(exceptions.ChannelBroken):
        repodata.read_some(where, "linux-64", NAMES)
    assert repodata.read_some(where, "linux-64", NAMES) == first


def test_the_bound_of_a_source(sites, site):
    from conda.core.subdir_data import SubdirData
    from conda.models.channel import Channel

    site()
    size = (sites.root / "pytorch/linux-64/repodata.json").stat().st_size
    one = SubdirData(Channel("pytorch/linux-64"))
    with pytest.raises(fetch.IndexTooLarge):
        fetch.fetch_latest_path(one.repo_fetch, size - 1)
    path, _ = fetch.fetch_latest_path(one.repo_fetch, size)
    assert path.stat().st_size == size


# Shards


@pytest.fixture
def sharded(sites, condarc, conda_in_process, tmp_path, make_mirror):
    """`sharded(...)`: a mirror of the channel with shards, and the way to point conda at it."""
    if not shards.READ:
        pytest.skip("this conda reads no shards")
    for subdir in ("linux-64", "noarch"):
        shutil.copytree(sites.root / "pytorch" / subdir, tmp_path / "pytorch" / subdir)
        shards.write(tmp_path / "pytorch" / subdir)
    mirror = make_mirror(tmp_path, {"pytorch": "cloud"})

    def point(**more):
        condarc(**{**sites.settings(), "custom_channels": mirror.custom_channels(), **more})
        conda_in_process("info", "--json").ok()
        return Route("pytorch", mirror.channel_url("pytorch"), "first")

    return mirror, point


def test_shards_are_read_instead(sharded):
    mirror, point = sharded
    found = repodata.read_some(point(repodata_use_shards=True), "linux-64", NAMES)
    assert not mirror.asked("*/linux-64/repodata.json*")
    assert len(mirror.asked("*/linux-64/repodata_shards.msgpack.zst")) == 1
    assert len(mirror.asked("*/linux-64/*")) == 1 + len(NAMES)
    whole = repodata.read(point(repodata_use_shards=False), "linux-64", NAMES)
    assert sorted(found.builds) == sorted(whole.builds)
    assert all(build.sha256 for build in found.builds)


def test_shards_offline(sharded):
    _, point = sharded
    found = repodata.read_some(point(repodata_use_shards=True), "linux-64", NAMES)
    where = point(repodata_use_shards=True, offline=True)
    assert sorted(repodata.read_some(where, "linux-64", NAMES).builds) == sorted(found.builds)


@pytest.mark.parametrize(
    "settings", [{"repodata_use_shards": False}, {"repodata_use_shards": True}]
)
def test_without_shards_the_plain_index_is_read(sites, site, settings):
    if not shards.READ:
        settings = {}
    found = repodata.read_some(site(**settings), "linux-64", NAMES)
    assert found.builds
    assert sent(sites) == 1
