"""An environment that has a torch: what stays where only other packages are named, or where no
driver was found. Both channels are those of `auto_fixtures`, and every run is a preview."""

from __future__ import annotations

import pytest
from support.auto_fixtures import codes, cuda
from support.torches import record
from support.wheel_commands import WHEELS

from conda_torchmirror.machine import survey

pytest_plugins = ("support.auto_fixtures", "support.wheel_fixtures")

CHANNEL, FORGE = "pytorch", "conda-forge"
#: What stands for a build of conda-forge's newest release but one.
OF_FORGE = ("2.12.1", "cuda129_mkl_py314_h89d6db0_300", FORGE)
FOR_118 = ("2.4.1", "py3.12_cuda11.8_cudnn9.1.0_0", CHANNEL)
FOR_CPU = ("2.4.1", "py3.12_cpu_0", CHANNEL)


@pytest.fixture
def env_of_torch(sandbox):
    """`env_of_torch(version, build, channel, *partners)`: the environment `new` with these."""

    def make(version: str, build: str, channel: str, *partners: tuple[str, str, str]) -> None:
        meta = sandbox.envs / "new" / "conda-meta"
        meta.mkdir(parents=True)
        (meta / "history").touch()
        python = "3.14.0" if "py314" in build else "3.12.4"
        rows = [("pytorch", version, build), *partners]
        for row in rows:
            record(meta.parent, *row, channel=channel)
        record(meta.parent, "python", python, "h0_0", channel=FORGE)

    return make


@pytest.fixture
def no_driver(monkeypatch):
    """No variable hides the driver, and there is none."""
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA")
    monkeypatch.setattr(survey, "_detected_cuda", lambda: None)
    monkeypatch.setattr(survey.nvidia, "signs", tuple)


def specs(found) -> list[str]:
    return [f"{b['name']}={b['version']}={b['build']}" for b in found["selected"]["builds"]]


# Only other packages are named.


@pytest.mark.parametrize("word", ["torchtext", "pytorch-cuda=12.4"])
def test_what_goes_with_another_torch_alone_is_told_how_to_open_it(
    env_of_torch, at_both, conda_in_process, word
):
    """It contradicted a spec that nobody had typed, and was to be left out."""
    env_of_torch("2.8.0", "cuda129_mkl_py312_had1c889_302", FORGE)
    words = ("torch-install", "-d", "-n", "new", "--cuda", "12.9")
    done = conda_in_process(*words, word)
    command = f"conda torch-install -n new pytorch {word} --cuda 12.9 --dry-run"
    assert f"name pytorch too, which leaves its release open: `{command}`" in done.words
    found = conda_in_process(*command.split()[1:], "--json").ok().json()["torchmirror"]
    version = found["selected"]["builds"][0]["version"]
    assert f"`{command}` takes pytorch {version}" in done.words


@pytest.mark.parametrize(
    ("word", "partners"),
    [("torchvision", ["torchvision=0.19.1=py312_cu118"]), ("scikit-learn", [])],
)
def test_the_installed_build_stays(env_of_torch, preview_auto, word, partners):
    """And no partner comes along, as into a new environment."""
    env_of_torch(*FOR_118)
    found = preview_auto(word, **cuda("12.9", "8.6"))
    assert [spec for spec in specs(found) if not spec.startswith("pytorch-cuda")] == [
        "pytorch=2.4.1=py3.12_cuda11.8_cudnn9.1.0_0",
        *partners,
    ]


def test_conda_forge_is_named_for_the_other_packages(env_of_torch, preview_auto):
    """Its pytorch was put in the place of that of the channel pytorch."""
    env_of_torch(*FOR_118)
    found = preview_auto("scikit-learn", "-c", FORGE, **cuda("12.9", "8.6"))
    assert specs(found)[0] == "pytorch=2.4.1=py3.12_cuda11.8_cudnn9.1.0_0"
    assert found["command_by_name"].endswith(" -c pytorch -c nvidia -c conda-forge")


def test_with_a_partner_or_pytorch_it_is_for_these(env_of_torch, preview_auto):
    env_of_torch(*FOR_118)
    for word in ("torchvision", "pytorch"):
        found = preview_auto(word, "-c", FORGE, **cuda("12.9", "8.6"))
        assert found["selected"]["source"] == FORGE


def test_so_does_one_of_conda_forge_that_newer_builds_replace(env_of_torch, preview_auto):
    version, build, channel = OF_FORGE
    env_of_torch(version, build, channel)
    found = preview_auto("torchvision", **cuda("13.0", "8.6"))
    assert specs(found)[0] == f"pytorch={version}={build}"
    assert found["selected"]["cuda"] == "12.9"
    assert found["pins"] == ["cuda-version=12.9"]


@pytest.mark.parametrize(
    ("word", "version", "driver", "told"),
    [
        ("pytorch-gpu", "2.8.0", "13.0", True),
        ("pytorch-gpu=2.8", "2.8.0", "13.0", True),
        ("pytorch-gpu=2.9", "2.9.1", "12.9", False),  # 2.8.0 stayed, as if nothing were left to do
        ("pytorch-cpu=2.8", "2.8.0", "13.0", False),
    ],
)
def test_a_metapackage_is_met_by_the_installed_build_or_opens_its_release(
    env_of_torch, preview_auto, word, version, driver, told
):
    env_of_torch("2.8.0", "cuda129_mkl_py312_had1c889_302", FORGE)
    found = preview_auto(word, "--cuda", "cpu" if "cpu" in word else driver, **cuda(""))
    assert found["selected"]["builds"][0]["version"] == version
    # That nobody asks for this CUDA is told as it is.
    assert "cuda_narrowed" not in codes(found)
    assert ("machine.cuda_stays" in codes(found)) is told


def test_of_a_build_that_is_not_in_the_channel_the_cuda_stays(env_of_torch, preview_auto):
    env_of_torch("2.4.1", "py3.12_cuda11.8_cudnn9.1.0_7", CHANNEL)
    found = preview_auto("torchvision", **cuda("12.9", "8.6"))
    assert specs(found)[0] == "pytorch=2.4.1=py3.12_cuda11.8_cudnn9.1.0_0"


def test_one_for_the_cpu_gives_way_where_there_is_a_gpu(env_of_torch, preview_auto):
    env_of_torch(*FOR_CPU)
    found = preview_auto("torchvision", **cuda("12.9", "8.6"))
    assert specs(found)[0] == "pytorch=2.4.1=py3.12_cuda12.4_cudnn9.1.0_0"


def test_one_without_code_for_the_gpu_gives_way(env_of_torch, preview_auto):
    env_of_torch("2.7.1", "cuda126_mkl_py312_h30b5a27_300", FORGE)
    found = preview_auto("torchvision", **cuda("13.0", "12.0"))
    chosen = found["selected"]
    assert (chosen["cuda"], chosen["builds"][0]["version"]) == ("12.9", "2.7.1")


@pytest.mark.parametrize(
    ("words", "torch"),
    [
        (("pytorch",), "pytorch=2.5.1=py3.12_cuda12.4_cudnn9.1.0_0"),
        (("torchvision", "--cuda", "12.1"), "pytorch=2.4.1=py3.12_cuda11.8_cudnn9.1.0_0"),
        (("torchvision", "pytorch-cuda=12.1"), "pytorch=2.4.1=py3.12_cuda12.1_cudnn9.1.0_0"),
        (("torchvision", "--cuda", "cpu"), "pytorch=2.4.1=py3.12_cpu_0"),
    ],
)
def test_what_is_named_is_heeded(env_of_torch, preview_auto, words, torch):
    env_of_torch(*FOR_118)
    assert specs(preview_auto(*words, **cuda("12.9", "8.6")))[0] == torch


def test_that_the_build_stays_is_not_told_as_what_was_asked(env_of_torch, preview_auto):
    env_of_torch(*FOR_118)
    named = preview_auto("torchvision", "pytorch-cuda=11.8", "--cuda", "12.1", **cuda("12.9"))
    assert "cuda_narrowed" in codes(named)
    found = preview_auto("torchvision", "--cuda", "12.1", **cuda("12.9"))
    assert "cuda_narrowed" not in codes(found)
    assert [w["text"] for w in found["warnings"] if w["code"] == "machine.cuda_stays"] == [
        "CUDA 11.8: the environment's pytorch is not named, and stays; it runs on a driver for CUDA"
        " 12.1"
    ]


def test_a_partner_that_the_release_lacks_is_had_by_naming_pytorch(
    env_of_torch, at_both, conda_in_process, monkeypatch
):
    env_of_torch(*OF_FORGE)
    for name, value in cuda("12.9", "8.6").items():
        monkeypatch.setenv(name, value)
    refused = conda_in_process("torch-install", "-d", "-n", "new", "torchaudio")
    assert refused.rc == 1
    assert (
        "name pytorch too, which leaves its release open: `conda torch-install -n new pytorch"
        " torchaudio --dry-run` takes pytorch 2.10.0"
    ) in refused.words
    # It is there: to ask for it alone is no step.
    assert "instead of `torchaudio`" not in refused.words
    assert "leave the release open" not in refused.words
    words = ("-d", "-n", "new", "pytorch", "torchaudio")
    assert "PyTorch 2.10.0 for CUDA 12.9" in conda_in_process("torch-install", *words).ok().stdout


def test_the_step_names_pytorch_once(env_of_torch, at_both, conda_in_process, monkeypatch):
    env_of_torch("2.5.1", "py3.12_cuda12.4_cudnn9.1.0_0", CHANNEL)
    for name, value in cuda("13.0", "12.0").items():
        monkeypatch.setenv(name, value)
    refused = conda_in_process("torch-install", "-d", "-n", "new", "scikit-learn")
    assert (
        "`conda torch-install -n new scikit-learn pytorch --dry-run` takes pytorch 2.13.0"
    ) in refused.words


# No driver was found.


@pytest.mark.parametrize(
    ("words", "torch"),
    [
        ((), "pytorch=2.5.1=py3.12_cuda11.8_cudnn9.1.0_0"),
        (("pytorch=2.3",), "pytorch=2.3.1=py3.12_cuda11.8_cudnn8.7.0_0"),
        (("torchvision",), "pytorch=2.4.1=py3.12_cuda11.8_cudnn9.1.0_0"),
        (("scikit-learn",), "pytorch=2.4.1=py3.12_cuda11.8_cudnn9.1.0_0"),
    ],
)
def test_without_a_driver_the_cuda_of_the_environment_stays(
    env_of_torch, preview_auto, no_driver, words, torch
):
    """As on the login node of a cluster, or where an image is built: it became one for the CPU."""
    env_of_torch(*FOR_118)
    found = preview_auto(*words)
    assert specs(found)[0] == torch
    assert (found["machine"]["cuda"], found["machine"]["cuda_from"]) == ("11.8", "prefix")
    [said] = [w["text"] for w in found["warnings"] if w["code"] == "machine.cuda_kept"]
    assert said == (
        "no NVIDIA driver was found here; pytorch 2.4.1 of this environment is for CUDA 11.8, so "
        "this is for a machine that runs it (`--cuda cpu` takes a CPU build)"
    )


def test_the_solver_is_told_of_that_cuda(env_of_torch, preview_auto, no_driver):
    env_of_torch(*OF_FORGE)
    found = preview_auto("torchvision")
    assert specs(found)[0] == "pytorch={}={}".format(*OF_FORGE[:2])
    assert found["environment"]["CONDA_OVERRIDE_CUDA"] == "12.9"


def test_a_later_minor_than_that_is_not_told_of_a_driver(env_of_torch, preview_auto, no_driver):
    env_of_torch("2.7.1", "cuda126_mkl_py312_h30b5a27_300", FORGE)
    found = preview_auto("pytorch")
    assert (found["machine"]["cuda"], found["selected"]["cuda"]) == ("12.6", "12.9")
    told = {w["code"]: w["text"] for w in found["warnings"]}
    assert "minor_version_compat" not in told
    assert told["machine.minor_version_kept"].startswith(
        "CUDA 12.9 is newer than the 12.6 of the environment's PyTorch; a driver for that runs it"
    )


def test_a_release_that_is_not_for_it_is_offered_for_a_machine_that_runs_more(
    env_of_torch, at_both, conda_in_process, no_driver
):
    """A newer driver was offered, where there is none."""
    env_of_torch(*FOR_118)
    refused = conda_in_process("torch-install", "-d", "-n", "new", "pytorch=2.6")
    assert "pytorch 2.4.1 of this environment is for CUDA 11.8" in refused.words
    assert "`--cuda 12.6` chooses for a driver that will run that CUDA" in refused.words
    assert "a driver of at least" not in refused.words
    taken = conda_in_process("torch-install", "-d", "-n", "new", "pytorch=2.6", "--cuda", "12.6")
    assert "PyTorch 2.6.0 for CUDA 12.6" in taken.ok().stdout


@pytest.mark.parametrize(
    "words",
    [("--cuda", "cpu"), ("cpuonly",), ("pytorch=2.4.1=py3.12_cpu_0",)],
    ids=lambda words: words[-1],
)
def test_the_cpu_is_taken_where_it_is_named(env_of_torch, preview_auto, no_driver, words):
    env_of_torch(*FOR_118)
    found = preview_auto(*words)
    assert found["selected"]["cuda"] is None
    assert "machine.cuda_kept" not in codes(found)


def test_an_environment_for_the_cpu_stays_one(env_of_torch, preview_auto, no_driver):
    env_of_torch(*FOR_CPU)
    found = preview_auto("torchvision")
    assert (specs(found)[0], found["machine"]["cuda_from"]) == (
        "pytorch=2.4.1=py3.12_cpu_0",
        "none",
    )


def test_a_variable_that_hides_the_driver_means_the_cpu(env_of_torch, preview_auto):
    env_of_torch(*FOR_118)
    assert preview_auto("torchvision", **cuda(""))["selected"]["cuda"] is None


# A torch that pip installed.


@pytest.fixture
def preview_beside(sandbox, conda_in_process):
    """`preview_beside(torch, *words)`: the builds for an environment with this torch of pip's, and
    the codes of what is told."""

    def run(torch: str, *words: str) -> tuple[list[str], set[str]]:
        prefix = sandbox.envs / "new"
        meta = prefix / "conda-meta"
        meta.mkdir(parents=True)
        (meta / "history").touch()
        record(prefix, "python", "3.12.4", "h0_0", channel=FORGE)
        info = prefix / "lib/python3.12/site-packages" / f"torch-{torch}.dist-info"
        info.mkdir(parents=True)
        text = f"Metadata-Version: 2.1\nName: torch\nVersion: {torch}\n"
        (info / "METADATA").write_text(text)
        (info / "INSTALLER").write_text("pip\n")
        (info / "RECORD").write_text("")
        asked = (*WHEELS, "-d", "--json", "--offline", "-n", "new", *words)
        found = conda_in_process(*asked).ok().json()["torchmirror"]
        builds = [f"{b['name']}=={b['version']}" for b in found["selected"]["builds"]]
        return builds, codes(found)

    return run


@pytest.mark.parametrize(
    ("torch", "expected"),
    [
        ("2.7.1+cu118", ["torch==2.7.1+cu118", "torchvision==0.22.1+cu118"]),
        ("2.7.1+cpu", ["torch==2.7.1+cu128", "torchvision==0.22.1+cu128"]),
        ("2.7.1", ["torch==2.7.1+cu128", "torchvision==0.22.1+cu128"]),
    ],
)
def test_wheels_stay_as_builds_do(preview_beside, monkeypatch, torch, expected):
    for name, value in cuda("12.9", "8.6").items():
        monkeypatch.setenv(name, value)
    assert preview_beside(torch, "torchvision")[0] == expected


@pytest.mark.parametrize(
    ("torch", "words", "expected", "code"),
    [
        ("2.7.1+cu128", ("torchvision",), "torch==2.7.1+cu128", "machine.cuda_kept"),
        ("2.7.1", ("torchvision",), "torch==2.7.1+cu126", "machine.cuda_kept"),
        ("2.5.1+cu121", ("torch==2.4.1",), "torch==2.4.1+cu121", "machine.cuda_kept"),
        ("2.7.1+cpu", ("torchvision",), "torch==2.7.1+cpu", "cpu_no_driver"),
        ("2.5.1+rocm6.2", ("torchvision",), "torch==2.5.1+rocm6.2", "machine.variant_kept"),
    ],
)
def test_so_they_do_without_a_driver(preview_beside, no_driver, torch, words, expected, code):
    builds, told = preview_beside(torch, *words)
    assert builds[0] == expected
    assert code in told


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (cuda("11.8", "8.6"), ["torch==2.7.1+cu118", "torchvision==0.22.1+cu118"]),
        (cuda("13.0", "6.1"), ["torch==2.7.1+cu126", "torchvision==0.22.1+cu126"]),
    ],
    ids=["driver", "gpu"],
)
def test_a_variant_that_does_not_run_here_gives_way(
    preview_beside, monkeypatch, variables, expected
):
    """It was refused, and the same command offered."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert preview_beside("2.7.1+cu128", "torchvision")[0] == expected


@pytest.mark.parametrize(("pinned", "told"), [("", True), ("numpy 1.19.*", False)])
def test_no_second_line_is_advised_for_what_is_pinned(
    env_of_torch, preview_auto, sandbox, pinned, told
):
    """Of two lines conda heeds the last: `conda update numpy` went from 1.19.5 to 1.26.4."""
    env_of_torch("2.2.2", "py3.12_cuda12.1_cudnn8.9.2_0", CHANNEL)
    (sandbox.envs / "new" / "conda-meta" / "pinned").write_text(f"{pinned}\n")
    found = preview_auto("scikit-learn", **cuda("12.4"))
    (keep,) = [w["text"] for w in found["warnings"] if w["code"].startswith("rule_keep")]
    assert [pin in keep for pin in ("mkl<2024.1", "numpy<2")] == [True, told]
