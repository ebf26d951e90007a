"""Index options of pip, there and back."""

from __future__ import annotations

import pytest
from support.rewriting import TUNA_PYPI, back, codes, there

from conda_torchmirror.envfiles.channel_entry import EntryRewriter
from conda_torchmirror.envfiles.pip_options import PYPI, WHEELS
from conda_torchmirror.envfiles.rewrite import rewrite
from conda_torchmirror.mirrors.registry import built_in

# Pip


PIP_CASES = [
    pytest.param("tuna", f"-i {PYPI}", f"-i {TUNA_PYPI}", id="short"),
    pytest.param(
        "tuna", f"--index-url={PYPI}/  # c", f"--index-url={TUNA_PYPI}/  # c", id="equals"
    ),
    pytest.param(
        "tuna", f"-i http{PYPI[5:]}", f"-i {TUNA_PYPI.replace('.cn/', '.cn:443/')}", id="http"
    ),
    pytest.param(
        "nju",
        f"--extra-index-url {WHEELS}/cu126",
        "--extra-index-url https://mirror.nju.edu.cn/pytorch/whl/cu126",
        id="index",
    ),
    pytest.param(
        "aliyun",
        f"--extra-index-url {WHEELS}/cu121",
        "--find-links https://mirrors.aliyun.com/pytorch-wheels/cu121/#extra-index-url",
        id="flat-extra",
    ),
    pytest.param(
        "aliyun",
        f"--index-url '{WHEELS}/cu121/'",
        "--index-url 'https://mirrors.aliyun.com/pypi/simple' "
        "--find-links 'https://mirrors.aliyun.com/pytorch-wheels/cu121/#index-url/'",
        id="flat-only-index",
    ),
    pytest.param(
        "aliyun",
        f"-f {WHEELS}/cu118/torch_stable.html",
        "-f https://mirrors.aliyun.com/pytorch-wheels/cu118/#torch_stable.html",
        id="flat-html",
    ),
    pytest.param(
        "sjtu",
        f"-f {WHEELS}/torch_stable.html",
        "-f https://mirror.sjtu.edu.cn/pytorch-wheels/torch_stable.html",
        id="html",
    ),
    pytest.param(
        "tuna",
        f"torch --find-links x -i {PYPI}",
        f"torch --find-links x -i {TUNA_PYPI}",
        id="in-the-line-of-a-package",
    ),
]


@pytest.mark.parametrize(("mirror", "line", "mirrored"), PIP_CASES)
@pytest.mark.parametrize("in_yaml", [True, False], ids=["environment", "requirements"])
def test_pip_options(mirror: str, line: str, mirrored: str, in_yaml: bool) -> None:
    frame = "dependencies:\n- pip:\n  - {}\n  - torch\n" if in_yaml else "{}\ntorch==2.4\n"
    text = frame.format(line)
    result = there(text, mirror, pip=True)
    assert result.data.decode() == frame.format(mirrored)
    assert back(result.data.decode(), mirror, pip=True).data.decode() == text
    without = there(text, mirror)
    assert (without.edits, codes(without)) == ((), ["pip_left"])


@pytest.mark.parametrize(
    ("mirror", "line", "code"),
    [
        ("tuna", f"--extra-index-url {WHEELS}/cu121", "no_wheel_mirror"),
        ("nju", f"-f {WHEELS}/torch_stable.html", "wheel_layout"),
        ("aliyun", f"--extra-index-url {WHEELS}/cu113", "wheel_layout"),
        ("nju", f"--extra-index-url {WHEELS}/nightly/cu121", "wheels_elsewhere"),
        ("hit", f"-i {PYPI}", "no_pypi_mirror"),
        ("tuna", f"# -i {PYPI}", None),
        ("tuna", f"numpy # -i {PYPI}", None),
        ("tuna", "-i https://pypi.nvidia.com", None),
        ("tuna", f"-i {PYPI}/torch/", None),
        ("tuna", f"-f {PYPI}", None),
        ("tuna", "-i https://mirrors.tuna.tsinghua.edu.cn/pypi/web/simple", None),
        ("tuna", "-e .", None),
    ],
)
def test_pip_options_that_stay(mirror: str, line: str, code: str | None) -> None:
    result = there(f"{line}\nnumpy\n", mirror, pip=True)
    assert result.edits == ()
    assert codes(result) == ([code] if code else [])


@pytest.mark.parametrize(
    ("line", "some"),
    [
        (f"-f {WHEELS}/torch_stable.html", True),
        (f"--extra-index-url {WHEELS}/nightly/cu121", False),
        (f"--extra-index-url {WHEELS}/cu121", True),
        (f"--extra-index-url {WHEELS}/cu113", True),
        (f"-i {WHEELS}/cu121", True),
        (f"-f {WHEELS}/cu121/torch_stable.html", True),
        (f"-i {PYPI}", True),
        (f"-f http{WHEELS[5:]}/cu121", True),
    ],
)
def test_a_site_is_offered_only_if_it_serves_exactly_this_option(line: str, some: bool) -> None:
    able = {name for name in built_in() if there(f"{line}\ntorch\n", name, pip=True).edits}
    for name in set(built_in()) - able:
        for notice in there(f"{line}\ntorch\n", name, pip=True).notices:
            assert set(notice.facts.get("others", able)) == able, name
    assert bool(able) == some


def test_requirements_keep_their_hashes() -> None:
    text = f"-i {PYPI}\nnumpy==1.26.4 \\\n    --hash=sha256:{'0' * 64}\n"
    assert there(text, pip=True).data.decode() == text.replace(PYPI, TUNA_PYPI)


def test_wild_pip_mirrors_go_upstream() -> None:
    text = "-i http://mirrors.aliyun.com/pypi/simple/ --trusted-host mirrors.aliyun.com\ntorch\n"
    expected = text.replace("http://mirrors.aliyun.com/pypi/simple", PYPI)
    assert back(text, pip=True).data.decode() == expected


@pytest.mark.parametrize("name", [name for name in built_in() if built_in()[name].pypi_also])
def test_an_address_that_is_only_recognised_goes_upstream_and_is_never_written(name: str) -> None:
    official = f"-i {PYPI}\nnumpy\n"
    written = rewrite(official.encode(), EntryRewriter("rewrite", [name]), pip=True).data
    for url in built_in()[name].pypi_also:
        assert back(f"-i {url}\nnumpy\n", pip=True).data.decode() == official
        assert back(f"-i {url}/\nnumpy\n", pip=True).data.decode() == official.replace(
            PYPI, f"{PYPI}/"
        )
        assert url not in written.decode()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://repo.huaweicloud.com/repository/pypi/simple", "huawei"),
        ("https://mirrors.zju.edu.cn/pypi/web/simple", "zju"),
        ("https://mirrors4.tuna.tsinghua.edu.cn/pypi/web/simple", "tuna"),
        ("https://mirrors6.tuna.tsinghua.edu.cn/pypi/web/simple", "tuna"),
        ("https://mirror.lzu.edu.cn/pypi/web/simple", "lzu"),
        ("https://mirror.bjtu.edu.cn/pypi/web/simple", "bjtu"),
        ("https://opentuna.cn/pypi/web/simple", "opentuna"),
        ("https://mirrors.163.com/pypi/simple", "163"),
        ("https://mirrors.volces.com/pypi/simple", "volces"),
        ("https://mirror.baidu.com/pypi/simple", "baidu"),
        ("https://pypi.douban.com/simple", "douban"),
        ("https://pypi.doubanio.com/simple", "douban"),
    ],
)
def test_addresses_of_old_guides_are_recognised(url: str, name: str) -> None:
    assert url in built_in()[name].pypi_also
