"""Channels of pytorch.org other than that of its stable releases, on the command line."""

from __future__ import annotations

import pytest

pytest_plugins = ("support.refusal_fixtures",)

ASK = ("torch-install", "-d", "-n", "new")
CUDA = ("--cuda", "12.6", "--offline")


@pytest.mark.parametrize("channel", ["pytorch-nightly", "pytorch-lts"])
@pytest.mark.parametrize("before", [(), ("-c", "nvidia"), ("--source", "pytorch")])
def test_long_term_and_nightly_builds_are_not_answered_with_stable_ones(
    both, conda_in_process, channel, before
):
    """2.13.0 of conda-forge was chosen, and nothing said."""
    url = f"https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/{channel}/"
    for named in (channel, url):
        refused = conda_in_process(
            *ASK, "pytorch", *before, "-c", named, "-c", "conda-forge", *CUDA, "--json"
        )
        found = refused.json()
        assert refused.rc == 2
        assert f"names the channel `{channel}`" in found["message"]
        hints = {hint["hint_code"]: hint["text"] for hint in found["guidance"]["hints"]}
        assert hints["leave_channel_out"].startswith("leave the channel out: a build of")
        assert ("other_channel_command" in hints) == (channel == "pytorch-lts")
    conda_in_process(*ASK, "pytorch", *before, *CUDA).ok()


@pytest.mark.parametrize(
    ("channel", "word"), [("pytorch-lts", "pytorch=1.8.2"), ("pytorch-nightly", "pytorch=2.99")]
)
def test_a_release_of_theirs_is_not_offered_without_them(both, conda_in_process, channel, word):
    """`leave the channel out` led into the next refusal."""
    refused = conda_in_process(*ASK, word, "-c", channel, *CUDA, "--json")
    # Conda 26.7 leaves an empty list out.
    hints = [hint["hint_code"] for hint in refused.json()["guidance"].get("hints", ())]
    assert "leave_channel_out" not in hints
    assert ("channel_out_says" in hints) == (channel == "pytorch-nightly")


def test_the_nightly_command_of_pytorch_org_has_a_way_on_where_no_build_runs(
    both, conda_in_process, monkeypatch
):
    """On an RTX 50 it was refused, and not one step was offered."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", "12.0")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")
    words = (*ASK, "pytorch", "torchvision", "torchaudio", "pytorch-cuda=12.4", "-c", "nvidia")
    refused = conda_in_process(*words, "-c", "pytorch-nightly", "--offline", "--json").json()
    assert [hint["hint_code"] for hint in refused["guidance"]["hints"]] == ["channel_out_says"]
    without = conda_in_process(*words, "--offline", "--json").json()
    assert "compute capability 12.0" in without["guidance"]["cause"]
    assert len(without["guidance"]["hints"]) > 1


@pytest.mark.parametrize("before", [("-c", "pytorch"), ("-c", "conda-forge")])
def test_beside_the_channel_of_a_source_they_are_channels_as_any(both, conda_in_process, before):
    conda_in_process(*ASK, "pytorch", *before, "-c", "pytorch-nightly", *CUDA).ok()
