"""What is said before conda asks: the download, what of it is cached, the room for it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conda.models.records import PackageRecord
from support.asking import ASK_2_5_1
from support.channels import write_index
from support.mirror import Mirror
from support.running import Result

from conda_torchmirror.exceptions.environment import NoSpace
from conda_torchmirror.handover import disk_space

Conda = Callable[..., Result]

#: What a record may claim at most; see `index.record_schema`.
HUGE = 9 * 10**11


def test_the_download_and_what_is_cached_stand_before_the_question(
    mirrored: Callable[..., Path], run_conda: Conda, sandbox: Any
) -> None:
    ask = ("torch-install", "-n", "new", *ASK_2_5_1)
    first = run_conda(*ask, input="n\n").stdout
    assert first.index("to be downloaded: ") < first.index("Free in ") < first.index("Proceed")
    assert f"Free in {sandbox.pkgs}: " in " ".join(first.split())
    run_conda(*ask, "-y", "-q").ok()
    again = run_conda(*ask[:2], "other", *ASK_2_5_1, input="n\n").words
    assert "nothing has to be downloaded." in again


def test_quiet_and_json_say_none_of_it(mirrored: Callable[..., Path], run_conda: Conda) -> None:
    quiet = run_conda("torch-install", "-y", "-q", "-n", "new", *ASK_2_5_1).ok()
    assert "Free in" not in quiet.stdout
    document = run_conda("torch-install", "-y", "--json", "-n", "other", *ASK_2_5_1).ok().json()
    assert document["success"]


@pytest.fixture
def huge(
    channels: Path,
    tmp_path: Path,
    make_mirror: Callable[..., Mirror],
    mirrored: Callable[..., Path],
) -> Mirror:
    """`defaults`, with packages that fit no disk, by what its records say."""
    if shutil.disk_usage(tmp_path).free > HUGE:
        pytest.skip("this disk is larger than what a record may claim")
    root = tmp_path / "huge"
    for subdir in ("linux-64", "noarch"):
        folder = root / "pkgs" / "main" / subdir
        shutil.copytree(channels / "pkgs" / "main" / subdir, folder)
        repodata = json.loads((folder / "repodata.json").read_text("utf-8"))
        for section in ("packages", "packages.conda"):
            for record in repodata.get(section, {}).values():
                record["size"] = HUGE
        write_index(folder, repodata)
    made = make_mirror(root, {"pkgs/main": ""})
    mirrored(default_channels=[made.channel_url("pkgs/main")])
    return made


@pytest.mark.parametrize("words", [(), ("--download-only",)], ids=["install", "download only"])
def test_too_little_room_stops_before_the_download(
    huge: Mirror, run_conda: Conda, sandbox: Any, words: tuple[str, ...]
) -> None:
    refused = run_conda("torch-install", "-y", "-n", "new", *ASK_2_5_1, *words)
    assert refused.rc == 1
    said = refused.words
    assert f"too little space in {sandbox.pkgs}: at least " in said
    assert "conda clean --tarballs --packages" in said
    assert "Proceed" not in said
    assert not (sandbox.envs / "new").exists()
    packages = [path.name for path in sandbox.pkgs.iterdir() if path.suffix in (".bz2", ".conda")]
    assert not packages
    assert not huge.asked("*-*-*.*")


def test_a_preview_is_not_refused(huge: Mirror, run_conda: Conda) -> None:
    run_conda("torch-install", "--dry-run", "--solve", "-n", "new", *ASK_2_5_1).ok()


def test_the_json_error_names_folder_need_and_room(
    huge: Mirror, run_conda: Conda, sandbox: Any
) -> None:
    refused = run_conda("torch-install", "-y", "--json", "-n", "new", *ASK_2_5_1).json()
    assert refused["exception_name"] == "NoSpace"
    facts = refused["torchmirror"]["facts"]
    assert facts["folder"] == str(sandbox.pkgs)
    assert facts["need"].endswith(" GB")
    assert facts["free"]


def a_record(name: str, size: int | None) -> PackageRecord:
    fields = {"size": size} if size is not None else {}
    url = f"https://conda.anaconda.org/pytorch/linux-64/{name}-1.0-0.conda"
    return PackageRecord(
        name=name, version="1.0", build="0", build_number=0, url=url, subdir="linux-64", **fields
    )


def test_what_is_hard_linked_takes_no_room_twice(
    sandbox: Any, condarc: Callable[..., Path]
) -> None:
    condarc()
    records = [a_record("one", 1000), a_record("two", 500), a_record("three", None)]
    found = disk_space.measure(records, str(sandbox.envs / "new"))
    assert (found.packages, found.size, found.lacking, found.download) == (3, 1500, 3, 1500)
    [place] = found.places
    assert (place.folder, place.need) == (str(sandbox.pkgs), 3000)
    assert place.free > 0


def test_what_is_copied_takes_room_in_the_environment_too(
    sandbox: Any, condarc: Callable[..., Path]
) -> None:
    condarc(always_copy=True)
    records = [a_record("one", 1000), a_record("two", 500)]
    old = [a_record("two", 400)]
    prefix = str(sandbox.envs / "new")
    [place] = disk_space.measure(records, prefix, old).places
    assert place.need == 2 * 1500 + 1500 - 400
    assert [p.need for p in disk_space.measure(records, None).places] == [2 * 1500]


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="there is no second disk here")
def test_another_disk_is_a_place_of_its_own(sandbox: Any, condarc: Callable[..., Path]) -> None:
    condarc()
    if os.stat("/dev/shm").st_dev == os.stat(sandbox.root).st_dev:
        pytest.skip("/dev/shm is on the same disk")
    found = disk_space.measure([a_record("one", 1000)], "/dev/shm/torchmirror/none")
    assert [(place.need, place.keeps) for place in found.places] == [(2000, True), (1000, False)]


@pytest.mark.parametrize(
    ("keeps", "copies", "steps"),
    [
        (True, False, ["free_space", "other_disk"]),
        (True, True, ["free_space", "other_disk"]),
        (False, False, ["make_room_at", "environment_elsewhere"]),
        (False, True, ["make_room_at", "other_place"]),
    ],
    ids=["cache", "cache of a plan", "environment", "plan"],
)
def test_the_steps_make_room_on_the_disk_that_is_full(
    keeps: bool, copies: bool, steps: list[str]
) -> None:
    """Beside the folder of a plan, another environment was named as a way out."""
    full = SimpleNamespace(places=(disk_space.Place("/a", 11, 10, keeps),))
    with pytest.raises(NoSpace) as refused:
        disk_space.check(full, copies=copies)  # type: ignore[arg-type]
    hints = refused.value.dump_map()["guidance"]["hints"]
    assert [hint["hint_code"] for hint in hints] == steps
    assert ("conda clean" in str(hints)) is keeps
    assert ("unpacked there" in str(refused.value.dump_map())) is not (keeps or copies)


def test_packages_beside_a_plan_take_the_place_of_those_that_are_there(
    sandbox: Any, condarc: Callable[..., Path], tmp_path: Path
) -> None:
    condarc()
    (tmp_path / "torch.whl").write_bytes(bytes(300))
    found = disk_space.measure_copies([1000, 500], [200], str(tmp_path))
    assert sum(place.need for place in found.places) == 200 + 1500 - 300


def test_room_that_is_just_enough_is_enough() -> None:
    enough = SimpleNamespace(places=(disk_space.Place("/a", 10, 10),))
    disk_space.check(enough)  # type: ignore[arg-type]
    with pytest.raises(NoSpace):
        disk_space.check(SimpleNamespace(places=(disk_space.Place("/a", 11, 10),)))  # type: ignore[arg-type]
