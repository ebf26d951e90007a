"""What is offered for one of several machines, taken literally beside the plans of the others."""

from __future__ import annotations

import shlex
from pathlib import Path

from support.machine_files import write

from conda_torchmirror.plans import saved_plan

pytest_plugins = ("support.planning_fixtures",)


def test_its_plan_goes_into_a_folder_beside_those_of_the_others(
    mirrored, conda_in_process, tmp_path
):
    """The folder of the plans is no plan, so that a step that named it was refused."""
    machines = (write(tmp_path, "ampere", python="3.12"), write(tmp_path, "ada", python="3.13"))
    parent = tmp_path / "plans"
    words = ("--machine", *machines, "--save-plan", parent, "--source", "pytorch", "pytorch")
    done = conda_in_process("torch-install", *words, "--json")
    assert done.rc == 1
    [failed] = done.json()["torchmirror"]["failed"]
    hints = {hint["hint_code"]: hint["text"] for hint in failed["error"]["guidance"]["hints"]}
    command = shlex.split(hints["use_python"].split("`")[1])
    assert Path(command[command.index("--save-plan") + 1]) == parent / "for-ada"
    conda_in_process(*command[1:]).ok()
    assert saved_plan.load(parent / "for-ada").decision["selected"]["python"] == "3.12"
    conda_in_process("torch-install", *words)  # and once more over all of it
    assert len(list(parent.iterdir())) == 2


def test_the_python_of_an_environment_here_is_said_to_stay(
    conda_in_process, env_of, tmp_path
) -> None:
    """The file may be of an environment of that name on another machine."""
    there, here = write(tmp_path, "ampere", python="3.8"), env_of("python=3.11")
    words = ("torch-install", "--dry-run", "--offline", "--machine", there)
    said = conda_in_process(*words, "-p", here, "--source", "pytorch").ok().words
    assert f"Python 3.11 of {here} takes the place of 3.8, which {there} says" in said
    same = write(tmp_path, "ada", python="3.11")
    words = (*words[:-1], same)
    assert "takes the place" not in conda_in_process(*words, "-p", here).ok().words


def test_the_urls_of_all_plans_come_with_what_is_true_of_every_choice(
    conda_in_process, tmp_path, monkeypatch
) -> None:
    """That a file's pip section is not among them was said for one machine alone."""
    needs = "dependencies: [python=3.11, pytorch, pip, pip: [tqdm]]\n"
    (tmp_path / "e.yml").write_text(f"name: e\nchannels: [pytorch]\n{needs}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    machines = (write(tmp_path, "ampere"), write(tmp_path, "kepler"))
    words = ("torch-install", "--urls", "--offline", "-f", "e.yml", "--machine", *machines)
    done = conda_in_process(*words).ok()
    said = " ".join(done.stderr.split())
    assert "e.yml: the pip section (1 line) is not part of it" in said
    assert "decided by the facts in" not in said
    assert "not part of it" not in conda_in_process(*words, "-q").ok().stderr
