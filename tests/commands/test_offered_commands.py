"""The law of offered commands, with every option: what was asked besides stays in the command."""

from __future__ import annotations

import shlex

import pytest
from support import offered

pytest_plugins = ("support.refusal_fixtures",)

BASE = ("--cuda", "12.4")
#: What may be asked beside any choice.
MORE = {
    "a mirror": "--mirror nju",
    "mirrors": "--mirror nju --mirror upstream",
    "no fallback": "--no-fallback",
    "hashes of upstream": "--check-upstream",
    "a solver": "--solver classic",
    "no pins": "--no-pin",
    "frozen": "--freeze-installed",
    "strict priority": "--strict-channel-priority",
    "no priority": "--no-channel-priority",
    "another index": "--repodata-fn current_repodata.json",
    "the cache": "--use-index-cache",
    "insecure": "--insecure",
    "no dependencies": "--no-deps",
    "copies": "--copy",
    "reinstalled": "--force-reinstall",
    "no check": "--no-check",
    "strict": "--cuda-compat strict",
    "the CPU": "--allow-cpu",
    "a platform": "--platform win-64",
    "channels": "-c bioconda -c conda-forge",
    "channels alone": "-c bioconda --override-channels",
    "what is about the output": "-v -y -q --explain",
}
#: What is to be done with the choice.
ENDS = {
    "shown": "--dry-run",
    "in JSON": "--dry-run --json",
    "as addresses": "--urls",
    "for aria2": "--urls=aria2",
    "in other words": "--print conda",
    "saved": "--save-plan there",
    "saved whole": "--save-plan there --with-packages",
}
#: Requests that are refused, and hints of which each offers a command.
REFUSED = {
    "a Python too new": ("pytorch=2.5 --source pytorch --python 3.13", "use_python see_list"),
    "the same as a spec": ("pytorch=2.5 python=3.13 --source pytorch", "use_python"),
    "beside another package": ("pytorch=2.5 samtools --python 3.13 --source pytorch", "use_python"),
    "of one channel": ("pytorch::pytorch=2.5 --python 3.13", "use_python"),
    "by its variant": ("torch==2.4.1+cu121 --python 3.13 --cuda 12.1", "use_python"),
    "another source": ("pytorch torchvision --source conda-forge --cuda 10.2", "use_source"),
    "less": ("pytorch=2.99 pytorch-cuda=12.6 --source pytorch", "ask_less"),
    "a directory of wheels": ("torch==2.9.1 --source wheels --cuda rocm6.0", "other_variant"),
    "a Python of wheels": ("torch==2.5.1 --source wheels --python 3.14", "use_python"),
}
TARGETS = {"nowhere": "", "a new one": "-n new", "a folder": "-p {new}"}


@pytest.fixture
def refused(conda_in_process):
    """`refused(*words)`: the hints of a refusal, by code."""

    def run(*words):
        done = conda_in_process(
            "torch-install", *words, *(() if "--json" in words else ("--json",))
        )
        assert done.rc, done
        guidance = done.json()["guidance"]
        return {one["hint_code"]: one["text"] for one in guidance.get("hints", ())}

    return run


def of_wheels(case):
    return "wheels" in REFUSED[case][0]


#: What wheels refuse by themselves.
NOT_OF_WHEELS = (
    *("hashes of upstream", "frozen", "no dependencies", "reinstalled"),
    *("channels", "channels alone"),
)
#: With which a request is answered, or refused for another reason.
OTHERWISE = ("strict", "a platform", "the CPU", "channels", "channels alone")


@pytest.mark.parametrize("more", MORE)
@pytest.mark.parametrize("case", REFUSED)
def test_what_was_asked_besides_stays(refused, condarc, case, more):
    if of_wheels(case) and more in NOT_OF_WHEELS:
        pytest.skip("refused as such")
    if (case, more) == ("another source", "the CPU"):
        pytest.skip("answered")
    condarc(channels=["defaults"], override_channels_enabled=True)
    said, expected = REFUSED[case]
    words = (*said.split(), *MORE[more].split(), "--dry-run", "--offline")
    words += BASE if "--cuda" not in words else ()
    told = offered.check(words, refused(*words))
    assert told >= set(expected.split()) or more in OTHERWISE


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("case", ["a Python too new", "less", "a directory of wheels"])
def test_what_is_to_be_done_stays(both, refused, tmp_path, case, end, target):
    where = TARGETS[target].format(new=tmp_path / "new")
    words = (*REFUSED[case][0].split(), *where.split(), *ENDS[end].split())
    words += ("--offline",) if of_wheels(case) else BASE
    hints = refused(*words)
    assert offered.check(words, hints) - {"see_list"}
    for _, line in offered.commands(hints):
        at = [line[i + 1] for i, word in enumerate(line) if word in ("-n", "-p")]
        assert at in ([], shlex.split(where)[1:] if where else ["NEW"])


# Files


def lines(path, *dependencies, channels=("pytorch", "nvidia", "defaults")):
    listed = "".join(f"- {line}\n" for line in dependencies)
    path.write_text(f"name: lab\nchannels: [{', '.join(channels)}]\ndependencies:\n{listed}")
    return path


@pytest.mark.parametrize("python", ["=3.13", ">=3.13", "=3.13.1=h1_0"])
def test_the_python_of_a_file_may_be_another(refused, conda_in_process, tmp_path, python):
    """`--python` overrules the line, and was offered for a Python that was typed only."""
    file = lines(tmp_path / "e.yml", f"python{python}", "pytorch=2.5", "tqdm")
    words = ("-f", file, "--source", "pytorch", *BASE, "--offline", "--dry-run", "--mirror", "nju")
    hints = refused(*words)
    [line] = [line for code, line in offered.commands(hints) if code == "use_python"]
    assert line[:4] == ["-f", str(file), "--python", "3.12"]
    chosen = conda_in_process("torch-install", *line, "--json").ok().json()["torchmirror"]
    assert chosen["selected"]["python"] == "3.12"


def test_the_python_of_exact_builds_is_no_other(refused, tmp_path):
    file = lines(tmp_path / "e.yml", "python=3.13", "pytorch=2.5", "tqdm=4.66=py313_0")
    hints = refused("-f", file, "--source", "pytorch", *BASE, "--offline", "--dry-run")
    assert "use_python" not in hints


def test_a_file_of_both_sources_is_left_to_conda(refused, tmp_path):
    """No single source has both packages; conda takes them from two."""
    file = lines(tmp_path / "my e.yml", "pytorch-gpu", "pytorch-cuda=12.1")
    hints = refused("-f", file, *BASE, "--offline", "--dry-run")
    assert f'`conda env create -f "{file}"`' in hints["file_as_it_is"]
    # What is typed beside it is not in the file.
    assert "file_as_it_is" not in refused("numpy", "-f", file, *BASE, "--offline", "--dry-run")


# The same in plain conda, and for other tools

OPTIONS = ("--no-deps", "--strict-channel-priority", "--solver", "classic", "-q", "-y")


@pytest.mark.parametrize("source", ["pytorch", "wheels"])
def test_the_same_in_plain_conda_is_the_same(conda_in_process, source):
    options = OPTIONS if source == "pytorch" else OPTIONS[1:]
    words = ("--source", source, *BASE, "-n", "new", "--offline", "--dry-run", "--json")
    done = conda_in_process("torch-install", *words, *options).ok().json()["torchmirror"]
    command = done["steps"][0]["command"] if source == "wheels" else done["command"]
    told = shlex.split(command)
    assert [word for word in options if word in told] == [*options[:-2]]
    assert not {"-q", "-y", "--quiet", "--yes", "--offline"} & {*told}


def test_a_channel_is_named_once(conda_in_process):
    words = ("--source", "pytorch", *BASE, "-n", "new", "--offline", "--dry-run", "--json")
    more = ("-c", "pytorch", "-c", "bioconda", "-c", "nvidia")
    done = conda_in_process("torch-install", *words, *more).ok().json()["torchmirror"]
    told = shlex.split(done["command_by_name"])
    named = [told[at + 1] for at, word in enumerate(told) if word == "-c"]
    assert named == ["pytorch", "nvidia", "bioconda"]


@pytest.mark.parametrize(
    ("tool", "kept"),
    [
        ("conda", ["--no-deps", "--strict-channel-priority", "--solver"]),
        ("mamba", ["--no-deps", "--strict-channel-priority"]),
        ("pixi", []),
    ],
)
def test_another_tool_has_the_options_that_it_knows(conda_in_process, tool, kept):
    words = ("--source", "pytorch", *BASE, "-n", "new", "--offline", "--print", tool, "--json")
    done = conda_in_process("torch-install", *words, *OPTIONS).ok().json()["torchmirror"]
    printed = done["print"]["text"].split()
    options = ["--no-deps", "--strict-channel-priority", "--solver"]
    assert [word for word in options if word in printed] == kept
    told = {each["code"]: each["text"] for each in done["warnings"]}
    left = {word for word in options if word not in kept}
    said = told.get("print_options_left", "").rpartition(": ")[2]
    assert set(said.split(", ")) - {""} == left
