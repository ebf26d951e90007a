"""What a file is: refused with the way out, passed over, or edited as its kind needs."""

from __future__ import annotations

import codecs
import re

import pytest
from support.rewriting import TUNA, UP, M, back, codes, there

from conda_torchmirror.envfiles import kind
from conda_torchmirror.envfiles.batch import sentence
from conda_torchmirror.envfiles.channel_entry import EntryRewriter
from conda_torchmirror.envfiles.kind import CONFIGURATION_KEYS
from conda_torchmirror.envfiles.rewrite import Rewritten, rewrite
from conda_torchmirror.text import language

# Kinds of files


@pytest.mark.parametrize(
    ("text", "tool"),
    [
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


# Lists of specs, lock files and exports of conda


@pytest.mark.parametrize(
    "text",
    [
        "python=3.10\npytorch=2.3.1\ntorchvision\n",
        "numpy=1.26.4=py311_0\r\nsix=1.16=py_0\r\n",
        "# $ conda create --name <env> --file <this file>\n# platform: linux-64\n\nnumpy\n",
        "python[version='>=3.9,<4']\n",
        "pytorch::pytorch\n",
        "libblas=*=*mkl  # c\n",
        "numpy 1.26.* py311_0\nsix=1\n",
    ],
)
def test_a_list_of_specs_is_known_by_its_content(text: str) -> None:
    assert there(text).kind == "specs"


@pytest.mark.parametrize(
    "text",
    [
        "numpy\n",
        "numpy==1.26.4\nrequests[socks]>=2 ; python_version < '3.12'\n",
        "-r a.txt\nnumpy\n",
        "git+https://x.example/a.git@v1#egg=a\n",
    ],
)
def test_requirements_of_pip_are_no_list_of_specs(text: str) -> None:
    assert there(text).kind == "requirements"


def test_specs_with_channels_by_url() -> None:
    text = (
        "# $ conda create --name <env> --file <this file>\n"
        f"{UP}/pytorch::pytorch==2.3.1\r\n"
        f"numpy[channel='{UP}/conda-forge', version='>=1']\n"
        "pytorch::torchvision\n"
        "python=3.10  # c\n"
    )
    mirrored = text.replace(UP, M)
    assert there(text).data.decode() == mirrored
    assert codes(there(text)) == ["named_spec_stays"]
    result = back(mirrored)
    assert (result.data.decode(), result.kind, codes(result)) == (text, "specs", [])


def pixi(at: str, channel: str) -> str:
    """A lock file as pixi and the exporter of rattler-lock write it."""
    return (
        f"version: 6\nenvironments:\n  default:\n    channels:\n    - url: {channel}\n"
        f"    packages:\n      linux-64:\n      - conda: {at}/linux-64/a-1-0.conda\n"
        f"      - pypi: https://files.example/a.whl\npackages:\n"
        f"- conda: {at}/linux-64/a-1-0.conda\n  sha256: {'0' * 64}\n"
        f'  url: "{at}/noarch/b-1-0.tar.bz2"\n'
    )


def conda_lock(at: str, channel: str) -> str:
    """A lock file as conda-lock and the exporter of that name write it."""
    return (
        f"version: 1\nmetadata:\n  content_hash:\n    linux-64: x\n  channels:\n"
        f"  - url: {channel}\n    used_env_vars: []\npackage:\n- name: a\n"
        f"  url: {at}/noarch/a-1-0.conda\n  hash:\n    md5: x\n"
    )


@pytest.mark.parametrize("lock", [pixi, conda_lock])
def test_a_lock_file_with_urls_goes_to_the_mirror_and_back(lock) -> None:
    official = lock(f"{UP}/conda-forge", f"{UP}/conda-forge/")
    result = there(official)
    assert (result.kind, result.refused) == ("lock", None)
    # What it was made from names the channel, and is compared with the list in it.
    mirrored = lock(f"{M}/conda-forge", f"{UP}/conda-forge/")
    assert result.data.decode() == mirrored
    assert back(mirrored).data.decode() == official
    assert back(lock(f"{M}/conda-forge", f"{M}/conda-forge/")).data.decode() == official
    assert back(lock(f"{M}/conda-forge", "conda-forge")).data.decode() == lock(
        f"{UP}/conda-forge", "conda-forge"
    )


# Files of other tools


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("# dependencies\n\nARG CUDA=12.1\nFROM nvidia/cuda:${CUDA}-base\nRUN a\n", "a Dockerfile"),
        ("from python:3.12 as x\nLABEL a: b\nRUN install dependencies\n", "a Dockerfile"),
        ("#!/bin/sh\nconda install -c pytorch dependencies\n", "a script"),
        ("[global]\nindex-url = https://x.example/simple\n", "an INI file"),
        ("# channels\n[a]\n# c\nb: dependencies\n", "an INI file"),
        ("name: w\non: push\njobs:\n  t:\n    dependencies: [a]\n", "a GitHub Actions workflow"),
        ("stages: [a]\nb:\n  dependencies: []\n", "a GitLab CI configuration"),
        ("trigger: [main]\npool: {vmImage: x}\ndependencies: a\n", "an Azure pipeline"),
        ("version: 2.1\njobs: {}\nworkflows: {}\n", "a CircleCI configuration"),
        ("language: python\ninstall: conda\n", "a Travis CI configuration"),
        ("repos:\n- repo: channels\n", "a pre-commit configuration"),
        ("services:\n  a:\n    image: channels\n", "a Compose file"),
        ("channels: [a]\npackages: [b]\nenv_specs: {}\n", "an anaconda-project file"),
        ("channels: [a]\npackages: [b]\ncommands: {}\n", "an anaconda-project file"),
        ("package:\n  name: x\nrequirements: {}\nabout: dependencies\n", "a conda recipe"),
    ],
)
def test_a_file_of_another_tool_is_named(text: str, tool: str) -> None:
    result = there(text)
    assert result.refused is not None
    assert (result.refused.code, result.refused.facts["tool"]) == ("foreign_file", tool)
    assert tool in sentence(result.refused)


def test_what_a_file_is_of_has_words_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    from conda_torchmirror.text.tables.files import TEXT

    codes = {row[0] for row in kind._YAML_FILES} | {"script", "dockerfile", "ini"}
    assert {code for code in TEXT if code.startswith("tool.")} == {f"tool.{one}" for one in codes}
    english = {code: kind.Foreign("foreign_file", code).facts["tool"] for code in codes}
    monkeypatch.setenv("CONDA_TORCHMIRROR_LANG", "zh")
    language.forget()
    for code in codes:
        chinese = kind.Foreign("foreign_file", code).facts["tool"]
        assert re.match(r"an? ", english[code])
        assert chinese.english == english[code] != chinese
        assert not re.search(r"\b(?:an?|of|configuration|file) ", chinese)


@pytest.mark.parametrize(
    "text",
    [
        '[package.build.backend]\nname = "x"\nchannels = ["https://prefix.dev/conda-forge"]\n',
        "# c\n[[a]]\nb = 1\n",
        'a = [1]\n\n[ "b c" ] # d\n',
    ],
)
def test_toml_is_named(text: str) -> None:
    result = there(text)
    assert result.refused is not None
    assert result.refused.code == "manifest"


def test_every_key_of_condas_configuration_marks_it() -> None:
    from conda.base.context import Context

    #: Words that other files have at the top as well, and `channels` itself.
    common = [
        "channel",
        "channels",
        "clobber",
        "console",
        "copy",
        "debug",
        "dev",
        "disallow",
        "env_spec",
        "environment_specifier",
        "experimental",
        "extra_platforms",
        "force",
        "json",
        "list_fields",
        "preview",
        "quiet",
        "shortcuts",
        "softlink",
        "subdir",
        "subdirs",
        "trace",
        "track_features",
        "verbose",
        "virtual_packages",
        "yes",
    ]
    known = {name.lstrip("_") for name in Context.parameter_names}
    assert known - set(common) <= CONFIGURATION_KEYS
    for key in ("channel_priority", *sorted(CONFIGURATION_KEYS)):
        result = there(f"channels:\n  - pytorch\n{key}: x\n")
        assert result.refused is not None, key
        assert result.refused.code == "conda_configuration"
    assert there("channels: [pytorch]\ndependencies: [a]\nsolver: x\n").edits


def test_a_configuration_need_not_name_channels() -> None:
    """It was offered to `conda env create`."""
    assert kind.is_configuration({"default_channels", "show_channel_urls"})
    assert kind.is_configuration({"channel_alias"})
    assert not kind.is_configuration({"solver", "steps"})


def test_a_module_of_python_is_no_dockerfile() -> None:
    assert kind.recognise("from setuptools import setup\nsetup(name='x')\n") is None
    found = kind.recognise("FROM python:3.12 AS x\nRUN pip install setuptools\n")
    assert found == kind.Foreign("foreign_file", "dockerfile")


def test_several_pip_sections_are_told() -> None:
    text = "channels: [pytorch]\ndependencies:\n- pip:\n  - a\n- pip:\n  - b\n"
    assert codes(there(text)) == ["several_pip_sections"]
    assert codes(there(text.replace("- pip:\n  - b\n", ""))) == []
    assert codes(there(text.replace("- pip:\n  - b\n", "- b:\n  - c\n"))) == []


@pytest.mark.parametrize(
    ("text", "pip", "entry"),
    [
        ("-i https://index.example/simple\nnumpy\n", True, "https://index.example/simple"),
        ("-i https://index.example/simple\nnumpy\n", False, None),
        ("-f https://data.example/whl/a.html\n", True, "https://data.example/whl/a.html"),
        ("channels: [https://x.example/c]\ndependencies: [a]\n", False, "https://x.example/c"),
        ("https://x.example/c::a\nb=1\n", False, "https://x.example/c"),
        (
            "@EXPLICIT\nhttps://x.example/c/noarch/a-1-0.conda\n",
            False,
            "https://x.example/c/noarch",
        ),
        ("channels: [/srv/c, $CHANNEL]\ndependencies: [a]\n", False, None),
        ("channels: [https://conda.anaconda.org/a]\ndependencies: [a]\n", False, None),
    ],
)
def test_upstream_tells_of_every_unknown_host(text: str, pip: bool, entry: str | None) -> None:
    result = back(text, pip=pip)
    found = [notice.facts["entry"] for notice in result.notices if notice.code == "unknown_host"]
    assert found == ([] if entry is None else [entry])
    assert "unknown_host" not in codes(there(text, pip=pip))
