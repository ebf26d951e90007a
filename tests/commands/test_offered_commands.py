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
