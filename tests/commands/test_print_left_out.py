"""What `--print` cannot put into a text for others is said beside it: secrets, and odd names."""

from __future__ import annotations

import pytest

WORDS = (
    *("torch-install", "--offline", "--source", "pytorch", "--cuda", "12.4", "pytorch"),
    "--print",
)
SECRETS = ("tk-123-abc", "h1dden")
PRIVATE = (
    *("-c", f"https://conda.anaconda.org/t/{SECRETS[0]}/own"),
    *("-c", f"https://me:{SECRETS[1]}@repo.lab.example/x"),
)


@pytest.mark.parametrize("tool", ["conda", "mamba", "environment.yml", "pixi", "dockerfile"])
def test_a_token_is_not_printed_and_it_is_said(conda_in_process, tool):
    done = conda_in_process(*WORDS, tool, "-n", "new", *PRIVATE).ok()
    assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]
    assert "https://repo.lab.example/x" in done.stdout
    said = "read here with a token or password, which is not printed: own, https://repo.lab"
    assert said in " ".join(done.stderr.split())
    codes = codes_of(conda_in_process(*WORDS, tool, "-n", "new", *PRIVATE, "--json"))
    assert codes.count("print_credentials") == 1
    assert "print_credentials" not in codes_of(conda_in_process(*WORDS, tool, "--json"))


def test_a_token_of_the_configuration_counts(condarc, conda_in_process):
    condarc(channels=[PRIVATE[1], "conda-forge"])
    done = conda_in_process(*WORDS, "environment.yml", "--json").ok()
    assert SECRETS[0] not in done.stdout
    assert "print_credentials" in codes_of(done)


def codes_of(done) -> list[str]:
    return [one["code"] for one in done.ok().json()["torchmirror"]["warnings"]]


@pytest.mark.parametrize(
    ("words", "name", "said"),
    [
        (("-n", "实验"), "torch", True),
        (("-n", "1st"), "torch", True),
        (("-n", "lesson-1"), "lesson-1", False),
        (("-p", "work/lesson.2"), "lesson.2", False),
        (("-p", "work/实验"), "torch", True),
        ((), "torch", False),
    ],
    ids=str,
)
@pytest.mark.parametrize("tool", ["environment.yml", "pixi", "dockerfile"])
def test_another_name_of_the_environment_is_said(conda_in_process, words, name, said, tool):
    done = conda_in_process(*WORDS, tool, *words, "--json")
    text = done.ok().json()["torchmirror"]["print"]["text"]
    line = {"pixi": f'name = "{name}"', "dockerfile": f"--name {name} "}.get(tool, f"name: {name}")
    assert line in text
    assert ("print_renamed" in codes_of(done)) is said


def test_a_command_takes_any_name(conda_in_process):
    done = conda_in_process(*WORDS, "conda", "-n", "实验", "--json")
    assert "实验" in done.ok().json()["torchmirror"]["print"]["text"]
    assert "print_renamed" not in codes_of(done)
