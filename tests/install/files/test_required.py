"""The lists that a pip section names, as pip reads them, and what cannot be read."""

from __future__ import annotations

import pytest

from conda_torchmirror.install.files.environment_file import EnvironmentFile
from conda_torchmirror.install.files.required import torch_lines


@pytest.fixture
def told(tmp_path):
    """`told(*lines)`: what is said of a file in `tmp_path` with this pip section."""

    def of(*lines, path=tmp_path / "environment.yml"):
        return torch_lines(EnvironmentFile(str(path), sections={"pip": lines}))

    return of


@pytest.mark.parametrize(
    "line",
    [
        "-r more/list.txt",
        "-rmore/list.txt",
        "--requirement more/list.txt",
        "--requirement=more/list.txt",
        "-r 'more/list.txt'  # all",
    ],
)
def test_the_forms_of_the_option(told, tmp_path, line):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "list.txt").write_text("numpy\ntorch>=2.6  # ours\nwandb\n")
    (said,) = told("tqdm", line)
    assert said == "torch>=2.6  # ours (more/list.txt)"


@pytest.mark.parametrize(
    "line", ["-c list.txt", "-e list.txt", "--require-hashes", "-r", "list.txt", "#-r list.txt"]
)
def test_what_names_no_list(told, tmp_path, line):
    (tmp_path / "list.txt").write_text("torch\n")
    assert told(line) == []


def test_lists_name_others_beside_them(told, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "list.txt").write_text("-r more/inner.txt\n-r list.txt\n")
    (tmp_path / "more" / "inner.txt").write_text("torchvision\r\n-r ../list.txt\n-r last.txt\n")
    (tmp_path / "more" / "last.txt").write_text("torch\n")
    expected = ["torchaudio", "torchvision (more/inner.txt)", "torch (last.txt)"]
    assert told("torchaudio", "-r list.txt") == expected


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"torch\n" * 200_000, "folder"])
def test_what_cannot_be_read_has_nothing(told, tmp_path, content):
    if content == "folder":
        (tmp_path / "list.txt").mkdir()
    elif content is not None:
        (tmp_path / "list.txt").write_bytes(content)
    assert told("torch", "-r list.txt", "-r https://a.example/list.txt") == ["torch"]


def test_a_file_by_address_has_no_lists_here(told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("torch\n")
    assert told("-r list.txt", path="https://a.example/environment.yml") == []


def test_many_lists_that_name_each_other_end(told, tmp_path):
    for number in range(50):
        (tmp_path / f"{number}.txt").write_text(f"torch=={number}\n-r {number + 1}.txt\n")
    assert len(told("-r 0.txt")) == 20
