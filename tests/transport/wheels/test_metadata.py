"""The METADATA of a wheel on this disk, whatever happened to the file."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import pytest

from conda_torchmirror.transport.wheels import metadata


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    requires = "".join(f"Requires-Dist: part-{n}\n" for n in range(40))
    path = tmp_path / "torch-2.7.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        said = f"Metadata-Version: 2.1\nName: torch\nVersion: 2.7.1\n{requires}"
        archive.writestr("torch-2.7.1.dist-info/METADATA", said)
    return path


def test_a_whole_wheel(wheel):
    found = metadata.of_file(str(wheel))
    assert found is not None
    assert (found.name, found.version, len(found.requires)) == ("torch", "2.7.1", 40)


def test_a_damaged_wheel_has_none_or_another(wheel):
    """Every byte in turn: the compression's own errors are no traceback."""
    whole = wheel.read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        (member,) = [one for one in archive.infolist() if one.filename.endswith("/METADATA")]
    start = member.header_offset
    errors = set()
    for at in range(start, start + member.compress_size + 60):
        for byte in range(0, 256, 15):
            wheel.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
            metadata.of_file(str(wheel))
            try:
                with zipfile.ZipFile(wheel) as archive:
                    archive.read(member)
            except Exception as error:
                errors.add(type(error))
    assert {zlib.error, zipfile.BadZipFile} <= errors  # else this would try too little


def test_a_wheel_that_ends_early_has_none(wheel):
    whole = wheel.read_bytes()
    for size in range(0, len(whole), 7):
        wheel.write_bytes(whole[:size])
        assert metadata.of_file(str(wheel)) is None
