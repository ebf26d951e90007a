"""What conda keeps in its package cache, damaged as by a power cut, and packages that are broken in
their channel: nothing of the environment is lost, and what is said leads out of it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from threading import Timer

import pytest
from conda import CondaMultiError
from conda.exceptions import CondaVerificationError
from support.channels import write_index
from support.prefixes import records, whole
from support.running import conda_in_process as conda
from support.sites import ASK, TORCH, write_channels

from conda_torchmirror.exceptions.environment import (
    CacheInUse,
    CacheListDamaged,
    PackageBroken,
    PackageDamaged,
)
from conda_torchmirror.exceptions.mirror import CannotWrite
from conda_torchmirror.handover.transaction import damaged

pytest_plugins = ("support.site_fixtures",)

STEM = TORCH.removesuffix(".tar.bz2")


@pytest.fixture
def cached(sites, prefix, sandbox):
    """The cache of an installation; the environment has gone on without PyTorch."""
    conda(*ASK, "-p", prefix).ok()
    conda("remove", "-y", "-q", "-p", prefix, "pytorch").ok()
    return sandbox.pkgs


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("info/paths.json", b""),
        ("info/paths.json", b"null"),
        ("info/paths.json", b'{"paths": [{"_path": "x", "path_type": "odd"}], "paths_version": 1}'),
        ("info/link.json", b"[]"),
        ("info/package_metadata.json", b"\xff"),
        ("share/stubs/pytorch.txt", None),
    ],
    ids=["empty", "null", "odd", "link", "bytes", "a file is gone"],
)
@pytest.mark.parametrize("archive", [True, False], ids=["archive", "no archive"])
def test_an_unpacked_package(cached, prefix, file, content, archive):
    folder = cached / STEM
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    if not archive:
        (cached / TORCH).unlink()
    before = records(prefix)
    refused = conda(*ASK, "-p", prefix)
    assert isinstance(refused.error, PackageDamaged), refused
    assert refused.rc == 1
    assert f"delete the folder {folder}" in refused.words
    assert records(prefix) == before
    told = conda(*ASK, "-p", prefix, "--json").json()
    assert told["torchmirror"]["error"] == "package_damaged"
    # What it offers works.
    shutil.rmtree(folder)
    conda(*ASK, "-p", prefix).ok()
    assert whole(prefix)
    assert "pytorch" in records(prefix)


@pytest.fixture
def broken(sites, tmp_path):
    """`broken(content)`: the channels whose PyTorch has this as its `info/index.json`, or none; its
    hashes are right."""

    def make(content: bytes | None) -> None:
        root = write_channels(tmp_path / "broken")
        there = root / "pytorch/linux-64"
        index = json.loads((there / "repodata.json").read_text())
        with io.BytesIO() as packed:
            with tarfile.open(fileobj=packed, mode="w:bz2") as archive:
                member = tarfile.TarInfo("info/index.json" if content is not None else "x")
                member.size = len(content or b"")
                archive.addfile(member, io.BytesIO(content or b""))
            data = packed.getvalue()
        (there / TORCH).write_bytes(data)
        hashes = {kind: hashlib.new(kind, data).hexdigest() for kind in ("md5", "sha256")}
        index["packages"][TORCH] |= {**hashes, "size": len(data)}
        write_index(there, index)
        for mirror in sites.all.values():
            mirror.mounts = {
                path: root / folder.relative_to(sites.root)
                for path, folder in mirror.mounts.items()
            }

    return make


@pytest.mark.parametrize("content", [None, b"", b'{"name":', b"\xff\xfe"])
@pytest.mark.parametrize("words", [(), ("--json",), ("--download-only",)])
def test_an_archive_without_metadata(broken, prefix, content, words):
    """Conda 26.7 ends with exit code 0, and 24.7 with a traceback."""
    broken(content)
    done = conda(*ASK, "-p", prefix, *words)
    assert done.rc == 1
    assert isinstance(done.error, PackageBroken), done
    assert "Traceback" not in done.words
    assert records(prefix) == {}


def test_so_for_a_plan(sites, broken, prefix, tmp_path):
    broken(b"")
    plan = tmp_path / "plan"
    conda(*ASK, "-p", prefix, "--save-plan", plan).ok()
    done = conda("torch-install", "-y", "--plan", plan, "-p", prefix)
    assert done.rc == 1
    assert isinstance(done.error, PackageBroken), done


def test_the_list_of_addresses(cached, prefix):
    (cached / "urls.txt").write_bytes(b"https://\xff\n")
    refused = conda(*ASK, "-p", prefix)
    assert isinstance(refused.error, CacheListDamaged), refused
    (cached / "urls.txt").unlink()
    conda(*ASK, "-p", prefix).ok()


def states(cached):
    found = sorted((cached / "cache").glob("*.info.json"))
    assert found
    return found


@pytest.mark.parametrize(
    "content", [b"null", b"[]", b"1", b'"x"', b"", b"{", b"\xff", b"[" * 10**5]
)
def test_the_state_of_an_index(cached, prefix, sites, content):
    """Conda fails at it as if the server had sent it: every mirror was told to be at fault."""
    for file in states(cached):
        file.write_bytes(content)
    conda(*ASK, "-p", prefix).ok()
    assert "pytorch" in records(prefix)


@pytest.mark.parametrize("kind", ["folder", "pipe"])
@pytest.mark.parametrize("end", [".info.json", ".json"])
def test_what_is_no_file(cached, prefix, kind, end):
    for file in states(cached):
        place = file.with_name(file.name.replace(".info.json", end))
        place.unlink(missing_ok=True)
        place.mkdir() if kind == "folder" else os.mkfifo(place)
    conda(*ASK, "-p", prefix).ok()
    assert "pytorch" in records(prefix)


def test_a_folder_in_the_place_of_an_index_is_named_where_it_holds_something(cached, prefix):
    for file in states(cached):
        index = file.with_name(file.name.replace(".info.json", ".json"))
        index.unlink(missing_ok=True)
        index.mkdir()
        (index / "mine.txt").write_text("mine")
        file.unlink()
    refused = conda(*ASK, "-p", prefix)
    assert isinstance(refused.error, CannotWrite), refused
    assert "it is a folder" in refused.words
    assert "move that file or folder away" in refused.words
    assert all(file.read_text() == "mine" for file in (cached / "cache").glob("*/mine.txt"))


def test_a_pipe_in_the_place_of_the_answers_is_not_waited_for(cached, prefix):
    answers = cached / "cache" / "torchmirror-probes.json"
    answers.unlink()
    os.mkfifo(answers)
    words = [sys.executable, "-m", "conda", *ASK, "-p", str(prefix), "--dry-run"]
    subprocess.run(words, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("after", [None, 0.5, 0.0])
def test_a_package_that_another_run_unpacks_is_not_damaged(tmp_path, after):
    """It was told to be deleted, while another environment was made from it."""
    folder = tmp_path / STEM
    folder.mkdir()
    error = CondaVerificationError(
        f"The package for pytorch located at {folder}\nappears to be corrupted. The path 's/x y'"
        "\nspecified in the package manifest cannot be found."
    )
    if after is None:
        assert isinstance(damaged.find(CondaMultiError([error])), PackageDamaged)
        return
    (folder / "s").mkdir()
    unpacking = Timer(after, (folder / "s" / "x y").touch)
    unpacking.start()
    assert isinstance(damaged.find(CondaMultiError([error])), CacheInUse)
    unpacking.join()
