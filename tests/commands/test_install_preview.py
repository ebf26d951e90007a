"""What `conda torch-install` prints and does not do: JSON, previews, `--list`, `--explain`."""

from __future__ import annotations

import pytest
from support.asking import ASK_2_5_1, PYTORCH_2_5_1
from support.prefixes import installed

# JSON


def test_json_of_a_preview(mirrored, conda_in_process):
    found = conda_in_process("torch-install", "-d", "--json", *ASK_2_5_1).ok().json()
    ours = found["torchmirror"]
    assert (found["success"], found["dry_run"], found["prefix"]) == (True, True, None)
    assert (ours["schema"], ours["solved"]) == (1, False)
    assert ours["machine"]["cuda_from"] == "--cuda"
    assert ours["selected"]["index"] == "live"
    assert ours["specs"] == [
        "pytorch=2.5.1=py3.12_cuda12.4_cudnn9.1.0_0",
        "torchvision=0.20.1=py312_cu124",
        "pytorch-cuda=12.4=hc786d27_7",
    ]
    assert [channel["name"] for channel in ours["channels"]] == ["pytorch", "nvidia"]
    assert all(build["evidence"] == "record" for build in ours["selected"]["builds"])
    assert ours["command"].startswith("conda install pytorch=2.5.1=")


def test_json_of_a_solved_preview_is_condas_with_our_key(mirrored, conda_in_process, sandbox):
    words = ("torch-install", "-d", "--solve", "--json", "-n", "new", *ASK_2_5_1)
    found = conda_in_process(*words).ok().json()
    assert found["dry_run"] is True
    assert "pytorch-cuda" in {item["name"] for item in found["actions"]["LINK"]}
    assert found["torchmirror"]["solved"] is True
    assert not (sandbox.envs / "new").exists()


def test_json_of_an_installation_is_one_document(mirrored, run_conda, sandbox):
    found = run_conda("torch-install", "--json", "-n", "new", *ASK_2_5_1).ok().json()
    assert found["success"] is True
    assert found["actions"]["PREFIX"] == str(sandbox.envs / "new")
    assert found["torchmirror"]["selected"]["cuda"] == "12.4"
    assert "cuda12.4" in installed(sandbox.envs / "new")["pytorch"]


def test_json_of_a_failed_hand_over_has_our_key(mirrored, run_conda):
    words = ("torch-install", "--json", "-n", "new", *ASK_2_5_1, "no-such-package")
    result = run_conda(*words)
    assert result.rc == 1
    assert result.json()["torchmirror"]["specs"][:2] == ["python=3.12", PYTORCH_2_5_1]
    assert "no-such-package" in result.json()["message"]


def test_json_of_an_error_has_guidance(mirrored, run_conda):
    result = run_conda("torch-install", "--json", "-d", "--cuda", "10.2", "pytorch=2.3")
    found = result.json()
    assert result.rc == 1
    assert found["exception_name"] == "NoFittingBuild"
    assert found["guidance"]["cause"]
    codes = [hint["hint_code"] for hint in found["guidance"]["hints"]]
    assert codes[0] == "older_release"
    assert codes[-1] == "see_list"
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("cuda", ["12.1", "11.8"])
def test_the_articles_command(mirrored, conda_in_process, cuda):
    """Offline on a machine that was never online: the command that the article ends with."""
    words = [
        "--platform",
        "win-64",
        "--cuda",
        cuda,
        "--python",
        "3.12",
        "--offline",
        "-d",
        "--json",
    ]
    names = ["pytorch=2.3.1", "torchvision", "torchaudio"]
    found = conda_in_process("torch-install", *words, *names, "--mirror", "tuna").ok().json()
    tag = "cu" + cuda.replace(".", "")
    assert found["torchmirror"]["command"] == (
        f"conda install pytorch=2.3.1=py3.12_cuda{cuda}_cudnn8_0 torchvision=0.18.1=py312_{tag} "
        f"torchaudio=2.3.1=py312_{tag} pytorch-cuda={cuda} "
        "-c https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch/win-64 -c nvidia"
    )


def test_list_shows_what_the_platform_can_have(mirrored, conda_in_process):
    words = ("torch-install", "--list", "--offline", "--cuda", "11.8", "--python", "3.10")
    lines = conda_in_process(*words).ok().stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24
    row = next(line.split() for line in lines if line.startswith("  2.5.1, "))
    assert row[row.index("12.4") :] == [
        *("12.4", "12.1", "11.8*", "cpu", "3.9", "3.10*", "3.11", "3.12"),
    ]


def test_list_as_json(mirrored, conda_in_process):
    words = ("torch-install", "--list", "--offline", "--json", "--cuda", "cpu", "pytorch=2.5.1")
    found = conda_in_process(*words).ok().json()["torchmirror"]
    row = {"source": "pytorch", "version": "2.5.1", "cuda": None, "python": "3.12"}
    row |= {"fits": True, "why": None}
    assert row in found["list"]


def test_a_foreign_arm_server_is_unknown_offline(mirrored, conda_in_process):
    words = ("torch-install", "-d", "--offline", "--platform", "linux-aarch64", "--cuda", "12.4")
    result = conda_in_process(*words)
    assert result.rc == 1
    assert "UnknownPlatform" in result.stderr
    said = " ".join(result.stderr.split())
    assert (
        "the built-in index covers linux-64, osx-64, osx-arm64, win-64: `--platform` chooses"
        in said
    )
    assert "whether `pytorch` has anything for linux-aarch64 is seen online" in said


def test_explain_answers_why_not_the_newest(mirrored, conda_in_process):
    words = ("torch-install", "-d", "--offline", "--explain", "--cuda", "12.4", "--python", "3.8")
    out = " ".join(conda_in_process(*words).ok().stdout.split())
    assert "PyTorch 2.4.1 for CUDA 12.4" in out
    assert "2.5.1 builds for Python 3.9, 3.10, 3.11, 3.12 do not go with Python 3.8" in out


@pytest.mark.parametrize(
    ("words", "arch", "says"),
    [
        (
            ("--cuda", "12.0"),
            None,
            "2.5.1 builds for CUDA 12.1, 12.4 are newer than CUDA 12.0, and",
        ),
        (
            ("--cuda", "11.8"),
            None,
            "2.5.1 builds for CUDA 12.1, 12.4 are too new for `--cuda 11.8`",
        ),
        (("--cuda", "10.2"), None, "2.5.1 builds for CUDA 11.8, 12.1, 12.4 are too new"),
        (("--cuda", "12.4"), "3.7", "2.5.1 builds with code for 5.0, 6.0, 6.1"),
    ],
    ids=["strict", "major", "old", "gpu"],
)
def test_explain_answers_why_not_a_higher_cuda(
    mirrored, conda_in_process, monkeypatch, words, arch, says
):
    if arch:
        monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", arch)
    if "12.0" in words:
        words = (*words, "--cuda-compat", "strict")
    found = conda_in_process("torch-install", "-d", "--offline", "--explain", *words).ok()
    assert says in " ".join(found.stdout.split())


def test_explain_does_not_call_a_release_that_is_named_the_newest(mirrored, conda_in_process):
    words = ("torch-install", "-d", "--offline", "--explain", "--cuda", "12.4", "pytorch=2.3")
    out = " ".join(conda_in_process(*words).ok().stdout.split())
    assert "PyTorch 2.3.1 for CUDA 12.1" in out
    assert "nothing better fell away: of what was asked for, this comes first" in out
    assert "newest of the channel" not in out


def test_strict_refusal_names_the_ways_out(mirrored, conda_in_process):
    words = ("--cuda", "11.4", "--cuda-compat", "strict", "pytorch=2.3.1", "--platform", "win-64")
    result = conda_in_process("torch-install", "-d", "--offline", *words)
    assert result.rc == 1
    for way in ("--cuda-compat minor", "`--cuda 11.8` takes pytorch 2.3.1", "--cuda cpu"):
        assert way in result.stderr
    # The list that is offered is the one for the machine that was asked about.
    assert "--list --cuda 11.4 --platform win-64 --offline" in result.stderr


def test_an_installation_never_goes_by_the_built_in_index(mirrored, conda_in_process):
    result = conda_in_process("torch-install", "-y", "-n", "new", "--offline", "--cuda", "12.4")
    assert result.rc == 1
    assert "NothingCached" in result.stderr


@pytest.mark.parametrize("source", ["pytorch", "conda-forge", "wheels"])
def test_a_preview_offline_needs_no_place_to_write_packages(
    sandbox, conda_in_process, monkeypatch, source
):
    """As where the folder of packages is root's."""
    file = sandbox.root / "file"
    file.touch()
    monkeypatch.setenv("CONDA_PKGS_DIRS", str(file / "pkgs"))
    words = ("torch-install", "-d", "--offline", "--cuda", "12.4", "--python", "3.12")
    assert "PyTorch 2." in conda_in_process(*words, "--source", source).ok().stdout


def test_offline_with_a_cached_index(mirrored, conda_in_process):
    conda_in_process("torch-install", "-d", *ASK_2_5_1).ok()
    found = conda_in_process("torch-install", "-d", "--offline", "--json", *ASK_2_5_1).ok().json()
    assert found["torchmirror"]["selected"]["index"] == "cache"
    assert found["torchmirror"]["specs"][-1] == "pytorch-cuda=12.4=hc786d27_7"
