"""What a file is: refused with the way out, passed over, or edited as its kind needs."""

from __future__ import annotations

import codecs

import pytest
from support.rewriting import TUNA, UP, M, back, codes, there

from conda_torchmirror.envfiles.batch import sentence
from conda_torchmirror.envfiles.channel_entry import EntryRewriter
from conda_torchmirror.envfiles.rewrite import Rewritten, rewrite

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
    result = rewrite(data, EntryRewriter("rewrite"))
    assert result.refused is not None
    assert result.refused.code == code
    assert result.data == data
    assert sentence(result.refused)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"# only a comment\r\n", codecs.BOM_UTF8])
def test_an_empty_file_is_done(data: bytes) -> None:
    assert rewrite(data, EntryRewriter("rewrite")) == Rewritten(data, "empty")


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
