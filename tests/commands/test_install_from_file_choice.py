"""What an environment file asks of the choice: specs, builds, CUDA, Python."""

from __future__ import annotations

import os

import pytest
from support.file_requests import FILE, PYTORCH, TORCHVISION, codes

from conda_torchmirror.exceptions.file import FileOtherChannel

pytest_plugins = ("support.file_fixtures",)


# What goes to the solver


def test_a_preview_offline(mirrored, file, conda_in_process):
    words = ("torch-install", "-d", "--offline", "--json", "-f", file())
    found = conda_in_process(*words).ok().json()["torchmirror"]
    assert found["selected"]["index"] == "built-in"
    assert found["specs"] == [PYTORCH, TORCHVISION, "pytorch-cuda=12.4", "python=3.12", "tqdm"]
    assert found["solved"] is False


def test_a_solved_preview(file, mirrored, conda_in_process, sandbox):
    found = conda_in_process("torch-install", "-d", "--solve", "--json", "-f", file()).ok().json()
    linked = {item["name"]: item["version"] for item in found["actions"]["LINK"]}
    assert (linked["pytorch"], linked["tqdm"]) == ("2.5.1", "4.67.0")
    assert not (sandbox.envs / "lab").exists()


def test_specs_are_handed_over_as_they_are_written(file, preview_file):
    path = file(
        """\
        channels: [pytorch, nvidia, conda-forge]
        dependencies:
          - "python >=3.10,<3.12"
          - pytorch::pytorch==2.5.*
          - 'numpy=1.26=*_0'
          - conda-forge::scikit-learn[version='>=1']
          - https://repo.lab.example/cloud/own::thing
          - cudatoolkit=11.8
        """
    )
    found = preview_file(path, "--offline")
    assert found["selected"]["python"] == "3.11"
    assert found["specs"] == [
        "pytorch=2.5.1=py3.11_cuda11.8_cudnn9.1.0_0",
        "pytorch-cuda=11.8",
        "python >=3.10,<3.12",
        "numpy=1.26=*_0",
        "conda-forge::scikit-learn[version='>=1']",
        "https://repo.lab.example/cloud/own::thing",
        "cudatoolkit=11.8",
    ]


def test_an_exported_file_keeps_its_builds(file, preview_file):
    path = file(
        """\
        name: old
        channels: [pytorch, conda-forge]
        dependencies:
          - _libgcc_mutex=0.1=main
          - cudatoolkit=11.3.1=h2bc3f7f_2
          - python=3.9.7=h12debd9_1
          - pytorch=1.11.0=py3.9_cuda11.3_cudnn8.2.0_0
          - torchvision=0.12.0=py39_cu113
        prefix: /home/somebody/anaconda3/envs/old
        """
    )
    found = preview_file(path)
    assert found["specs"] == [
        "pytorch=1.11.0=py3.9_cuda11.3_cudnn8.2.0_0",
        "torchvision=0.12.0=py39_cu113",
        "_libgcc_mutex=0.1=main",
        "cudatoolkit=11.3.1=h2bc3f7f_2",
        "python=3.9.7=h12debd9_1",
    ]
    assert found["machine"]["python_from"] == "file"


@pytest.mark.parametrize(
    ("spec", "ours"),
    [
        ("cudatoolkit=10.2", False),
        ("cudatoolkit==10.2.89", False),
        ("cudatoolkit 10.2.*", False),
        ("cudatoolkit=10.2.89=hfd86e86_1", False),
        ("cudatoolkit", True),
        ("cudatoolkit>=10", True),
        ("cudatoolkit=10", True),
    ],
)
def test_a_runtime_that_the_file_names_is_not_named_twice(file, preview_file, spec, ours):
    path = file(
        f"""\
        channels: [pytorch, nvidia, conda-forge]
        dependencies: [python=3.8, pytorch=1.8.1, "{spec}"]
        """
    )
    found = preview_file(path, "--cuda", "10.2", "--offline")
    runtime = [word for word in found["specs"] if word.startswith("cudatoolkit")]
    assert runtime == [*(["cudatoolkit=10.2"] if ours else []), spec]


def test_a_build_of_the_runtime_stays(file, preview_file):
    found = preview_file(file(FILE.replace("pytorch-cuda=12.4", "pytorch-cuda=12.4=hc786d27_6")))
    assert "pytorch-cuda=12.4=hc786d27_6" in found["specs"]


def test_specs_of_the_command_line_are_taken_too(file, preview_file):
    found = preview_file(file(), "torchaudio", "scipy", "--offline")
    assert "torchaudio=2.5.1=py312_cu124" in found["specs"]
    assert "scipy" in found["specs"]


def test_the_word_for_everything_is_a_spec(file, preview_file):
    found = preview_file(file(FILE.replace("pytorch=2.5.1", "pytorch")))
    assert found["selected"]["builds"][0]["version"] == "2.5.1"


# CUDA


def test_without_a_driver_the_cuda_of_the_file_counts(file, preview_file):
    found = preview_file(file())
    assert (found["machine"]["cuda"], found["machine"]["cuda_from"]) == ("12.4", "file")
    assert "file_cuda" in codes(found)


def test_the_solver_hears_of_that_cuda(mirrored, file, conda_in_process, monkeypatch):
    heard = []
    from conda_torchmirror.handover import conda

    real = conda._subshell
    monkeypatch.setattr(
        conda,
        "_subshell",
        lambda command: (heard.append(os.environ.get("CONDA_OVERRIDE_CUDA")), real(command))[1],
    )
    conda_in_process("torch-install", "-d", "--solve", "-f", file()).ok()
    assert heard == ["12.4"]


def test_a_driver_that_is_there_counts_first(file, mirrored, conda_in_process, monkeypatch):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "11.8")
    result = conda_in_process("torch-install", "-d", "--offline", "-f", file())
    assert result.rc == 1
    assert "NoFittingBuild" in result.stderr
    assert "the override of `__cuda` says CUDA 11.8" in result.words
    assert "conda env create -f" in result.stderr


def test_cpu_by_request_leaves_the_runtime_out(file, preview_file):
    path = file(FILE + "  - cudatoolkit=11.8\n")
    found = preview_file(path, "--cuda", "cpu", "--offline")
    assert found["selected"]["cuda"] is None
    assert not [spec for spec in found["specs"] if "cuda" in spec]
    assert codes(found).count("file_left_out") == 2


def test_cpu_by_the_file(file, preview_file, monkeypatch):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    found = preview_file(file(FILE.replace("pytorch-cuda=12.4", "cpuonly")), "--offline")
    assert found["selected"]["cuda"] is None
    assert "cpuonly" not in found["specs"]


@pytest.mark.parametrize(
    ("torch", "runtime", "chosen", "cuda"),
    [
        ("pytorch=2.5.1", "pytorch-cuda>=12", "2.5.1", "12.4"),
        ("pytorch=2.3.1", "pytorch-cuda", "2.3.1", "12.1"),
        ("pytorch", "pytorch-cuda<12", "2.5.1", "11.8"),
        ("pytorch", "cudatoolkit", "1.12.1", "11.6"),
        ("pytorch", "cuda-version>=12", "2.5.1", "12.4"),
    ],
)
def test_a_runtime_without_a_version_is_wanted_all_the_same(
    file, preview_file, torch, runtime, chosen, cuda
):
    """A file that names what brings CUDA is answered with CUDA where there is no driver too, as
    one that names its version."""
    text = f"channels: [pytorch, nvidia, conda-forge]\ndependencies: [{torch}, '{runtime}']\n"
    found = preview_file(file(text), "--offline")
    assert found["selected"]["cuda"] == cuda
    assert found["specs"][0].startswith(f"pytorch={chosen}=")
    assert "file_any_cuda" in codes(found)
    assert ("toolkit_holds_back" in codes(found)) is (runtime == "cudatoolkit")
    on_cpu = preview_file(file(text), "--offline", "--cuda", "cpu")
    assert on_cpu["selected"]["cuda"] is None


def test_nothing_of_cuda_on_a_mac(mirrored, file, conda_in_process):
    path = file("channels: [pytorch]\ndependencies: [pytorch, pytorch-cuda]\n")
    result = conda_in_process(
        "torch-install", "-d", "--offline", "-f", path, "--platform", "osx-arm64"
    )
    assert result.rc == 1
    assert "`--cuda cpu` takes a CPU build" in result.words


@pytest.mark.parametrize("line", ["cpuonly", "pytorch-mutex=1.0=cpu", "pytorch-mutex=*=*cpu"])
def test_cuda_of_the_command_line_takes_the_place_of_a_files_cpu(file, preview_file, line):
    path = file(f"channels: [pytorch]\ndependencies: [python=3.10, pytorch=2.3, '{line}']\n")
    found = preview_file(path, "--cuda", "12.4", "--offline", "--platform", "linux-64")
    assert found["selected"]["cuda"] == "12.1"
    [told] = [w["text"] for w in found["warnings"] if w["code"] == "file_left_out"]
    assert f"`{line}` is left out, as `--cuda 12.4` takes its place" in told


# Python


def test_python_of_the_command_line_takes_the_place_of_the_files(file, preview_file):
    found = preview_file(file(), "--python", "3.11", "--offline")
    assert found["specs"][0] == "python=3.11"
    assert found["specs"].count("python=3.12") == 0
    assert found["selected"]["python"] == "3.11"
    assert "file_left_out" in codes(found)


def test_a_python_without_a_build_is_named_with_its_file(mirrored, file, conda_in_process):
    path = file(FILE.replace("python=3.12", "python>=3.13"))
    result = conda_in_process("torch-install", "-d", "--offline", "-f", path)
    assert result.rc == 1
    assert "python>=3.13 (environment.yml)" in result.words


# Known-bad pairs


def test_a_file_that_contradicts_a_rule_is_taken_as_written(file, preview_file):
    path = file(
        FILE.replace("2.5.1", "2.1.0").replace("12.4", "12.1").replace("3.12", "3.11")
        + "  - mkl=2025\n"
    )
    found = preview_file(path)
    assert found["pins"] == ["numpy<2"]
    (told,) = [w for w in found["warnings"] if w["code"] == "file_against_rule"]
    assert "`mkl=2025`, though PyTorch needs mkl<2024.1" in told["text"]
    assert "mkl=2025" in found["specs"]


def test_pips_torch_beside_condas_is_said(file, preview_file):
    found = preview_file(file(FILE + "  - pip: [torch==2.7.1+cu128, wandb]\n"), "--offline")
    (told,) = [w["text"] for w in found["warnings"] if w["code"] == "file_pip_over"]
    assert "torch==2.7.1+cu128" in told
    assert "wandb" not in told


def test_that_of_a_list_which_the_file_names_is_said_too(file, preview_file, conda_in_process):
    path = file(FILE + "  - pip: [-r requirements.txt]\n")
    path.with_name("requirements.txt").write_text("wandb\ntorch>=2.6\n")
    found = preview_file(path, "--offline")
    (told,) = [w["text"] for w in found["warnings"] if w["code"] == "file_pip_over"]
    assert "torch>=2.6 (requirements.txt)" in told
    # With none among conda's packages, it was advised to name one, which installed it twice.
    path.write_text("dependencies: [python=3.12, pip, {pip: [-r requirements.txt]}]\n")
    refused = conda_in_process("torch-install", "-d", "--offline", "-f", path, "--json").json()
    assert "its pip section installs torch>=2.6 (requirements.txt)" in refused["guidance"]["cause"]
    codes = {hint["hint_code"] for hint in refused["guidance"]["hints"]}
    assert codes == {"file_torch_to_conda", "file_as_it_is"}


# What names a CUDA, a CPU or another channel


@pytest.mark.parametrize(
    ("label", "specs", "cuda"),
    [
        ("", "[python=3.10, pytorch=2.3.1, cuda-version=11.8]", "11.8"),
        ("", "[python=3.10, pytorch=2.1.0, cuda-version==11.8, cuda-toolkit=11.8]", "11.8"),
        (", nvidia/label/cuda-11.8.0", "[python=3.10, pytorch=2.1.0]", "11.8"),
        ("", "[python=3.10, pytorch=2.1.2, 'nvidia/label/cuda-11.8.0::cuda-toolkit']", "11.8"),
        ("", "[python=3.10, pytorch=1.13.1, pytorch-mutex=1.0=cpu]", None),
        ("", "[python=3.10, torch=2.1.0]", "12.1"),
        ("", "[python=3.10, torch==2.1.0, torchvision==0.16.0]", "12.1"),
    ],
)
def test_what_names_a_cuda_in_a_file_is_the_one_chosen(file, preview_file, label, specs, cuda):
    path = file(f"channels: [pytorch, nvidia, conda-forge{label}]\ndependencies: {specs}\n")
    words = [] if cuda is None else ["--cuda", "12.4"]
    found = preview_file(path, "--offline", "--platform", "linux-64", *words)
    assert found["selected"]["cuda"] == cuda


#: The official command, which makes an environment of its own.
LTS = "`conda create -n NEW python={} pytorch torchvision torchaudio {} -c pytorch-lts"


@pytest.mark.parametrize(
    ("channel", "specs", "command"),
    [
        (
            "pytorch-lts",
            "[python=3.7, pytorch, torchvision]",
            LTS.format("3.7", "cudatoolkit=11.1"),
        ),
        ("pytorch-lts", "[pytorch=1.8.2, cudatoolkit=10.2]", LTS.format("3.8", "cudatoolkit=10.2")),
        ("pytorch-lts", "[pytorch=1.8.2, cpuonly]", LTS.format("3.8", "cpuonly")),
        ("pytorch-nightly", "[python=3.10, pytorch]", "conda env create -n NEW"),
    ],
)
def test_long_term_and_nightly_builds_are_not_answered_with_stable_ones(
    mirrored, file, conda_in_process, channel, specs, command
):
    path = file(f"channels: [{channel}, nvidia, conda-forge]\ndependencies: {specs}\n")
    words = ("--cuda", "12.4") if "cpuonly" not in specs else ()
    result = conda_in_process(
        "torch-install", "-d", "--offline", "--platform", "linux-64", "-f", path, *words
    )
    assert result.rc == 1
    assert f"from the channel `{channel}`" in " ".join(result.stderr.split())
    assert command in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("named", "words", "refused"),
    [
        ("pytorch-nightly, nvidia, conda-forge", ["--source", "auto"], True),
        ("pytorch-lts, conda-forge", ["--source", "auto"], True),
        ("conda-forge, pytorch-nightly", ["--source", "auto"], False),
        ("pytorch-nightly, pytorch, conda-forge", ["--source", "auto"], False),
        ("pytorch-nightly, conda-forge", ["--source", "auto", "-c", "conda-forge"], False),
        ("pytorch-nightly, conda-forge", ["--source", "conda-forge"], False),
        ("pytorch-nightly, conda-forge", ["--source", "pytorch"], True),
    ],
)
def test_a_channel_of_everything_behind_nightly_builds_says_nothing_of_pytorch(
    mirrored, file, conda_in_process, named, words, refused
):
    path = file(f"channels: [{named}]\ndependencies: [python=3.10, pytorch, torchvision]\n")
    where = ("--offline", "--platform", "linux-64", "--cuda", "12.4")
    result = conda_in_process("torch-install", "-d", *where, "-f", path, *words)
    assert isinstance(result.error, FileOtherChannel) is refused
    chosen_from = "`pytorch`, `conda-forge`" if "auto" in words else "`pytorch`"
    assert (f"chooses exact builds of {chosen_from} Next" in result.words) is refused
    assert bool(result.rc) is refused


@pytest.mark.parametrize(
    ("torch", "lines", "instead"),
    [
        ("torch==2.3.1+cu121", ("nvidia::torchvision",), ("torchvision",)),
        ("pytorch=2.3", ("nvidia::torchvision",), ("torchvision",)),
        (
            "pytorch=2.3",
            ("nvidia::torchvision=0.18", "nvidia::torchaudio"),
            ("torchvision=0.18", "torchaudio"),
        ),
        ("pytorch=2.3", ("nvidia::torchvision=0.16",), None),
        ("pytorch=2.3", ("nvidia::torchvision", "other::torchaudio"), None),
    ],
    ids=["wheel's variant", "release", "two lines", "no choice", "two channels"],
)
def test_another_channel_of_a_line_is_to_be_left_out_where_that_gives_a_choice(
    mirrored, file, conda_in_process, torch, lines, instead
):
    """Beside a wheel's variant, with which conda cannot use the file, there was no step at all."""
    given = "channels: [pytorch, nvidia]\ndependencies: [python=3.10, %s]\n"
    words = ("torch-install", "-d", "--offline", "--platform", "linux-64", "--cuda", "12.4")
    path = file(given % ", ".join((torch, *lines)))
    refused = conda_in_process(*words, "-f", path, "--json").json()
    told = [h["text"] for h in refused["guidance"]["hints"]]
    told = [words for words in told if "a build that fits is chosen" in words]
    assert len(told) == (instead is not None)
    if instead:
        new, old = (", ".join(f"`{line}`" for line in some) for some in (instead, lines))
        assert f"write {new} instead of {old}" in told[0]
        path = file(given % ", ".join((torch, *instead)))
        conda_in_process(*words, "-f", path).ok()


def test_torch_by_pip_is_never_advised_to_be_installed_twice(mirrored, file, conda_in_process):
    path = file("dependencies: [python=3.10, pip, {pip: [torch==2.1.0, einops]}]\n")
    result = conda_in_process("torch-install", "-d", "--offline", "--json", "-f", path)
    codes = [hint["hint_code"] for hint in result.json()["guidance"]["hints"]]
    assert codes == ["file_torch_to_conda", "complete_file", "file_as_it_is"]
