"""The mirror registry: its data, which mirror a channel is read from, what a URL names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conda_torchmirror.mirrors import addresses, registry, urls
from conda_torchmirror.mirrors.registry import DEFAULT_MIRRORS, Registry, Route

DATA = Path(registry.__file__).parents[1] / "data" / "mirrors.json"
TUNA = "https://mirrors.tuna.tsinghua.edu.cn/anaconda"
NJU = "https://mirror.nju.edu.cn/anaconda"
SUSTECH = "https://mirrors.sustech.edu.cn"
CLOUD = "https://conda.anaconda.org"


@pytest.mark.parametrize("name", registry.built_in())
def test_every_entry_is_dated_sourced_and_https(name: str) -> None:
    mirror = registry.built_in()[name]
    assert mirror.source
    assert mirror.as_of is not None
    assert re.fullmatch(r"20\d\d(-\d\d-\d\d)?", mirror.as_of)
    assert mirror.as_of.startswith("2026") or not mirror.chosen
    urls = [*mirror.roots, *mirror.pypi, *mirror.pypi_also]
    urls += [carried.url for carried in mirror.channels.values()]
    urls += [mirror.wheels.url, *mirror.wheels.also] if mirror.wheels else []
    assert urls
    assert all(url.startswith("https://") and not url.endswith("/") for url in urls)
    assert all(
        carried.status in {"yes", "no", "redirect", "campus", "unknown"}
        for carried in mirror.channels.values()
    )
    assert all((c.subdirs or set()) <= addresses.SUBDIRS for c in mirror.channels.values())


@pytest.mark.parametrize("name", registry.built_in())
def test_what_is_uncertain_is_never_chosen_alone(name: str) -> None:
    mirror = registry.built_in()[name]
    for kind in mirror.chosen:
        offered = {
            "conda": any(c.has(None) for c in mirror.channels.values()),
            "pypi": bool(mirror.pypi),
            "wheels": mirror.wheels is not None,
        }
        assert offered[kind]
        assert mirror.confidence[kind] in {"certain", "likely"}


def test_the_data_file_stays_small() -> None:
    assert DATA.stat().st_size < 30_000
    assert json.loads(DATA.read_text(encoding="utf-8"))["schema"] == 1


@pytest.mark.parametrize(
    ("channel", "subdir", "preference", "url", "mirror"),
    [
        pytest.param("pytorch", "win-64", None, f"{TUNA}/cloud/pytorch", "tuna", id="default"),
        pytest.param("pytorch", "noarch", ["tuna"], f"{TUNA}/cloud/pytorch", "tuna", id="noarch"),
        pytest.param("nvidia", "linux-64", ["tuna"], f"{CLOUD}/nvidia", "upstream", id="not-there"),
        pytest.param(
            "nvidia",
            "linux-64",
            ["tuna", "sustech"],
            f"{SUSTECH}/anaconda-extra/cloud/nvidia",
            "sustech",
            id="second-has-it",
        ),
        pytest.param(
            "nvidia/label/cuda-12.4.0",
            "linux-64",
            ["tuna", "sustech"],
            f"{SUSTECH}/anaconda-extra/cloud/nvidia/label/cuda-12.4.0",
            "sustech",
            id="label-carried",
        ),
        pytest.param(
            "pytorch/label/nightly",
            "linux-64",
            ["tuna"],
            f"{CLOUD}/pytorch/label/nightly",
            "upstream",
            id="label-not-carried",
        ),
        pytest.param(
            "numba/label/dev",
            "win-64",
            ["tuna"],
            f"{TUNA}/cloud/numba/label/dev",
            "tuna",
            id="label-that-is-listed",
        ),
        pytest.param(
            "pytorch", "osx-arm64", ["sjtu", "nju"], f"{NJU}/cloud/pytorch", "nju", id="subdir"
        ),
        pytest.param("pytorch", "win-64", ["ustc"], f"{CLOUD}/pytorch", "upstream", id="redirect"),
        pytest.param("nvidia", "win-64", ["zju"], f"{CLOUD}/nvidia", "upstream", id="campus"),
        pytest.param("pytorch", "win-64", ["aliyun"], f"{CLOUD}/pytorch", "upstream", id="unknown"),
        pytest.param(
            "conda-forge",
            "linux-64",
            ["ustc"],
            "https://mirrors.ustc.edu.cn/anaconda/cloud/conda-forge",
            "ustc",
            id="any-subdir",
        ),
        pytest.param(
            "pytorch", "win-64", ["upstream", "tuna"], f"{CLOUD}/pytorch", "upstream", id="stop"
        ),
        pytest.param("pytorch", "win-64", [], f"{CLOUD}/pytorch", "upstream", id="empty"),
        pytest.param("pytorch", "win-64", ["TUNA"], f"{TUNA}/cloud/pytorch", "tuna", id="case"),
        pytest.param("paddle", "win-64", ["tuna"], f"{CLOUD}/paddle", "upstream", id="name-case"),
        pytest.param("pkgs/main", "win-64", ["tuna"], f"{TUNA}/pkgs/main", "tuna", id="main"),
        pytest.param(
            "pkgs/r",
            "win-64",
            ["tuna"],
            "https://repo.anaconda.com/pkgs/r",
            "upstream",
            id="pkgs-r-missing",
        ),
        pytest.param(
            "pytorch",
            "linux-64",
            ["https://lab.example/conda/pytorch/"],
            "https://lab.example/conda/pytorch",
            "lab.example",
            id="url-of-channel",
        ),
        pytest.param(
            "pytorch-lts",
            "linux-64",
            ["https://lab.example/conda/"],
            "https://lab.example/conda/pytorch-lts",
            "lab.example",
            id="url-of-parent",
        ),
        pytest.param(
            "conda-forge",
            "linux-64",
            ["https://lab.example/conda", "tuna"],
            f"{TUNA}/cloud/conda-forge",
            "tuna",
            id="url-carries-pytorch-only",
        ),
        pytest.param(
            "pytorch-lts",
            "linux-64",
            ["https://lab.example/conda/pytorch", "tuna"],
            f"{TUNA}/cloud/pytorch-lts",
            "tuna",
            id="url-of-channel-has-no-sibling",
        ),
        *(
            pytest.param("conda-forge", "linux-64", [there], f"{TUNA}/cloud/conda-forge", "tuna")
            for there in (
                *(f"{TUNA}/", f"{TUNA}/cloud", "https://mirrors.tuna.tsinghua.edu.cn"),
                *(f"{TUNA}/pkgs/main", f"{TUNA}/cloud/pytorch/linux-64"),
            )
        ),
        pytest.param(
            "conda-forge",
            "linux-64",
            ["https://mirrors6.tuna.tsinghua.edu.cn/anaconda", "nju"],
            "https://mirrors6.tuna.tsinghua.edu.cn/anaconda/cloud/conda-forge",
            "tuna",
            id="another-root",
        ),
        pytest.param(
            "pytorch",
            "linux-64",
            ["http://127.0.0.1:8080/x"],
            "http://127.0.0.1:8080/x/pytorch",
            "127.0.0.1:8080",
            id="loopback",
        ),
    ],
)
def test_a_channel_is_read_from_the_first_mirror_that_has_it(
    channel: str, subdir: str, preference: list[str] | None, url: str, mirror: str
) -> None:
    chosen = DEFAULT_MIRRORS if preference is None else preference
    found = registry.built_in().locate(channel, subdir, chosen)
    assert found == Route(channel, url, mirror)


def test_a_known_address_is_the_mirror_in_a_preference_list() -> None:
    known = registry.built_in()
    other = "https://mirrors4.tuna.tsinghua.edu.cn/anaconda"
    asked = [f"{TUNA}/cloud/", other, "https://lab.example/conda"]
    assert registry.preferred(asked, (), known) == ("tuna", *asked[1:])
    assert registry.preferred(asked, (), known, only=["tuna"]) == ("tuna",)
    assert [mirror.word for mirror in known.resolve([other])] == [other]


def test_any_platform_will_do_when_none_is_asked() -> None:
    assert registry.built_in().locate("pytorch3d", None, DEFAULT_MIRRORS).mirror == "tuna"
    assert registry.built_in().locate("pytorch3d", "win-64", DEFAULT_MIRRORS).mirror == "upstream"


@pytest.mark.parametrize(
    ("item", "error", "text"),
    [
        pytest.param("tunna", urls.UnknownMirror, "Did you mean tuna?", id="typo"),
        pytest.param("tsinhua", urls.UnknownMirror, "Did you mean tuna?", id="by-its-host"),
        pytest.param(
            "mirrors.tuna.tsinghua.edu.cn", urls.UnknownMirror, "Did you mean tuna?", id="host"
        ),
        pytest.param("清华", urls.UnknownMirror, "Did you mean tuna?", id="in-chinese"),
        pytest.param("中科大", urls.UnknownMirror, "Did you mean ustc?", id="shortened"),
        pytest.param("mars", urls.UnknownMirror, "Known: tuna, nju", id="unknown"),
        pytest.param("http://lab.example/c", urls.InsecureMirror, "is not https", id="http"),
        pytest.param("ftp://lab.example/c", urls.BadMirrorUrl, "https://", id="scheme"),
        pytest.param("https://[::1]:8080/c", urls.BadMirrorUrl, "no IPv6 address", id="ipv6"),
        pytest.param("https:///c", urls.BadMirrorUrl, "no host", id="no-host"),
        pytest.param("https://a.example/c?x=1", urls.BadMirrorUrl, "no place", id="query"),
        pytest.param("https://a.example:x/c", urls.BadMirrorUrl, "cannot be used", id="port"),
    ],
)
def test_a_preference_that_cannot_be_used_is_said(
    item: str, error: type[urls.MirrorError], text: str
) -> None:
    with pytest.raises(error, match=re.escape(text)) as caught:
        registry.built_in().locate("pytorch", "linux-64", [item])
    assert isinstance(caught.value, ValueError)


def test_only_names_that_serve_something_are_offered() -> None:
    with pytest.raises(urls.UnknownMirror) as caught:
        registry.built_in().resolve(["mars"])
    offered = set(caught.value.known)
    assert {"tuna", "bfsu", "cernet", "lzu"} <= offered
    assert not offered & {"xjtu", "nyist", "opentuna", "bjtu", "163", "baidu", "douban", "volces"}
    assert registry.built_in().resolve(["xjtu"])[0].channels == {}


def test_plain_http_is_taken_where_a_setting_allows_it() -> None:
    mirrors = registry.built_in().resolve(["http://lab.example/c"], allow_http=True)
    found = registry.locate("pytorch", "win-64", mirrors)
    assert found.url == "http://lab.example/c/pytorch"


def test_places_at_one_host_have_names_of_their_own() -> None:
    one, other = "https://me:secret@a.example/conda", "https://a.example/Cloud"
    found = registry.built_in().resolve([one, "tuna", other, other + "/"])
    names = {mirror.word: mirror.name for mirror in found}
    assert names == {one: "a.example/conda", "tuna": "tuna", other: "a.example/Cloud"}
    assert [mirror.name for mirror in registry.built_in().resolve([other])] == ["a.example"]


def test_secrets_of_a_url_are_not_shown() -> None:
    url = "https://me:hunter2@lab.example/t/se-cr-et/conda"
    (mirror,) = registry.built_in().resolve([url])
    assert mirror.channels["pytorch"].url == f"{url}/pytorch"
    for shown in (mirror.name, mirror.title, mirror.home):
        assert "hunter2" not in shown
        assert "se-cr-et" not in shown
    with pytest.raises(urls.InsecureMirror) as caught:
        registry.built_in().resolve(["http://me:hunter2@lab.example/t/se-cr-et"])
    assert "hunter2" not in str(caught.value)
    assert "se-cr-et" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.8.0.1", True), ("[::1]", True), ("localhost.example", False)],
)
def test_loopback(host: str, expected: bool) -> None:
    assert urls.is_loopback(host) is expected


def test_defaults_has_parts_by_platform() -> None:
    assert registry.parts_of_defaults("linux-64") == ("pkgs/main", "pkgs/r")
    assert registry.parts_of_defaults("win-64") == ("pkgs/main", "pkgs/r", "pkgs/msys2")


def test_automatic_choice_leaves_out_what_is_not_certain() -> None:
    assert registry.built_in().chosen_for() == ("tuna", "nju", "sjtu", "sustech", "ustc")
    assert "aliyun" in registry.built_in().chosen_for("wheels")
    assert "cernet" not in registry.built_in().chosen_for("wheels")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"{TUNA}/cloud/pytorch/", ("tuna", "pytorch", None)),
        (f"{TUNA}/cloud/pytorch/win-64", ("tuna", "pytorch", "win-64")),
        (f"{TUNA}/cloud/pytorch-nightly", ("tuna", "pytorch-nightly", None)),
        (f"{TUNA}/pkgs/main/", ("tuna", "pkgs/main", None)),
        ("http://mirrors.TUNA.tsinghua.edu.cn/anaconda/cloud/pytorch", ("tuna", "pytorch", None)),
        ("https://mirrors.nju.edu.cn/anaconda/cloud/pytorch", ("nju", "pytorch", None)),
        ("https://mirrors.bfsu.edu.cn/anaconda/cloud/pytorch", ("bfsu", "pytorch", None)),
        ("https://mirrors.zju.edu.cn/anaconda-r/nvidia/noarch/", ("zju", "nvidia", "noarch")),
        (f"{SUSTECH}/anaconda-extra/cloud/nvidia", ("sustech", "nvidia", None)),
        (f"{CLOUD}/pytorch", ("upstream", "pytorch", None)),
        ("https://repo.continuum.io/pkgs/free/linux-64", ("upstream", "pkgs/free", "linux-64")),
        (
            "http://conda.anaconda.org/nvidia/label/cuda-12.4.0/linux-64/",
            ("upstream", "nvidia/label/cuda-12.4.0", "linux-64"),
        ),
        (f"{CLOUD}/conda-forge/label/cf202003", ("upstream", "conda-forge/label/cf202003", None)),
        ("https://repo.anaconda.com/pkgs/msys2", ("upstream", "pkgs/msys2", None)),
        (f"{CLOUD}/t/tk-1-2/pytorch", None),
        (f"https://me:x@{CLOUD[8:]}/pytorch", None),
        (f"{CLOUD}", None),
        (f"{CLOUD}/", None),
        (f"{CLOUD}/pytorch/linux-64/a-1-0.conda", None),
        (f"{CLOUD}/pytorch?x", None),
        (f"{TUNA}/cloudy/pytorch", None),
        ("https://ftp.osuosl.org/pub/open-ce/current/", None),
        ("pytorch", None),
        ("ftp://conda.anaconda.org/pytorch", None),
    ],
)
def test_a_url_is_recognised(url: str, expected: tuple[str, str, str | None] | None) -> None:
    assert addresses.identify(url) == expected


def test_what_follows_a_channel_is_kept() -> None:
    found = addresses.split(f"{CLOUD}/pytorch/linux-64/pytorch-2.1.0-0.conda")
    assert found == (("upstream", "pytorch", "linux-64"), "/pytorch-2.1.0-0.conda")


def test_a_lab_adds_a_mirror_with_the_same_fields() -> None:
    lab = {
        "title": "Our lab",
        "channels": {
            "nvidia": {
                "url": "https://lab.example/nv/",
                "subdirs": ["linux-64"],
                "labels": True,
            }
        },
    }
    known = Registry({"lab": lab, **registry.built_in().entries}, own=["lab"])
    found = known.locate("nvidia/label/cuda-12.4.0", "linux-64", ["lab"])
    assert found == Route(
        "nvidia/label/cuda-12.4.0", "https://lab.example/nv/label/cuda-12.4.0", "lab"
    )
    assert known.locate("nvidia", "win-64", ["lab"]).mirror == "upstream"
    assert known.identify("https://lab.example/nv/linux-64") == (
        "lab",
        "nvidia",
        "linux-64",
    )


NAMES = sorted({name for m in registry.built_in().values() for name in m.channels})


@given(
    channel=st.sampled_from([*NAMES, "nvidia/label/cuda-12.4.0", "no-such-channel"]),
    subdir=st.sampled_from(sorted(addresses.SUBDIRS)),
    preference=st.lists(st.sampled_from([*registry.built_in(), "upstream"]), max_size=4),
    slashes=st.integers(0, 2),
)
@settings(deadline=None)
def test_what_is_located_is_recognised(
    channel: str, subdir: str, preference: list[str], slashes: int
) -> None:
    found = registry.built_in().locate(channel, subdir, preference)
    asked = f"{found.url}/{subdir}" + "/" * slashes
    assert addresses.identify(asked) == (found.mirror, channel, subdir)
    if found.mirror != "upstream":
        assert found.mirror in preference


def test_an_entry_is_read_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The automatic redirect waits for it: of the built-in mirrors it needs two."""
    asked = []
    read = registry.Mirror.__init__

    def count(self: registry.Mirror, name: str, entry: Mapping[str, object]) -> None:
        asked.append(name)
        read(self, name, entry)

    monkeypatch.setattr(registry.Mirror, "__init__", count)
    known = Registry(registry.built_in().entries)
    assert {*known} >= {*known.chosen_for()}
    assert asked == []
    assert [mirror.name for mirror in known.resolve(["nju", "tuna"])] == ["nju", "tuna"]
    assert known["tuna"] is known["tuna"]
    assert asked == ["nju", "tuna"]


@pytest.mark.parametrize(
    ("name", "found"),
    [("tuna", True), (urls.UPSTREAM, False), *((own, False) for own in registry.OWNS)],
)
def test_a_place_of_the_users_own_is_no_mirror(name, found):
    route = Route("pytorch", "https://mine.example/c/pytorch", name)
    assert route.by_mirror is found
    assert (route.place == "mine.example") == (name in registry.OWNS)
