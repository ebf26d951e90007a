"""The law of offered commands: each asks for what was asked, but for what its step says.

A command is read by the parser of `torch-install`, and its options are held against those of the
run that offered it.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from io import StringIO

from conda_torchmirror.cli import install
from conda_torchmirror.exceptions.base import TorchMirrorError
from conda_torchmirror.index import match
from conda_torchmirror.install.request import says_cpu
from conda_torchmirror.options import InstallOptions
from conda_torchmirror.selection.facts.names import (
    CPU_METAPACKAGE,
    CUDA_NAMES,
    FAMILY,
    METAPACKAGES,
    RUNTIMES,
)

from .running import Result

COMMAND = re.compile(r"`(conda torch-install [^`]*)`")
#: What a run prints, and whether it asks: offered commands leave it out.
TALK = frozenset(("--yes", "--quiet", "--verbose", "--debug", "--trace", "--console"))
#: Names that a step may open, replace or drop.
_CHOSEN = frozenset((*FAMILY, *METAPACKAGES, *RUNTIMES, *CUDA_NAMES, "torch", "python"))
_NEW = frozenset(("name", "prefix"))
_OPENED = frozenset(("specs", "python", "channels"))
#: The tables of conda-forge are of the channel, not of a copy of its index.
_FORGE = _NEW | {"source", "python", "channels", "override_channels", "specs", "--offline"}
#: Options that wheels do not take.
_FOR_WHEELS = frozenset(("source", "channels", "override_channels", "check_upstream", "solve"))
#: What is done with a choice.
_DONE = frozenset(("action", "tool", "urls", "save", "with_packages", "download", "dry_run"))
#: By hint, the options that its command may change.
CHANGES: Mapping[str, frozenset[str]] = {
    "use_source": frozenset(("source",)),
    "use_python": _NEW | {"python", "specs"},
    "use_conda_forge": _FORGE,
    "use_conda_forge_cpu": _FORGE,
    "use_wheel_set": _NEW | _FOR_WHEELS | {"python"},
    "less_of_conda_forge": _FORGE,
    "less_of_wheels": _NEW | _FOR_WHEELS | {"python", "specs"},
    "other_gpu_wheels": _NEW | _FOR_WHEELS | {"python", "cuda"},
    "other_variant": frozenset(("cuda",)),
    "ask_less": _NEW | _OPENED,
    "less_without_cuda": _FORGE | {"cuda"},
    "take_with_partner": frozenset(("specs", "python")),
    "complete_file": _NEW | _FOR_WHEELS | _DONE | {"check"},
    "fetch_wheels": frozenset(("action", "download", "save", "check", "--offline")),
    "file_family_alone": _NEW | _OPENED | {"files", "override_channels"},
    "file_name_torch": frozenset(("specs",)),
    "file_open_lines": _NEW | _OPENED | {"cuda", "source"},
    "file_leave_lines": _NEW | _OPENED | {"cuda", "source"},
    "file_open_and_leave": _NEW | _OPENED | {"cuda", "source"},
    "file_bare_lines": _NEW | _OPENED | {"cuda", "source"},
    "file_bare_and_leave": _NEW | _OPENED | {"cuda", "source"},
    "read_along": frozenset(("channels", "source")),
    "read_along_flexible": frozenset(("channels", "source", "--strict-channel-priority")),
    "unfreeze": frozenset(("--freeze-installed",)),
    "confirm_change": frozenset(("source",)),
    "new_with_request": _NEW,
    "bound_newer": _NEW | {"source"},
}
#: What a list of builds depends on.
_LISTED = ("subdir", "cuda", "source", "mirrors", "fallback", "machines")


def read(words: Sequence[str]) -> InstallOptions:
    """The options of a command line after `conda torch-install`."""
    parser = argparse.ArgumentParser()
    install.configure_install(parser)
    return install.options(parser.parse_args([str(word) for word in words]))


def _flat(options: InstallOptions) -> dict[str, object]:
    """The options by name, conda's among them; without those on what is printed."""
    found = options._asdict()
    del found["passed"], found["explain"], found["as_json"]
    found["specs"] = frozenset(options.specs)
    # A word may say it as well as the option.
    if options.cuda == "auto" and any(map(_says_cpu, options.specs)):
        found["cuda"] = "cpu"
    # It has no meaning where nothing is installed.
    found["check"] = options.check or options.preview or options.action in ("save", "download")
    left = {*TALK, "--override-channels"}
    return {**found, **{words[0]: words for words in options.passed if words[0] not in left}}


def changed(asked: InstallOptions, command: InstallOptions) -> set[str]:
    """The names of the options that differ."""
    one, other = _flat(asked), _flat(command)
    return {name for name in {**one, **other} if one.get(name) != other.get(name)}


def commands(hints: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """The hints' codes, each with the words of a command of ours that it offers."""
    for code, text in hints.items():
        for found in COMMAND.findall(text):
            yield code, shlex.split(found)[2:]


def check(words: Sequence[str], hints: Mapping[str, str]) -> set[str]:
    """Assert the law for the hints, by code, that a run with these words gave. Returns the codes of
    those that offered a command."""
    asked = read([word for word in words if word != "torch-install"])
    several = len(asked.machines) > 1  # what is offered for one of them is for that one
    told = set()
    for code, line in commands(hints):
        offered = read(line)
        left = {"machines"} if several else set()
        if code == "see_list":
            assert offered.action == "list"
            # A variant is named that only wheels have.
            left |= {"source"} if offered.source == "wheels" else set()
            # One that no wheel is for would list nothing.
            left |= {"cuda"} if asked.cuda[:1] in ("r", "x") and offered.cuda == "auto" else set()
            for name in set(_LISTED) - left:
                assert getattr(offered, name) == getattr(asked, name), (name, line)
            told.add(code)
        elif code in CHANGES:
            differing = changed(asked, offered) - CHANGES[code] - left
            assert not differing, (code, differing, line)
            dropped = {_name(word) for word in set(asked.specs) - set(offered.specs)}
            assert dropped <= _CHOSEN, (code, dropped, line)
            told.add(code)
    return told


def hold(done: Result) -> Result:
    """The result of a command, whose offered commands are held against it if it was refused."""
    words = [str(word) for word in done.args]
    if not done.rc or words[:1] != ["torch-install"] or "--json" not in words:
        return done
    if "`conda torch-install" not in done.stdout:
        return done
    hints = done.json().get("guidance", {}).get("hints", ())
    found = {one["hint_code"]: one["text"] for one in hints}
    try:
        with redirect_stderr(StringIO()):
            read(words[1:])
    except (SystemExit, TorchMirrorError):
        return done  # nothing was asked for
    check(words, found)
    return done


def _says_cpu(word: str) -> bool:
    try:
        return not word.endswith(".whl") and (
            says_cpu(match.read(word)) or _name(word) == CPU_METAPACKAGE
        )
    except TorchMirrorError:
        return False


def _name(word: str) -> str:
    return word if word.endswith(".whl") else match.read(word).name
