"""A CUDA that is named, by `--cuda`, a variable or the file of a machine, and does not go with the
GPU: what is said of it is so, and each step that is offered gives a choice."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from conda_torchmirror.machine import facts
from conda_torchmirror.models import Machine

PREVIEW = ("torch-install", "--dry-run", "--offline", "-n", "new", "--json")
RTX_50, T4 = "12.0", "7.5"


@pytest.fixture
def refused(conda_in_process, monkeypatch):
    """`refused(*words, cuda, arch)`: the cause and the hints of a refusal; all hints were taken."""

    def run(*words, cuda="12.8", arch=RTX_50):
        monkeypatch.setenv("CONDA_OVERRIDE_CUDA", cuda)
        monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", arch)
        done = conda_in_process(*PREVIEW, *words)
        assert done.rc == 1
        found = json.loads(done.stdout)["guidance"]
        hints = {hint["hint_code"]: hint["text"] for hint in found["hints"]}
        for code, hint in hints.items():
            if taken := _taken(words, code, hint):
                conda_in_process(*PREVIEW, *taken).ok()
        return found["cause"], hints

    return run


def _taken(words, code, hint):
    """The words that a step leads to."""
    at = words.index("--cuda") if "--cuda" in words else len(words)
    left = (*words[:at], *words[at + 2 :])
    match code:
        case "leave_cuda":
            return left
        case "use_minor":
            return (*words, "--cuda-compat", "minor")
        case "other_cuda" | "name_cuda" | "use_cpu":
            return (*left, *shlex.split(re.findall("`([^`]*)`", hint)[0]))
        case "less_without_cuda":
            offered = shlex.split(re.findall("`(conda [^`]*)`", hint)[0])[2:]
            return tuple(word for word in offered if word not in ("--dry-run", "--offline"))
        case "older_release":
            return tuple(word.partition("=")[0] for word in words)
        case "see_list" | "upgrade_driver_override":
            return ()
    raise AssertionError(code)


@pytest.mark.parametrize(
    "words",
    [
        ("--source", "wheels", "--cuda", "11.8"),
        ("--source", "wheels", "--cuda", "10.0", "--python", "3.12"),
        ("--source", "conda-forge", "--cuda", "11.8"),
        ("--cuda", "11.8"),
        ("--cuda", "cu118", "pytorch=2.8"),
    ],
    ids=" ".join,
)
def test_without_the_option_or_with_another_cuda_it_fits(refused, words):
    """Wheels had no step but a list, builds a driver and none of both; and the driver was said to
    run no more than the option says."""
    cause, hints = refused(*words)
    assert {"leave_cuda", "other_cuda", "use_cpu"} <= set(hints)
    assert "upgrade_driver" not in hints
    assert "driver" not in cause
    assert re.search(r"too new for `--cuda 1\d\.\d`", cause)


@pytest.mark.parametrize(
    "words",
    [
        ("--cuda", "11.8", "pytorch=2.5"),
        ("--source", "wheels", "--cuda", "11.8", "torch==2.1.0"),
        ("--source", "pytorch", "--cuda", "11.8"),
    ],
    ids=["a release", "a release of wheels", "a channel"],
)
def test_what_fits_without_the_option_and_with_less_asked_for(refused, words):
    _, hints = refused(*words)
    assert "leave_cuda" not in hints
    assert "--cuda" not in hints["less_without_cuda"].partition(":")[2]


def test_it_is_not_left_out_where_the_machine_itself_has_none(refused):
    _, hints = refused("--source", "wheels", "--cuda", "9.0", cuda="", arch="")
    assert "leave_cuda" not in hints
    assert "other_cuda" in hints


@pytest.mark.parametrize("source", ["wheels", "conda-forge", "auto"])
def test_an_override_is_said_to_be_one(refused, source):
    """The driver was said to run no more; and a newer one is of no use while the override stays."""
    cause, hints = refused("--source", source, cuda="11.8")
    assert "the override of `__cuda` says CUDA 11.8" in cause
    assert "the driver runs" not in cause
    assert {"upgrade_driver_override", "use_cpu"} <= set(hints)


@pytest.mark.parametrize("source", ["wheels", "conda-forge"])
def test_the_file_of_a_machine_says_what_its_driver_runs(refused, tmp_path, source):
    on = Machine("linux-64", cuda="12.8", cuda_from="libcuda", cuda_arch=RTX_50, driver="570.86")
    file = tmp_path / "node.json"
    file.write_text(facts.dump(on))
    words = ("--source", source, "--cuda", "11.8", "--machine", str(file))
    cause, hints = refused(*words, cuda="", arch="")
    assert "too new for `--cuda 11.8`" in cause
    assert {"leave_cuda", "other_cuda", "use_cpu"} <= set(hints)


def test_the_compatibility_of_minor_versions_is_refused_by_the_name(refused):
    words = ("--source", "wheels", "--cuda", "12.0", "--cuda-compat", "strict", "torch==2.8.0")
    cause, _ = refused(*words, arch=T4)
    assert "newer than CUDA 12.0, and --cuda-compat is strict" in cause
