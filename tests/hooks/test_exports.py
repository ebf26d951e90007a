"""What exports say of packages that came from a mirror."""

from __future__ import annotations

import json

import pytest

from conda_torchmirror.hooks import exports
from conda_torchmirror.mirrors.registry import built_in
from conda_torchmirror.redirect import in_process

try:
    from conda.plugins.types import CondaPrefixDataLoader  # noqa: F401
except ImportError:
    LOADERS = False
else:
    LOADERS = True

pytest_plugins = ("support.lab_fixtures",)
TUNA = "https://mirrors.tuna.tsinghua.edu.cn/anaconda"


def formats() -> list[str]:
    """The formats of this conda that hold URLs or names of channels."""
    if not LOADERS:
        return []
    from conda.plugins.manager import get_plugin_manager

    return sorted(exporter.name for exporter in get_plugin_manager().get_environment_exporters())


@pytest.mark.skipif(not LOADERS, reason="this conda lets no plugin read an environment")
@pytest.mark.parametrize("name", formats() or ["none"])
def test_no_format_carries_the_mirror(installed, lab, run_conda, name):
    done = run_conda("export", "-p", installed, "--format", name).ok()
    assert lab.url not in done.stdout, done.stdout
    assert "from-pytorch" in done.stdout


@pytest.mark.skipif(not LOADERS, reason="this conda lets no plugin read an environment")
def test_an_explicit_export_names_the_official_file(installed, run_conda):
    done = run_conda("export", "-p", installed, "--format", "explicit").ok()
    url = "https://conda.anaconda.org/pytorch/noarch/from-pytorch-1.0-0.tar.bz2"
    assert url in done.stdout.splitlines()


@pytest.mark.skipif(not LOADERS, reason="this conda lets no plugin read an environment")
def test_what_an_environment_holds_is_not_changed(installed, lab, at_lab, run_conda):
    run_conda("export", "-p", installed, "--format", "explicit").ok()
    [meta] = (installed / "conda-meta").glob("*.json")
    assert json.loads(meta.read_text())["url"].startswith(lab.url)
    assert lab.url in run_conda("list", "-p", installed, "--explicit").ok().stdout
    at_lab(plugins={"torchmirror_auto": False})
    assert lab.url in run_conda("export", "-p", installed, "--format", "explicit").ok().stdout


@pytest.mark.parametrize("command", [("export",), ("env", "export")], ids=" ".join)
@pytest.mark.parametrize(
    ("place", "above", "channel"),
    [
        ("https://mirror.nju.edu.cn/anaconda", "cloud", "pytorch"),
        ("https://mirrors.sustech.edu.cn/anaconda-extra", "cloud", "nvidia"),
        ("https://mirror.nju.edu.cn/anaconda", "pkgs", "main"),
    ],
)
def test_what_another_mirror_sent_is_of_the_channel(
    installed, lab, run_conda, command, place, above, channel
):
    """The next mirror steps in for a day, and exports named its address from then on."""
    [meta] = (installed / "conda-meta").glob("*.json")
    there = f"{place}/{above}/{channel}"
    meta.write_text(meta.read_text().replace(f"{lab.url}/anaconda/cloud/pytorch", there))
    assert there in meta.read_text()
    text = run_conda(*command, "-p", installed).ok().stdout
    assert f"- {'defaults' if above == 'pkgs' else channel}\n" in text
    assert "://" not in text
    assert in_process.active() == ()


@pytest.mark.parametrize("command", [("export",), ("env", "export")], ids=" ".join)
@pytest.mark.parametrize("own", ["registry", "url"])
@pytest.mark.parametrize("place", ["private", "cloud/private", "cloud/team/private"])
def test_a_private_channel_at_a_mirror_of_ones_own_keeps_its_url(
    installed, lab, at_lab, run_conda, command, own, place
):
    """It became `private`, which is read from conda.anaconda.org: nothing, or somebody else's."""
    if own == "url":
        parent = f"{lab.url}/anaconda/{place.rpartition('private')[0]}".rstrip("/")
        mirrors = {"torchmirror_mirrors": [parent], "torchmirror_allow_http": True}
        at_lab(plugins={"torchmirror_registry": "{}", **mirrors})
    [meta] = (installed / "conda-meta").glob("*.json")
    there = f"{lab.url}/anaconda/{place}"
    meta.write_text(meta.read_text().replace(f"{lab.url}/anaconda/cloud/pytorch", there))
    text = run_conda(*command, "-p", installed).ok().stdout
    assert f"- {there}\n" in text


def test_a_list_of_allowed_channels_leaves_an_export_of_it(installed, lab, at_lab, run_conda):
    at_lab(channels=["pytorch"], allowlist_channels=[f"{lab.url}/anaconda/cloud/pytorch"])
    text = run_conda("env", "export", "-p", installed).ok().stdout
    assert "- pytorch\n" in text


@pytest.mark.skipif(not LOADERS, reason="this conda lets no plugin read an environment")
@pytest.mark.parametrize("name", ["environment-yaml", "explicit"])
def test_where_the_mirror_alone_is_allowed_there_is_an_export(
    installed, lab, at_lab, run_conda, name
):
    """Conda refused the channel of the configuration, which is upstream's without the redirect."""
    at_lab(channels=["pytorch"], allowlist_channels=[f"{lab.url}/anaconda/cloud/pytorch"])
    run_conda("list", "-p", installed).ok()
    done = run_conda("export", "-p", installed, "--format", name).ok()
    assert "from-pytorch" in done.stdout
    assert lab.url not in done.stdout


@pytest.mark.parametrize(
    ("url", "official"),
    [
        (
            f"{TUNA}/cloud/pytorch/linux-64/a-1-0.conda",
            "conda.anaconda.org/pytorch/linux-64/a-1-0.conda",
        ),
        (
            f"{TUNA}/pkgs/main/noarch/a-1-0.tar.bz2",
            "repo.anaconda.com/pkgs/main/noarch/a-1-0.tar.bz2",
        ),
        ("https://conda.anaconda.org/pytorch/linux-64/a-1-0.conda", None),
        ("https://conda.lab.example/pytorch/linux-64/a-1-0.conda", None),
        ("file:///srv/pytorch/linux-64/a-1-0.conda", None),
        ("", None),
    ],
)
def test_the_official_url_of_a_file(url, official):
    assert exports.origin(url, built_in().book) == (official and f"https://{official}")
