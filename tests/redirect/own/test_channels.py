"""Where the user's own configuration leads a channel: status, redirect and torch-install agree."""

from __future__ import annotations

import json

import pytest
from support.lab import urls_during

from conda_torchmirror.hooks import health_check
from conda_torchmirror.mirrors.registry import built_in
from conda_torchmirror.options import InstallOptions
from conda_torchmirror.redirect.own import channels as own_channels
from conda_torchmirror.transport import routes

pytest_plugins = ("support.lab_fixtures",)

TUNA = "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud"
MIRRORS4 = "https://mirrors4.tuna.tsinghua.edu.cn/anaconda/cloud"
CLOUD = "https://conda.anaconda.org"
#: A registry of one's own, as text for the setting.
CAMPUS = json.dumps({"campus": {"roots": ["https://campus.invalid"], "channels": {"pytorch": {}}}})


@pytest.mark.parametrize(
    ("name", "parent", "mirror", "fault"),
    [
        pytest.param("pytorch", TUNA, "tuna", None, id="there"),
        pytest.param("pytorch", f"{TUNA}/", "tuna", None, id="slash"),
        pytest.param("nvidia", TUNA, "tuna", "lacking", id="nvidia-at-tuna"),
        pytest.param("pytorch3d", TUNA, "tuna", "lacking", id="not-for-this-platform"),
        pytest.param("made-up", TUNA, "tuna", "lacking", id="not-in-a-complete-list"),
        # Which sends on what it does not have.
        pytest.param("msys2", TUNA.replace("tuna.tsinghua", "ustc"), "ustc", None, id="sent-on"),
        pytest.param("pytorch", f"{TUNA}/pytorch", "tuna", "misplaced", id="channel-as-parent"),
        pytest.param("pytorch", f"{TUNA}/pytorch/win-64", "tuna", "misplaced", id="platform"),
        pytest.param(
            "pytorch", f"{TUNA}/pytorch/win-64/", "tuna", "misplaced", id="platform-slash"
        ),
        pytest.param("pytorch", f"{TUNA}/nvidia", "tuna", "misplaced", id="other-channel"),
        pytest.param(
            "nvidia",
            "https://mirrors.sustech.edu.cn/anaconda-extra/cloud",
            "sustech",
            None,
            id="has",
        ),
        pytest.param(
            "nvidia", "https://mirrors.aliyun.com/anaconda/cloud", "aliyun", None, id="unknown"
        ),
        pytest.param("nvidia", CLOUD, "upstream", None, id="official"),
        pytest.param("pytorch", "https://lab.example/conda", None, None, id="private"),
        pytest.param("pytorch", TUNA.replace("://", "://me:x@"), None, None, id="login"),
        pytest.param(
            "nvidia", TUNA.replace("://", "://me:x@"), "tuna", "lacking", id="login-lacks"
        ),
        pytest.param("nvidia", f"{TUNA}/t/tk-1", "tuna", "lacking", id="token-lacks"),
    ],
)
def test_an_entry_is_held_against_the_registry(name, parent, mirror, fault):
    found = own_channels.by_entry(name, {name: parent}, built_in(), "win-64")
    assert (found.mirror, found.fault) == (mirror, fault)
    assert own_channels.by_entry(name, {}, built_in(), "win-64") is None


def test_an_alias_does_not_concern_parts_of_defaults():
    assert own_channels.by_alias("pkgs/main", TUNA, built_in(), "linux-64") is None
    assert own_channels.by_alias("pytorch", None, built_in(), "linux-64") is None


def first(name):
    return routes.chains(InstallOptions(), "linux-64", (name,))[name][0]


def status(conda_in_process):
    found = conda_in_process("torch-mirror", "status", "--json").ok().json()["torchmirror"]
    return {row["name"]: row for row in found["channels"]}


@pytest.mark.parametrize(
    ("written", "name", "mirror", "url"),
    [
        pytest.param({"channel_alias": TUNA}, "pytorch", "tuna", f"{TUNA}/pytorch", id="alias"),
        pytest.param(
            {"channel_alias": TUNA}, "nvidia", "upstream", f"{CLOUD}/nvidia", id="alias-lacks"
        ),
        pytest.param(
            {"channel_alias": "https://mine.invalid/c"},
            "pytorch",
            None,
            "https://mine.invalid/c/pytorch",
            id="private-alias",
        ),
        pytest.param(
            {"channel_alias": "https://mine.invalid/c"},
            "nvidia",
            None,
            "https://mine.invalid/c/nvidia",
            id="private-alias-nvidia",
        ),
        pytest.param(
            {"custom_channels": {"pytorch": TUNA}}, "pytorch", "tuna", f"{TUNA}/pytorch", id="entry"
        ),
        pytest.param(
            {"custom_channels": {"pytorch": MIRRORS4}},
            "pytorch",
            "tuna",
            f"{MIRRORS4}/pytorch",
            id="entry-other-address",
        ),
        pytest.param(
            {"custom_channels": {"pytorch": f"{CLOUD}/"}},
            "pytorch",
            "upstream",
            f"{CLOUD}/pytorch",
            id="entry-official",
        ),
        pytest.param(
            {"custom_channels": {"pytorch": CLOUD}, "channel_alias": "https://mine.invalid/c"},
            "pytorch",
            "upstream",
            f"{CLOUD}/pytorch",
            id="entry-official-beside-an-alias",
        ),
        pytest.param(
            {"custom_channels": {"pytorch": "https://mine.invalid/c"}},
            "pytorch",
            None,
            "https://mine.invalid/c/pytorch",
            id="private-entry",
        ),
        pytest.param(
            {
                "custom_channels": {"pytorch": "https://campus.invalid/cloud"},
                "plugins": {"torchmirror_registry": CAMPUS},
            },
            "pytorch",
            "campus",
            "https://campus.invalid/cloud/pytorch",
            id="entry-of-own-registry",
        ),
    ],
)
def test_status_the_redirect_and_torch_install_agree(
    condarc, conda_in_process, written, name, mirror, url
):
    condarc(**written)
    row = status(conda_in_process)[name]
    assert (row["mirror"], row["url"]) == (mirror, url)
    assert first(name).url == url
    if mirror is None:
        assert first(name).mirror in written
    else:
        assert first(name).mirror == mirror
    assert mirror is not None or not first(name).by_mirror
    assert urls_during(("create", "-n", "x", "-c", name))[name] == [url]


@pytest.mark.parametrize("fallback", [True, False])
def test_an_entry_for_the_official_channel_is_no_lack_of_mirrors(
    condarc, conda_in_process, fallback
):
    """A mirror was offered that was preferred already."""
    condarc(custom_channels={"pytorch": CLOUD})
    status(conda_in_process)
    options = InstallOptions(fallback=fallback)
    for name, told in (("pytorch", False), ("nvidia", True)):
        chain = routes.chains(options, "linux-64", (name,))[name]
        assert chain[0].mirror == "upstream"
        assert (routes.elsewhere(options, "linux-64", chain) is not None) == told


def test_what_the_mirror_of_the_alias_lacks_is_said(condarc, conda_in_process, from_pytorch):
    condarc(channel_alias=TUNA)
    done = conda_in_process("create", "-n", "x", "-c", "nvidia", "--override-channels", "--offline")
    assert "nvidia from the official channel: your channel_alias leads to tuna" in done.stderr
    assert status(conda_in_process)["nvidia"]["code"] == "alias_lacks"
    words = ("torch-install", "-d", "--offline", "--cuda", "12.4", "--platform", "linux-64")
    found = conda_in_process(*words, "--json").ok().json()["torchmirror"]
    assert {c["name"]: c["url"] for c in found["channels"]}["nvidia"] == f"{CLOUD}/nvidia"
    assert "alias_lacks" in [warning["code"] for warning in found["warnings"]]


@pytest.mark.parametrize(
    ("name", "parent", "code"),
    [
        ("nvidia", TUNA, "lacking"),
        ("pytorch", f"{TUNA}/pytorch", "misplaced"),
        ("pytorch", f"{TUNA}/pytorch/win-64", "misplaced"),
        ("pytorch", TUNA.removesuffix("/cloud"), "misplaced"),
    ],
    ids=["nvidia-at-tuna", "channel-as-parent", "platform", "root"],
)
def test_an_entry_that_finds_nothing_is_named_everywhere(
    condarc, sandbox, conda_in_process, name, parent, code, from_pytorch
):
    condarc(custom_channels={name: parent})
    row = status(conda_in_process)[name]
    assert row["code"] == code
    assert str(sandbox.condarc) in row["reason"]
    assert routes.OWN not in [
        route.mirror for route in routes.chains(InstallOptions(), "linux-64", (name,))[name]
    ]
    words = ("torch-install", "-d", "--offline", "--cuda", "12.4", "--platform", "linux-64")
    found = conda_in_process(*words, "--json").ok().json()["torchmirror"]
    told = {warning["code"]: warning["text"] for warning in found["warnings"]}
    assert str(sandbox.condarc) in told[f"entry_{code}"]
    done = conda_in_process("create", "-n", "x", "-c", name, "--override-channels", "--offline")
    assert "custom_channels" in done.stderr
    assert name in done.stderr


@pytest.mark.parametrize(
    "parent",
    [f"{TUNA}/pytorch", f"{TUNA}/pytorch/win-64", f"{CLOUD}/x", TUNA.removesuffix("/cloud")],
)
def test_an_alias_below_which_no_channel_is_is_named_everywhere(
    condarc, sandbox, conda_in_process, parent, from_pytorch
):
    """It was called the user's own, and no more."""
    condarc(channel_alias=parent)
    for name in ("pytorch", "conda-forge", "nvidia"):
        row = status(conda_in_process)[name]
        assert row["code"] == "alias_misplaced"
        assert str(sandbox.condarc) in row["reason"]
        assert "/x/" not in first(name).url
    words = ("torch-install", "-d", "--offline", "--cuda", "12.4", "--platform", "linux-64")
    found = conda_in_process(*words, "--json").ok().json()["torchmirror"]
    told = {warning["code"]: warning["text"] for warning in found["warnings"]}
    assert str(sandbox.condarc) in told["alias_misplaced"]
    done = conda_in_process("create", "-n", "x", "-c", "pytorch", "-c", "nvidia", "--offline")
    assert done.stderr.count("your channel_alias gives an address at") == 1
    (line,) = health_check._channels_lost()
    assert str(sandbox.condarc) in line


def test_doctor_names_it_too(condarc, sandbox):
    assert health_check._channels_lost() == []
    condarc(custom_channels={"nvidia": TUNA, "conda-forge": TUNA})
    (line,) = health_check._channels_lost()
    assert "nvidia" in line
    assert str(sandbox.condarc) in line


def test_doctor_names_it_where_there_is_no_torch(condarc, tmp_path, capsys):
    condarc(custom_channels={"nvidia": TUNA})
    (tmp_path / "conda-meta").mkdir()
    health_check.check(str(tmp_path), verbose=False)
    assert "nvidia: your own configuration" in capsys.readouterr().out


BFSU = "https://mirrors.bfsu.edu.cn/anaconda"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ({"channels": [f"{BFSU}/cloud/pytorch/"]}, "url_lacking"),
        ({"channels": [f"{BFSU}/pkgs/main"]}, "url_lacking"),
        ({"channels": ["defaults"], "default_channels": [f"{BFSU}/pkgs/main"]}, "lacking"),
        (
            {
                "channels": ["defaults"],
                "default_channels": [f"{BFSU}/pkgs/main", f"{BFSU}/pkgs/r"],
            },
            "lacking",
        ),
        ({"channels": [f"{TUNA}/pytorch"]}, "url"),
        ({"channels": ["https://mirrors.aliyun.com/anaconda/cloud/pytorch"]}, "url"),
        ({"channels": ["https://lab.example/pytorch"]}, "url"),
    ],
)
def test_a_url_at_a_mirror_that_gave_up_conda_is_told(
    condarc, conda_in_process, sandbox, written, code
):
    """`bfsu: a URL of your own` was said of addresses that many old files have."""
    condarc(**written)
    row = conda_in_process("torch-mirror", "status", "--json").json()["torchmirror"]["channels"][0]
    assert row["code"] == code
    if code == "lacking":
        assert str(sandbox.condarc) in row["reason"]
    if "lacking" in code:
        assert row["mirror"] == "bfsu"
