"""Channels that are named by the URL of a mirror."""

from __future__ import annotations

import pytest

from conda_torchmirror.mirrors.addresses import name_among, routes_by_url
from conda_torchmirror.mirrors.registry import built_in

TUNA = "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud"
USTC = "https://mirrors.ustc.edu.cn/anaconda/cloud"
ALIYUN = "https://mirrors.aliyun.com/anaconda/cloud"
TENCENT = "https://mirrors.cloud.tencent.com/anaconda/cloud"
BFSU = "https://mirrors.bfsu.edu.cn/anaconda/cloud"


@pytest.mark.parametrize(
    ("channel", "word", "url"),
    [
        ("pytorch", f"{TUNA}/pytorch", f"{TUNA}/pytorch"),
        ("pytorch", f"{TUNA}/pytorch/win-64/", f"{TUNA}/pytorch"),
        ("pytorch", f"{TUNA}/pytorch".replace("https", "http"), f"{TUNA}/pytorch"),
        ("pytorch", f"{USTC}/pytorch/", f"{USTC}/pytorch"),  # which sends on to another site
        ("nvidia", f"{ALIYUN}/nvidia".replace("https", "http"), f"{ALIYUN}/nvidia"),  # not known
        ("nvidia", f"{TENCENT}/nvidia/linux-64", f"{TENCENT}/nvidia"),  # of which nothing is listed
        ("pytorch", f"{BFSU}/pytorch", None),  # which has no channels any more
        ("nvidia", f"{TUNA}/nvidia", None),  # known not to be there
        ("pytorch3d", f"{TUNA}/pytorch3d", None),  # not for this platform
        ("pytorch", f"{TUNA}/conda-forge", None),
        ("pytorch", "https://conda.anaconda.org/pytorch", None),
        ("pytorch", "https://lab.example/pytorch", None),
        ("pytorch", TUNA.replace("://", "://me:x@") + "/pytorch", None),
        ("pytorch", "pytorch", None),
    ],
)
def test_the_route_is_that_of_the_mirror_unless_it_is_known_to_lack_the_channel(
    channel: str, word: str, url: str | None
) -> None:
    found = routes_by_url(channel, [word], built_in(), "win-64")
    assert [route.url for route in found] == ([url] if url else [])
    allowed = routes_by_url(channel, [word], built_in(), "win-64", ["nju"])
    assert allowed == []


def test_only_the_names_asked_for_stand_in_for_a_url() -> None:
    names = {"pytorch"}
    assert name_among(f"{TUNA}/pytorch/win-64", built_in(), names) == "pytorch"
    for word in (f"{TUNA}/conda-forge", f"{TUNA}/pytorch/label/x", "pytorch", "https://x/pytorch"):
        assert name_among(word, built_in(), names) == word
