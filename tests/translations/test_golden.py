"""What every command and every error says, in both languages, at width 80: kept in `golden/`.

After a change of what is said, write the files anew, and read the difference before a commit:

    TORCHMIRROR_GOLDEN=write python -m pytest tests/translations/test_golden.py
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from functools import partial
from pathlib import Path

import pytest
from support.condas import of_old_conda
from support.golden import (
    CHECKS,
    FACTS,
    GOLDEN,
    LANGUAGES,
    below,
    errors,
    ours,
    plain,
    shown,
    told,
    too_wide,
)
from support.sites import ASK
from support.torches import CPU_BUILD, CUDA_BUILD, record
from support.wheel_commands import CUDA, WHEELS
from support.wheel_lab import PYTHON, TAG

from conda_torchmirror.models import Notice
from conda_torchmirror.text import language
from conda_torchmirror.verify.report import lines

pytest_plugins = ("support.site_fixtures", "support.wheel_fixtures")

WRITE = os.environ.get("TORCHMIRROR_GOLDEN") == "write"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the paths here are those of POSIX")


@pytest.fixture(params=LANGUAGES)
def speaking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CONDA_TORCHMIRROR_LANG", request.param)
    language.forget()
    return request.param


def compare(name: str, speaking: str, sections: dict[str, str]) -> None:
    """Hold what was said against the file, or write it."""
    said = "".join(f"======== {head}\n\n{text}\n\n" for head, text in sections.items())
    path = GOLDEN / f"{name}.{speaking}.txt"
    if WRITE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(said, encoding="utf-8")
    assert said.splitlines() == path.read_text(encoding="utf-8").splitlines()


# Commands

FILE = """\
name: lesson
channels:
  - pytorch
  - nvidia
  - conda-forge
dependencies:
  - python=3.12
  - pytorch=2.5.1
  - tqdm
"""

PREVIEW = ("torch-install", "--dry-run", "--offline")
PRINT = ("torch-install", "--offline", "--print")
SET = ("--platform", "linux-64", "--cuda", "12.4", "--python", "3.12", "pytorch=2.3")
#: conda's words, in the order of the file; FILE stands for an environment file, BROKEN for another.
COMMANDS = (
    (*PREVIEW, "--cuda", "12.4", "--python", "3.12"),
    (*PREVIEW, "--cuda", "12.2", "--python", "3.12", "--explain"),
    (*PREVIEW, "--cuda", "12.4", "--python", "3.12", "-v"),
    (*PREVIEW, "--python", "3.12"),
    (*PREVIEW, "--platform", "win-64", "--cuda", "cpu", "--python", "3.12"),
    (*PREVIEW, "--platform", "osx-arm64", "--python", "3.12"),
    (*PREVIEW, "--source", "conda-forge", "--cuda", "12.9", "--python", "3.12"),
    (*PREVIEW, "--cuda", "12.4", "-f", "FILE"),
    (*PREVIEW, "--cuda", "12.4", "--python", "3.12", "--urls"),
    (*PREVIEW, "--source", "wheels", "--cuda", "12.6", "--python", "3.12"),
    (*PREVIEW, "--source", "wheels", "--cuda", "11.8", "--python", "3.12", "--explain", "-v"),
    (*PREVIEW, "--source", "wheels", "--python", "3.12"),
    (*PREVIEW, "--source", "wheels", "--cuda", "12.6", "--python", "3.12", "torch==9.9"),
    (*PREVIEW, "--source", "wheels", "--list"),
    *(
        (*PREVIEW, "--source", source, "--cuda", "12.4", "--python", "3.12", "--print", tool)
        for source, tool in (
            ("pytorch", "conda"),
            ("pytorch", "mamba"),
            ("pytorch", "pixi"),
            ("pytorch", "environment.yml"),
            ("pytorch", "dockerfile"),
            ("wheels", "pip"),
            ("wheels", "uv"),
            ("wheels", "environment.yml"),
            ("pytorch", "pip"),
            ("wheels", "explicit"),
        )
    ),
    (*PREVIEW, "--cuda", "12x"),
    (*PREVIEW, "--cuda", "9.0"),
    (*PREVIEW, "--cuda", "12.4", "pytorch=2.9"),
    (*PREVIEW, "--cuda", "12.4", "--python", "3.13"),
    (*PREVIEW, "--mirror", "tsinghua"),
    (*PREVIEW, "--mirror", "http://mirror.example/anaconda"),
    ("torch-install", "--cuda", "cpu"),
    ("torch-install", "--offline", "-n", "new", "--cuda", "cpu"),
    ("torch-install", "--plan", "no-plan", "--cuda", "12.4"),
    ("torch-install", "--list", "--offline", "--cuda", "12.1"),
    ("torch-install", "--list", "--offline", "pytorch=1.13"),
    ("torch-mirror", "list"),
    ("torch-mirror", "status"),
    ("torch-mirror", "enable", "--dry-run"),
    ("torch-mirror", "enable"),
    ("torch-mirror", "status", "bioconda"),
    ("torch-mirror", "enable", "--hook-only"),
    ("torch-mirror", "disable", "--dry-run"),
    ("torch-mirror", "disable"),
    ("torch-mirror", "status", "pytorch"),
    ("torch-mirror", "enable", "--hook-only"),
    ("torch-mirror", "test", "--offline"),
    ("torch-mirror", "rewrite", "--diff", "FILE"),
    ("torch-mirror", "rewrite", "FILE"),
    ("torch-mirror", "rewrite", "FILE", "BROKEN", "no-such-file"),
    ("torch-mirror", "upstream", "--no-backup", "FILE"),
    ("torch-verify", "-n", "empty"),
    *((*PRINT, tool, "-n", "new", *SET) for tool in ("conda", "micromamba", "pixi", "dockerfile")),
    (*PRINT, "pip", *SET),
    ("torch-verify", "--collect", "no-such-folder"),
    ("torch-mirror", "cache"),
)


@of_old_conda
def test_commands(
    speaking, sandbox, condarc, conda_in_process, run_conda, tmp_path, monkeypatch, request
):
    condarc(channels=["defaults"])  # new conda has none of its own
    # A path that is as long everywhere: lines break behind it.
    short = Path(tempfile.mkdtemp(prefix="tm-", dir="/tmp"))
    request.addfinalizer(partial(shutil.rmtree, short))
    link = short / "root"
    link.symlink_to(sandbox.root)
    monkeypatch.setenv("HOME", str(link / "home"))
    monkeypatch.setenv("CONDA_ENVS_PATH", str(link / "envs"))
    monkeypatch.chdir(tmp_path)
    Path("environment.yml").write_text(FILE, encoding="utf-8")
    Path("broken.yml").write_bytes(b"\xff\xfe\x00\xd8")
    for name in ("empty", "lesson"):
        (sandbox.envs / name / "conda-meta").mkdir(parents=True)
        (sandbox.envs / name / "conda-meta" / "history").touch()
    files = {"FILE": "environment.yml", "BROKEN": "broken.yml"}
    sections: dict[str, str] = {}
    for number, words in enumerate(COMMANDS, 1):
        # A file's bytes go past the text of a standard output that this process makes up.
        run = run_conda if words[1] in ("rewrite", "upstream") else conda_in_process
        result = run(*(files.get(word, word) for word in words))
        said = f"{result.stdout}\n{told(result)}".strip("\n")
        said += f"\n\n[{result.rc}]" if result.rc else ""
        shown = " ".join(files.get(word, word) for word in words)
        sections[f"{number:02} conda {shown}"] = plain(said, sandbox, link)
    assert too_wide(sections) == []
    compare("commands", speaking, sections)


#: What conda says by itself, which differs by its release: up to the end of its own part.
CONDAS = re.compile(
    r"(?ms)^(?:Collecting package metadata|Channels:|Retrieving notices|Solving environment"
    r"|\n?## Package Plan ##|\n?Downloading and Extracting|Preparing transaction"
    r"|Verifying transaction|Executing transaction|# To activate|#\n).*?(?=^\d+ packages|\Z)"
)


def test_installations(
    speaking, sites, conda_in_process, sandbox, tmp_path, monkeypatch, request
) -> None:
    """A real one, and a plan that is saved, carried out and carried out again."""
    short = Path(tempfile.mkdtemp(prefix="tm-", dir="/tmp"))
    request.addfinalizer(partial(shutil.rmtree, short))
    monkeypatch.setenv("CONDA_PKGS_DIRS", str(short / "pkgs"))
    env, plan, new = short / "env", short / "plan", short / "new"
    sections: dict[str, str] = {}
    for words in (
        (*ASK, "-p", env),
        (*ASK, "-p", env, "--save-plan", plan),
        ("torch-install", "-y", "-p", new, "--plan", plan),
        ("torch-install", "-y", "-p", new, "--plan", plan),
        ("torch-install", "-y", "-p", new, "--plan", plan, "--cuda", "11.8"),
    ):
        result = conda_in_process(*words)
        said = CONDAS.sub("[conda]\n", f"{result.stdout}\n{told(result)}".strip("\n"))
        said = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", plain(said, sandbox, short))
        said = re.sub(r"\d{4}-\d\d-\d\d", "DATE", re.sub(r"[\d.]+ [kMG]?B\b", "SIZE", said))
        shown = " ".join(str(word).replace(str(short), "ROOT") for word in words)
        sections[f"{len(sections) + 1:02} conda {shown}"] = said + f"\n\n[{result.rc}]" * bool(
            result.rc
        )
    assert too_wide(sections) == []
    compare("installations", speaking, sections)


def test_installations_of_wheels(
    speaking, wheel_lab, conda_in_process, sandbox, tmp_path, monkeypatch, request
) -> None:
    """The same of wheels, into an environment that conda made."""
    short = Path(tempfile.mkdtemp(prefix="tm-", dir="/tmp"))
    request.addfinalizer(partial(shutil.rmtree, short))
    monkeypatch.setenv("CONDA_PKGS_DIRS", str(short / "pkgs"))
    env, plan = short / "env", short / "plan"
    conda_in_process("create", "-y", "-q", "-p", env, "python", "pip").ok()
    use = ("torch-install", "-y", "-p", env, "--plan", plan)
    sections: dict[str, str] = {}
    for words in (
        (*WHEELS, *CUDA, "-p", env, "--save-plan", plan),
        use,
        use,
        (*use, "--cuda", "11.8"),
        (*WHEELS, *CUDA, "-y", "-p", env, "torch==2.7.1"),
        (*WHEELS, "--cuda", "11.8", "-y", "-p", env),
    ):
        result = conda_in_process(*words)
        said = plain(f"{result.stdout}\n{told(result)}", sandbox, short)
        for pattern, instead in (
            (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
            (r"[\d.]+ [kMG]?B\b", "SIZE"),
            (r"SIZE {2,}", "SIZE  "),
            (r"\d{4}-\d\d-\d\d", "DATE"),
            (r"\b[0-9a-f]{64}\b", "SHA256"),
            (r"links-[0-9a-f]+", "links-HASH"),
            (TAG, "cpXY"),
            (re.escape(PYTHON), "X.Y"),
        ):
            said = re.sub(pattern, instead, said)
        shown = " ".join(str(word).replace(str(short), "ROOT") for word in words)
        said += f"\n\n[{result.rc}]" * bool(result.rc)
        sections[f"{len(sections) + 1:02} conda {shown}"] = said
    assert too_wide(sections) == []
    compare("installations-wheels", speaking, sections)


def test_facts_are_the_same_in_every_language(conda_in_process, monkeypatch):
    said = []
    for spoken in LANGUAGES:
        monkeypatch.setenv("CONDA_TORCHMIRROR_LANG", spoken)
        language.forget()
        facts = conda_in_process("torch-verify", "--facts").json()
        said.append({name: value for name, value in facts.items() if name != "created"})
    assert said[0] == said[1]


def test_the_test_of_mirrors(speaking, sites, conda_in_process, monkeypatch, sandbox, tmp_path):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    sites.second.fail("*", "server_error")
    names = ("first", "second", "third", "upstream")
    result = conda_in_process("torch-mirror", "test", *names, "--timeout", "60")
    said = plain(result.stdout, sandbox, tmp_path)
    said = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", said)
    # The columns are as wide as the times in them.
    said = re.sub(r" {2,}", "  ", re.sub(r"\d+ ms|\d+ (?:min|h|d)\b", "TIME", said))
    compare("mirror-test", speaking, {"conda torch-mirror test": said})


# Checks: the verdict of an environment, in text


def test_checks(speaking, sandbox, tmp_path):
    sections = {name: "\n".join(lines(check)) for name, check in CHECKS.items()}
    assert too_wide(sections) == []
    compare("checks", speaking, sections)


def test_doctor(speaking, sandbox, tmp_path, capsys, condarc):
    from conda_torchmirror.hooks.health_check import check

    condarc()
    sections = {}
    for name, build in {"fits": CPU_BUILD, "lesson": CUDA_BUILD}.items():
        prefix = sandbox.envs / name
        (prefix / "conda-meta").mkdir(parents=True)
        (prefix / "conda-meta" / "history").touch()
        record(prefix, *build)
        if build is CUDA_BUILD:
            record(prefix, "mkl", "2024.2.0", "0")
            record(prefix, "torchvision", "0.17.0", "py311_cu121", "pytorch 2.2.0")
        check(str(prefix), True)
        sections[f"conda doctor -v -n {name}"] = plain(capsys.readouterr().out, sandbox, tmp_path)
    assert too_wide(sections) == []
    compare("doctor", speaking, sections)


# Help: what is ours of it

PARSERS = {
    "torch-install": "cli.install.configure_install",
    "torch-mirror": "cli.mirror.configure",
    "torch-verify": "cli.verify.configure",
}


def test_help(speaking, condarc):
    from conda.cli.conda_argparse import generate_parser

    from conda_torchmirror.cli.deferred import fill

    condarc()
    root = fill(generate_parser())
    every = next(a for a in root._actions if isinstance(a.choices, dict)).choices
    sections = {}
    for name in PARSERS:
        for title, parser in below(name, every[name]):
            parser.prog = f"conda {title}"
            sections[f"conda {title} --help"] = ours(parser)
    assert too_wide(sections) == []
    compare("help", speaking, sections)


# Errors


NEWER = Notice("newer_release", {"torch": "pytorch 2.5.1", "channel": "pytorch"})
#: Next steps that have been tried, as of errors whose class names none.
WAYS = {
    "pin_conflict": (Notice("change_pins", {"pins": "mkl=2025 (pinned_packages)"}), NEWER),
    "history_conflict": (
        Notice("change_spec", {"where": "-n lesson", "needed": '"mkl<2024.1"'}),
        Notice("repeat_spec", {"spec": '"mkl=2025"'}),
        NEWER,
    ),
}


def test_errors(speaking):
    sections = {}
    for kind in errors():
        facts = {name: FACTS.get(name, name.upper()) for name in kind.facts}
        error = kind(**facts, ways=WAYS.get(kind.code, ()))
        sections[kind.__name__] = shown(error)
    assert too_wide(sections) == []
    compare("errors", speaking, sections)


def test_nothing_is_kept_that_nothing_says():
    kinds = ["checks", "commands", "doctor", "errors", "help", "installations"]
    kinds += ["installations-wheels", "mirror-test"]
    wanted = {f"{kind}.{spoken}.txt" for kind in kinds for spoken in LANGUAGES}
    assert {path.name for path in GOLDEN.iterdir()} == wanted


def test_every_command_has_a_section_of_what_it_says():
    """`help` has every command, by the parsers; each is also run in one of the other files."""
    heads = {
        kind: re.findall(r"(?m)^======== (?:\d+ )?conda (.+)$", read(kind, language.ENGLISH))
        for kind in ("help", "commands", "mirror-test")
    }
    commands = [head.removesuffix(" --help") for head in heads["help"]]
    run = [*heads["commands"], *heads["mirror-test"]]
    assert len(commands) > 8
    for command in commands:
        assert any(head == command or head.startswith(f"{command} ") for head in run), command


def read(kind: str, spoken: str) -> str:
    return (GOLDEN / f"{kind}.{spoken}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["checks", "commands", "doctor", "errors", "help", "mirror-test"])
def test_both_languages_say_the_same_things(kind):
    """The same sections, with the same commands to copy from them."""
    english, chinese = (
        dict(re.findall(r"(?ms)^======== ([^\n]+)\n\n(.*?)(?=^======== |\Z)", text))
        for text in (
            (GOLDEN / f"{kind}.{spoken}.txt").read_text(encoding="utf-8") for spoken in LANGUAGES
        )
    )
    assert list(english) == list(chinese)
    for head, text in english.items():
        ours, theirs = (set(re.findall(r"`([^`]+)`", said)) for said in (text, chinese[head]))
        assert {word.rstrip("…") for word in ours} == theirs, head
