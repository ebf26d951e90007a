"""`conda torch-install --source wheels` end to end: real pip, real wheels, loopback."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
from conda.core.envs_manager import get_user_environments_txt_file
from support import wheel_files
from support.prefixes import installed
from support.wheel_fixtures import LINUX, imported
from support.wheel_lab import FULL, PYTHON
from support.wheel_site import hostile_home, portal, put

from conda_torchmirror.exceptions.channel import NoWheels, WheelNowhere
from conda_torchmirror.exceptions.choice import NoFittingWheel
from conda_torchmirror.exceptions.environment import (
    CondaOwned,
    CondaTorch,
    ExternallyManaged,
    NoEnvironment,
    PipFailed,
)
from conda_torchmirror.exceptions.plan import PlanMissing
from conda_torchmirror.exceptions.usage import (
    BadCuda,
    BadWheelWord,
    NotForWheels,
    NotForWheelSetting,
)

pytest_plugins = ["support.wheel_fixtures"]

CUDA = ("--cuda", "12.6")
WHEELS = ("torch-install", "--source", "wheels")
SET = {"torch-2.7.1+cu126", "torchvision-0.22.1+cu126", "torchaudio-2.7.1+cu126"}
REST = {"filelock-3.19.1", "sympy-1.14.0", "numpy-2.2.6"}
FAMILY = ("torch", "torchvision", "torchaudio")


def names(files):
    return {"-".join(name.split("-")[:2]) for name in files}


def dists(prefix):
    folder = prefix / "lib" / f"python{PYTHON}" / "site-packages"
    return {path.name.removesuffix(".dist-info") for path in folder.glob("*.dist-info")}


@pytest.fixture
def install(lab_env, conda_in_process):
    """`install(*words)`: into the environment, without a question."""
    return partial(conda_in_process, *WHEELS, *CUDA, "-p", lab_env, "-y")


@pytest.fixture
def preview(wheel_lab, conda_in_process, tmp_path):
    """`preview(*words)`: for a new environment, as JSON."""

    def run(*words):
        new = ("-p", tmp_path / "new", "--python", PYTHON)
        done = conda_in_process(*WHEELS, *words, *new, "--dry-run", "--json")
        assert not (tmp_path / "new").exists()
        return done

    return run


def chosen(done):
    builds = done.ok().json()["torchmirror"]["selected"]["builds"]
    return {build["name"]: (build["version"], build["variant"]) for build in builds}


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
    second = tmp_path / "second"
    done = run_conda(*WHEELS, *CUDA, "-p", second, "--python", PYTHON, "-y").ok()
    assert wheel_lab.first.sent() == []
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


def test_words_mean_what_they_say(wheel_lab, preview):
    for word in (
        "torch",
        "torch==2.7.1",
        "torch>=2.6",
        "torch=2.7",
        "torch==2.7.1+cu126",
        "pytorch",
    ):
        assert chosen(preview(*CUDA, word)) == {"torch": ("2.7.1+cu126", "cu126")}, word
    assert chosen(preview("torch==2.7.1+cu118", "--cuda", "12.6"))["torch"][1] == "cu118"


def test_without_a_gpu_the_cpu_wheel_is_taken(wheel_lab, preview):
    assert chosen(preview("torch", "--cuda", "cpu")) == {"torch": ("2.7.1+cpu", "cpu")}
    assert chosen(preview("torch")) == {"torch": ("2.7.1+cpu", "cpu")}


def test_other_words_go_to_pip(wheel_lab, lab_env, install):
    install("torch", "numpy<3").ok()
    assert {"numpy-2.2.6", "torch-2.7.1+cu126"} <= dists(lab_env)


def test_the_document_of_a_preview(wheel_lab, preview):
    document = preview(*CUDA).ok().json()
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
    assert len(done.stdout.splitlines()) == 3
    assert wheel_lab.first.sent() == []


def test_download_only_fills_the_cache(wheel_lab, lab_env, install):
    done = install("--download-only").ok()
    assert names(wheel_lab.first.sent()) == SET
    assert "nothing was installed" in done.words
    assert not names(dists(lab_env)) & SET
    del wheel_lab.first.requests[:]
    install().ok()
    assert wheel_lab.first.sent() == []


# Mirrors


def test_a_mirror_that_lacks_a_file_is_passed_over_for_this_file(wheel_lab, lab_env, install):
    put(wheel_lab.second, wheel_lab.of("cu126"))
    made = wheel_lab.made["cu126"][1]
    (wheel_lab.first.folder / "whl" / "cu126" / made.name).unlink()
    done = install().ok()
    assert names(wheel_lab.first.sent()) == SET - names([made.name])
    assert names(wheel_lab.second.sent()) == names([made.name])
    assert f"first does not have {made.name} (404)" in done.words


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("portal", "sends a web page"),
        ("error", "503"),
        ("forbidden", "403"),
        ("refused", "refuses"),
    ],
)
def test_a_mirror_without_pages_is_left(wheel_lab, lab_env, install, fault, said):
    put(wheel_lab.second, wheel_lab.of("cu126"))
    if fault == "portal":
        wheel_lab.first.fail("*", portal)
    elif fault == "refused":
        wheel_lab.first.refuse()
    else:
        status = {"error": 503, "forbidden": 403}[fault]
        wheel_lab.first.fail("*", lambda exchange: exchange.send(status, b"<html>no</html>"))
    done = install().ok()
    assert names(wheel_lab.second.sent()) == SET
    assert said in done.words
    assert "`wheels` from second" in done.words


def test_a_download_that_breaks_off_goes_on_where_it_ended(wheel_lab, lab_env, install):
    made = wheel_lab.made["cu126"][0]

    def cut(exchange):
        if exchange.headers.get("Range", "-").endswith("-"):
            content = exchange.content()
            exchange.record.status = 200
            exchange.send_response(200)
            exchange.send_header("Content-Length", str(len(content)))
            exchange.end_headers()
            exchange.wfile.write(content[:120_000])
            exchange.wfile.flush()
            exchange.cut()
        else:
            exchange.serve()

    put(wheel_lab.second, wheel_lab.of("cu126"))
    wheel_lab.first.fail(f"*{made.name}", cut)
    install().ok()
    rest = [r for r in wheel_lab.second.requests if r.path.endswith(made.name) and r.status == 206]
    begun = [r.headers["Range"] for r in rest if r.headers["Range"].endswith("-")]
    assert len(begun) == 1
    assert int(begun[0].removeprefix("bytes=").rstrip("-")) > 0
    assert imported(lab_env, "torch") == {"torch": "mirror cu126"}


def test_a_file_with_another_hash_is_not_installed(wheel_lab, lab_env, install):
    made = wheel_lab.made["cu126"][0]
    path = wheel_lab.first.folder / "whl" / "cu126" / made.name
    good = path.read_bytes()
    path.write_bytes(good[:-100] + b"x" * 100)
    done = install()
    assert isinstance(done.error, WheelNowhere)
    assert "another content than its index says" in done.words
    assert not names(dists(lab_env)) & SET
    path.write_bytes(good)
    install().ok()


def test_links_that_leave_the_mirror_come_from_it_where_it_has_the_file(
    wheel_lab, lab_env, install
):
    shutil.rmtree(wheel_lab.first.folder / "whl")
    put(wheel_lab.first, wheel_lab.of("cu126"), absolute="https://elsewhere.example/whl")
    install().ok()
    assert names(wheel_lab.first.sent()) == SET


@pytest.mark.parametrize("layout", ["index", "flat", "json"])
@pytest.mark.parametrize("served", [True, False], ids=["metadata", "bare"])
def test_every_layout_behind_a_url(wheel_lab, lab_env, conda_in_process, layout, served):
    shutil.rmtree(wheel_lab.decoys.folder / "whl")
    put(wheel_lab.decoys, wheel_lab.of("cu126", "cpu"), layout, metadata=served)
    words = (*WHEELS, *CUDA, "--mirror", wheel_lab.decoys.wheels, "-p", lab_env, "-y")
    conda_in_process(*words).ok()
    assert names(wheel_lab.decoys.sent()) == SET
    assert wheel_lab.first.requests == []
    assert names(wheel_lab.index.sent()) == REST
    assert set(imported(lab_env, *FAMILY).values()) == {"mirror cu126"}


def test_files_without_a_hash_are_said(wheel_lab, preview):
    shutil.rmtree(wheel_lab.decoys.folder / "whl")
    put(wheel_lab.decoys, wheel_lab.of("cu126"), "flat", hashes=False)
    done = preview(*CUDA, "--mirror", wheel_lab.decoys.wheels).ok()
    (warning,) = [
        row
        for row in done.json()["torchmirror"]["warnings"]
        if row["code"] == "wheels_without_hash"
    ]
    assert "no hash of 3 files" in warning["text"]


def test_a_page_of_a_mirror_that_has_no_wheels(wheel_lab, conda_in_process, lab_env):
    wheel_lab.first.fail("*", portal)
    words = (*WHEELS, *CUDA, "--no-fallback", "-p", lab_env, "--dry-run")
    done = conda_in_process(*words)
    assert isinstance(done.error, NoWheels)
    assert "first" in done.words


def test_an_index_that_lacks_a_dependency_gives_way_to_the_next(wheel_lab, lab_env, install):
    shutil.rmtree(wheel_lab.index.folder / "simple" / "sympy")
    done = install().ok()
    assert "first does not have sympy" in done.words
    assert names(wheel_lab.spare.sent()) == REST
    assert set(imported(lab_env, *FAMILY).values()) == {"mirror cu126"}


def test_an_index_that_does_not_answer_gives_way_before_pip_runs(wheel_lab, lab_env, install):
    wheel_lab.index.fail("*", portal)
    done = install().ok()
    assert names(wheel_lab.spare.sent()) == REST
    assert "`index` from second" in done.words


def test_ones_own_index_comes_first_and_is_said(wheel_lab, lab_env, run_conda):
    put(wheel_lab.decoys, [], "simple")
    variables = {"PIP_INDEX_URL": wheel_lab.spare.simple, "PIP_CONFIG_FILE": None}
    done = run_conda(*WHEELS, *CUDA, "-p", lab_env, "-y", env=variables).ok()
    assert names(wheel_lab.spare.sent()) == REST
    assert wheel_lab.index.requests == []
    assert "your own index" in done.words


# Environments


def test_a_torch_of_conda_is_not_overwritten(wheel_lab, lab_env, install):
    record = {"name": "pytorch", "version": "2.5.1", "build": "cpu_0", "build_number": 0}
    record |= {"channel": "pytorch", "subdir": "linux-64", "fn": "x.conda", "files": []}
    record |= {"depends": [], "url": "https://conda.example/pytorch/linux-64/x.conda"}
    (lab_env / "conda-meta" / "pytorch-2.5.1-cpu_0.json").write_text(json.dumps(record))
    done = install()
    assert isinstance(done.error, CondaTorch)
    assert "conda remove" in done.words
    assert wheel_lab.first.sent() == []


def test_what_conda_owns_is_not_replaced(wheel_lab, lab_env, install, conda_in_process, tmp_path):
    conda_in_process("install", "-y", "-q", "-p", lab_env, "setuptools=82.0.1").ok()
    made = wheel_files.make(
        tmp_path, "torch", "2.8.0+cu126", LINUX, requires=["setuptools<82"], variant="cu126"
    )
    put(wheel_lab.first, [made])
    done = install("torch==2.8.0")
    assert isinstance(done.error, CondaOwned)
    assert "setuptools 82.0.1" in done.words
    assert wheel_lab.first.sent() == []
    # The command that is offered makes the room.
    (command,) = [part for part in done.words.split("`") if part.startswith("conda install")]
    words = command.replace('"', "").split()[1:]
    conda_in_process(*words, "-y", "-q").ok()
    install("torch==2.8.0").ok()
    assert "setuptools-80.9.0" in dists(lab_env)


def test_a_new_environment_is_made_with_room_for_the_set(
    wheel_lab, conda_in_process, tmp_path, condarc
):
    made = wheel_files.make(
        tmp_path, "torch", "2.8.0+cu126", LINUX, requires=["setuptools<82"], variant="cu126"
    )
    put(wheel_lab.first, [made])
    words = (
        *WHEELS,
        *CUDA,
        "torch==2.8.0",
        "-p",
        tmp_path / "new",
        "--python",
        PYTHON,
        "--dry-run",
    )
    done = conda_in_process(*words).ok()
    assert "CONDA_PINNED_PACKAGES" in done.words
    assert "setuptools<82" in done.words


def test_an_environment_without_pip_gets_one(wheel_lab, conda_in_process, tmp_path):
    prefix = tmp_path / "bare"
    conda_in_process("create", "-y", "-q", "-p", prefix, "--no-default-packages", "python").ok()
    for path in (prefix / "conda-meta").glob("pip-*.json"):
        conda_in_process("remove", "-y", "-q", "--force", "-p", prefix, "pip").ok()
        assert not path.exists()
    done = conda_in_process(*WHEELS, *CUDA, "-p", prefix, "-y").ok()
    assert "pip>=20.3" in done.words
    assert set(imported(prefix, *FAMILY).values()) == {"mirror cu126"}


def test_an_environment_that_pip_must_not_change(wheel_lab, lab_env, install):
    file = lab_env / "lib" / f"python{PYTHON}" / "EXTERNALLY-MANAGED"
    file.write_text("[externally-managed]\n")
    done = install()
    assert isinstance(done.error, ExternallyManaged)
    assert wheel_lab.first.sent() == []


def test_a_failure_of_pip_leaves_the_environment_as_it_was(wheel_lab, lab_env, install):
    for site in (wheel_lab.index, wheel_lab.spare):
        shutil.rmtree(site.folder / "simple" / "sympy")
    before = dists(lab_env)
    done = install("--no-fallback")
    assert isinstance(done.error, PipFailed)
    assert "does not have sympy" in done.words
    assert dists(lab_env) == before


def test_a_failure_of_pip_leaves_no_new_environment(wheel_lab, conda_in_process, tmp_path):
    shutil.rmtree(wheel_lab.index.folder / "simple" / "sympy")
    new = tmp_path / "new"
    words = (*WHEELS, *CUDA, "-p", new, "--python", PYTHON, "-y", "--no-fallback")
    assert isinstance(conda_in_process(*words).error, PipFailed)
    assert not new.exists()
    assert str(new) not in Path(get_user_environments_txt_file()).read_text()


def test_a_failure_of_pip_keeps_what_was_in_the_folder_of_a_new_environment(
    wheel_lab, conda_in_process, tmp_path
):
    shutil.rmtree(wheel_lab.index.folder / "simple" / "sympy")
    (new := tmp_path / "new").mkdir()
    (new / "thesis.txt").write_text("years of work")
    words = (*WHEELS, *CUDA, "-p", new, "--python", PYTHON, "-y", "--no-fallback")
    assert isinstance(conda_in_process(*words).error, PipFailed)
    assert (new / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("served", [True, False], ids=["served", "silent"])
def test_partners_of_a_release_that_is_newer_than_the_table(wheel_lab, preview, tmp_path, served):
    """Which torch they go with, their own METADATA says, where the mirror serves it."""
    new = [
        wheel_files.make(tmp_path, name, f"{v}+cu126", LINUX, requires=needs, variant="cu126")
        for name, v, needs in (
            ("torch", "9.1.0", ()),
            ("torchvision", "0.99.0", ("torch==9.1.0",)),
        )
    ]
    put(wheel_lab.first, new, metadata=served)
    found = chosen(preview(*CUDA, "torch", "torchvision"))
    newest = {"torch": ("9.1.0+cu126", "cu126"), "torchvision": ("0.99.0+cu126", "cu126")}
    assert (found == newest) is served
    if not served:
        assert found["torch"] == ("2.7.1+cu126", "cu126")


# Without the network


def test_a_preview_goes_by_the_built_in_list(wheel_lab, preview):
    done = preview("--cuda", "12.6", "--offline", "torch==2.7.1", "torchvision").ok()
    assert chosen(done) == {
        "torch": ("2.7.1+cu126", "cu126"),
        "torchvision": ("0.22.1+cu126", "cu126"),
    }
    assert wheel_lab.first.requests == wheel_lab.index.requests == []


def test_an_installation_never_goes_by_the_built_in_list(wheel_lab, lab_env, install):
    assert isinstance(install("--offline").error, NoWheels)
    assert wheel_lab.first.requests == []


# Words that cannot be used


#: What they ask of conda's solver pip would not hear.
CONDAS_OWN = (
    *("--no-deps", "--only-deps", "--force-reinstall", "--satisfied-skip-solve", "--use-local"),
    *("--update-all", "--update-deps", "--update-specs", "--freeze-installed", "-S", "--all"),
)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("torch[extra]",), BadWheelWord),
        (("-r evil.txt",), BadWheelWord),
        (("torch @ https://elsewhere.example/torch.whl",), BadWheelWord),
        (("--cuda", "fast"), BadCuda),
        (("--solve",), NotForWheels),
        (("--list",), NotForWheels),
        (("-c", "nvidia"), NotForWheels),
        *(((word,), NotForWheels) for word in CONDAS_OWN),
        (("torch==9.9",), NoFittingWheel),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value.__name__,
)
def test_words_that_cannot_be_used(preview, words, error):
    done = preview(*(CUDA if "--cuda" not in words else ()), *words)
    assert isinstance(done.error, error), str(done)
    assert done.json()["exception_name"] == error.__name__


# Where a setting says wheels


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--file", ("-f", "environment.yml")),
        ("--solve", ("--solve",)),
        ("--save-plan", ("--save-plan", "plan")),
        ("--check-upstream", ("--check-upstream",)),
        ("--channel", ("-c", "nvidia")),
        ("--no-deps", ("--no-deps",)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_setting_does_not_go_with(
    wheel_lab, condarc, conda_in_process, tmp_path, monkeypatch, option, words
):
    """The message blames the setting, and what it offers is not refused in its turn."""
    monkeypatch.chdir(tmp_path)
    Path("environment.yml").write_text("name: some\ndependencies: [pytorch]\n")
    file = condarc(**wheel_lab.settings(torchmirror_source="wheels"))
    command = ("torch-install", *words, "-n", "new", "--dry-run", "--json")
    done = conda_in_process(*command)
    assert isinstance(done.error, NotForWheelSetting)
    assert str(done.error.message) == (
        f"the setting `torchmirror_source: wheels` does not go with {option}"
    )
    guidance = done.json()["guidance"]
    assert str(file) in guidance["cause"]
    assert [hint["hint_code"] for hint in guidance["hints"]] == ["source_auto"]
    again = conda_in_process(*command, "--source", "auto", "--offline")
    assert not isinstance(again.error, NotForWheels | NotForWheelSetting)
    assert wheel_lab.first.requests == []


@pytest.mark.parametrize("value", ["wheels", "no-such-source"])
def test_a_plan_says_itself_what_it_is(wheel_lab, condarc, conda_in_process, tmp_path, value):
    condarc(**wheel_lab.settings(torchmirror_source=value))
    plan = tmp_path / "plan"
    done = conda_in_process("torch-install", "--plan", plan, "-p", tmp_path / "new", "-y")
    assert isinstance(done.error, PlanMissing)
    assert wheel_lab.first.requests == []


# What helps where nothing fits


def hints(done):
    assert isinstance(done.error, NoFittingWheel), str(done)
    found = done.json()["guidance"]
    return found["cause"], {hint["hint_code"]: hint["text"] for hint in found["hints"]}


def test_another_directory_that_has_the_whole_set(wheel_lab, preview):
    """It is read for that alone: the word names another one."""
    torch = [made for made in wheel_lab.of("cu118") if made.name.startswith("torch-")]
    put(wheel_lab.second, [*torch, *wheel_lab.of("cu126")])
    alone = ("--mirror", "second", "--no-fallback")
    cause, found = hints(preview(*CUDA, "torch==2.7.1+cu118", "torchvision", *alone))
    assert "no wheel of torchvision 0.22.1 is there for torch 2.7.1 and cu118" in cause
    assert "`torch==2.7.1+cu126 torchvision==0.22.1+cu126`" in found["open_variant"]
    words = ("torch==2.7.1+cu126", "torchvision==0.22.1+cu126")
    assert chosen(preview(*CUDA, *words, *alone))["torch"] == ("2.7.1+cu126", "cu126")


def test_a_python_that_the_wheels_are_for(wheel_lab, conda_in_process, tmp_path):
    new = ("-p", tmp_path / "new", "--python", "3.8")
    done = conda_in_process(*WHEELS, *CUDA, "torch==2.7.1", *new, "--dry-run", "--json")
    _, found = hints(done)
    assert f"Pythons with a build: {PYTHON}" in found["use_python"]
    assert f"--python {PYTHON} torch==2.7.1 --cuda 12.6 --source wheels" in found["use_python"]


def test_a_release_that_is_not_there(wheel_lab, preview):
    cause, found = hints(preview(*CUDA, "torch==9.9"))
    assert cause == (
        "no wheel of `torch==9.9` is there for linux-64, where the releases go from 2.7.1 to 2.7.1"
    )
    assert "torch 2.7.1" in found["older_release"]


# Without the network


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


def test_no_environment_is_named(wheel_lab, conda_in_process):
    assert isinstance(conda_in_process(*WHEELS, *CUDA, "-y").error, NoEnvironment)
