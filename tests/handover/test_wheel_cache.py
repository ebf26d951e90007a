"""Files of wheels on this disk: what is looked at to know one."""

from __future__ import annotations

import hashlib
import json
import os

import pytest
from conda.core.package_cache_data import PackageCacheData

from conda_torchmirror.handover import wheel_cache
from conda_torchmirror.selection.wheels.link import Link

NAME = "torch-2.7.1+cu126-cp311-cp311-manylinux_2_28_x86_64.whl"
CONTENT = b"what a wheel has"
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def link(tmp_path):
    """A file that somebody brought, with the hash that a mirror lists."""
    (tmp_path / NAME).write_bytes(CONTENT)
    return Link(NAME, (tmp_path / NAME).as_uri(), "cu126", SHA, len(CONTENT))


@pytest.fixture
def reads(monkeypatch):
    """The paths of the files that are read to the end for their hash."""
    paths = []
    read = wheel_cache.digest
    monkeypatch.setattr(
        wheel_cache, "digest", lambda path, name: paths.append(path) or read(path, name)
    )
    return paths


def test_a_preview_looks_at_the_size_alone(link, reads):
    assert wheel_cache.find(link, quickly=True) == wheel_cache.path_of(link)
    assert wheel_cache.find(link._replace(size=1), quickly=True) is None
    assert reads == []


def test_a_file_without_a_known_hash_is_not_read(link, reads):
    assert wheel_cache.find(link._replace(sha256=None)) == wheel_cache.path_of(link)
    assert reads == []


def test_an_installation_compares_the_hash(link, reads):
    assert wheel_cache.find(link) == wheel_cache.path_of(link)
    assert wheel_cache.find(link._replace(sha256="0" * 64)) is None
    assert len(reads) == 2


def test_listing_the_cache_reads_no_file(sandbox, reads):
    folder = sandbox.root / "pkgs" / wheel_cache.FOLDER / "0123456789abcdef"
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(CONTENT)
    said = {"filename": NAME, "variant": "cu126", "sha256": SHA, "requires_python": None}
    (folder / wheel_cache.SAID).write_text(json.dumps({**said, "size": len(CONTENT)}))
    assert [found.filename for found in wheel_cache.links()] == [NAME]
    assert reads == []


def test_a_cache_that_conda_cannot_write_is_passed_over(sandbox, tmp_path, monkeypatch):
    """Also where the system takes any folder for writable, as Windows does: of an installation for
    all users, the first cache is the administrator's."""
    monkeypatch.setattr(os, "access", lambda *_, **__: True)
    shut = sandbox.root / "pkgs"
    monkeypatch.setattr(
        PackageCacheData,
        "is_writable",
        property(lambda cache: cache.pkgs_dir != str(shut)),
    )
    own = str(tmp_path / "own")
    condas = type(wheel_cache.context)
    monkeypatch.setattr(condas, "pkgs_dirs", property(lambda _: (str(shut), own)))
    assert wheel_cache.expected() == os.path.join(own, wheel_cache.FOLDER)
