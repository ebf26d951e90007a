"""`cache --check` on what a real nginx has kept: what goes, what stays, and nothing outside."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from support.channels import write_channel
from support.lab import record
from support.nginx import caching, needs_nginx, site

from conda_torchmirror.proxy import kept

PLACE = "cloud/pytorch/linux-64"
PACKAGE, INDEX = f"{PLACE}/large-1.0-0.conda", f"{PLACE}/repodata.json"
BODY = bytes(range(250)) * 40_000  # two ranges


@pytest.fixture
def files(tmp_path) -> Path:
    root = tmp_path / "files"
    large = {**record("large"), "size": len(BODY), "sha256": hashlib.sha256(BODY).hexdigest()}
    write_channel(root / "pytorch", "linux-64", {})
    folder = root / "pytorch" / "linux-64"
    (folder / "large-1.0-0.conda").write_bytes(BODY)
    (folder / "repodata.json").write_text(
        json.dumps({"packages.conda": {"large-1.0-0.conda": large}})
    )
    return root


@pytest.fixture
def folder(files, make_mirror, tmp_path) -> Path:
    """What a cache has kept of a package and its index, after its end."""
    origin = make_mirror(files, {"pytorch": "anaconda/cloud"})
    with caching([site("m", origin)]) as cache:
        assert cache.get(PACKAGE) == (200, BODY)
        assert cache.get(INDEX)[0] == 200
        shutil.copytree(cache.folder / "cache", tmp_path / "kept")
    return tmp_path / "kept"


def faults(folder: Path) -> dict[str, str]:
    return {one.path.rpartition("/")[2]: one.fault for one in kept.examine(folder)}


def pieces(folder: Path, name: str) -> list[Path]:
    (found,) = (one for one in kept.examine(folder) if one.path.endswith(name))
    return [piece.file for piece in found.pieces]


@pytest.fixture
def check(conda_in_process, folder):
    """Check the folder, and say how many packages or indexes were deleted."""

    def run() -> int:
        done = conda_in_process("torch-mirror", "cache", "--check", folder, "--json").ok()
        return json.loads(done.stdout)["torchmirror"]["deleted"]

    return run


pytestmark = needs_nginx


def test_what_is_right_stays(folder, check) -> None:
    assert faults(folder) == {"repodata.json": "", "large-1.0-0.conda": ""}
    before = sorted(folder.rglob("*"))
    assert check() == 0
    assert sorted(folder.rglob("*")) == before


def test_a_piece_that_is_cut_goes_alone(folder, check) -> None:
    """nginx would send what is left of it for a year."""
    first, second = pieces(folder, ".conda")
    first.write_bytes(first.read_bytes()[:-1])
    assert check() == 1
    assert not first.exists()
    assert second.exists()
    assert faults(folder)["large-1.0-0.conda"] == "incomplete"


def test_a_wrong_body_of_the_right_size_goes(folder, check) -> None:
    both = pieces(folder, ".conda")
    both[1].write_bytes(both[1].read_bytes()[:-1] + b"\xff")
    assert check() == 1
    assert not any(file.exists() for file in both)
    assert faults(folder) == {"repodata.json": ""}


def test_an_index_that_is_none_goes_and_the_packages_stay(folder, check) -> None:
    (index,) = pieces(folder, ".json")
    index.write_bytes(index.read_bytes().replace(b"{", b"[", 1))
    assert check() == 1
    assert not index.exists()
    assert faults(folder) == {"large-1.0-0.conda": "no_index"}


def test_a_package_that_one_of_two_indexes_lists_so_stays(folder, check) -> None:
    """The index of the other way is older: it has another hash of the same name."""
    (index,) = pieces(folder, ".json")
    here = hashlib.sha256(BODY).hexdigest().encode()
    old = index.read_bytes().replace(here, b"0" * 64)
    old = old.replace(f"KEY: /anaconda/{INDEX}".encode(), f"KEY: /next/anaconda/{INDEX}".encode())
    key = hashlib.md5(f"/next/anaconda/{INDEX}".encode(), usedforsecurity=False)
    (folder / key.hexdigest()).write_bytes(old)
    assert check() == 0
    index.unlink()  # the older one is the only one now, and says that it is wrong
    assert faults(folder)["large-1.0-0.conda"] == "hash"


def test_what_is_being_written_and_what_is_not_nginxs_stays(folder, check, tmp_path) -> None:
    first, _ = pieces(folder, ".conda")
    cut = first.read_bytes()[:-1]
    strange = [
        folder / f"{first.name}.0000000001",  # as nginx names what it is writing
        folder / ("0" * 32),  # a name as nginx gives, but not to this key
        folder / "notes.txt",
        tmp_path / first.name,  # right, but outside
    ]
    for file in strange:
        file.write_bytes(cut)
    (folder / "empty").mkdir()
    (folder / "empty" / first.name).write_bytes(b"")
    assert check() == 0
    assert all(file.exists() for file in strange)


def test_no_link_is_followed(folder, check, tmp_path) -> None:
    first, _ = pieces(folder, ".conda")
    outside = tmp_path / "outside"
    outside.mkdir()
    target = outside / first.name
    target.write_bytes(first.read_bytes()[:-1])
    first.unlink()
    first.symlink_to(target)
    (folder / "link").symlink_to(outside, target_is_directory=True)
    assert check() == 0
    assert target.exists()
    assert first.is_symlink()


def test_what_cannot_be_read_is_said_to_be_unknown(folder, monkeypatch, check) -> None:
    """A file of another user, for root too."""
    first, _ = pieces(folder, ".conda")
    opened = Path.open

    def refuse(self, *args, **more):
        if self == first:
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *args, **more)

    monkeypatch.setattr(Path, "open", refuse)
    assert check() == 0
    assert faults(folder)[first.name] == "no_access"


def test_ten_thousand_files_are_looked_through(folder, check) -> None:
    first, _ = pieces(folder, ".conda")
    head = first.read_bytes()[:2000]
    for number in range(10_000):
        (folder / f"{number:032x}").write_bytes(head)
    assert check() == 0
    assert len(list(folder.iterdir())) >= 10_000
