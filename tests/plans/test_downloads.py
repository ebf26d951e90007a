"""`--urls`: what a download manager is given, as text and by downloading it."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from conda_torchmirror.plans.downloads import (
    FORMATS,
    Download,
    aria2,
    downloads,
    plain,
    total,
)
from conda_torchmirror.text.sanitize import public_url

TORCH = Download("https://host/pytorch/linux-64/pytorch-2.conda", 3, md5="aa", sha256="bb")
OLD = Download("https://host/pytorch/linux-64/old-1.tar.bz2", 4, md5="cc")
BARE = Download("https://host/pytorch/linux-64/bare-1.tar.bz2")
WHEEL = Download("https://host/whl/cu128/torch-2.7.1%2Bcu128-cp312-cp312-linux_x86_64.whl")

ASK = ("--cuda", "12.4", "--python", "3.12")


def test_plain_has_the_strongest_hash_as_a_fragment():
    assert plain([TORCH, OLD, BARE]) == [
        "https://host/pytorch/linux-64/pytorch-2.conda#sha256=bb",
        "https://host/pytorch/linux-64/old-1.tar.bz2#md5=cc",
        "https://host/pytorch/linux-64/bare-1.tar.bz2",
    ]


def test_aria2_has_a_name_one_connection_and_a_checksum():
    assert aria2([TORCH, OLD, BARE]) == [
        "https://host/pytorch/linux-64/pytorch-2.conda",
        "  out=pytorch-2.conda",
        "  split=1",
        "  checksum=sha-256=bb",
        "https://host/pytorch/linux-64/old-1.tar.bz2",
        "  out=old-1.tar.bz2",
        "  split=1",
        "  checksum=md5=cc",
        "https://host/pytorch/linux-64/bare-1.tar.bz2",
        "  out=bare-1.tar.bz2",
        "  split=1",
    ]


def test_a_file_is_named_as_its_server_means_it():
    assert WHEEL.file == "torch-2.7.1+cu128-cp312-cp312-linux_x86_64.whl"
    assert Download("https://host/a/..%2F..%2Fx.conda?token=1#md5=0").file == ".._.._x.conda"


def test_the_total_counts_what_is_known():
    assert total([TORCH, OLD, BARE]) == 7


@pytest.mark.parametrize(
    "url",
    [
        "https://me:secret@host/pytorch/linux-64/a.conda",
        "https://host/t/tk-secret-1/pytorch/linux-64/a.conda",
        "https://me:secret@host/t/secret_2/pytorch/linux-64/a.conda",
    ],
    ids=["password", "token", "both"],
)
def test_what_is_secret_stays_out(url):
    assert public_url(url) == "https://host/pytorch/linux-64/a.conda"


@settings(deadline=None)  # what is tried takes no time, but the machine may be busy
@given(st.lists(st.builds(lambda text: Download(public_url(f"https://host/{text}")), st.text())))
def test_no_url_breaks_out_of_its_line(files):
    for form in FORMATS.values():
        lines = "\n".join(form(files)).splitlines()
        assert [line for line in lines if line[:1] != " "] == [file.url for file in files]
        assert all(line.startswith(("  out=", "  split=1")) for line in lines if line[:1] == " ")


def entries(text):
    """What aria2 reads: (url, options) for each URL."""
    found = []
    for line in text.splitlines():
        if line.startswith(" "):
            key, _, value = line.strip().partition("=")
            found[-1][1][key] = value
        else:
            found.append((line, {}))
    return found


def test_the_family_alone_without_solving(mirrored, conda_in_process):
    result = conda_in_process("torch-install", "--urls", *ASK, "pytorch", "torchvision").ok()
    urls = result.stdout.splitlines()
    assert [url.rpartition("/")[2].rpartition("-")[0] for url in urls] == [
        "pytorch-2.5.1",
        "torchvision-0.20.1",
        "pytorch-cuda-12.4",
    ]
    for url in urls:
        content = requests.get(url, timeout=5).content
        assert hashlib.sha256(content).hexdigest() == url.partition("#sha256=")[2]
    assert "3 files" in result.stderr
    assert "--solve" in result.stderr


def test_all_packages_with_solve_in_the_form_of_aria2(mirrored, conda_in_process):
    words = ("torch-install", "--urls=aria2", "--solve", *ASK, "pytorch")
    result = conda_in_process(*words).ok()
    found = entries(result.stdout)
    names = [options["out"].rsplit("-", 2)[0] for _, options in found]
    assert {"pytorch", "python", "sympy", "cuda-cudart"} <= set(names)
    for url, options in found:
        content = requests.get(url, timeout=5).content
        assert url.endswith(f"/{options['out']}")
        assert options["checksum"] == f"sha-256={hashlib.sha256(content).hexdigest()}"
    assert f"{len(found)} files" in result.stderr


@pytest.mark.parametrize(
    "more", [(), ("--solve",), ("--save-plan", "d")], ids=["family", "solved", "saved"]
)
def test_what_is_to_be_said_of_the_choice_goes_to_standard_error(
    mirrored, conda_in_process, tmp_path, monkeypatch, more
):
    """That it is for the CPU, and that a file's pip section is not among the URLs, was not said."""
    needs = "dependencies: [python=3.11, pytorch, pip, pip: [tqdm]]\n"
    lines = f"channels: [pytorch, defaults]\n{needs}"
    (tmp_path / "e.yml").write_text(f"name: e\n{lines}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    words = ("torch-install", "--urls", "-f", "e.yml", *more)
    result = conda_in_process(*words).ok()
    said = " ".join(result.stderr.split())
    assert "no NVIDIA driver was found, so this is a CPU build" in said
    assert "e.yml: the pip section (1 line) is not part of it" in said
    assert all("://" in line for line in result.stdout.splitlines())


def test_quiet_leaves_standard_error_alone(mirrored, conda_in_process):
    assert conda_in_process("torch-install", "-q", "--urls", *ASK, "pytorch").ok().stderr == ""


def test_as_json(mirrored, conda_in_process):
    found = conda_in_process("torch-install", "--urls", "--json", *ASK, "pytorch").ok().json()
    listed = found["torchmirror"]["urls"]
    assert [item["file"].rsplit("-", 2)[0] for item in listed] == ["pytorch", "pytorch-cuda"]
    assert all(item["size"] and item["sha256"] and item["md5"] for item in listed)


def test_without_a_network_from_the_built_in_index(
    condarc, conda_in_process, sandbox, from_pytorch
):
    condarc(channels=["conda-forge"])
    result = conda_in_process("torch-install", "--offline", "--urls", *ASK, "pytorch").ok()
    assert result.stdout.startswith("https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch/")
    assert sandbox.take_blocked() == []


def test_nothing_is_installed_or_left_behind(mirrored, conda_in_process, sandbox):
    conda_in_process("torch-install", "--urls", "--solve", *ASK, "pytorch").ok()
    assert not sandbox.envs.exists()
    assert not [path for path in sandbox.pkgs.iterdir() if "pytorch" in path.name]


@pytest.mark.parametrize("form", ["curl", ""], ids=["unknown", "empty"])
def test_another_form_is_a_usage_error(conda_in_process, form):
    result = conda_in_process("torch-install", f"--urls={form}")
    assert result.rc == 2
    assert "aria2" in result.stderr


def test_download_only_fills_the_cache_alone(mirrored, mirror, conda_in_process, sandbox):
    words = ("torch-install", "-y", "--download-only", *ASK, "pytorch")
    result = conda_in_process(*words).ok()
    assert "nothing was installed" in result.stdout
    assert (sandbox.pkgs / "pytorch-2.5.1-py3.12_cuda12.4_cudnn9.1.0_0").is_dir()
    assert not sandbox.envs.exists()
    mirror.requests.clear()
    found = json.loads(conda_in_process(*words, "--json").ok().stdout)
    assert found["success"]
    assert found["torchmirror"]["selected"]["cuda"] == "12.4"
    assert mirror.asked("*/noarch/*.tar.bz2") == []


def test_what_a_solver_read_passes_the_schema_of_records():
    """Conda's records of other channels come as their index has them."""
    odd = SimpleNamespace(
        url="https://host/linux-64/a-1-0.conda",
        size=10**400,
        md5="abc",
        sha256="a" * 64 + "\n  dir=/etc\n  out=passwd",
    )
    (found,) = downloads([odd])
    assert found == Download(odd.url)
    assert not any("dir=" in line for line in aria2([found]))
