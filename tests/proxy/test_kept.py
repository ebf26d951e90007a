"""`cache --check` on what a real nginx has kept: what goes, what stays, and nothing outside."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import tempfile
import time
import tracemalloc
from pathlib import Path
from urllib.parse import quote

import pytest
from support.channels import write_channel, zstd_compress
from support.lab import record
from support.nginx import caching, needs_nginx, site
from support.wheel_site import Site, portal

from conda_torchmirror.index.sparse.reader import walk
from conda_torchmirror.mirrors.registry import Mirror
from conda_torchmirror.proxy import kept, listed

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
        settled(cache.folder)
        shutil.copytree(cache.folder / "cache", tmp_path / "kept")
    return tmp_path / "kept"


def settled(folder: Path) -> list[kept.Found]:
    """What is kept, once nginx has given its last file a name: a client has the whole before."""
    patience = time.monotonic() + 30
    while True:
        found = kept.examine(folder, walk)
        if time.monotonic() > patience or not any(one.fault == "incomplete" for one in found):
            return found
        time.sleep(0.05)


def faults(folder: Path) -> dict[str, str]:
    return {one.path.rpartition("/")[2]: one.fault for one in kept.examine(folder, walk)}


def pieces(folder: Path, name: str) -> list[Path]:
    (found,) = (one for one in kept.examine(folder, walk) if one.path.endswith(name))
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
    index.write_bytes(index.read_bytes().replace(b"\r\n\r\n{", b"\r\n\r\n[", 1))
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


def test_a_folder_of_another_user_is_not_passed_over_in_silence(
    folder, monkeypatch, conda_in_process
) -> None:
    """nginx that root has started works as nobody, and its folders are open to nobody else."""
    scan = os.scandir

    def refuse(path="."):
        if str(path).startswith(f"{folder}{os.sep}"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    said = conda_in_process("torch-mirror", "cache", "--check", folder).ok().words
    assert "files or folders cannot be read" in said
    assert "as root" in said


def test_a_folder_that_is_no_cache_is_not_called_right(tmp_path, conda_in_process) -> None:
    (tmp_path / "notes.txt").touch()
    said = conda_in_process("torch-mirror", "cache", "--check", tmp_path).ok().words
    assert said.startswith("There is no index, page or package of a cache below")


@pytest.mark.parametrize("fault", ["gone", "none", "full"])
def test_without_room_for_temporary_files_nothing_is_deleted(
    folder, conda_in_process, monkeypatch, tmp_path, fault
) -> None:
    """It is not the index that is wrong then."""
    first, _ = pieces(folder, ".conda")
    first.write_bytes(first.read_bytes()[:-1])
    place = tmp_path / "temporary"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if fault == "none":
        monkeypatch.setattr(tempfile, "tempdir", None)
        monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(place)])
    else:
        monkeypatch.setattr(tempfile, "tempdir", str(place))
    if fault == "full":
        place.mkdir()
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        done = conda_in_process("torch-mirror", "cache", "--check", folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert done.rc == 1
    assert "cannot be written" in done.words
    if fault != "none":
        assert str(place) in done.words
    assert first.exists()


@pytest.mark.parametrize("packed", [True, False])
def test_a_huge_index_is_not_held_in_memory(tmp_path, packed) -> None:
    """A record at a time, where `json` would take ten times the file."""
    rows = {
        f"a{n}-1.0-0.conda": {**record(f"a{n}"), "depends": ["b >=1"] * 20} for n in range(15_000)
    }
    file = tmp_path / "repodata.json"
    file.write_text(json.dumps({"packages.conda": rows}))
    size = file.stat().st_size
    wanted = "a14999-1.0-0.conda"
    expected = {wanted: rows[wanted]}
    if packed:
        file.write_bytes(zstd_compress(file.read_bytes()))
    del rows
    tracemalloc.start()
    try:
        found = listed.of_index(file, 0, packed=packed, wanted=[wanted], walk=walk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == expected
    assert size > 4_000_000
    assert peak < size


WHEEL, PAGE = "whl/cu126/torch-1+cu126-py3-none-any.whl", "whl/cu126/torch/"


@pytest.mark.parametrize("form", ["html", "json"])
def test_a_wheel_is_held_against_the_page_that_lists_it(tmp_path, form) -> None:
    right, wrong = hashlib.sha256(BODY).hexdigest(), "0" * 64
    with Site(tmp_path / "site") as origin:
        place = origin.folder / WHEEL
        (origin.folder / PAGE).mkdir(parents=True)
        place.write_bytes(BODY)
        entry = {"wheels": {"url": origin.wheels, "layout": "index"}}
        for digest, fault in ((right, ""), (wrong, "hash")):
            link = f"/whl/cu126/{quote(place.name)}"
            if form == "json":
                body = json.dumps({"files": [{"url": link, "hashes": {"sha256": digest}}]})
            else:
                body = f'<a href="{link}#sha256={digest}">torch</a>'
            kind = "application/vnd.pypi.simple.v1+json" if form == "json" else "text/html"
            said = {"Content-Type": kind}
            origin.fail("*/torch/", lambda e, b=body, s=said: e.send(200, b.encode(), s))
            with caching([Mirror("m", entry)]) as cache:
                assert cache.get(PAGE, Accept=kind)[0] == 200
                assert cache.get(WHEEL) == (200, BODY)
                found = {one.path: one.fault for one in settled(cache.folder)}
                assert found == {f"/anaconda/{WHEEL}": fault}


LINKS = "<html><head><title>Links for x</title></head><body></body></html>"


@pytest.mark.parametrize(
    ("form", "body", "fault"),
    [
        ("html", "<h1>Log in</h1><a href='/login'>here</a>", "unreadable"),
        ("html", LINKS, None),
        ("html", '<a href="x-1-py3-none-any.whl">x</a>', None),
        ("json", "<h1>Log in</h1>", "unreadable"),
        ("json", '{"error": "log in"}', "unreadable"),
        ("json", '{"files": []}', None),
        ("json", LINKS, None),
    ],
)
def test_a_page_that_blocks_is_told_from_a_page_of_links(form, body, fault) -> None:
    found = listed.of_page("/anaconda/whl/cu126/x/", form, body.encode())
    assert (found is None) is (fault == "unreadable")


def test_a_page_that_blocks_is_deleted(tmp_path, conda_in_process) -> None:
    with Site(tmp_path / "site") as origin:
        entry = {"wheels": {"url": origin.wheels, "layout": "index"}}
        origin.fail("*", portal)
        with caching([Mirror("m", entry)]) as cache:
            assert cache.get(PAGE)[0] == 200
            settled(cache.folder)
            said = conda_in_process("torch-mirror", "cache", "--check", cache.folder).ok().words
            assert f"/anaconda/{PAGE}html was deleted: it is neither an index nor" in said
            origin.heal()
            assert cache.get(PAGE)[0] == 404


def test_ten_thousand_files_are_looked_through(folder, check) -> None:
    first, _ = pieces(folder, ".conda")
    head = first.read_bytes()[:2000]
    for number in range(10_000):
        (folder / f"{number:032x}").write_bytes(head)
    assert check() == 0
    assert len(list(folder.iterdir())) >= 10_000
