"""What the command line of `torch-install` says: from its words to `InstallOptions`."""

from __future__ import annotations

import argparse

import pytest

from conda_torchmirror.cli import install
from conda_torchmirror.exceptions.plan import PlanTakesNoChoice
from conda_torchmirror.exceptions.usage import ListAlone, SolveAlone, UrlsFormat
from conda_torchmirror.options import InstallOptions


def options(*words: str) -> InstallOptions:
    parser = argparse.ArgumentParser()
    install.configure_install(parser)
    return install.options(parser.parse_args(words))


@pytest.fixture(autouse=True)
def solvers(conda_in_process):
    """Loads the solvers that conda's own parser names."""
    conda_in_process("info", "--json").ok()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", {}),
        ("pytorch=2.3 numpy", {"specs": ("pytorch=2.3", "numpy")}),
        ("-n new", {"name": "new"}),
        ("-p /env", {"prefix": "/env"}),
        ("--platform win-64", {"subdir": "win-64"}),
        ("-f a.yml -f b.yml", {"files": ("a.yml", "b.yml")}),
        (
            "-c a --override-channels",
            {
                "channels": ("a",),
                "override_channels": True,
                "passed": (("--override-channels",),),
            },
        ),
        ("--cuda 12.4 --cuda-compat strict", {"cuda": "12.4", "cuda_compat": "strict"}),
        ("--python 3.11 --source pytorch", {"python": "3.11", "source": "pytorch"}),
        ("--mirror nju --mirror tuna", {"mirrors": ("nju", "tuna")}),
        ("--no-fallback --check-upstream", {"fallback": False, "check_upstream": True}),
        ("--allow-cpu --explain --no-check", {"allow_cpu": True, "explain": True, "check": False}),
        ("--dry-run", {"dry_run": True}),
        ("--dry-run --solve", {"dry_run": True, "solve": True}),
        ("--urls", {"action": "urls", "urls": "plain"}),
        ("--urls=aria2 --solve", {"action": "urls", "urls": "aria2", "solve": True}),
        ("--urls pytorch=2.5.1", {"action": "urls", "urls": "plain", "specs": ("pytorch=2.5.1",)}),
        ("--urls=plain numpy", {"action": "urls", "urls": "plain", "specs": ("numpy",)}),
        ("--save-plan d", {"action": "save", "save": "d"}),
        ("--save-plan d --urls", {"action": "save", "save": "d", "urls": "plain"}),
        ("--save-plan d --download-only", {"action": "save", "save": "d", "download": True}),
        ("--plan d", {"action": "replay", "plan": "d"}),
        ("--plan d --urls", {"action": "replay", "plan": "d", "urls": "plain"}),
        ("--plan d --dry-run", {"action": "replay", "plan": "d", "dry_run": True}),
        ("--download-only", {"action": "download", "download": True}),
        ("--list", {"action": "list"}),
        ("--freeze-installed", {"passed": (("--freeze-installed",),)}),
        ("-vv -y", {"passed": (("--verbose", "--verbose"), ("--yes",))}),
    ],
)
def test_what_the_command_line_says(words, found):
    asked = options(*words.split())
    wanted = InstallOptions(**found)
    assert set(asked.passed) == set(wanted.passed)
    assert asked._replace(passed=()) == wanted._replace(passed=())


@pytest.mark.parametrize(
    ("words", "preview", "solving"),
    [
        ("", False, True),
        ("--download-only", False, True),
        ("--dry-run", True, False),
        ("--dry-run --download-only", True, False),
        ("--dry-run --solve", True, True),
        ("--list", True, False),
        ("--urls", True, False),
        ("--urls --solve", True, True),
        ("--save-plan d", False, True),
        ("--save-plan d --dry-run", False, True),
        ("--save-plan d --urls", False, True),
    ],
)
def test_what_is_only_shown_and_what_is_solved(words, preview, solving):
    asked = options(*words.split())
    assert (asked.preview, asked.solving) == (preview, solving)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("numpy", "SPEC"),
        ("-f a.yml", "--file"),
        ("--cuda cpu --python 3.12", "--cuda, --python"),
        ("--mirror nju", "--mirror"),
        ("--save-plan e --list", "--save-plan, --list"),
        ("--solve --dry-run", "--solve"),
    ],
)
def test_a_plan_takes_no_choice(words, named, tmp_path):
    for there in (False, True):
        folder = tmp_path / "d"
        if there:
            folder.mkdir()
            (folder / "plan.json").write_text("{}")
        with pytest.raises(PlanTakesNoChoice, match=named) as caught:
            options("--plan", str(folder), *words.split())
        steps = [hint["text"] for hint in caught.value._hints]
        assert any(f"conda torch-install --plan {folder}`" in step for step in steps) == there


@pytest.mark.parametrize("words", ["--solve", "--solve --save-plan d", "--solve --list"])
def test_solving_is_for_previews(words):
    with pytest.raises(SolveAlone):
        options(*words.split())


@pytest.mark.parametrize("more", ["--urls", "--save-plan d", "--download-only", "--urls=aria2"])
def test_a_list_is_not_saved_or_fetched(more):
    """A plan that was to be saved beside a list was forgotten in silence."""
    with pytest.raises(ListAlone, match=more.partition("=")[0].split()[0]):
        options("--list", *more.split())


def test_a_format_that_stands_apart_is_named():
    with pytest.raises(UrlsFormat, match="--urls aria2"):
        options("--urls", "aria2")


@pytest.mark.parametrize("word", ["--urls=", "--urls=xml", "--urls=Aria2"])
def test_other_formats_are_no_word(word, capsys):
    with pytest.raises(SystemExit):
        options(word)
    assert "--urls" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "field"),
    [("--save-plan", "save"), ("--plan", "plan"), ("--wheel-dir", "wheel_dir"), ("-f", "files")],
)
def test_the_folder_of_the_user_is_known_where_a_shell_leaves_it(sandbox, option, field):
    """`--save-plan=~/plan` made a folder that is called ~."""
    word = f"{option}=~/there" if option != "-f" else "--file=~/there"
    found = getattr(options(word), field)
    there = str(sandbox.home / "there")
    assert found == ((there,) if option == "-f" else there)
