"""Channels that a run leaves out, as PyTorch comes from conda-forge, say nothing of the choice."""

from __future__ import annotations

import pytest
from support.auto_fixtures import codes, cuda

pytest_plugins = ["support.auto_fixtures"]


def _read(found):
    told = [w["text"] for w in found["warnings"] if w["code"] == "beside_unread"]
    return told[0] if told else ""


@pytest.mark.parametrize("channel", ["nvidia", "https://conda.anaconda.org/nvidia"])
def test_a_channel_that_is_left_out_is_not_said_to_be_read(preview_auto, channel):
    """It said both, a line after the other."""
    words = ("pytorch", "scikit-learn", "-c", channel)
    found = preview_auto(*words, **cuda("12.4"))
    assert found["selected"]["source"] == "conda-forge"
    assert "channels_left_out" in codes(found)
    assert not _read(found)


def test_the_channels_of_a_file_are_not_either(preview_auto, tmp_path):
    file = tmp_path / "environment.yml"
    file.write_text(
        "channels: [pytorch, nvidia, bioconda, conda-forge]\ndependencies: [pytorch, numpy]\n"
    )
    found = preview_auto("-f", file, **cuda("12.8", "12.0"))
    assert found["selected"]["source"] == "conda-forge"
    assert "reads `bioconda` too" in _read(found)


def test_one_that_a_spec_names_is_read_by_conda_all_the_same(preview_auto):
    words = ("pytorch", "nvidia::cutensor", "-c", "nvidia")
    assert "reads `nvidia` too" in _read(preview_auto(*words, **cuda("12.4")))


def test_it_is_read_where_the_choice_is_of_the_channel_pytorch(preview_auto):
    words = ("pytorch=2.3.1", "numpy", "-c", "pytorch", "-c", "bioconda")
    assert "reads `bioconda` too" in _read(preview_auto(*words, **cuda("12.4")))
