"""The part of a saved plan that is about wheels: written, read, refused where it was altered."""

from __future__ import annotations

import copy

import pytest

from conda_torchmirror.plans import wheel_part


def sound():
    name = "torch-2.7.1+cu126-cp312-cp312-manylinux_2_28_x86_64.whl"
    return {
        "python": "3.12",
        "others": ["numpy<2"],
        "files": [
            {
                "project": "torch",
                "version": "2.7.1+cu126",
                "filename": name,
                "url": f"https://wheels.example/cu126/{name.replace('+', '%2B')}",
                "sha256": "a" * 64,
                "size": 5,
                "variant": "cu126",
            }
        ],
    }


def test_a_sound_part_is_read_as_it_was_written():
    part = wheel_part.read(sound())
    assert wheel_part.find_fault(sound(), "linux-64") is None
    assert wheel_part.document(part) == sound()


_URL = "https://wheels.example/cu126/torch-2.7.1%2Bcu126-cp312-cp312-manylinux_2_28_x86_64.whl"


def test_the_rest_is_held_to_the_same():
    row = {**sound()["files"][0], "project": "numpy", "version": "2.2.6", "variant": ""}
    row["filename"] = "numpy-2.2.6-py3-none-any.whl"
    row["url"] = "https://index.example/numpy-2.2.6-py3-none-any.whl"
    whole = {**sound(), "rest": [row]}
    assert wheel_part.find_fault(whole, "linux-64") is None
    assert wheel_part.document(wheel_part.read(whole)) == whole
    for rest, fault in (
        ([{**row, "sha256": None}], "rest[0].sha256"),
        ([{**row, "url": "file:///etc/passwd"}], "rest[0].url"),
        ([{**row, "filename": "../numpy-2.2.6-py3-none-any.whl"}], "rest[0].filename"),
        ([row, row], "rest[1].project"),
        (sound()["files"], "rest[0].project"),
        ([None], "rest[0].the whole"),
        (None, "rest"),
        ([row] * 201, "rest"),
    ):
        assert wheel_part.find_fault({**sound(), "rest": rest}, "linux-64") == fault


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("python", "3"),
        ("python", None),
        ("others", "numpy<2"),
        ("others", ["-r evil.txt"]),
        ("others", ["--index-url=https://evil.example"]),
        ("others", ["numpy @ https://evil.example/numpy.whl"]),
        ("others", ["numpy\n--pre"]),
        ("others", ["./numpy"]),
        ("others", [3]),
        ("files", []),
        ("files", {}),
        ("files[0].project", "numpy"),
        ("files[0].version", "2.7.0+cu126"),
        ("files[0].filename", "../torch-2.7.1+cu126-cp312-cp312-manylinux_2_28_x86_64.whl"),
        ("files[0].filename", "torch-2.7.1+cu126-cp311-cp311-manylinux_2_28_x86_64.whl"),
        ("files[0].url", "file:///etc/passwd"),
        ("files[0].url", "https://wheels.example/other.whl"),
        ("files[0].url", "javascript:alert(1)"),
        ("files[0].url", "ftp" + _URL[5:]),
        ("files[0].url", _URL + "/x"),
        ("files[0].sha256", None),
        ("files[0].sha256", "A" * 64),
        ("files[0].size", -1),
        ("files[0].size", True),
        ("files[0].variant", "../cu126"),
        ("files[0].variant", None),
    ],
)
def test_the_first_field_at_fault_is_named(field, value):
    document = copy.deepcopy(sound())
    place = document
    *path, last = field.replace("files[0].", "files/0/").split("/")
    for key in path:
        place = place[int(key) if key.isdigit() else key]
    place[last] = value
    fault = wheel_part.find_fault(document, "linux-64")
    assert fault is not None
    assert fault == field or (last == "filename" and fault in ("files[0].url", field))


def test_another_platform_has_other_files():
    assert wheel_part.find_fault(sound(), "win-64") == "files[0].filename"
