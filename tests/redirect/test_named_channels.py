"""The channels that a command or its file names."""

from __future__ import annotations

import os
import time

import pytest

from conda_torchmirror.redirect import named_channels


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("channels:\n  - pytorch\n  - nvidia\ndependencies:\n  - rdkit\n", "pytorch nvidia"),
        ("channels:\n- a # why\n\n# more\n-  'b'\nname: c\n", "a b"),
        ('channels: [a, "b",\n  c]\ndependencies: [d]', "a b c"),
        ('{"channels": ["a", "b"], "dependencies": ["c"]}', "a b"),
        ("--- {name: x, channels: [a, 'b'], dependencies: [c]}\n", "a b"),
        ("channels: &ours [a, b]\ndependencies: [c]\n", "a b"),
        ("channels: &ours\n  - a\n  - b\ndependencies: [c]\n", "a b"),
        ("ours: &ours [a, b]\nchannels: *ours\ndependencies: [c]\n", "a b"),
        ("channels: !!seq [a, b]\ndependencies: [c]\n", "a b"),
        ("channels:\n  [a, b]\ndependencies: [c]\n", "a b"),
        ("channels:\n  # two\n  [\n    a,\n    b,\n  ]\ndependencies: [c]\n", "a b"),
        ("channels:\n- &one a\n- !!str b\ndependencies: [c]\n", "a b"),
        ("channels:\n-\n  a\n- >-\n  b\ndependencies: [c]\n", "a b"),
        ("? channels\n: [a, b]\ndependencies: [c]\n", "a b"),
        ('channels: ["\\x61", b]\ndependencies: [c]\n', "a b"),
        ("channels: !ours [a, b]\ndependencies: [c]\n", ""),
        ("custom_channels: {a: https://b.example}\n- say channels\n", ""),
        ("name: x\r\nchannels:\r\n  - a\r\ndependencies:\r\n  - b\r\n", "a"),
        ("dependencies:\n - pytorch::pytorch=2.3\n - numpy\n", "pytorch"),
        ("pytorch/linux-64::pytorch\nnumpy\n", "pytorch"),
        ("https://conda.anaconda.org/pytorch/linux-64/pytorch-1.0-0.conda#abc\n", ""),
        (
            "channels: [https://repo.anaconda.com/pkgs/main/, conda-forge/label/x]",
            "pkgs/main conda-forge",
        ),
        ("channels:\n  - ../../etc\n  - .hidden\n  - -x\n", ""),
    ],
)
def test_channels_of_a_file(text, names):
    found = named_channels.NamedChannels()
    found.file(text)
    assert " ".join(found.asked) == names


@pytest.mark.parametrize(
    ("text", "names", "listed"),
    [
        (
            "@EXPLICIT\nhttps://conda.anaconda.org/pytorch/linux-64/a-1-0.conda#abc\n",
            "pytorch",
            True,
        ),
        (
            "- conda: https://conda.anaconda.org/conda-forge/noarch/a-1-0.conda\n",
            "conda-forge",
            False,
        ),
        (
            '{"url": "https://repo.anaconda.com/pkgs/main/linux-64/a-1-0.tar.bz2"}',
            "pkgs/main",
            False,
        ),
        (
            "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch/noarch/a-1-0.conda",
            "",
            False,
        ),
        ("channels: [https://conda.anaconda.org/pytorch]\ndependencies: [a]\n", "", False),
    ],
    ids=["explicit", "pixi.lock", "conda-lock", "a mirror's", "a channel"],
)
def test_packages_by_their_official_urls(text, names, listed):
    found = named_channels.NamedChannels()
    found.file(text)
    assert (" ".join(found.packages), found.explicit) == (names, listed)


def test_a_file_in_utf_16_is_read(tmp_path):
    file = tmp_path / "environment.yml"
    file.write_bytes("channels: [pytorch]\n".encode("utf-16"))
    found = named_channels.mentioned({"file": str(file)}, ())
    assert list(found.asked) == ["pytorch"]


@pytest.mark.parametrize(
    "arguments",
    [{"file": "https://host.invalid/environment.yml"}, {"remote_definition": "user/env"}],
    ids=["url", "remote"],
)
def test_what_cannot_be_looked_into_counts_as_every_channel(arguments):
    found = named_channels.mentioned(arguments, ())
    assert {"pytorch", "conda-forge", "defaults"} <= set(named_channels.candidates(found))


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="a pipe has no path here")
def test_a_pipe_is_left_for_conda():
    """As of `--file <(...)` or `--file /dev/stdin`: conda found nothing in it any more."""
    reading, writing = os.pipe()
    os.write(writing, b"pytorch::a\n")
    os.close(writing)
    found = named_channels.mentioned({"file": [f"/dev/fd/{reading}"]}, ())
    assert found.everything
    with open(reading, encoding="ascii") as left:
        assert left.read() == "pytorch::a\n"


def test_of_a_large_file_the_beginning_is_read(tmp_path):
    path = tmp_path / "conda-lock.yml"
    url = "https://conda.anaconda.org/pytorch/linux-64/a-1-0.conda"
    path.write_text(f"channels:\n- rdkit\npackage:\n- url: {url}\n" + "# more\n" * 400_000)
    found = named_channels.mentioned({"file": [str(path)]}, [])
    assert list(found.asked) == ["rdkit"]
    assert list(found.packages) == ["pytorch"]
    assert found.everything, "what stands behind it may name any"


def test_a_long_file_that_lines_cannot_tell_counts_as_every_channel():
    text = "channels: &ours [rdkit]\n"
    found = named_channels.NamedChannels()
    found.file(text + "#" * (named_channels.PARSED - len(text)))
    assert (list(found.asked), found.everything) == (["rdkit"], False)
    found = named_channels.NamedChannels()
    found.file(text + "#" * named_channels.PARSED)
    assert found.everything


def test_aliases_that_would_unfold_without_end_are_read_once():
    rows = "".join(f"r{n}: &r{n} [{', '.join([f'*r{n - 1}'] * 9)}]\n" for n in range(1, 40))
    found = named_channels.NamedChannels()
    found.file(f"r0: &r0 {{channels: [a]}}\n{rows}channels: *r39\n")
    assert list(found.asked) == ["a"]


def test_a_file_of_the_bound_is_read_whole(tmp_path):
    path = tmp_path / "environment.yml"
    text = "channels:\n- rdkit\n"
    path.write_text(text + "#" * (named_channels.MOST - len(text)))
    found = named_channels.mentioned({"file": [str(path)]}, [])
    assert (list(found.asked), found.everything) == (["rdkit"], False)


@pytest.mark.parametrize(
    "text",
    [
        "channels:\n- a\n" * 100_000,
        "channels: [\n" * 100_000,
        "x" * 1_000_000 + " a::b",
        "x::" * 400_000,
        "http://" * 200_000,
        "- " + " " * 1_000_000 + "#::",
    ],
    ids=["keys", "open lists", "a long word", "colons", "URLs", "spaces"],
)
def test_a_file_is_read_in_time_that_follows_its_length(text):
    """Each of these took minutes where a search began anew at every character."""
    started = time.process_time()
    named_channels.NamedChannels().file(text)
    assert time.process_time() - started < 10
