"""`conda torch-install --source conda-forge` end to end: real conda, real records, loopback."""

from __future__ import annotations

import re
import shlex

import pytest
from support import forge_channel
from support.lab import entry
from support.prefixes import history, installed

TORCH = "pytorch=2.8.0=cuda129_mkl_py313_h7947483_302"
VISION = "torchvision=0.24.0=cuda129_py313_h7de4b66_2"
FORGE = ("torch-install", "--source", "conda-forge")
#: As on a machine whose driver runs this CUDA.
CUDA = ("--cuda", "12.9")


@pytest.fixture(scope="module")
def small_forge(tmp_path_factory):
    return forge_channel.build(tmp_path_factory.mktemp("forge"))


@pytest.fixture
def forge(small_forge, make_mirror):
    """A server of conda-forge and pkgs/main."""
    return make_mirror(small_forge, {"conda-forge": "anaconda/cloud", "pkgs/main": "anaconda"})


@pytest.fixture
def at_forge(condarc, forge):
    """`at_forge(**settings)`: an rc file that leads these channels there."""

    def write(**settings):
        return condarc(
            **{
                "custom_channels": forge.custom_channels(),
                "channels": ["defaults"],
                "default_channels": [forge.channel_url("pkgs/main")],
                **settings,
            }
        )

    write()
    return write


def test_a_new_environment_gets_conda_forge_alone(at_forge, forge, run_conda, sandbox):
    """Its newest set that runs, with the CUDA of the set and no newer one, though there is no
    driver on this machine."""
    result = run_conda(*FORGE, "-y", "-n", "new", *CUDA).ok()
    found = installed(sandbox.envs / "new")
    assert f"pytorch={found['pytorch']}" == TORCH
    assert f"torchvision={found['torchvision']}" == VISION
    assert found["cuda-version"].startswith("12.9=")
    assert found["libblas"].endswith("_mkl")
    assert "torchaudio is left out" in result.stdout
    assert "PyTorch 2.8.0 from the channel conda-forge" in result.stdout
    # What was pinned did not enter the history, and no other channel was asked.
    specs = history(sandbox.envs / "new").rpartition("update specs: ")[2]
    assert "cuda-version" not in specs
    assert not forge.asked("*/pkgs/main/*")


def test_the_json_of_a_preview(at_forge, conda_in_process):
    found = conda_in_process(*FORGE, "-d", "--json", "-n", "new", *CUDA).ok().json()["torchmirror"]
    assert found["specs"] == ["python=3.13", TORCH, VISION][-len(found["specs"]) :]
    assert found["pins"] == ["cuda-version=12.9"]
    assert found["environment"] == {
        "CONDA_OVERRIDE_CUDA": "12.9",
        "CONDA_PINNED_PACKAGES": "cuda-version=12.9",
    }
    assert [channel["name"] for channel in found["channels"]] == ["conda-forge"]
    assert found["selected"]["source"] == "conda-forge"
    codes = [warning["code"] for warning in found["warnings"]]
    assert {"source_chosen", "partner_left_out_always", "channels_left_out"} <= set(codes)
    assert "flexible_priority" not in codes
    assert found["command"].count("-c ") == 1
    assert "--override-channels" in found["command"]


def test_its_index_is_looked_through_and_never_parsed(
    at_forge, conda_in_process, sandbox, monkeypatch
):
    """It has a million records: the places of the wanted ones are remembered beside it."""
    from conda_torchmirror.index import repodata

    monkeypatch.delattr(repodata, "read")
    words = (*FORGE, "-d", "-n", "new", *CUDA)
    conda_in_process(*words).ok()
    assert list((sandbox.pkgs / "cache").glob("*.torchmirror"))
    conda_in_process(*words, "--offline").ok()
    conda_in_process(*words, "--solve").ok()


def test_what_its_torch_brings_along_is_shown_with_its_size(at_forge, forge, conda_in_process):
    """The real one has 877 MB where pytorch has 25; nobody names it, and the solver takes it."""
    words = (*FORGE, "-n", "new", *CUDA)
    found = conda_in_process(*words, "-d", "--json").ok().json()["torchmirror"]
    [library] = found["selected"]["libraries"]
    assert (library["name"], library["build"]) == ("libtorch", "cuda129_mkl_hf53477d_302")
    assert library["size"] > 0
    assert library["url"].startswith(forge.url)
    assert not [spec for spec in found["specs"] if "libtorch" in spec]
    assert "libtorch     2.8.0    cuda129_mkl_hf53477d_302" in conda_in_process(*words, "-d").stdout
    urls = conda_in_process(*words, "--urls").ok()
    assert "libtorch-2.8.0-cuda129_mkl_hf53477d_302" in urls.stdout
    assert "3 files" in urls.stderr
    done = conda_in_process(*words, "-d", "--solve", "--json").ok().json()
    linked = {package["name"]: package["build_string"] for package in done["actions"]["LINK"]}
    assert linked["libtorch"] == library["build"]


def test_a_library_that_a_mirror_lacks_is_noticed_before_conda_is_asked(at_forge, forge, run_conda):
    forge.fail("*/libtorch-2.8.0-*", "not_found")
    result = run_conda(*FORGE, "-y", "-n", "new", *CUDA)
    assert result.rc == 1
    assert "libtorch-2.8.0-cuda129_mkl_hf53477d_302" in " ".join(result.stderr.split())
    assert "Solving environment" not in result.stdout


def test_strict_priority_stays_strict(at_forge, run_conda, sandbox):
    at_forge(channel_priority="strict")
    result = run_conda(*FORGE, "-y", "-n", "new", *CUDA).ok()
    assert "flexible" not in result.stdout
    assert f"pytorch={installed(sandbox.envs / 'new')['pytorch']}" == TORCH


@pytest.mark.parametrize(("arch", "cudnn"), [("6.1", "9.10.2.21"), ("8.9", "9.13.1.26")])
def test_a_gpu_below_7_5_gets_a_cudnn_that_runs_there(at_forge, run_conda, sandbox, arch, cudnn):
    env = {"CONDA_OVERRIDE_CUDA_ARCH": arch}
    result = run_conda(*FORGE, "-y", "-n", "new", *CUDA, env=env).ok()
    assert installed(sandbox.envs / "new")["cudnn"].startswith(f"{cudnn}=")
    assert ("cudnn<9.11" in result.stdout) == (arch == "6.1")
    # And how to keep it so, which an update would undo; `cuda-version` is for this run alone.
    lines = "conda-meta/pinned, a line each: cudnn<9.11, libcudnn<9.11"
    assert (lines in result.words) == (arch == "6.1")


def test_a_cudnn_that_is_there_and_does_not_run_gives_way(at_forge, run_conda, sandbox):
    """As where the environment was made on another machine, or by plain conda."""
    prefix = sandbox.envs / "new"
    newer, older = ({"CONDA_OVERRIDE_CUDA_ARCH": arch} for arch in ("8.9", "6.1"))
    run_conda(*FORGE, "-y", "-n", "new", *CUDA, env=newer).ok()
    assert installed(prefix)["cudnn"].startswith("9.13.")
    result = run_conda(*FORGE, "-y", "-n", "new", *CUDA, env=older).ok()
    assert installed(prefix)["cudnn"].startswith("9.10."), result


def test_on_a_machine_without_a_driver_it_is_a_cpu_build(at_forge, run_conda, sandbox):
    result = run_conda(*FORGE, "-y", "-n", "new", "pytorch").ok()
    assert "=cpu_mkl_py313_" in installed(sandbox.envs / "new")["pytorch"]
    assert "CPU build" in result.stdout


def test_a_history_with_cuda_version_gets_a_spec(at_forge, run_conda, sandbox):
    run_conda(
        "create", "-y", "-n", "old", "-c", "conda-forge", "python=3.13", "cuda-version=12.8"
    ).ok()
    run_conda(*FORGE, "-y", "-n", "old", *CUDA).ok()
    found = installed(sandbox.envs / "old")
    assert found["cuda-version"].startswith("12.9=")
    assert f"pytorch={found['pytorch']}" == TORCH


def test_an_environment_with_openblas_keeps_it(at_forge, conda_in_process, run_conda, sandbox):
    words = ("python=3.10", "libblas=*=*openblas", "nomkl")
    run_conda("create", "-y", "-n", "old", "-c", "conda-forge", *words).ok()
    result = conda_in_process(*FORGE, "-d", "--json", "-n", "old", *CUDA, "pytorch").ok()
    [torch] = result.json()["torchmirror"]["selected"]["builds"]
    assert torch["build"] == "cuda129_generic_py310_h340c4bc_201"


@pytest.mark.parametrize("priority", ["strict", "flexible"])
def test_an_environment_with_openblas_is_not_given_mkl(at_forge, run_conda, sandbox, priority):
    at_forge(channel_priority=priority)
    words = ("python=3.10", "libblas=*=*openblas", "nomkl")
    run_conda("create", "-y", "-n", "old", "-c", "conda-forge", *words).ok()
    run_conda(*FORGE, "-y", "-n", "old", *CUDA, "pytorch").ok()
    found = installed(sandbox.envs / "old")
    assert found["pytorch"] == "2.8.0=cuda129_generic_py310_h340c4bc_201"
    assert found["libblas"].endswith("_openblas")
    assert "mkl" not in found


def test_a_metapackage_is_a_demand_on_pytorch(at_forge, conda_in_process):
    result = conda_in_process(*FORGE, "-d", "--json", "-n", "x", *CUDA, "pytorch-gpu=2.5.1").ok()
    found = result.json()["torchmirror"]
    assert found["selected"]["builds"][0]["version"] == "2.5.1"
    assert found["selected"]["cuda"] == "12.6"
    assert not [spec for spec in found["specs"] if "gpu" in spec]
    result = conda_in_process(*FORGE, "-d", "--json", "-n", "x", "pytorch-cpu=2.8").ok()
    assert result.json()["torchmirror"]["selected"]["cuda"] is None


@pytest.mark.parametrize("word", ["pytorch-cuda=12.4", "pytorch-mutex=*=cuda"])
def test_names_of_the_channel_pytorch_are_a_contradiction(at_forge, conda_in_process, word):
    result = conda_in_process(*FORGE, "-d", "-n", "x", "pytorch", word)
    assert result.rc == 2 or result.rc == 1
    assert "contradict each other" in result.words
    assert "--source conda-forge" in result.stderr


@pytest.mark.parametrize("toolkit", ["cudatoolkit=11.8", "cudatoolkit", "conda-forge::cudatoolkit"])
@pytest.mark.parametrize(
    "words",
    [
        "pytorch --source conda-forge",
        "pytorch-gpu",
        "conda-forge::pytorch",
        "pytorch -c conda-forge",
    ],
)
def test_cudatoolkit_is_the_runtime_of_conda_forge_too(at_forge, conda_in_process, words, toolkit):
    """It was said to contradict all but the last, which was answered from the channel pytorch."""
    torch, *options = words.split()
    preview = ("torch-install", "-d", "--json", "-n", "x", *CUDA)
    found = conda_in_process(*preview, torch, toolkit, *options).ok().json()["torchmirror"]
    assert (found["selected"]["source"], found["selected"]["cuda"]) == ("conda-forge", "11.8")
    assert found["specs"].count(toolkit) == 1
    assert any(pin.startswith("cuda-version") for pin in found["pins"])


@pytest.mark.parametrize("toolkit", ["cudatoolkit", "cudatoolkit=11.9"])
def test_a_file_with_cudatoolkit_alone_is_answered_from_its_channel(
    at_forge, conda_in_process, tmp_path, toolkit
):
    """Builds for 11.8 take any later 11; the pin of a minor kept them out."""
    file = tmp_path / "environment.yml"
    file.write_text(f"channels: [conda-forge]\ndependencies: [pytorch, {toolkit}]\n")
    preview = ("torch-install", "-d", "--json", "-n", "x", *CUDA, "-f", file)
    found = conda_in_process(*preview).ok().json()["torchmirror"]
    assert (found["selected"]["source"], found["selected"]["cuda"]) == ("conda-forge", "11.8")
    assert found["specs"].count(toolkit) == 1


def test_the_setting_says_which_source(at_forge, conda_in_process):
    at_forge(plugins={"torchmirror_source": "conda-forge"})
    found = conda_in_process("torch-install", "-d", "--json", "-n", "x", *CUDA).ok().json()
    assert found["torchmirror"]["selected"]["source"] == "conda-forge"


def test_a_setting_that_names_no_source_is_told(at_forge, conda_in_process):
    at_forge(plugins={"torchmirror_source": "conda"})
    result = conda_in_process("torch-install", "-d", "-n", "x")
    assert result.rc == 1
    assert "torchmirror_source" in result.stderr
    assert "auto, pytorch, conda-forge" in " ".join(result.stderr.split())


def test_the_list_of_conda_forge(at_forge, conda_in_process):
    found = conda_in_process(*FORGE, "--list", "--json", *CUDA, "pytorch").ok().json()
    ours = found["torchmirror"]
    assert ours["source"] == "conda-forge"
    fitting = {(row["version"], row["cuda"]) for row in ours["list"] if row["fits"]}
    assert fitting == {("2.8.0", "12.9"), ("2.5.1", "12.6"), ("2.5.1", "11.8")}


def test_where_nothing_fits_another_source_is_offered_that_has_it(at_forge, conda_in_process):
    result = conda_in_process(*FORGE, "-d", "-n", "x", "--cuda", "11.0", "pytorch=2.0")
    assert result.rc == 1
    assert "no build of the channel `conda-forge` fits" in " ".join(result.stderr.split())
    assert "--source pytorch" in " ".join(result.stderr.split())


def test_an_environment_file_of_conda_forge(at_forge, run_conda, sandbox, tmp_path):
    """Its metapackage means its pytorch, and everything else goes to the solver as written."""
    file = tmp_path / "environment.yml"
    file.write_text(
        "name: fromfile\nchannels: [conda-forge]\n"
        "dependencies: [python=3.13, pytorch-gpu=2.8, torchvision, numpy]\n"
    )
    run_conda(*FORGE, "-y", "-f", file, *CUDA).ok()
    found = installed(sandbox.envs / "fromfile")
    assert f"pytorch={found['pytorch']}" == TORCH
    assert f"torchvision={found['torchvision']}" == VISION
    assert "numpy" in found


def test_a_setting_is_no_word_that_commands_repeat(at_forge, conda_in_process):
    at_forge(plugins={"torchmirror_source": "conda-forge"})
    result = conda_in_process("torch-install", "-d", "-n", "x", *CUDA, "pytorch=1.13")
    assert result.rc == 1
    assert "--source conda-forge" not in " ".join(result.stderr.split())
    result = conda_in_process("torch-install", "-d", "-n", "x", "pytorch-cuda=12.4")
    assert "torchmirror_source: conda-forge" in " ".join(result.stderr.split())


# Without --source: what ties a request to conda-forge


def test_its_metapackage_means_conda_forge(at_forge, forge, conda_in_process):
    """The channel pytorch is not even read."""
    words = ("torch-install", "-d", "--json", "-n", "x", *CUDA, "pytorch-gpu=2.5.1")
    found = conda_in_process(*words).ok().json()["torchmirror"]
    assert found["selected"]["source"] == "conda-forge"
    assert found["selected"]["builds"][0]["version"] == "2.5.1"


def test_names_of_both_sides_contradict(at_forge, conda_in_process):
    result = conda_in_process("torch-install", "-d", "pytorch-gpu", "pytorch-cuda=12.4")
    assert result.rc == 2
    assert "`pytorch-gpu` and `pytorch-cuda=12.4` contradict each other" in " ".join(
        result.stderr.split()
    )


def test_an_environment_keeps_the_channel_of_its_torch(at_forge, run_conda, sandbox):
    run_conda(*FORGE, "-y", "-n", "mine", *CUDA, "pytorch").ok()
    result = run_conda("torch-install", "-y", "-n", "mine", *CUDA, "torchvision").ok()
    found = installed(sandbox.envs / "mine")
    assert f"pytorch={found['pytorch']}" == TORCH
    assert f"torchvision={found['torchvision']}" == VISION
    assert "which this environment already uses" in " ".join(result.stdout.split())


# Without the network, and for other computers


def test_a_sample_of_the_channel_is_no_verdict(at_forge, conda_in_process):
    words = ("-d", "--offline", "--platform", "win-64", *CUDA, "torchvision")
    result = conda_in_process(*FORGE, *words)
    assert result.rc == 1
    said = " ".join(result.stderr.split())
    assert "has only some of the builds of `conda-forge`" in said
    assert "torchvision --cuda 12.9 --platform win-64 --source pytorch" in said


def test_what_the_sample_lacks_is_not_said_of_the_channel(conda_in_process):
    found = conda_in_process(*FORGE, "-d", "--offline", "--json", *CUDA).ok().json()["torchmirror"]
    told = {warning["code"]: warning["text"] for warning in found["warnings"]}
    # conda-forge has torchaudio 2.8.0; that no record of it has been seen is another matter.
    torch = found["selected"]["builds"][0]["version"]
    assert told["partner_unrecorded"] == (
        f"torchaudio is left out: the built-in index has none for PyTorch {torch}; an installation "
        "reads the channel"
    )
    assert not [code for code in told if code.startswith("partner_left_out")]


def test_the_urls_of_a_solve_are_those_of_conda_forge(at_forge, forge, conda_in_process):
    found = conda_in_process(*FORGE, "--urls", "--solve", "-n", "x", *CUDA).ok().stdout.split()
    assert any("pytorch-2.8.0-cuda129_mkl_py313_h7947483_302" in url for url in found)
    assert {url.startswith(f"{forge.url}/anaconda/cloud/conda-forge/") for url in found} == {True}


def test_a_plan_is_saved_and_carried_out(at_forge, run_conda, sandbox, tmp_path):
    run_conda(*FORGE, "--save-plan", tmp_path / "plan", "-n", "x", *CUDA).ok()
    run_conda("torch-install", "-y", "-n", "fromplan", "--plan", tmp_path / "plan").ok()
    assert f"pytorch={installed(sandbox.envs / 'fromplan')['pytorch']}" == TORCH


@pytest.mark.parametrize(
    "words",
    [
        ("--python", "3.13"),
        ("pytorch=2.8", "torchvision"),
        ("--python", "3.13", "pytorch", "-n", "x"),
    ],
    ids=["python", "release", "named"],
)
def test_the_command_for_conda_forge_that_is_offered_works(words, at_forge, conda_in_process):
    asked = ("torch-install", "--source", "pytorch", *CUDA, *words)
    refused = conda_in_process(*asked, "--dry-run", "--offline", "--json").json()
    hints = {hint["hint_code"]: hint["text"] for hint in refused["guidance"]["hints"]}
    command = shlex.split(re.search("`(.*)`", hints["use_conda_forge"])[1])
    # Into an environment that is to be made: nothing that is active or there is touched.
    assert command[:4] == ["conda", "torch-install", "-n", "x" if "-n" in words else "NEW"]
    online = [word for word in command[1:] if word != "--offline"]
    found = conda_in_process(*online, "--json").ok().json()["torchmirror"]
    assert found["selected"]["source"] == "conda-forge"
    assert f"pytorch={found['selected']['builds'][0]['version']}" == TORCH.rpartition("=")[0]


@pytest.mark.parametrize("spec", ["pytorch-gpu", "conda-forge::pytorch"])
def test_a_file_that_wants_conda_forge_is_offered_it(spec, at_forge, conda_in_process, tmp_path):
    file = tmp_path / "e.yml"
    file.write_text(f"name: x\nchannels: [conda-forge]\ndependencies: [python=3.13, '{spec}']\n")
    asked = ("torch-install", "--dry-run", *CUDA, "-f", file, "--json")
    refused = conda_in_process(*asked, "--source", "pytorch").json()
    hints = {hint["hint_code"]: hint["text"] for hint in refused["guidance"]["hints"]}
    option = re.search("`(.*)`", hints["choose_from"])[1]
    assert option == "--source conda-forge"
    found = conda_in_process(*asked, *option.split()).ok().json()["torchmirror"]
    assert found["selected"]["source"] == "conda-forge"


def test_channels_that_are_not_asked_are_no_reason_to_stop(condarc, forge, conda_in_process):
    # The redirect knows `defaults` at the mirror, and the run does without it.
    condarc(channels=["defaults"], plugins={"torchmirror_registry": entry(forge)})
    forge.fail("*/pkgs/main/*", "server_error")
    found = conda_in_process(*FORGE, "--dry-run", "--solve", "-n", "new", *CUDA).ok()
    assert "PyTorch comes from conda-forge" in found.words
    assert "also read" not in found.words
    assert not forge.asked("*/pkgs/main/*")
