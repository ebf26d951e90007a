"""`conda torch-install --source wheels` where nothing can be had: what is said, and what helps."""

from __future__ import annotations

import shutil
from functools import partial

import pytest
from support import wheel_files
from support.offered import commands
from support.wheel_commands import chosen
from support.wheel_fixtures import LINUX, imported
from support.wheel_lab import PYTHON
from support.wheel_site import put

from conda_torchmirror.exceptions.channel import NoWheels
from conda_torchmirror.exceptions.choice import NoFittingWheel
from conda_torchmirror.exceptions.environment import PipFailed
from conda_torchmirror.exceptions.usage import BadWheelWord
from conda_torchmirror.text.messages import text

pytest_plugins = ["support.wheel_fixtures"]

WHEELS = ("torch-install", "--source", "wheels")
CUDA = ("--cuda", "12.6")


@pytest.fixture
def preview(wheel_lab, conda_in_process, tmp_path):
    """`preview(*words)`: for a new environment, as JSON."""
    new = ("-p", tmp_path / "new", "--python", PYTHON, "--dry-run", "--json")
    return lambda *words: conda_in_process(*WHEELS, *words, *new)


def told(done, error):
    """The cause, and the next steps by code."""
    assert isinstance(done.error, error), str(done)
    found = done.json()["guidance"]
    return found["cause"], {hint["hint_code"]: hint["text"] for hint in found.get("hints", ())}


# Directories


def test_a_directory_that_no_mirror_has(preview):
    cause, ways = told(preview("torch==2.7.1+cu999"), NoFittingWheel)
    assert cause == "no wheel for cu999 is there for linux-64; there are some for cpu, cu118, cu126"
    assert "`torch==2.7.1+cpu`" in ways["open_variant"]
    preview("torch==2.7.1+cpu").ok()


def test_a_directory_of_cuda_without_a_driver(preview):
    cause, ways = told(preview("torch==2.7.1+cu126"), NoFittingWheel)
    assert "there is none" in cause
    assert "`--cuda 12.6`" in ways["name_cuda"]
    preview("torch==2.7.1+cu126", "--cuda", "12.6").ok()


def test_a_version_of_rocm_that_is_not_there(wheel_lab, preview, tmp_path):
    made = wheel_files.make(tmp_path, "torch", "2.14.0+rocm7.2", LINUX, variant="rocm7.2")
    put(wheel_lab.first, [made])
    cause, ways = told(preview("torch", "--cuda", "rocm6.4"), NoFittingWheel)
    assert cause == "no wheel for rocm6.4 is there for linux-64; there are some for rocm7.2"
    assert "--cuda rocm7.2" in ways["other_variant"]
    preview("torch", "--cuda", "rocm7.2").ok()


def test_lower_directories_are_read_where_the_mirror_has_none_of_the_driver(preview):
    found = preview("torch", "--cuda", "13.0").ok().json()["torchmirror"]["selected"]
    assert found["variant"] == "cu126"


@pytest.mark.parametrize(
    ("words", "variant", "others"),
    [
        (("--cuda", "12.0"), "cu118", True),
        (("--cuda", "12.6"), "cu126", False),
        (("--cuda", "12.9", "--cuda-compat", "strict"), "cu126", False),
        (("--cuda", "12.0", "--offline"), "cu118", False),
    ],
    ids=["minor", "strict", "strict alone", "by the built-in list"],
)
def test_they_are_read_where_the_driver_runs_what_is_found_by_minor_version_only(
    wheel_lab, preview, words, variant, others
):
    found = preview("torch==2.7.1", *words).ok().json()["torchmirror"]
    assert found["selected"]["variant"] == variant
    assert "minor_version_compat" not in {one["code"] for one in found["warnings"]}
    pages = " ".join(wheel_lab.first.pages())
    assert ("/cu118/" in pages) is others


def test_a_cuda_build_of_a_lower_directory_comes_before_the_cpu(wheel_lab, preview):
    shutil.rmtree(wheel_lab.first.folder / "whl" / "cu126")
    words = ("torch", "--cuda", "12.6", "--allow-cpu", "--no-fallback")
    found = preview(*words).ok().json()["torchmirror"]["selected"]
    assert found["variant"] == "cu118"


def test_a_cuda_older_than_any_directory(preview):
    cause, ways = told(preview("torch", "--cuda", "9.0"), NoFittingWheel)
    assert "`--cuda 9.0`" in cause
    assert "other_cuda" in ways


def test_a_release_that_a_platform_has_for_the_cpu_alone(preview):
    """It was said not to be there."""
    on = ("torch==2.5.1", "--platform", "linux-aarch64", "--offline")
    cause, ways = told(preview(*on, "--cuda", "12.4"), NoFittingWheel)
    assert "CPU builds use no CUDA" in cause
    assert "use_cpu" in ways
    assert chosen(preview(*on, "--cuda", "cpu").ok())["torch"][1] == "cpu"


def test_a_platform_that_the_mirror_has_nothing_for(preview):
    """That it lacks the first of several directories is not why."""
    done = preview(*CUDA, "--platform", "win-64", "--no-fallback")
    cause, ways = told(done, NoWheels)
    assert cause == "first has wheels, but none of torch for this platform and Python"
    assert set(ways) == {"allow_fallback"}


def test_what_every_mirror_lacks_is_offered_from_another(wheel_lab, preview):
    """There was no next step."""
    shutil.rmtree(wheel_lab.first.folder / "whl")
    cause, ways = told(preview(*CUDA), NoWheels)
    assert cause.count("none of the directories cu129, cu128, cu126, ..., cpu at http://") == 3
    assert set(ways) == {"test_mirrors"}


def test_an_address_above_the_right_one(wheel_lab, preview):
    alone = ("--mirror", wheel_lab.first.url, "--no-fallback")
    cause, ways = told(preview(*CUDA, *alone), NoWheels)
    assert wheel_lab.first.url in cause
    assert set(ways) == {"allow_fallback", "wheel_mirror_url"}


# Pages


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "something for cu129/torch/ that is no page of links"),
        (b"\0\1\xff" * 1000, "something for cu129/torch/ that is no page of links"),
        (b'{"files": []}', "something for cu129/torch/ that is no page of links"),
        (b"<html>hello</html>", "a web page instead of cu129/torch/"),
    ],
    ids=["empty", "binary", "json", "html"],
)
def test_a_page_without_links(wheel_lab, preview, body, said):
    wheel_lab.first.fail("*", lambda exchange: exchange.send(200, body))
    cause, _ = told(preview(*CUDA, "--no-fallback"), NoWheels)
    assert cause == f"first sends {said}"


def test_a_mirror_without_a_network(wheel_lab, preview):
    for site in (wheel_lab.first, wheel_lab.second):
        site.refuse()
    cause, ways = told(preview(*CUDA, "--no-fallback"), NoWheels)
    assert "refuses connections" in cause
    assert {"allow_fallback", "check_network", "preview_offline"} == set(ways)
    preview(*CUDA, "--offline").ok()


# Words


def test_a_package_of_condas_is_refused_with_the_option_that_says_it(preview):
    cause, _ = told(preview("pytorch-cuda=12.6"), BadWheelWord)
    assert "say `--cuda 12.6` instead" in cause
    preview("--cuda", "12.6").ok()


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        (("numpy==1.21", "numpy==1.26"), False),
        (("numpy<2", "numpy>=2"), False),
        (("numpy>=1.21", "numpy<3"), True),
        (("numpy >= 2", "numpy == 2.2.*"), True),
    ],
)
def test_two_words_for_pip_that_exclude_each_other(preview, words, fits):
    """Pip was started, and what it said was told as a conflict with the set."""
    done = preview("torch", *words)
    if fits:
        done.ok()
        return
    assert "`{}` and `{}` contradict each other".format(*words) in done.json()["message"]
    preview("torch", words[0]).ok()


# Pip


@pytest.fixture
def install(lab_env, conda_in_process):
    return partial(conda_in_process, *WHEELS, *CUDA, "-p", lab_env, "-y", "--json")


def test_a_word_that_no_index_knows(wheel_lab, lab_env, install, monkeypatch):
    monkeypatch.setenv("PIP_RETRIES", "0")  # of five, with 15 s of pauses
    cause, ways = told(install("torch", "nmupy"), PipFailed)
    assert "does not have nmupy" in cause
    assert set(ways) == {"pip_word"}
    install("torch", "numpy").ok()
    assert imported(lab_env, "torch") == {"torch": "mirror cu126"}


def test_a_dependency_that_no_index_has(wheel_lab, install):
    for site in (wheel_lab.index, wheel_lab.spare):
        shutil.rmtree(site.folder / "simple" / "sympy")
    _, ways = told(install("--no-fallback"), PipFailed)
    assert set(ways) == {"pip_other_index"}
    assert "asked were first" in ways["pip_other_index"]


@pytest.mark.parametrize(
    ("blocked", "said"),
    [(False, "connection error: "), (True, "403 Client Error: ")],
    ids=["down", "blocked"],
)
def test_an_index_that_cannot_be_read_does_not_lack_anything(
    wheel_lab, install, monkeypatch, blocked, said
):
    """Pip says the same of it as of one without the project: another index was advised."""
    monkeypatch.setenv("PIP_RETRIES", "0")
    for site in (wheel_lab.index, wheel_lab.spare):
        site.fail("*", lambda exchange: exchange.send(403, b"no")) if blocked else site.refuse()
    cause, ways = told(install("--no-fallback"), PipFailed)
    assert cause.startswith(f"the index could not be read: {said}")
    assert set(ways) == {"check_network", "pip_again"}


@pytest.mark.parametrize(
    ("count", "names", "said"),
    [(1, "torch", "what torch needs beside"), (2, "torch, torchaudio", "torchaudio need beside")],
)
def test_what_is_not_known_before_the_files_are_here(count, names, said):
    assert said in text("wheel_unread", {"count": count, "names": names})


def test_an_offered_command_repeats_the_source_that_was_typed(condarc, conda_in_process):
    """The setting has another one, which the command without it would go by."""
    condarc(plugins={"torchmirror_source": "pytorch"})
    words = ("torch-install", "--python", "3.4", "-n", "new", "--dry-run", "--offline", "--json")
    for typed, there in ((("--source", "auto"), True), ((), False)):
        done = conda_in_process(*words, "pytorch=2.3", *typed)
        hints = [hint["text"] for hint in done.json()["guidance"].get("hints", ())]
        offered = [hint for hint in hints if "conda torch-install" in hint and "2.3" in hint]
        assert offered, hints
        assert all(("--source auto" in hint) is there for hint in offered), hints


@pytest.mark.parametrize(
    "words",
    [
        ("torch", "--cuda", "xpu", "--platform", "linux-aarch64"),
        ("torch", "--cuda", "rocm6.4", "--platform", "win-64"),
    ],
)
def test_a_list_that_is_offered_lists_something(conda_in_process, words):
    """That of a variant which a platform has no wheel for was refused itself."""
    preview = ("torch-install", "-d", "--offline", "--json", "--source", "wheels")
    refused = conda_in_process(*preview, *words)
    assert refused.rc == 1
    hints = {one["hint_code"]: one["text"] for one in refused.json()["guidance"]["hints"]}
    [(_, line)] = commands({"see_list": hints["see_list"]})
    conda_in_process("torch-install", *line).ok()


@pytest.mark.parametrize(
    "words", [("torch==2.9.1+cpu",), ("torch==2.9.1+cpu", "torchvision", "torchaudio==2.9.1")]
)
def test_a_wheel_for_the_cpu_that_is_named_is_taken_beside_a_gpu(
    conda_in_process, monkeypatch, words
):
    """`torch==2.3.1+cpu` is for the CPU among conda's builds too, and was refused here."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.0")
    preview = ("torch-install", "-d", "--offline", "--json", "--source", "wheels")
    found = conda_in_process(*preview, *words).ok().json()["torchmirror"]["selected"]
    assert (found["variant"], found["builds"][0]["version"]) == ("cpu", "2.9.1+cpu")


def test_less_is_asked_for_on_the_cpu_as_well(conda_in_process, monkeypatch):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.0")
    words = ("torchvision==0.8.2", "torch==2.9.1+cpu", "--python", "3.7")
    refused = conda_in_process(
        *("torch-install", "-d", "--offline", "--json", "--source", "wheels", *words)
    )
    hints = {one["hint_code"]: one["text"] for one in refused.json()["guidance"]["hints"]}
    [(_, line)] = commands({"ask_less": hints["ask_less"]})
    done = conda_in_process("torch-install", *line, "--json").ok().json()["torchmirror"]
    assert done["selected"]["variant"] == "cpu"


@pytest.mark.parametrize("driver", ["", "12.4"])
def test_an_older_release_of_a_wheel_for_the_cpu_is_offered(conda_in_process, monkeypatch, driver):
    """`+cpu` goes with the version, so that nothing was offered."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", driver)
    words = ("--source", "wheels", "torch==2.9.1+cpu", "--python", "3.8", "-n", "new")
    refused = conda_in_process("torch-install", "-d", "--offline", "--json", *words)
    hints = {one["hint_code"]: one["text"] for one in refused.json()["guidance"]["hints"]}
    [(_, line)] = commands({"ask_less": hints["ask_less"]})
    found = conda_in_process("torch-install", *line, "--json").ok().json()["torchmirror"]
    assert found["selected"]["builds"][0]["version"] == "2.4.1+cpu"
    assert found["machine"]["python"] == "3.8"


@pytest.mark.parametrize("cuda", [(), ("--cuda", "cpu")])
def test_a_partner_that_says_that_it_is_for_the_cpu_is_offered_as_one(
    conda_in_process, monkeypatch, cuda
):
    """Without `+cpu` the driver's CUDA was meant again, for which the platform has nothing."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "11.8")
    on = ("--python", "3.8", "--platform", "linux-aarch64", "-n", "new", *cuda)
    preview = ("torch-install", "-d", "--offline", "--json", "--source", "wheels")
    refused = conda_in_process(*preview, "torch", "torchvision==0.20.1+cpu", *on)
    hints = {one["hint_code"]: one["text"] for one in refused.json()["guidance"]["hints"]}
    word = hints["open_partner"].partition("`")[2].partition("`")[0]
    assert word == "torchvision==0.13.0+cpu"
    conda_in_process(*preview, "torch", word, *on).ok()
