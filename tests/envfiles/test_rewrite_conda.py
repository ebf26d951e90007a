"""What conda's own reader of environment files sees, before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fuzz import environments as made
from hypothesis import HealthCheck, given, settings

from conda_torchmirror.envfiles.channel_entry import EntryRewriter
from conda_torchmirror.envfiles.rewrite import rewrite

reader = pytest.importorskip("conda.env.env", reason="conda is not importable here")
channel_of = pytest.importorskip("conda.models.channel").Channel

THERE = EntryRewriter("rewrite", ("tuna",))


def seen(data: bytes, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """All that conda takes from a file but channels; the channels' names."""
    path = folder / "environment.yml"
    path.write_bytes(data)
    found = reader.from_file(str(path))
    rest = {"name": found.name, "prefix": found.prefix, "variables": found.variables}
    return {**rest, "dependencies": dict(found.dependencies)}, list(found.channels)


def _readable(path: Path, folder: Path) -> bool:
    try:
        seen(path.read_bytes(), folder)
    except Exception:
        return False
    return True


@made.needs_real
def test_conda_sees_other_channels_and_nothing_else(tmp_path: Path) -> None:
    read = 0
    for path in made.real_files():
        if not _readable(path, tmp_path):
            continue
        read += 1
        data = path.read_bytes()
        result = rewrite(data, THERE)
        before, channels = seen(data, tmp_path)
        after, mirrored = seen(result.data, tmp_path)
        assert after == before, path.name
        edited = {edit.old: edit.new for edit in result.edits}
        assert mirrored == [edited.get(channel, channel) for channel in channels], path.name
    assert read > 55


@given(data=made.environment_files())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_conda_sees_the_same_order_of_channels(data: bytes, tmp_path: Path) -> None:
    try:
        before, channels = seen(data, tmp_path)
    except Exception:
        return
    result = rewrite(data, THERE)
    after, mirrored = seen(result.data, tmp_path)
    assert after.keys() == before.keys()
    assert after["name"] == before["name"]
    assert len(mirrored) == len(channels)
    for old, new in zip(channels, mirrored, strict=True):
        # Whatever marks the former spelling, conda must read the channel that was meant.
        if old != new:
            assert channel_of(new).name.endswith(channel_of(old).name.rpartition("/")[2])
            assert channel_of(new).platform == channel_of(old).platform
