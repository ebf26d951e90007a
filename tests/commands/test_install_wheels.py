"""`conda torch-install --source wheels` end to end: real pip, real wheels, loopback."""

from __future__ import annotations

import pytest
from support import wheel_files
from support.prefixes import installed
from support.wheel_commands import CUDA, FAMILY, REST, SET, WHEELS, chosen, dists, names
from support.wheel_fixtures import LINUX, imported
from support.wheel_lab import FULL, PYTHON
from support.wheel_site import hostile_home, put

from conda_torchmirror.exceptions.channel import WheelsNotHere

pytest_plugins = ["support.wheel_fixtures"]


# What is installed, and from where


def test_a_preview_fetches_no_wheel_and_changes_nothing(
    wheel_lab, lab_env, conda_in_process, sandbox
):
    before = {path: path.stat().st_mtime_ns for path in sandbox.root.rglob("*")}
    done = conda_in_process(*WHEELS, *CUDA, "-p", lab_env, "--dry-run").ok()
    assert wheel_lab.first.sent() == wheel_lab.index.sent() == []
    for word in (
        "2.7.1+cu126",
        "CUDA 12.6",
        "--only-binary=torch,torchvision,torchaudio",
        "201 kB",
    ):
        assert word in done.words
    after = {path: path.stat().st_mtime_ns for path in sandbox.root.rglob("*")}
    assert {path for path in after if before.get(path) != after[path]} <= {sandbox.root}


def test_the_set_comes_from_the_mirror_and_the_rest_from_the_index(wheel_lab, lab_env, install):
    install().ok()
    assert names(wheel_lab.first.sent()) == SET
    assert names(wheel_lab.index.sent()) == REST
    assert imported(lab_env, *FAMILY, "filelock", "numpy") == {
        **dict.fromkeys(FAMILY, "mirror cu126"),
        **dict.fromkeys(("filelock", "numpy"), "index"),
    }
    assert not list(lab_env.rglob("direct_url.json"))


@pytest.mark.parametrize("named", [True, False], ids=["PIP_CONFIG_FILE", "pip.conf"])
def test_nothing_of_a_hostile_configuration_gets_in(wheel_lab, lab_env, run_conda, sandbox, named):
    variables = hostile_home(sandbox.home, wheel_lab.decoys)
    if not named:
        del variables["PIP_CONFIG_FILE"]
    words = (*WHEELS, *CUDA, "-p", lab_env, "-y")
    done = run_conda(*words, env={"PIP_CONFIG_FILE": None, **variables}).ok()
    assert wheel_lab.decoys.requests == []
    assert names(wheel_lab.first.sent()) == SET
    assert names(wheel_lab.index.sent()) == REST
    assert set(imported(lab_env, *FAMILY).values()) == {"mirror cu126"}
    assert imported(lab_env, "filelock") == {"filelock": "index"}
    for folder in ("target", "elsewhere", "userbase"):
        assert not (sandbox.home / folder).exists()
    for word in ("extra-index-url", "target", "PIP_TARGET", "leaves out"):
        assert word in done.words


def test_a_new_environment_gets_python_and_pip_by_conda_first(
    wheel_lab, conda_in_process, tmp_path
):
    new = tmp_path / "new"
    done = conda_in_process(*WHEELS, *CUDA, "-p", new, "--python", PYTHON, "-y").ok()
    assert installed(new)["python"].startswith(FULL)
    assert set(imported(new, *FAMILY).values()) == {"mirror cu126"}
    assert "First, by conda" in done.words
    assert f"python={PYTHON}" in done.words


def test_a_second_environment_takes_the_files_from_the_cache(
    wheel_lab, lab_env, install, run_conda, tmp_path
):
    install().ok()
    del wheel_lab.first.requests[:]
    del wheel_lab.index.requests[:]
    second = tmp_path / "second"
    done = run_conda(*WHEELS, *CUDA, "-p", second, "--python", PYTHON, "-y").ok()
    assert wheel_lab.first.sent() == wheel_lab.index.sent() == []
    assert "this disk" in done.words
    assert set(imported(second, *FAMILY).values()) == {"mirror cu126"}


def test_a_run_again_changes_nothing(wheel_lab, lab_env, install):
    install().ok()
    before = dists(lab_env)
    install().ok()
    assert dists(lab_env) == before


@pytest.mark.parametrize(
    ("words", "variant"),
    [
        (("torch",), "cu126"),
        (("torch==2.7.1",), "cu126"),
        (("torch==2.7.1+cu126",), "cu126"),
        (("torchvision",), "cu126"),
        (("torch", "--cuda", "cpu"), "cpu"),
        (("torch==2.7.1+cu118",), "cu118"),
    ],
    ids=" ".join,
)
def test_partners_that_are_there_stay_whole_where_torch_alone_is_named(
    wheel_lab, lab_env, install, words, variant
):
    install().ok()
    install(*words).ok()
    assert imported(lab_env, *FAMILY) == dict.fromkeys(FAMILY, f"mirror {variant}")


def test_an_answer_of_no_changes_nothing(wheel_lab, lab_env, conda_in_process):
    done = conda_in_process(*WHEELS, *CUDA, "-p", lab_env, input="no\n")
    assert done.rc == 0 or "Exiting" in done.words
    assert wheel_lab.first.sent() == []
    assert not names(dists(lab_env)) & {"torch-2.7.1+cu126"}


def test_words_mean_what_they_say(wheel_lab, preview_wheels):
    for word in (
        "torch",
        "torch==2.7.1",
        "torch>=2.6",
        "torch=2.7",
        "torch==2.7.1+cu126",
        "pytorch",
    ):
        assert chosen(preview_wheels(*CUDA, word)) == {"torch": ("2.7.1+cu126", "cu126")}, word
    assert chosen(preview_wheels("torch==2.7.1+cu118", "--cuda", "12.6"))["torch"][1] == "cu118"


def test_without_a_gpu_the_cpu_wheel_is_taken(wheel_lab, preview_wheels):
    assert chosen(preview_wheels("torch", "--cuda", "cpu")) == {"torch": ("2.7.1+cpu", "cpu")}
    assert chosen(preview_wheels("torch")) == {"torch": ("2.7.1+cpu", "cpu")}


def test_other_words_go_to_pip(wheel_lab, lab_env, install):
    install("torch", "numpy<3").ok()
    assert {"numpy-2.2.6", "torch-2.7.1+cu126"} <= dists(lab_env)


def test_the_document_of_a_preview(wheel_lab, preview_wheels):
    document = preview_wheels(*CUDA).ok().json()
    about = document["torchmirror"]
    assert (document["success"], document["dry_run"]) == (True, True)
    assert [step["tool"] for step in about["steps"]] == ["conda", "pip"]
    assert about["command"] == about["steps"][0]["command"]
    assert about["selected"]["source"] == "wheels"
    torch = about["selected"]["builds"][0]
    made = wheel_lab.made["cu126"][0]
    assert torch["file"] == made.name
    assert (torch["sha256"], torch["size"]) == (made.sha256, made.path.stat().st_size)
    assert (torch["build"], torch["variant"], torch["mirror"]) == (None, "cu126", "first")


def test_json_is_one_document(wheel_lab, lab_env, install):
    document = install("--json").ok().json()
    assert document["success"]
    assert document["torchmirror"]["selected"]["cuda"] == "12.6"
    assert "torch-2.7.1+cu126" in dists(lab_env)


def test_urls_have_hashes(wheel_lab, conda_in_process, tmp_path):
    words = (*WHEELS, *CUDA, "--urls", "--python", PYTHON)
    done = conda_in_process(*words).ok()
    made = wheel_lab.made["cu126"][0]
    assert (
        f"{wheel_lab.first.wheels}/cu126/{made.name.replace('+', '%2B')}#sha256={made.sha256}"
        in done.stdout
    )
    assert names(line.split("/")[-1].replace("%2B", "+") for line in done.stdout.split()) == {
        *SET,
        *REST,
    }
    assert wheel_lab.first.sent() == []


def test_download_only_fills_the_cache(wheel_lab, lab_env, install):
    done = install("--download-only").ok()
    assert names(wheel_lab.first.sent()) == SET
    assert "nothing was installed" in done.words
    assert not names(dists(lab_env)) & SET
    del wheel_lab.first.requests[:]
    install().ok()
    assert wheel_lab.first.sent() == []


@pytest.mark.parametrize("served", [True, False], ids=["served", "silent"])
def test_partners_of_a_release_that_is_newer_than_the_table(
    wheel_lab, preview_wheels, tmp_path, served
):
    """Which torch they go with, their own METADATA says, where the mirror serves it."""
    new = [
        wheel_files.make(tmp_path, name, f"{v}+cu126", LINUX, requires=needs, variant="cu126")
        for name, v, needs in (
            ("torch", "9.1.0", ()),
            ("torchvision", "0.99.0", ("torch==9.1.0",)),
        )
    ]
    put(wheel_lab.first, new, metadata=served)
    found = chosen(preview_wheels(*CUDA, "torch", "torchvision"))
    newest = {"torch": ("9.1.0+cu126", "cu126"), "torchvision": ("0.99.0+cu126", "cu126")}
    assert (found == newest) is served
    if not served:
        assert found["torch"] == ("2.7.1+cu126", "cu126")


# Without the network


def test_a_preview_goes_by_the_built_in_list(wheel_lab, preview_wheels):
    done = preview_wheels("--cuda", "12.6", "--offline", "torch==2.7.1", "torchvision").ok()
    assert chosen(done) == {
        "torch": ("2.7.1+cu126", "cu126"),
        "torchvision": ("0.22.1+cu126", "cu126"),
    }
    assert wheel_lab.first.requests == wheel_lab.index.requests == []


def test_an_installation_never_goes_by_the_built_in_list(wheel_lab, lab_env, install):
    assert isinstance(install("--offline").error, WheelsNotHere)
    assert wheel_lab.first.requests == []


def test_a_preview_from_the_built_in_list(wheel_lab, conda_in_process, tmp_path, monkeypatch):
    """No page is read; the addresses are those that the mirror would have."""
    monkeypatch.setenv("CONDA_OFFLINE", "1")
    new = ("-p", tmp_path / "new", "--python", "3.12", "--dry-run")
    words = ("torch==2.7.1", "torchvision", *CUDA)
    done = conda_in_process(*WHEELS, *words, *new, "--platform", "linux-64", "--json").ok()
    found = done.json()["torchmirror"]
    assert chosen(done) == {
        "torch": ("2.7.1+cu126", "cu126"),
        "torchvision": ("0.22.1+cu126", "cu126"),
    }
    urls = [build["url"] for build in found["selected"]["builds"]]
    name = "torch-2.7.1%2Bcu126-cp312-cp312-manylinux_2_28_x86_64.whl"
    assert urls[0] == f"{wheel_lab.first.wheels}/cu126/{name}"
    told = {warning["code"]: warning["text"] for warning in found["warnings"]}
    assert "a preview" in told["built_in_wheels"]
    assert told["derived_wheels"].startswith("1 of these wheels is known by the naming rules")
    assert wheel_lab.first.sent() == wheel_lab.second.sent() == []
