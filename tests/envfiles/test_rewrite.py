"""What is edited in an existing file, what is left, and what is said about it."""

from __future__ import annotations

import codecs
import re

import pytest

from conda_torchmirror.envfiles.batch import sentence
from conda_torchmirror.envfiles.channel_entry import SecretInMirror
from conda_torchmirror.envfiles.pip_options import PYPI, WHEELS
from conda_torchmirror.envfiles.rewrite import Rewritten, rewrite
from conda_torchmirror.mirrors.registry import InsecureMirror, UnknownMirror
from conda_torchmirror.models import Notice
from conda_torchmirror.text.tables.files import TEXT

TUNA = "https://mirrors.tuna.tsinghua.edu.cn/anaconda"
M = f"{TUNA}/cloud"
UP = "https://conda.anaconda.org"
TUNA_PYPI = "https://pypi.tuna.tsinghua.edu.cn/simple"


def there(text: str, *preference: str, pip: bool = False, subdir: str | None = None) -> Rewritten:
    return rewrite(text.encode(), "rewrite", preference or ("tuna",), pip=pip, subdir=subdir)


def back(text: str, *preference: str, pip: bool = False) -> Rewritten:
    return rewrite(text.encode(), "upstream", preference or ("tuna",), pip=pip)


def codes(result: Rewritten) -> list[str]:
    return [notice.code for notice in result.notices]


def env(channels: str, dependencies: str = "- python") -> str:
    return f"channels: {channels}\ndependencies:\n  {dependencies}\n"


# Channel entries


@pytest.mark.parametrize(
    ("entry", "mirrored"),
    [
        pytest.param("pytorch", f"{M}/pytorch", id="name"),
        pytest.param(f"{UP}/pytorch", f"{M}/pytorch/", id="url"),
        pytest.param(f"{UP}/pytorch/", f"{M}/pytorch//", id="url-slash"),
        pytest.param(
            f"http{UP[5:]}/pytorch", f"{M}/pytorch".replace(".cn/", ".cn:443/"), id="http"
        ),
        pytest.param(f"{UP}/pytorch/win-64", f"{M}/pytorch/win-64", id="url-subdir"),
        pytest.param(f"{UP}/pytorch/win-64/", f"{M}/pytorch/win-64/", id="url-subdir-slash"),
        pytest.param("pytorch/linux-64", f"{M}/pytorch/linux-64//", id="name-subdir"),
        pytest.param("numba/label/dev", f"{M}/numba/label/dev", id="label"),
        pytest.param(f"{UP}/numba/label/dev/win-64", f"{M}/numba/label/dev/win-64", id="url-label"),
        pytest.param("https://repo.anaconda.com/pkgs/main", f"{TUNA}/pkgs/main", id="pkgs"),
        pytest.param("https://repo.anaconda.com/pkgs/main/", f"{TUNA}/pkgs/main/", id="pkgs-slash"),
        pytest.param("pkgs/main", f"{TUNA}/pkgs/main//", id="pkgs-name"),
        pytest.param("Paddle", f"{M}/Paddle", id="case"),
    ],
)
def test_an_entry_goes_to_the_mirror_and_comes_back(entry: str, mirrored: str) -> None:
    result = there(env(f"[{entry}]"))
    assert result.data.decode() == env(f"[{mirrored}]")
    assert back(env(f"[{mirrored}]")).data.decode() == env(f"[{entry}]")


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("nvidia", "not_carried"),
        ("nvidia/label/cuda-12.4.0", "not_carried"),
        ("pytorch/label/x", "not_carried"),
        ("pytorch/linux-ppc64le", "not_carried"),
        ("paddle", "not_carried"),
        ("defaults", "defaults_left"),
        ("nodefaults", None),
        (f"{UP}:443/pytorch", "unusual_url"),
        ("https://Conda.Anaconda.org/pytorch", "unusual_url"),
        (f"{UP}/t/tk-1/pytorch", "secret_left"),
        ("https://me:pw@conda.anaconda.org/pytorch", "secret_left"),
        ("https://ftp.osuosl.org/pub/open-ce/current/", None),
        ("file:///srv/pytorch", None),
        ("./pytorch", None),
        ("$MY/pytorch", None),
        (f"{UP}/pytorch/linux-64/a-1-0.conda", None),
    ],
)
def test_an_entry_that_stays(entry: str, code: str | None) -> None:
    result = there(env(f"['{entry}']"))
    assert result.edits == ()
    assert codes(result) == ([code] if code else [])
    assert "tk-1" not in str(result.notices)
    assert "pw" not in str(result.notices)


@pytest.mark.parametrize(
    ("entry", "tuna", "upstream"),
    [
        ("https://mirrors.bfsu.edu.cn/anaconda/cloud/pytorch", f"{M}/pytorch", "pytorch"),
        ("https://mirrors.bfsu.edu.cn/anaconda/cloud/pytorch/", f"{M}/pytorch/", f"{UP}/pytorch"),
        ("http://mirror.sjtu.edu.cn/anaconda/cloud/pytorch", f"{M}/pytorch", "pytorch"),
        ("https://mirrors.nju.edu.cn/anaconda/cloud/rdkit", f"{M}/rdkit", "rdkit"),
        (
            "https://mirrors.sustech.edu.cn/anaconda-extra/cloud/nvidia",
            "https://mirrors.sustech.edu.cn/anaconda-extra/cloud/nvidia",
            "nvidia",
        ),
        (f"{M}/msys2/", f"{M}/msys2/", f"{UP}/msys2"),
        (f"{M}/pytorch", f"{M}/pytorch", "pytorch"),
        (f"{TUNA}/pkgs/free/", f"{TUNA}/pkgs/free/", "https://repo.anaconda.com/pkgs/free/"),
        (f"http{M[5:]}/pytorch/", f"{M}/pytorch/", f"{UP}/pytorch"),
    ],
)
def test_the_entry_of_another_mirror(entry: str, tuna: str, upstream: str) -> None:
    assert there(env(f"[{entry}]")).data.decode() == env(f"[{tuna}]")
    assert back(env(f"[{entry}]")).data.decode() == env(f"[{upstream}]")


def test_order_stays_and_every_channel_has_its_own_mirror() -> None:
    result = there(env("[nvidia, pytorch, conda-forge]"), "ustc", "sustech", "tuna")
    assert result.data.decode() == env(
        "[https://mirrors.sustech.edu.cn/anaconda-extra/cloud/nvidia, "
        "https://mirrors.sustech.edu.cn/anaconda/cloud/pytorch, "
        "https://mirrors.ustc.edu.cn/anaconda/cloud/conda-forge]"
    )


def test_the_platform_counts() -> None:
    assert there(env("[pytorch3d]"), subdir="win-64").edits == ()
    assert len(there(env("[pytorch3d]"), subdir="linux-64").edits) == 1


def test_a_mirror_given_by_url() -> None:
    lab = "http://127.0.0.1:8080/conda"
    result = there(env("[pytorch, conda-forge]"), lab)
    assert result.data.decode() == env(f"[{lab}/pytorch, conda-forge]")
    assert back(result.data.decode(), lab).data.decode() == env("[pytorch, conda-forge]")
    assert codes(there(env("['http://conda.anaconda.org/pytorch']"), lab)) == ["plain_http_left"]


@pytest.mark.parametrize(
    ("preference", "error"),
    [
        ("tunna", UnknownMirror),
        ("http://lab.example/x", InsecureMirror),
        ("https://me:pw@lab.example/x", SecretInMirror),
        ("https://lab.example/t/tk-1/x", SecretInMirror),
    ],
)
def test_a_preference_that_cannot_be_used(preference: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        there(env("[pytorch]"), preference)
    assert "pw" not in str(caught.value)
    assert "tk-1" not in str(caught.value)


def test_entries_that_become_one_channel_are_said_and_kept() -> None:
    text = f"channels:\n- pytorch\n- nvidia\n- {M}/pytorch/\ndependencies: [a]\n"
    result = there(text)
    assert result.data.decode() == text.replace("- pytorch\n", f"- {M}/pytorch\n")
    notice = next(n for n in result.notices if n.code == "same_channel")
    assert notice.facts["lines"] == "2, 4"
    assert "pytorch" in sentence(notice)


def test_a_channel_that_stands_twice_anyway_is_no_news() -> None:
    assert "same_channel" not in codes(there(env("[pytorch, pytorch]")))
    assert "same_channel" not in codes(back(env(f"[{M}/pytorch, {M}/pytorch]")))


# Dependencies


@pytest.mark.parametrize(
    ("spec", "mirrored"),
    [
        (f"{UP}/pytorch::pytorch=2.1", f"{M}/pytorch::pytorch=2.1"),
        (f"{UP}/pytorch/::pytorch", f"{M}/pytorch/::pytorch"),
        (f"{UP}/pytorch/linux-64::pytorch>=2", f"{M}/pytorch/linux-64::pytorch>=2"),
        (f"'pytorch[channel={UP}/pytorch]'", f"'pytorch[channel={M}/pytorch]'"),
        (
            f'''"pytorch[version='2.1',channel='{UP}/pytorch']"''',
            f'''"pytorch[version='2.1',channel='{M}/pytorch']"''',
        ),
        (
            f"{UP}/pytorch/noarch/a-1-0.tar.bz2#{'0' * 32}",
            f"{M}/pytorch/noarch/a-1-0.tar.bz2#{'0' * 32}",
        ),
    ],
)
def test_a_dependency_with_a_url(spec: str, mirrored: str) -> None:
    text = env("[nodefaults]", f"- {spec}")
    result = there(text)
    assert result.data.decode() == env("[nodefaults]", f"- {mirrored}")
    assert back(result.data.decode()).data.decode() == text


@pytest.mark.parametrize("spec", ["pytorch::pytorch=2.1", "pytorch[channel=pytorch]", "numpy>=1"])
def test_a_dependency_with_a_name_stays(spec: str) -> None:
    result = there(env("[nodefaults]", f"- {spec}"))
    assert result.edits == ()
    assert codes(result) == (["named_spec_stays"] if "::" in spec else [])


# YAML


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("channels:\n- pytorch\ndependencies:\n- a\n", id="indent-0"),
        pytest.param("channels:\n    -   pytorch\ndependencies: [a]", id="indent-4-no-newline"),
        pytest.param("channels: [ pytorch,nvidia ]\ndependencies: [a]\n", id="flow"),
        pytest.param("{channels: [pytorch], dependencies: [a]}", id="flow-mapping"),
        pytest.param('{"channels": ["pytorch"], "dependencies": ["a"]}\n', id="json"),
        pytest.param("channels: [\n  'pytorch', # why\n]\ndependencies: [a]\n", id="flow-lines"),
        pytest.param('channels:\n- "pytorch"  # c\n\n\ndependencies: [a]\n\n\n', id="double"),
        pytest.param("channels:\r\n  - 'pytorch' \r\ndependencies:\r\n  - a\r\n", id="crlf"),
        pytest.param("channels:\r\n  - pytorch\ndependencies:\r\n  - a\n", id="mixed-ends"),
        pytest.param("channels:\r- pytorch\rdependencies:\r- a\r", id="old-mac"),
        pytest.param("channels:\n- &t !!str pytorch\ndependencies: [a]\n", id="anchor-tag"),
        pytest.param("? channels\n: - pytorch\ndependencies: [a]\n", id="explicit-key"),
        pytest.param("%YAML 1.2\n---\nchannels: [pytorch]\ndependencies: [a]\n...\n", id="start"),
        pytest.param(
            "# 频道\nchannels: # 第一\n  - pytorch # 清华\ndependencies: [a]\n", id="chinese"
        ),
        pytest.param("x: |\n  channels:\n  - pytorch\nchannels: [pytorch]\n", id="block-scalar"),
        pytest.param("channels:\n  # - pytorch\n  - pytorch\n", id="commented-out"),
        pytest.param("name: {{ n }}\nchannels:\n- pytorch\ndependencies: [a]\n", id="jinja"),
        pytest.param(
            "{% set v = '1' %}\nchannels:\n{% if gpu %}\n- pytorch\n{% endif %}\n", id="jinja-lines"
        ),
        pytest.param("channels:\n- pytorch\ndependencies:\n- a\n- pip:\n\t- b\n", id="tab"),
        pytest.param("channels:\n- pytorch # c\n\ndependencies:\n- a: [\n", id="broken-later"),
    ],
)
@pytest.mark.parametrize(
    ("bom", "codec"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
    ids=["utf8", "utf8-bom", "utf16-le", "utf16-be", "utf32"],
)
def test_only_the_entry_changes_whatever_stands_around_it(
    text: str, bom: bytes, codec: str
) -> None:
    data = bom + text.encode(codec)
    result = rewrite(data, "rewrite")
    at = max(m.start() for m in re.finditer("pytorch", text))
    expected = text[:at] + f"{M}/pytorch" + text[at + len("pytorch") :]
    assert result.refused is None
    assert result.data == bom + expected.encode(codec)
    (edit,) = result.edits
    assert data[edit.start : edit.end] == "pytorch".encode(codec)
    assert (edit.old, edit.new) == ("pytorch", f"{M}/pytorch")
    assert rewrite(result.data, "upstream").data == data


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param('channels: ["pyto\\x72ch"]\n', "escaped_left", id="escape"),
        pytest.param("channels:\n- >-\n  pytorch\n", "escaped_left", id="folded"),
        pytest.param("channels: [*p]\nx: &p pytorch\n", "alias_left", id="alias-too-early"),
        pytest.param("x: &p pytorch\nchannels: [*p]\n", "alias_left", id="alias-of-other"),
        pytest.param("channels: [&p pytorch]\nname: *p\n", "shared_left", id="anchor-used"),
        pytest.param("channels: [&p pytorch]\n? *p\n: x\n", "shared_left", id="anchor-used-as-key"),
        pytest.param("channels: &c [pytorch]\nx: *c\n", "shared_left", id="list-used"),
        pytest.param("x: &c [pytorch]\nchannels: *c\n", "alias_left", id="list-elsewhere"),
        pytest.param("x: &b {a: b}\n<<: *b\nchannels: [a]\n", "merge_left", id="merge"),
        pytest.param("channels: [{url: pytorch}]\n", "not_text_left", id="mapping"),
        pytest.param("channels: pytorch\n", None, id="no-list"),
        pytest.param("channels:\ndependencies: [a]\n", None, id="empty"),
        pytest.param("channels: []\ndependencies: [a]\n", None, id="empty-list"),
        pytest.param("dependencies: [a]\n", None, id="no-channels"),
        pytest.param("x:\n  channels: [pytorch]\nchannels: []\n", None, id="deeper"),
        pytest.param("channels: {? [x] : pytorch}\n", None, id="complex-key"),
    ],
)
def test_what_is_left_alone_in_yaml(text: str, code: str | None) -> None:
    result = there(text)
    assert result.edits == ()
    assert [c for c in codes(result) if c != "not_carried"] == ([code] if code else [])


def test_an_alias_within_the_list_follows_its_anchor() -> None:
    result = there("channels: [&p pytorch, nvidia, *p]\n")
    assert result.data.decode() == f"channels: [&p {M}/pytorch, nvidia, *p]\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("channels: [pytorch]\nchannels: [pytorch]\n", "duplicate_key", id="duplicate"),
        pytest.param(
            "channels: [pytorch]\n---\nchannels: [pytorch]\n", "several_documents", id="documents"
        ),
    ],
)
def test_every_list_of_a_file_is_edited(text: str, code: str) -> None:
    result = there(text)
    assert result.data.decode() == text.replace("[pytorch]", f"[{M}/pytorch]")
    assert codes(result) == [code]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        pytest.param(
            "channels:\n\t- pytorch\ndependencies:\n- a\n", 2, "odd_line", id="tab-inside"
        ),
        pytest.param("channels: [pytorch\ndependencies:\n- a\n", 1, "odd_line", id="flow"),
        pytest.param(
            "channels:\n- pytorch\nchannels:\n- a\ndependencies:\n\t- a\n", 3, "two_lists", id="two"
        ),
        pytest.param(
            'x: "\nchannels:\n- pytorch\ndependencies:\n- a\n', 1, "broken_before", id="open-quote"
        ),
        pytest.param("name: x\ndependencies:\n\t- a\n", None, "no_list", id="none"),
        pytest.param(
            "channels:\n- pytorch\n  - nvidia\ndependencies:\n\t- a\n", 1, "odd_line", id="indents"
        ),
        pytest.param(
            "channels:\n- pytorch\nstray\ndependencies:\n- a\n", 3, "odd_line", id="stray-line"
        ),
        pytest.param(
            "channels:\n- '{{ c }}\n- pytorch\ndependencies:\n\t- a\n", 2, "odd_line", id="jinja"
        ),
    ],
)
def test_a_broken_file_with_a_doubtful_list_is_left_whole(
    text: str, line: int | None, why: str
) -> None:
    result = there(text)
    assert result.data.decode() == text
    assert result.refused is not None
    assert result.refused.code == "not_yaml"
    assert (result.refused.facts["where"], result.refused.facts["why"]) == (line, why)
    assert "line" in sentence(result.refused)


# Kinds of files


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        pytest.param(
            "version: 1\nmetadata:\n  content_hash:\n    linux-64: x\npackage:\n- name: a\n",
            "conda-lock",
            id="conda-lock",
        ),
        pytest.param(
            "version: 6\nenvironments:\n  default:\npackages:\n- conda: x\n", "pixi", id="pixi"
        ),
        pytest.param("locking_enabled: true\nenv_specs: {}\n", "anaconda-project", id="anaconda"),
        pytest.param(
            '[[package]]\nname="a"\n[metadata]\ncontent-hash = "x"\n', "poetry", id="poetry"
        ),
        pytest.param('version = 1\nrequires-python = ">=3"\n[[package]]\n', "uv", id="uv"),
        pytest.param('[metadata]\nlock_version = "4"\n[[package]]\n', "pdm", id="pdm"),
        pytest.param('lock-version = "1.0"\ncreated-by = "x"\n', "pylock.toml", id="pylock"),
        pytest.param(
            '{\n  "_meta": {\n    "hash": {},\n    "pipfile-spec": 6\n  }\n}\n',
            "pipenv",
            id="pipenv",
        ),
        pytest.param('{\n  "name": "a",\n  "lockfileVersion": 3\n}\n', "npm", id="npm"),
    ],
)
def test_a_lock_file_is_refused_with_the_way_to_make_it_anew(text: str, tool: str) -> None:
    result = there(text)
    assert result.refused is not None
    assert (result.refused.code, result.refused.facts["tool"]) == ("foreign_lock", tool)
    assert tool.partition(".")[0].removesuffix("lock") in sentence(result.refused)
    assert result.data.decode() == text


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(
            b"channels: [pytorch]\nssl_verify: true\n", "conda_configuration", id="condarc"
        ),
        pytest.param(b"package:\n  name: x\n", "not_environment", id="recipe"),
        pytest.param(b"- pytorch\n- nvidia\n", "not_environment", id="list"),
        pytest.param(b'[project]\nname = "x"\nchannels = []\n', "manifest", id="toml"),
        pytest.param(b"\x00\x01\x02PK", "binary", id="binary"),
        pytest.param(b"\x7fELF\x02\x01" + bytes(range(256)), "binary", id="elf"),
        pytest.param("channels: [pytorch]\n".encode("utf-16-le"), "utf16_without_bom", id="no-bom"),
        pytest.param("# 频道\nchannels: [a]\n".encode("gbk"), "not_unicode", id="gbk"),
        pytest.param(codecs.BOM_UTF16_LE + b"c", "not_unicode", id="half-a-character"),
    ],
)
def test_what_is_no_environment_is_refused(data: bytes, code: str) -> None:
    result = rewrite(data, "rewrite")
    assert result.refused is not None
    assert result.refused.code == code
    assert result.data == data
    assert sentence(result.refused)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"# only a comment\r\n", codecs.BOM_UTF8])
def test_an_empty_file_is_done(data: bytes) -> None:
    assert rewrite(data, "rewrite") == Rewritten(data, "empty")


def test_a_list_of_specs_names_no_channel() -> None:
    result = there("# platform: linux-64\nnumpy=1.26.4=py312_0\n_libgcc=0.1=main\n")
    assert (result.kind, result.edits, codes(result)) == ("specs", (), ["specs_name_no_channels"])


def test_an_explicit_file_keeps_hashes_and_order() -> None:
    sha = "a" * 64
    lines = [
        "# platform: linux-64",
        "@EXPLICIT",
        f"{UP}/pytorch/linux-64/pytorch-2.1.0-py3.11_0.tar.bz2#{'0' * 32}",
        f"{UP}/nvidia/label/cuda-12.4.0/linux-64/cuda-12.4-0.conda#{'1' * 32}",
        f"{UP}/conda-forge/noarch/six-1-0.conda#sha256:{sha}",
        "http://repo.anaconda.com/pkgs/main/win-64/a-2!1-0.conda",
        f"{UP}/t/tk-1/x/linux-64/a-1-0.conda",
        "https://lab.example/x/linux-64/a-1-0.conda",
        "/srv/local/a-1-0.conda",
    ]
    text = "\r\n".join(lines)
    result = there(text)
    assert result.kind == "explicit"
    assert result.data.decode().split("\r\n") == [
        *lines[:2],
        f"{M}/pytorch/linux-64/pytorch-2.1.0-py3.11_0.tar.bz2#{'0' * 32}",
        lines[3],
        f"{M}/conda-forge/noarch/six-1-0.conda#sha256:{sha}",
        f"{TUNA}/pkgs/main/win-64/a-2!1-0.conda".replace(".cn/", ".cn:443/"),
        *lines[6:],
    ]
    assert codes(result) == ["not_carried", "secret_left", "tar_bz2_may_be_gone"]
    assert back(result.data.decode()).data.decode() == text


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


def test_requirements_keep_their_hashes() -> None:
    text = f"-i {PYPI}\nnumpy==1.26.4 \\\n    --hash=sha256:{'0' * 64}\n"
    assert there(text, pip=True).data.decode() == text.replace(PYPI, TUNA_PYPI)


def test_wild_pip_mirrors_go_upstream() -> None:
    text = "-i http://mirrors.aliyun.com/pypi/simple/ --trusted-host mirrors.aliyun.com\ntorch\n"
    expected = text.replace("http://mirrors.aliyun.com/pypi/simple", PYPI)
    assert back(text, pip=True).data.decode() == expected


# Sentences


@pytest.mark.parametrize("code", TEXT)
def test_every_sentence_can_be_filled_in(code: str) -> None:
    fields = re.findall(r"\{(\w+)\}", TEXT[code])
    shown = sentence(Notice(code, dict.fromkeys(fields, "x")))
    assert "{" not in shown
