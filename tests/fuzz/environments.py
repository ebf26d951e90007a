"""Strategies for environment files with every trait that real ones have; where real ones are."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import strategies as st
from support.material import FOLDER

from conda_torchmirror.envfiles.pip_options import PYPI, WHEELS

#: The folder of real files, which is not part of this project.
REAL = FOLDER / "environments"

needs_real = pytest.mark.skipif(
    not REAL.is_dir(), reason="no real environment files here (set TORCHMIRROR_SHARED)"
)


def real_files() -> list[Path]:
    return sorted(REAL.glob("*.yml"))


TUNA = "https://mirrors.tuna.tsinghua.edu.cn/anaconda"

PREFERENCES = (
    ("tuna",),
    ("nju",),
    ("sjtu", "sustech"),
    ("aliyun", "tuna", "sustech"),
    ("ustc", "upstream", "tuna"),
    ("http://127.0.0.1:8080/conda",),
    ("https://lab.example/conda/pytorch", "nju"),
    (),
)

NAMES = (
    "pytorch",
    "pytorch-lts",
    "pytorch-test",
    "pytorch-nightly",
    "nvidia",
    "conda-forge",
    "bioconda",
    "rdkit",
    "Paddle",
    "pkgs/main",
    "pkgs/r",
    "anaconda",
    "nvidia/label/cuda-12.4.0",
    "numba/label/dev",
    "main",
)
SUBDIRS = ("linux-64", "win-64", "osx-arm64", "noarch")


@st.composite
def upstream_entries(draw: st.DrawFn) -> str:
    """A channel as it stands in a file that knows no mirror."""
    name = draw(st.sampled_from(NAMES))
    at = draw(st.sampled_from(["", "", "", *(f"/{subdir}" for subdir in SUBDIRS)]))
    if draw(st.booleans()):
        return name + at
    base = "conda.anaconda.org"
    if name.startswith("pkgs/"):
        base, name = "repo.anaconda.com", name
    scheme = draw(st.sampled_from(["https", "https", "http"]))
    host = draw(st.sampled_from([base, base, base.upper(), f"{base}:443"]))
    return f"{scheme}://{host}/{name}{at}" + "/" * draw(st.sampled_from([0, 0, 1, 2, 3]))


OTHER_ENTRIES = (
    "defaults",
    "nodefaults",
    "local",
    "https://ftp.osuosl.org/pub/open-ce/current/",
    "https://conda.anaconda.org/t/tk-123/pytorch",
    "https://me:secret@conda.anaconda.org/pytorch",
    "file:///srv/channel",
    "$CHANNEL/pytorch",
)

MIRROR_ENTRIES = (
    f"{TUNA}/cloud/pytorch",
    f"{TUNA}/cloud/pytorch/",
    f"{TUNA}/pkgs/main/",
    f"{TUNA.replace('https', 'http')}/cloud/conda-forge/linux-64/",
    "https://mirrors.bfsu.edu.cn/anaconda/cloud/pytorch/",
    "https://mirror.sjtu.edu.cn/anaconda/cloud/pytorch",
    "https://mirrors.nju.edu.cn/anaconda/cloud/conda-forge",
    "https://mirrors.sustech.edu.cn/anaconda-extra/cloud/nvidia/label/cuda-12.4.0",
    "http://mirrors.aliyun.com/anaconda/pkgs/main/",
    "https://mirrors.cloud.tencent.com/anaconda/pkgs/pro/",
)

PIP_LINES = (
    "numpy",
    "torch==2.4.0+cu121",
    f"-i {PYPI}",
    f"--index-url={PYPI}/",
    f"-i http{PYPI[5:]}",
    f"--extra-index-url {WHEELS}/cu121",
    f"--extra-index-url   {WHEELS}/cu118/",
    f"--index-url {WHEELS}/cpu",
    f"-i {WHEELS}/cu128/",
    f"-f {WHEELS}/torch_stable.html",
    f"--find-links={WHEELS}/cu118/torch_stable.html",
    f"-f {WHEELS}/cu126",
    f"--extra-index-url {WHEELS}/nightly/cu121",
    f"-i {PYPI} --extra-index-url {WHEELS}/cu121",
    f"torch --extra-index-url {WHEELS}/cu121",
    "-e .",
    "-r requirements.txt",
    "git+https://example.org/a/b.git@v1#egg=b",
)

DEPENDENCIES = (
    "python=3.11",
    "pytorch::pytorch=2.1",
    "https://conda.anaconda.org/pytorch::pytorch",
    "http://conda.anaconda.org/conda-forge/linux-64::numpy>=1.2",
    "pytorch[channel=pytorch]",
    "numpy[channel=https://conda.anaconda.org/conda-forge]",
    "https://conda.anaconda.org/pytorch/linux-64/pytorch-2.1.0-py3.11_cuda12.1_0.tar.bz2",
)

ENCODINGS = (
    (b"", "utf-8"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def _quoted(draw: st.DrawFn, text: str, flow: bool) -> str:
    plain = not (flow and set(text) & set("[]{},")) and " #" not in text and ": " not in text
    style = draw(st.sampled_from(["", "", "", "'", '"'] if plain else ["'", '"']))
    return f"{style}{text}{style}"


@st.composite
def environment_texts(draw: st.DrawFn, *, mirrored: bool = False) -> str:
    """An environment.yml; with `mirrored` some entries name mirrors."""
    entry = upstream_entries() | st.sampled_from(OTHER_ENTRIES)
    pip_line = st.sampled_from(PIP_LINES)
    if mirrored:
        entry |= st.sampled_from(MIRROR_ENTRIES)
        pip_line |= st.sampled_from(
            [
                "-i https://pypi.tuna.tsinghua.edu.cn/simple",
                "-i http://mirrors.aliyun.com/pypi/simple/",
                "--extra-index-url https://mirror.nju.edu.cn/pytorch/whl/cu126/",
                "-f https://mirrors.aliyun.com/pytorch-wheels/cu126/",
                "--find-links https://mirrors.aliyun.com/pytorch-wheels/cu121/#extra-index-url",
            ]
        )
    lines = draw(st.lists(st.sampled_from(["---", "# 环境", "", "name: test"]), max_size=3))
    lines = sorted(set(lines), key=lambda line: line != "---")
    entries = draw(st.lists(entry, max_size=6))
    indent = " " * draw(st.sampled_from([0, 2, 4]))
    if not entries:
        lines.append(draw(st.sampled_from(["channels:", "channels: []", ""])))
    elif draw(st.integers(0, 3)) == 0:
        inside = draw(st.sampled_from([", ", ","])).join(_quoted(draw, e, True) for e in entries)
        lines.append(f"channels: [{inside}]")
    else:
        lines.append("channels:" + draw(st.sampled_from(["", " ", "  # order matters"])))
        for number, one in enumerate(entries):
            anchor = draw(st.sampled_from(["", "", "", "", f"&a{number} ", "!!str "]))
            comment = draw(st.sampled_from(["", "", " ", "  # [linux]", " # pytorch"]))
            lines.append(f"{indent}- {anchor}{_quoted(draw, one, False)}{comment}")
            lines += draw(st.sampled_from([[], [], [], [""], [f"{indent}# - conda-forge"]]))
    lines.append("dependencies:")
    deps = draw(st.lists(st.sampled_from(DEPENDENCIES), max_size=3))
    lines += [f"  - {_quoted(draw, dep, False)}" for dep in deps]
    pip = draw(st.lists(pip_line, max_size=3))
    if pip:
        lines += ["  - pip", "  - pip:", *(f"    - {_quoted(draw, p, False)}" for p in pip)]
    elif not deps:
        lines.append("  - python")
    lines += draw(st.sampled_from([[], [], ["prefix: C:\\envs\\test"], ["variables:", "  A: b"]]))
    ends = draw(st.sampled_from([("\n",), ("\r\n",), ("\n", "\r\n")]))
    text = "".join(line + ends[number % len(ends)] for number, line in enumerate(lines))
    return text if draw(st.booleans()) else text.rstrip("\r\n")


@st.composite
def environment_files(draw: st.DrawFn, *, mirrored: bool = False) -> bytes:
    bom, codec = draw(st.sampled_from(ENCODINGS))
    return bom + draw(environment_texts(mirrored=mirrored)).encode(codec)


@st.composite
def explicit_files(draw: st.DrawFn) -> bytes:
    """`conda list --explicit`, with URLs of upstream."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    url = st.builds(
        "{}://{}/{}/{}-{}{}{}".format,
        st.sampled_from(["https", "http"]),
        st.sampled_from(
            [
                "conda.anaconda.org/pytorch",
                "conda.anaconda.org/nvidia/label/cuda-12.4.0",
                "conda.anaconda.org/conda-forge",
                "repo.anaconda.com/pkgs/main",
                "Conda.anaconda.org/pytorch",
                "conda.anaconda.org/t/tk-1/x",
                "lab.example/x",
            ]
        ),
        st.sampled_from(SUBDIRS),
        st.sampled_from(["numpy", "pytorch"]),
        st.sampled_from(["1.0-py_0", "2!1.0-0"]),
        st.sampled_from([".conda", ".tar.bz2"]),
        st.sampled_from(["", "#" + "0" * 32, "#sha256:" + "0" * 64]),
    )
    lines = draw(st.lists(url | st.sampled_from(["# platform: linux-64", ""]), max_size=8))
    return end.join(["# made by conda", "@EXPLICIT", *lines]).encode()


@st.composite
def requirement_files(draw: st.DrawFn) -> bytes:
    hashed = "numpy==1.26.4 \\\n    --hash=sha256:" + "0" * 64
    lines = draw(st.lists(st.sampled_from([*PIP_LINES, "# -i x", "", hashed]), max_size=8))
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines).encode()
