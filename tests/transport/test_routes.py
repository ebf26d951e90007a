"""The order in which the sources of a channel are tried."""

from __future__ import annotations

import json
import time

import pytest
from support import isolation
from support.mirror import Exchange
from support.prefixes import records
from support.sites import ASK

from conda_torchmirror.mirrors.registry import built_in
from conda_torchmirror.options import InstallOptions
from conda_torchmirror.transport.routes import chains, elsewhere, others

pytest_plugins = ("support.site_fixtures",)


def slow(exchange: Exchange, seconds: float = 0.25) -> None:
    """Answer after a while."""
    time.sleep(seconds)
    exchange.serve()


@pytest.fixture
def world(sites, conda_in_process):
    """The sites, in a conda that has read the settings of plugins."""
    conda_in_process("torch-mirror", "list").ok()
    return sites


def order(*words, name="pytorch", no_fallback=False):
    found = chains(InstallOptions(mirrors=words, fallback=not no_fallback), "linux-64", (name,))
    return [source.mirror for source in found[name]]


@pytest.mark.parametrize(
    ("asked", "name", "found"),
    [
        ([], "pytorch", ["first", "second", "upstream"]),
        ([], "nvidia", ["upstream"]),
        (["third"], "nvidia", ["third", "upstream"]),
        (["second", "first"], "conda-forge", ["second", "first", "upstream"]),
        (["second", "upstream", "first"], "pytorch", ["second", "upstream"]),
        (["upstream"], "pytorch", ["upstream"]),
        (["first", "FIRST"], "pytorch", ["first", "upstream"]),
    ],
)
def test_the_order_of_sources(world, asked, name, found):
    assert order(*asked, name=name) == found


def test_what_the_lists_keep_out_is_passed_over(world, monkeypatch):
    """The first mirror was asked, and blamed for the administrator's refusal."""
    monkeypatch.setenv("CONDA_ALLOWLIST_CHANNELS", world.second.channel_url("pytorch"))
    isolation.reset_conda()
    assert order() == ["second"]
    # Where all are kept out, the first one stands for the refusal.
    assert order("third", name="nvidia") == ["third", "upstream"]
    monkeypatch.setenv("CONDA_ALLOWLIST_CHANNELS", "pytorch")
    isolation.reset_conda()
    assert order() == ["first", "second", "upstream"]


def test_all_that_may_be_chosen(world):
    found = order("auto")
    assert found[-1] == "upstream"
    assert {"first", "second", "third", *built_in().chosen_for()} >= set(found) - {"upstream"}


@pytest.mark.parametrize("how", ["option", "setting"])
def test_without_fallback_there_is_one_source(world, condarc, how):
    if how == "setting":
        settings = world.settings()
        settings["plugins"]["torchmirror_fallback"] = False
        condarc(**settings)
    assert order(no_fallback=how == "option") == ["first"]


@pytest.mark.parametrize(
    ("own", "asked", "found"),
    [
        ("http://127.0.0.1:9/lab", [], ["custom_channels"]),
        ("http://127.0.0.1:9/lab", ["second"], ["second", "custom_channels"]),
        ("https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud", [], None),
        ("http://127.0.0.1:9/lab", ["upstream"], ["upstream"]),
    ],
    ids=["lab", "lab-and-mirror", "public", "lab-and-upstream"],
)
def test_the_users_own_mapping(world, condarc, own, asked, found):
    condarc(**world.settings(), custom_channels={"pytorch": own})
    expected = found or ["tuna", "first", "second", "upstream"]
    assert order(*asked) == expected


def test_a_channel_alias_stands_for_the_official_channels(world, condarc):
    condarc(**{**world.settings(), "channel_alias": "https://conda.company.example/cloud"})
    found = chains(InstallOptions(), "linux-64", ("nvidia",))
    assert found["nvidia"][0].url == "https://conda.company.example/cloud/nvidia"
    assert [route.mirror for route in found["nvidia"]] == ["channel_alias"]


def faulty(sites):
    """What is wrong with an entry, and the entry."""
    there = f"{sites.first.url}/anaconda/cloud"
    return {"lacking": {"nvidia": there}, "misplaced": {"pytorch": f"{there}/pytorch"}}


@pytest.mark.parametrize("fault", ["lacking", "misplaced"])
@pytest.mark.parametrize("words", [("-d",), ("-d", "--offline")], ids=" ".join)
def test_an_entry_that_is_passed_over_is_told_on_line_too(
    sites, condarc, conda_in_process, sandbox, prefix, words, fault
):
    """Our own redirect stood in its place when it was looked for."""
    settings = sites.settings()
    known = sites.registry()["mirrors"]
    known["first"]["channels"]["nvidia"] = {"status": "no"}
    sites.file.write_text(json.dumps(known))
    condarc(**settings, custom_channels=faulty(sites)[fault])
    result = conda_in_process(*ASK, "-p", prefix, *words, "--json").ok().json()["torchmirror"]
    told = {warning["code"]: warning["text"] for warning in result["warnings"]}
    assert str(sandbox.condarc) in told[f"entry_{fault}"]


@pytest.mark.parametrize("how", ["enable", "entry"])
def test_a_mirror_of_ones_own_registry_has_others_behind_it(
    sites, condarc, conda_in_process, prefix, how
):
    """Led there by `custom_channels`, it was taken for a server that nobody else stands in for."""
    condarc(
        **sites.settings(),
        **({"custom_channels": sites.first.custom_channels()} if how == "entry" else {}),
    )
    if how == "enable":
        conda_in_process("torch-mirror", "enable").ok()
    shown = conda_in_process(*ASK, "-p", prefix, "-d", "--json").ok().json()["torchmirror"]
    places = {channel["name"]: channel["mirror"] for channel in shown["channels"]}
    assert places["pytorch"] == "first"
    codes = [warning["code"] for warning in shown["warnings"]]
    assert ("custom_mirror" in codes) == (how == "entry")  # the file of enable is not the user's
    sites.first.fail("*/pytorch/*", "server_error")
    result = conda_in_process(*ASK, "-p", prefix).ok()
    assert "first" in result.words
    assert records(prefix)["pytorch"]["url"].startswith(sites.second.url)


WITH_SECRETS = [
    pytest.param({"channels": ["https://conda.anaconda.org/t/secret/pytorch"]}, id="token"),
    pytest.param({"channels": ["https://me:secret@conda.anaconda.org/pytorch"]}, id="password"),
    pytest.param({"channel_settings": [{"channel": "pytorch", "auth": "mine"}]}, id="handler"),
]


@pytest.mark.parametrize("settings", WITH_SECRETS)
@pytest.mark.parametrize("asked", [[], ["third"]], ids=["", "mirror"])
def test_a_channel_with_credentials_is_asked_of_no_mirror(world, condarc, settings, asked):
    """Conda would send them along: with the requests for packages, or in the URL."""
    condarc(**{**world.settings(), **settings})
    assert order(*asked) == ["upstream"]
    assert order(*asked, name="conda-forge")[0] == (*asked, "first")[0]


@pytest.mark.parametrize("settings", WITH_SECRETS)
def test_nor_of_that_to_which_the_file_of_enable_leads(world, condarc, conda_in_process, settings):
    condarc(**world.settings())
    conda_in_process("torch-mirror", "enable").ok()
    condarc(**{**world.settings(), **settings})
    assert order() == ["upstream"]
    assert order(name="conda-forge")[0] == "first"


def test_nor_is_a_mirror_offered_for_it(world, condarc):
    nvidia = "https://conda.anaconda.org/t/secret/nvidia"
    for channels, offered in (([], True), ([nvidia], False)):
        condarc(**{**world.settings(), "channels": ["conda-forge", *channels]})
        options = InstallOptions()
        (chain,) = chains(options, "linux-64", ("nvidia",)).values()
        assert chain[0].mirror == "upstream"
        built_in_has_it = elsewhere(options, "linux-64", chain) is not None
        assert built_in_has_it is offered


def test_they_reach_no_mirror_in_a_run(world, conda_in_process, sandbox):
    channel = "https://me:secret@conda.anaconda.org/pytorch"
    found = conda_in_process(*ASK, "-c", channel, "--dry-run")
    assert "secret" not in found.words
    assert {line.split(" ")[0] for line in sandbox.take_blocked()} <= {"conda.anaconda.org"}
    sent = [r for mirror in world.all.values() for r in mirror.requests]
    assert not any("Authorization" in request.headers for request in sent)
    assert not any("/pytorch/" in r.path for m in (world.first, world.second) for r in m.requests)


@pytest.mark.parametrize("auto", [False, True], ids=["off", "on"])
@pytest.mark.parametrize("enabled", [False, True], ids=["alone", "enabled"])
def test_nor_of_another_channel_that_the_file_leads_there(
    world, condarc, conda_in_process, auto, enabled
):
    """Conda's solver read it where the file led."""
    settings = world.settings()
    settings["plugins"]["torchmirror_auto"] = auto
    del settings["channel_alias"]
    condarc(**settings)
    if enabled:
        conda_in_process("torch-mirror", "enable").ok()
    condarc(**{**settings, "channels": ["https://me:secret@conda.anaconda.org/conda-forge"]})
    found = others(InstallOptions(), "linux-64", ("pytorch",)).chains
    places = {name: [route.mirror for route in chain] for name, chain in found.items()}
    assert places.get("conda-forge") == (["upstream"] if enabled else None)
