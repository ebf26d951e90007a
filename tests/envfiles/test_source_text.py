"""The diff of a rewritten file: what `patch` and `git apply` make of it is the rewritten file."""

from __future__ import annotations

import codecs
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.rewriting import there

import conda_torchmirror

TEXT = "name: a\nchannels:\n  - pytorch\n  - conda-forge\ndependencies:\n  - pytorch\n"
LONG = "channels:\n- pytorch\n" + "# c\n" * 20 + "dependencies:\n- https://conda.anaconda.org/a::b"
FILES = {
    "lf": TEXT.encode(),
    "crlf": TEXT.replace("\n", "\r\n").encode(),
    "mixed": TEXT.replace("pytorch\n", "pytorch\r\n", 1).encode(),
    "utf-8 mark": codecs.BOM_UTF8 + TEXT.replace("name: a\n", "").encode(),
    "crlf and mark": codecs.BOM_UTF8 + TEXT.replace("\n", "\r\n").encode(),
    "no last line end": LONG.encode(),
    "crlf, no last line end": LONG.replace("\n", "\r\n").encode(),
    "chinese": ("# 频道\n" + TEXT).encode(),
}
TOOLS = {"patch": ["patch", "-p1"], "git": ["git", "apply", "-"]}


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(conda_torchmirror.__file__).parents[1])}
    command = [sys.executable, "-m", "conda_torchmirror", "rewrite", "--mirror", "tuna", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)


def apply(tool: str, folder: Path, diff: bytes) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} here")
    done = subprocess.run(TOOLS[tool], cwd=folder, input=diff, capture_output=True, check=False)
    assert done.returncode == 0, done


@pytest.mark.parametrize("tool", TOOLS)
def test_the_diff_of_every_file_applies(tmp_path: Path, tool: str) -> None:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    diff = run(tmp_path, "--diff", *FILES).stdout
    apply(tool, tmp_path, diff)
    for name, data in FILES.items():
        assert (tmp_path / name).read_bytes() == there_bytes(data), name
        assert (tmp_path / name).read_bytes() != data


def there_bytes(data: bytes) -> bytes:
    bare = data.removeprefix(codecs.BOM_UTF8)
    return data[: len(data) - len(bare)] + there(bare.decode()).data


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", ["envs/a.yml", "a b.yml", 'a"b.yml', "环境.yml", "a\\b.yml"])
@pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")
def test_the_diff_names_the_file_as_both_programs_read_it(
    tmp_path: Path, tool: str, name: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(FILES["crlf"])
    apply(tool, tmp_path, run(tmp_path, "--diff", name).stdout)
    assert (tmp_path / name).read_bytes() == there_bytes(FILES["crlf"])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (TEXT.encode("utf-16"), "diff_of_utf16"),
        (TEXT.encode("utf-32"), "diff_of_utf16"),
        (TEXT.replace("name: a", "# https://u:secret@x.example/c"), "diff_not_exact"),
        (TEXT.replace("name: a", "name: a # \u202e"), "diff_not_exact"),
        (TEXT.replace("name: a", "# a\r# b"), "diff_not_exact"),
        (TEXT, None),
    ],
    ids=["utf-16", "utf-32", "secret", "hidden character", "lone CR", "plain"],
)
def test_a_diff_that_cannot_be_applied_says_so(
    tmp_path: Path, data: bytes | str, code: str | None
) -> None:
    (tmp_path / "a.yml").write_bytes(data if isinstance(data, bytes) else data.encode())
    done = run(tmp_path, "--diff", "--json", "a.yml")
    (file,) = json.loads(done.stdout)["torchmirror"]["files"]
    found = [notice["code"] for notice in file["notices"] if notice["code"].startswith("diff_")]
    assert found == ([code] if code else [])
    shown = run(tmp_path, "--diff", "a.yml")
    assert b"secret" not in shown.stdout
    assert ("cannot be applied" in shown.stderr.decode().replace("\n  ", " ")) == (
        code == "diff_not_exact"
    )
