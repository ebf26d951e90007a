"""An environment that conda cloned, or made from a list of URLs: each package stands in its history
as if it had been asked for, down to its build."""

from __future__ import annotations

import pytest
from support.change_fixtures import FORGE, OF_FORGE, OFFICIAL_ENV
from support.prefixes import installed, records

pytest_plugins = ("support.change_fixtures",)

OLD = (
    *("create", "-c", "pytorch", "-c", "nvidia", "python=3.10"),
    *("pytorch::pytorch=2.0.1", "pytorch-cuda=11.7"),
)


@pytest.fixture(params=["clone", "list"])
def copy_of(request, env_with, conda_in_process, tmp_path):
    """`copy_of(*words)`: an environment that conda makes of the one that these words make."""

    def make(*words):
        source, prefix = env_with(*words), tmp_path / "copy"
        if request.param == "clone":
            conda_in_process("create", "-y", "-q", "-p", prefix, "--clone", source).ok()
            return prefix
        file = tmp_path / "list.txt"
        file.write_text(conda_in_process("list", "-p", source, "--explicit", "--md5").ok().stdout)
        conda_in_process("create", "-y", "-q", "-p", prefix, "--file", file).ok()
        return prefix

    return make


def test_a_partner_comes_along_and_mkl_gives_way(copy_of, conda_in_process):
    """Refused: `mkl`, which was asked for in this environment, contradicted the rule."""
    prefix = copy_of(*OLD)
    words = ("torch-install", "-y", "-p", prefix, "--source", "pytorch", "torchvision")
    done = conda_in_process(*words, "--cuda", "11.7").ok()
    found = installed(prefix)
    assert found["pytorch"] == "2.0.1=py3.10_cuda11.7_cudnn8.5.0_0"
    assert found["torchvision"] == "0.15.2=py310_cu117"
    assert found["mkl"].startswith("2023.1.0")
    assert "asked for" not in done.words


def test_another_release_and_cuda(copy_of, conda_in_process):
    """Refused: pytorch 2.0.1 itself did not go with the set, and was to be left out. The command
    that was printed as the same ended in conda's list of conflicts."""
    prefix = copy_of(*OLD)
    before = installed(prefix)
    words = ("torch-install", "-y", "-p", prefix, "--source", "pytorch", "pytorch=2.1.0")
    done = conda_in_process(*words, "--cuda", "12.1").ok()
    assert "a command that is typed by hand may find no solution where this run does" in done.words
    found = installed(prefix)
    assert found["pytorch"] == "2.1.0=py3.10_cuda12.1_cudnn8.9.2_0"
    assert found["libcublas"].startswith("12.1.")
    # What was there stays, in whatever release.
    assert before.keys() <= found.keys()
    assert found["python"] == before["python"]
    # Nothing is left to do.
    done = conda_in_process(*words, "--cuda", "12.1").ok()
    assert "All requested packages already installed" in done.stdout


def test_the_channel_of_torch_is_changed(copy_of, conda_in_process):
    """Ended in conda's list of conflicts, with the former CUDA asked for once more."""
    prefix = copy_of(*OFFICIAL_ENV, "lightning")
    done = conda_in_process(*FORGE, "-y", "-p", prefix).ok()
    found = installed(prefix)
    assert {name: found[name] for name in OF_FORGE} == OF_FORGE
    assert {"lightning", "torchmetrics", "numpy"} <= {*found}
    assert not {"pytorch-cuda", "libcublas", "torchtriton"} & {*found}
    assert "linux-64::" not in done.stdout.partition("Package Plan")[0]


def test_what_leaves_with_another_channel_is_told_by_name(copy_of, conda_in_process):
    """It was said to have come along, though the environment that was copied may have asked for
    it; what is named stays."""
    prefix = copy_of(*OFFICIAL_ENV, "ffmpeg", "libcublas")
    shown = conda_in_process(*FORGE, "-d", "-p", prefix).ok().words
    assert "packages that nothing else needs: " in shown
    assert " ffmpeg, " in shown
    assert "it is not known what was asked for" in shown
    assert "came along" not in shown
    conda_in_process(*FORGE, "-y", "-p", prefix, "pytorch", "ffmpeg").ok()
    found = installed(prefix)
    assert "ffmpeg" in found
    assert "libcublas" not in found


def test_what_does_not_go_with_an_older_release_is_named(copy_of, conda_in_process):
    """Ended in conda's list of conflicts: nothing of a copy was known as asked for before."""
    prefix = copy_of(*OLD[:-2], "pytorch::pytorch=2.1.0", "pytorch-cuda=12.1", "lightning")
    words = ("torch-install", "-y", "-p", prefix, "--source", "pytorch", "pytorch=1.12.1")
    refused = conda_in_process(*words, "--cuda", "11.6")
    assert "`lightning` of this environment does not go with this set" in refused.words
    conda_in_process("remove", "-y", "-p", prefix, "lightning").ok()
    conda_in_process(*words, "--cuda", "11.6").ok()
    assert installed(prefix)["pytorch"].startswith("1.12.1=")


def test_one_package_by_its_address_makes_no_clone(env_with, conda_in_process):
    """Of the whole environment it was said that it was cloned."""
    prefix = env_with(*OLD)
    address = records(prefix)["libcublas"]["url"]
    conda_in_process("remove", "--force", "-y", "-q", "-p", prefix, "libcublas").ok()
    conda_in_process("install", "-y", "-q", "-p", prefix, address).ok()
    words = ("torch-install", "-d", "-p", prefix, "--source", "pytorch", "pytorch=2.1.0")
    shown = conda_in_process(*words, "--cuda", "12.1").ok()
    assert "1 package here came by its address" in shown.words
    assert "cloned" not in shown.words


def test_what_was_asked_for_by_a_spec_is_kept_to(env_with, conda_in_process):
    """Only files of a list are: a build that is typed stays."""
    prefix = env_with(*OLD, "numpy=1.26.4=stub_0")
    words = ("torch-install", "-y", "-p", prefix, "--source", "pytorch", "pytorch=2.1.0")
    done = conda_in_process(*words, "--cuda", "12.1").ok()
    assert installed(prefix)["numpy"] == "1.26.4=stub_0"
    assert "typed by hand" not in done.words


def test_cuda_that_somebody_may_have_asked_for_stays_and_is_told(copy_of, conda_in_process):
    """It left as what came along, though the environment that was copied may have asked for it."""
    prefix = copy_of(*OLD, "cuda-nvrtc", "libcublas")
    before = installed(prefix)
    words = ("torch-install", "--no-check", "-p", prefix, "--cuda", "cpu", "pytorch")
    shown = conda_in_process(*words, "-d", "--json").ok().json()["torchmirror"]
    assert shown["removed"] == ["pytorch-cuda"]
    done = conda_in_process(*words, "-y").ok()
    found = installed(prefix)
    assert before.keys() - found.keys() == {"pytorch-cuda"}
    assert "no build for the CPU needs pytorch-cuda 11.7, which leaves" in done.words
    assert "it is not known what was asked for; to remove them: `" in done.words
    command = done.words.partition("to remove them: `")[2].partition("`")[0]
    conda_in_process(*command.split()[1:], "-y").ok()
    left = installed(prefix)
    assert found.keys() - left.keys() >= {"cuda-nvrtc", "libcublas", "cuda-libraries"}
    assert {"python", "mkl", "pytorch"} <= left.keys()
    assert "All requested packages already installed" in conda_in_process(*words, "-y").ok().words


def test_what_came_later_to_a_copy_is_known(copy_of, conda_in_process):
    prefix = copy_of(*OLD)
    words = ("torch-install", "--no-check", "-y", "-p", prefix, "--source", "pytorch")
    conda_in_process(*words, "pytorch=2.1.0", "--cuda", "12.1").ok()
    done = conda_in_process(*words, "pytorch=2.1.0", "--cuda", "cpu").ok()
    assert "pytorch-cuda" not in installed(prefix)
    assert "it is not known what was asked for" in done.words
