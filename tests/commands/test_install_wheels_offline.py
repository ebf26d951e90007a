"""`conda torch-install --source wheels --offline`: what is on this disk is enough, or is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import wheel_files
from support.wheel_commands import CUDA, WHEELS, chosen, dists
from support.wheel_fixtures import LINUX, imported
from support.wheel_lab import PYTHON
from support.wheel_site import put

from conda_torchmirror.exceptions.channel import WheelDamaged, WheelsNotHere
from conda_torchmirror.exceptions.choice import NoFittingWheel
from conda_torchmirror.exceptions.environment import NoSpace, PipFailed
from conda_torchmirror.handover import disk_space, wheel_cache

pytest_plugins = ["support.wheel_fixtures"]

STRICT = ("--cuda", "11.7", "--cuda-compat", "strict")


def sites(lab):
    return (lab.first, lab.second, lab.index, lab.spare, lab.decoys)


def forget(lab):
    for site in sites(lab):
        del site.requests[:]


def asked(lab):
    return [request.path for site in sites(lab) for request in site.requests]


def drop(*projects):
    """Remove the wheels of some projects from the cache."""
    for link in list(wheel_cache.links()):
        if link.project in projects:
            shutil.rmtree(Path(wheel_cache.path_of(link)).parent)


def hints(done):
    found = done.json()["guidance"]["hints"]
    return {hint["hint_code"]: hint["text"] for hint in found}


@pytest.fixture
def install(lab_env, conda_in_process):
    def run(*words, prefix=lab_env):
        new = ("--python", PYTHON) if prefix != lab_env else ()
        return conda_in_process(*WHEELS, *CUDA, "-p", prefix, *new, "-y", *words)

    return run


def test_what_is_cached_is_installed_again(wheel_lab, lab_env, install):
    install("torch", "torchvision").ok()
    shutil.rmtree(lab_env / "lib" / f"python{PYTHON}" / "site-packages" / "torch")
    for path in (lab_env / "lib" / f"python{PYTHON}" / "site-packages").glob("torch-*"):
        shutil.rmtree(path)
    forget(wheel_lab)
    done = install("--offline", "torch", "torchvision").ok()
    assert imported(lab_env, "torch", "torchvision") == {
        "torch": "mirror cu126",
        "torchvision": "mirror cu126",
    }
    assert asked(wheel_lab) == []
    assert "chosen from the wheels on this disk alone" in done.words
    assert "--no-index" in done.words


def test_a_preview_shows_what_would_be_installed(wheel_lab, lab_env, install):
    install("--download-only", "torch", "torchvision").ok()
    forget(wheel_lab)
    found = install("--offline", "torch", "torchvision", "--dry-run", "--json").ok().json()
    selected = found["torchmirror"]["selected"]
    assert selected["index"] == "cache"
    assert all(build["url"].startswith("file:") and build["cached"] for build in selected["builds"])
    (pip,) = [step for step in found["torchmirror"]["steps"] if step["tool"] == "pip"]
    assert "--no-index" in pip["command"]
    assert "--no-index" in pip["by_hand"]
    assert asked(wheel_lab) == []


def test_a_preview_from_the_list_shows_a_run_with_a_network(wheel_lab, conda_in_process):
    words = ("--cuda", "12.6", "--python", "3.12", "--dry-run", "--offline")
    done = conda_in_process(*WHEELS, "--platform", "linux-64", *words).ok()
    assert "pip install" in done.words
    assert "--no-index" not in done.words


def test_what_lacks_is_named_with_the_command_that_fetches_it(wheel_lab, lab_env, install):
    install("--download-only", "torch==2.7.1").ok()
    forget(wheel_lab)
    done = install("--offline", "torch==2.7.1", "torchvision", "--json")
    assert isinstance(done.error, WheelsNotHere)
    tag = PYTHON.replace(".", "")
    assert done.json()["guidance"]["cause"].startswith(f"lacking: torchvision-0.22.1+cu126-cp{tag}")
    assert "1 wheel of the set is not" in done.json()["message"]
    found = hints(done)
    assert set(found) == {"fetch_wheels", "wheels_in_folder"}
    assert asked(wheel_lab) == []
    # The command that is offered fetches it, and then the same command installs what it can.
    words = found["fetch_wheels"].partition("`")[2].rstrip("`").replace('"', "").split()[2:]
    assert words[-1] == "--download-only"
    install(*[word for word in words if word not in ("--source", "wheels", *CUDA)]).ok()
    drop("sympy", "numpy")
    forget(wheel_lab)
    ended = install("--offline", "torch==2.7.1", "torchvision", "--json")
    assert isinstance(ended.error, PipFailed)  # sympy and numpy are nowhere on this disk
    assert set(hints(ended)) == {"pip_offline"}
    assert asked(wheel_lab) == []


def test_nothing_of_what_is_asked_for_is_known(wheel_lab, install):
    assert isinstance(install("--offline", "torch==9.9").error, NoFittingWheel)
    assert asked(wheel_lab) == []


@pytest.mark.parametrize("project", ["torch", "filelock"])
def test_a_damaged_file_is_not_installed(wheel_lab, lab_env, install, project):
    install("--download-only", "torch").ok()
    (link,) = [link for link in wheel_cache.links() if link.project == project]
    path = wheel_cache.find(link)
    content = bytearray(Path(path).read_bytes())
    content[60] ^= 1
    Path(path).write_bytes(content)
    done = install("--offline", "torch")
    assert isinstance(done.error, WheelDamaged)
    assert Path(path).exists()
    assert "torch-2.7.1+cu126" not in dists(lab_env)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b"{}",
        b'{"filename": "../../torch-2.7.1-py3-none-any.whl", "variant": "cu126"}',
        b'{"filename": "torch-2.7.1-py3-none-any.whl", "variant": "../cu126"}',
        b'{"filename": "torch-2.7.1-py3-none-any.whl", "variant": "cu126", "sha256": 3}',
        b"[" * 100_000,
    ],
)
def test_what_stands_beside_a_file_is_read_strictly(wheel_lab, sandbox, said):
    entry = sandbox.pkgs / wheel_cache.FOLDER / "0123456789abcdef"
    entry.mkdir(parents=True)
    (entry / "torch-2.7.1-py3-none-any.whl").write_bytes(b"x")
    (entry / wheel_cache.SAID).write_bytes(said)
    assert list(wheel_cache.links()) == []


def test_a_new_environment_is_made_offline(wheel_lab, lab_env, install, tmp_path):
    """Python and pip come from conda's cache, torch and what it needs from ours."""
    install("--download-only", "torch").ok()
    forget(wheel_lab)
    new = tmp_path / "new"
    install("--offline", "torch", prefix=new).ok()
    assert dists(new) >= {"torch-2.7.1+cu126", "filelock-3.19.1", "sympy-1.14.0"}
    assert asked(wheel_lab) == []


def test_a_new_environment_that_lacks_something_is_not_left_behind(
    wheel_lab, lab_env, install, tmp_path
):
    install("--download-only", "torch").ok()
    drop("filelock")
    new = tmp_path / "new"
    done = install("--offline", "torch", prefix=new)
    assert isinstance(done.error, PipFailed)
    assert "filelock" in done.words
    assert not new.exists()


# Room


def test_the_room_is_told_before_the_question(wheel_lab, lab_env, conda_in_process, sandbox):
    done = conda_in_process(*WHEELS, *CUDA, "-p", lab_env, input="no\n")
    text = " ".join(done.stdout.split())  # a long path begins a line of its own
    assert text.index("to be downloaded: 6") < text.index("Free in ") < text.index("Proceed")


def test_too_little_room_stops_before_the_download(wheel_lab, lab_env, install, monkeypatch):
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    done = install()
    assert isinstance(done.error, NoSpace)
    assert wheel_lab.first.sent() == []


# Options of conda's


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        (("--copy",), ""),
        (("--no-pin",), "--no-pin"),
        (("--repodata-fn", "repodata.json"), "--repodata-fn"),
        (("--solver", "classic"), "--solver"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_options_of_condas_are_heard_by_its_part_or_said(
    wheel_lab, lab_env, install, tmp_path, words, heard
):
    rows = install(*words, "--dry-run", "--json").ok().json()["torchmirror"]["warnings"]
    (said,) = [row["text"] for row in rows if row["code"] == "conda_unheard"] or [""]
    assert said.partition(":")[0] == heard
    made = install(*words, "--dry-run", "--json", prefix=tmp_path / "new").ok().json()
    assert all(row["code"] != "conda_unheard" for row in made["torchmirror"]["warnings"])


def test_insecure_holds_for_pip_too(wheel_lab, install):
    """Where pip reads the index, which gives no hashes here."""
    for page in (wheel_lab.index.folder / "simple").glob("*/index.html"):
        page.unlink()
    put(wheel_lab.index, wheel_lab.made[""], "simple", hashes=False)
    done = install("--insecure", "--no-fallback", "--dry-run", "--json").ok()
    host = wheel_lab.index.url.partition("//")[2]
    (command,) = [
        step["command"] for step in done.json()["torchmirror"]["steps"] if step["tool"] == "pip"
    ]
    assert f"--trusted-host {host}" in command
    install("--insecure", "--no-fallback").ok()


# The list


def test_the_list_of_what_there_is(wheel_lab, conda_in_process):
    done = conda_in_process(*WHEELS, "--list", "--python", PYTHON, "--json").ok()
    found = done.json()["torchmirror"]
    assert found["source"] == "wheels"
    rows = {(row["version"], row["cuda"], row["fits"]) for row in found["list"]}
    assert rows == {("2.7.1", "12.6", False), ("2.7.1", "11.8", False), ("2.7.1", None, True)}
    assert all(row["python"] == PYTHON for row in found["list"])
    assert wheel_lab.first.sent() == []
    lines = conda_in_process(*WHEELS, *CUDA, "--list", "--python", PYTHON).ok().words
    assert "2.7.1" in lines
    assert "12.6*" in lines


def test_the_list_without_the_network(wheel_lab, conda_in_process):
    words = ("--list", "--offline", "--platform", "win-64", "--cuda", "12.6", "--json")
    found = conda_in_process(*WHEELS, *words).ok().json()["torchmirror"]
    assert (found["index"], found["subdir"]) == ("built-in", "win-64")
    fitting = {row["version"] for row in found["list"] if row["fits"]}
    assert {"2.7.1", "2.10.0"} <= fitting
    assert asked(wheel_lab) == []


@pytest.mark.parametrize(
    ("subdir", "older", "cudas"),
    [("linux-64", "2.5.1", {"12.4", "12.1", "11.8"}), ("osx-64", "", ())],
)
def test_the_list_has_no_release_in_part(wheel_lab, conda_in_process, subdir, older, cudas):
    """2.5.1 was listed for CUDA 11.8 and the CPU alone: nobody had looked into cu124 and cu121."""
    words = (*WHEELS, "--list", "--offline", "--platform", subdir, "--json")
    found = conda_in_process(*words).ok().json()["torchmirror"]
    [source] = found["sources"]
    assert bool(source["unread_from"]) == bool(older)
    listed = {row["version"] for row in found["list"]}
    assert listed
    if older:
        assert older not in listed
        assert "2.6.0 and older ones" in conda_in_process(*words[:-1]).ok().words
        named = conda_in_process(*words, f"torch=={older}").ok().json()["torchmirror"]
        assert {row["cuda"] for row in named["list"]} == {*cudas, None}
        assert named["sources"][0]["unread_from"] is None


@pytest.mark.parametrize("variant", ["xpu", "rocm6.4"])
def test_the_list_of_an_accelerator_that_is_no_cuda(wheel_lab, conda_in_process, variant):
    words = ("--list", "--offline", "--platform", "linux-64", "--cuda", variant)
    lines = conda_in_process(*WHEELS, *words).ok().words
    assert f"{variant}*" in lines
    assert "cpu" not in lines


def test_a_list_of_nothing_says_why(wheel_lab, conda_in_process):
    words = ("--list", "--python", PYTHON, "torch==9.9", "--json")
    done = conda_in_process(*WHEELS, *words)
    assert isinstance(done.error, NoFittingWheel)
    assert json.loads(done.stdout)["guidance"]["cause"].startswith("no wheel of `torch==9.9`")


def test_why_not_the_others(wheel_lab, conda_in_process, tmp_path):
    made = wheel_files.make(tmp_path, "torch", "2.8.0+cu126", LINUX, variant="cu126")
    put(wheel_lab.first, [made])
    words = ("--explain", "--python", PYTHON, "torch", "torchvision", "--dry-run", "-n", "new")
    done = conda_in_process(*WHEELS, *CUDA, *words).ok()
    assert f"torchvision 0.23.0 is there for torch 2.8.0, cu126 and Python {PYTHON}" in done.words


@pytest.mark.parametrize("subdir", ["linux-64", "win-64"])
def test_the_set_of_1_9_1_as_the_page_of_former_releases_has_it(subdir, conda_in_process):
    """Its torchaudio is one wheel for every accelerator, and in no directory for a CUDA."""
    words = ("torch==1.9.1+cu111", "torchvision==0.10.1+cu111", "torchaudio==0.9.1")
    done = conda_in_process(
        *(*WHEELS, *words, "--cuda", "11.1", "--platform", subdir, "-n", "new"),
        *("--offline", "--dry-run", "--json"),
    )
    assert set(chosen(done)) == {"torch", "torchvision"}
    found = done.json()["torchmirror"]
    assert "partner_by_pip" in {warning["code"] for warning in found["warnings"]}
    assert "torchaudio==0.9.1" in found["steps"][-1]["command"]


@pytest.mark.parametrize(
    ("words", "subdir", "torch", "text"),
    [
        (("torch", "torchtext"), "linux-64", "2.3.1+cu121", "torchtext==0.18.0"),
        (("torchvision", "torchtext"), "win-64", "2.3.1+cu121", "torchtext==0.18.0"),
        (("torchtext==0.17.1",), "linux-64", "2.2.1+cu121", "torchtext==0.17.1"),
        (("torch", "torchtext", "--cuda", "cpu"), "osx-64", "2.2.2", "torchtext==0.17.2"),
        (("torch", "torchdata==0.6.0"), "linux-64", "2.0.0+cu118", "torchdata==0.6.0"),
        # torchdata 0.6.1 goes with torch 2.0.1.
        (("torchdata<0.7.1,!=0.6.1", *STRICT), "linux-64", "2.0.0+cu117", "torchdata==0.6.0"),
    ],
)
def test_torch_left_open_is_one_that_torchtext_goes_with(
    words, subdir, torch, text, conda_in_process
):
    """torchtext ended with torch 2.3, and "leave torchtext out" was all that was offered."""
    cuda = () if "--cuda" in words else ("--cuda", "12.4")
    done = conda_in_process(
        *(*WHEELS, *words, *cuda, "--platform", subdir, "-n", "new"),
        *("--offline", "--dry-run", "--json"),
    )
    assert chosen(done)["torch"][0] == torch
    found = done.json()["torchmirror"]
    assert {"torch_for_partner", "partner_by_pip"} <= {w["code"] for w in found["warnings"]}
    assert text in found["steps"][-1]["command"]


def test_where_no_torch_goes_with_torchtext_the_request_is_told_as_it_was_made(conda_in_process):
    words = ("torch", "torchtext", "--python", "3.13", "--platform", "linux-64", "-n", "new")
    done = conda_in_process(*WHEELS, *CUDA, *words, "--offline", "--dry-run", "--json")
    assert "no set of wheels fits: torch torchtext, on linux-64" in done.json()["message"]


def test_the_list_is_of_what_torchtext_goes_with(conda_in_process):
    words = ("torch", "torchtext", "--list", "--platform", "linux-64", "--cuda", "12.4")
    done = conda_in_process("torch-install", "--source", "wheels", *words, "--offline").ok()
    assert "2.3.1, 2.3.0" in done.words
    assert "2.4" not in done.words.partition("runs here")[0].partition("python")[2]


@pytest.mark.parametrize(
    ("words", "python"),
    [
        (("torch==1.13.1", "torchtext"), "3.10"),
        (("torch==2.2.0", "torchtext"), "3.11"),
        (("torch==2.2.2", "torchtext"), "3.12"),
        (("torchtext==0.17.1",), "3.11"),
        (("torch<2", "torchtext"), "3.10"),
        (("torch", "torchtext"), "3.12"),
        (("torch==1.13.1", "torchdata"), "3.10"),
        (("torchdata==0.7.0",), "3.11"),
        # The newest that it goes with are for 3.12, and not for this CUDA.
        (("torchtext", "--cuda", "11.6", "--cuda-compat", "strict"), "3.10"),
    ],
)
def test_a_partner_that_is_left_to_pip_bounds_the_python(words, python, conda_in_process):
    """PyPI has no torchtext 0.14 for Python 3.11 and no 0.17.0 for 3.12, as torch is there for."""
    words = ("--cuda", "cpu", *words, "--platform", "linux-64")
    done = conda_in_process(*WHEELS, *words, "-n", "new", "--offline", "--dry-run", "--json").ok()
    found = done.json()["torchmirror"]
    assert found["selected"]["python"] == python
    assert "python_without" not in {warning["code"] for warning in found["warnings"]}
    assert {"torchtext", "torchdata"}.isdisjoint(found["steps"][-1]["command"].split())


@pytest.mark.parametrize(
    ("torch", "asked", "cause"),
    [
        ("2.2", "torchdata=0.7.0", "torchdata 0.7.1 goes with torch 2.2.2, and"),
        ("2.0", "torchdata=0.7.0", "torchdata 0.6.1 goes with torch 2.0.1, and"),
        ("1.10", "torchdata=0.7.0", "no official source says which torchdata goes with"),
    ],
)
def test_a_torchdata_for_another_torch_is_refused(torch, asked, cause, conda_in_process):
    """pip refused it, since its METADATA names one release of torch, and wheels were offered."""
    words = (f"pytorch={torch}", asked, "--cuda", "12.4", "--platform", "linux-64", "-n", "new")
    words = (*words, "--offline", "--dry-run", "--json")
    found = conda_in_process(*WHEELS, *words).json()["torchmirror"]
    assert found["error"] == "no_fitting_wheel"
    assert cause in found["facts"]["detail"]
    by_conda = conda_in_process("torch-install", *words).json()
    assert "--source wheels" not in str(by_conda)
