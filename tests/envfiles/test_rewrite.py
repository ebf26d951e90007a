"""What is edited in an existing file, what is left, and what is said about it."""

from __future__ import annotations

import codecs
import re

import pytest
from support.rewriting import TUNA, UP, M, back, codes, env, there

from conda_torchmirror.envfiles.batch import sentence
from conda_torchmirror.envfiles.channel_entry import EntryRewriter, SecretInMirror
from conda_torchmirror.envfiles.rewrite import rewrite
from conda_torchmirror.mirrors.urls import InsecureMirror, UnknownMirror
from conda_torchmirror.models import Notice
from conda_torchmirror.text.tables.files import TEXT

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
    result = rewrite(data, EntryRewriter("rewrite"))
    at = max(m.start() for m in re.finditer("pytorch", text))
    expected = text[:at] + f"{M}/pytorch" + text[at + len("pytorch") :]
    assert result.refused is None
    assert result.data == bom + expected.encode(codec)
    (edit,) = result.edits
    assert data[edit.start : edit.end] == "pytorch".encode(codec)
    assert (edit.old, edit.new) == ("pytorch", f"{M}/pytorch")
    assert rewrite(result.data, EntryRewriter("upstream")).data == data


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


# Sentences


@pytest.mark.parametrize("code", TEXT)
def test_every_sentence_can_be_filled_in(code: str) -> None:
    fields = re.findall(r"\{(\w+)\}", "".join(TEXT[code]))
    shown = sentence(Notice(code, dict.fromkeys(fields, "x")))
    assert "{" not in shown


@pytest.mark.parametrize("url", ["https://me:pw@lab.example/x", "https://lab.example/t/tk-1/x"])
def test_official_addresses_are_written_whatever_the_preferred_mirror(url):
    """Only the other direction would write its password or token into the file."""
    found = EntryRewriter("upstream", [url])
    assert found.read(f"{M}/pytorch") is not None
