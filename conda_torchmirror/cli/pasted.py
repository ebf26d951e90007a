"""What is pasted after `torch-install` from another installer's command, and the same in our words.

`pip install torch==2.3.1+cu121 --index-url ...` and `conda install pytorch ...` are what guides
show; read as specs, `pip` and `install` are packages, and a page of wheels an environment file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from urllib.parse import urlsplit

from conda.base.context import context, locate_prefix_by_name
from conda.core.prefix_data import PrefixData

from ..index.wheels import builtin
from ..mirrors.registry import official_wheel_hosts
from ..selection import shell
from ..selection.specs import number
from ..selection.wheels.name import Wheel, parse
from ..selection.wheels.tables import PARTNERS, TORCH, tables

#: The programs, and what they do with packages.
_TOOLS = re.compile(r"[!%]?(?:pip\d*(?:\.\d+)*|conda|mamba|micromamba|uv|pixi|poetry)")
_VERBS = ("install", "create", "add")
#: What may stand before the program.
_BEFORE = re.compile(r"sudo|-m|[!%]?(?:uv|python\d*(?:\.\d+)*|py)")
#: Options of pip that name a place to look for packages; those with a value and alone that say
#: nothing here; those without a counterpart.
_PLACES = ("-i", "--index-url", "--extra-index-url", "--find-links")
_WITH_VALUE = ("--trusted-host",)
_ALONE = ("-U", "--upgrade", "--user", "--no-cache-dir", "--pre")
_NOT_HERE = ("-r", "--requirement", "--target", "--no-index")
#: All of them, with the code of the step that is told where one is typed by habit.
PIP_STEPS = {
    **dict.fromkeys((*_PLACES, *_WITH_VALUE, "--no-index"), "pip_index"),
    **dict.fromkeys(("-r", "--requirement"), "pip_list"),
    **dict.fromkeys(("-U", "--upgrade"), "pip_upgrade"),
    **dict.fromkeys(("--user", "--no-cache-dir", "--pre", "--target"), "pip_leave"),
}
_CU = re.compile(r"cu\d+")
_LEADING = re.compile(r"\s*([A-Za-z]+)")
_NAMED = re.compile(r"(\w+)([=<>~!].+)")
_OF_PYTHON = ("--python", "-n", "--name", "-p", "--prefix")
#: Options of ours before a value, which may be named as a package is: `-n torch`.
_VALUED = (
    *(*_OF_PYTHON, "-c", "--channel", "-f", "--file", "--source", "--mirror", "--cuda"),
    *("--platform", "--subdir"),
)
_VARIANT = re.compile(r"(.+)/(cu\d+|cpu|xpu|rocm[\d.]+)(?:/[\w.-]*\.html?)?/*")


def other_command(words: Sequence[str]) -> tuple[str, list[str]] | None:
    """The beginning of another command among the words, and the words without it; or None."""
    if words[0] in _VERBS:  # of a command whose program `conda torch-install` stands for
        return words[0], [*words[1:]]
    for at, (program, verb) in enumerate(pairwise(words)):
        if program == "--":
            break
        if verb in _VERBS and _TOOLS.fullmatch(program):
            start = at
            while start and _BEFORE.fullmatch(words[start - 1]):
                start -= 1
            return " ".join(words[start : at + 2]), [*words[:start], *words[at + 2 :]]
    return None


def page_of_wheels(words: Sequence[str]) -> str | None:
    """The address after `-f` that is a page of wheels, which pip's `-f` takes; or None."""
    for option, value in pairwise(words):
        if option == "-f" and _is_page(value):
            return value
    return None


def _is_page(value: str) -> bool:
    if not value.startswith(("http://", "https://")):
        return False
    found = urlsplit(value)
    named = found.path.endswith((".html", "/")) or _VARIANT.fullmatch(value) is not None
    return named or found.hostname in official_wheel_hosts()


def step(words: Sequence[str], code: str) -> str:
    """The code of the step for all of pip's options among the words, one of which has this code:
    that for its places takes the others along."""
    if any("/nightly" in word for word in words):
        return "pip_nightly"
    names = [word.partition("=")[0] for word in words]
    return "pip_index" if any(PIP_STEPS.get(name) == "pip_index" for name in names) else code


def command(words: Sequence[str]) -> str | None:
    """The command in our words, without pip's options; None where there is no such command."""
    try:
        said = list(_in_our_words(words))
        said = said if _is_typed("--cuda", words) else _named(said)
    except LookupError:
        return None
    return shell.command(["conda", "torch-install", *said], windows=os.name == "nt")


def _is_typed(option: str, words: Iterable[str]) -> bool:
    return any(word.partition("=")[0] == option for word in words)


def _in_our_words(words: Sequence[str]) -> Iterator[str]:
    """Raises: LookupError where an option has no counterpart."""
    places, rest = [], iter(words)
    for word in rest:
        name, sign, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in _NOT_HERE:
            raise LookupError(name)
        if name in (*_PLACES, *_WITH_VALUE, "-f"):
            value = value if sign else next(rest, "")
            if name == "-f" and not _is_page(value):
                yield from (word, value)
            elif name not in _WITH_VALUE:
                places.append(value)
        elif name not in _ALONE:
            yield word
    if not places:
        return
    if not _is_typed("--source", words):
        yield from ("--source", "wheels")
    own = _is_typed("--cuda", words) or any("+" in word for word in words)
    mirror = _is_typed("--mirror", words)
    pages = {found[2] for place in places if (found := _VARIANT.fullmatch(place))}
    if len(pages) > 1 and not own:
        raise LookupError(places)  # pip looks on all of them: none is what was meant
    for place in places:
        if not place.startswith("https://") or "/nightly" in place or "/test" in place:
            raise LookupError(place)
        if found := _VARIANT.fullmatch(place):
            if urlsplit(place).hostname not in official_wheel_hosts() and not mirror:
                yield from ("--mirror", found[1])
            if not own:
                yield from ("--cuda", found[2])


def _named(said: Sequence[str]) -> list[str]:
    """The words, with the page of a CUDA in the word for torch, where that is all of what `--cuda`
    says: pip takes no other CUDA from it, and `--cuda` is for a machine elsewhere, so that neither
    the driver nor the GPU of this one is held against the build."""
    found = list(said)
    if not ("--cuda" in found and (of_set := _of_set(found))) or not (
        match := _CU.fullmatch(found[found.index("--cuda") + 1])
    ):
        return found
    here = next((v for o, v in pairwise(found) if o in ("--platform", "--subdir")), context.subdir)
    rows = tables().variants
    there = [torch for torch, row in rows.items() if match[0] in row.get(here, ())]
    # A page that still gets new releases may have one that is not known here.
    ended = max(map(number, there), default=()) < max(map(number, rows))
    fitting = _fitting(found, there, match[0], here) if ended else ()
    newest = max(fitting, key=number, default=None)
    for at in of_set:
        name, sign, version = found[at].partition("==")
        if name == TORCH and (version in there if sign else newest):
            found[at] = f"{TORCH}=={version or newest}+{match[0]}"
            cuda = found.index("--cuda")
            del found[cuda : cuda + 2]
            break
    return found


def _of_set(words: Sequence[str]) -> list[int]:
    """The places of torch and its partners among the words; of none where one is named twice, or as
    only pip reads it, with spaces or capitals."""
    found: dict[str, int] = {}
    for at, word in enumerate(words):
        match = _LEADING.match(word)
        before = words[at - 1] if at else ""
        name = match[1].lower() if match and before not in _VALUED else ""
        if name in (TORCH, *PARTNERS):
            if name in found or not word.startswith(name) or " " in word:
                return []
            found[name] = at
    return list(found.values())


def _fitting(words: Sequence[str], releases: Iterable[str], variant: str, here: str) -> set[str]:
    """Those releases that a page has for the Python of the command, and that go with the partners
    whose versions it names: pip looks no further for the newest."""
    found, known = {*releases}, tables()
    for word in words:
        match = _NAMED.fullmatch(word)
        if match and match[1] in PARTNERS:
            exact = match[2].removeprefix("==")
            found &= {*known.torch_of(match[1], exact)}
    listed, python = builtin.load(here), _python(words)
    if listed and python:
        tag = f"-cp{''.join(python)}-"
        links = listed.by_variant.get(variant, ())
        wheels = (parse(li) for li in links if li.project == TORCH and tag in li.filename)
        found &= {wheel.version for wheel in wheels if isinstance(wheel, Wheel)}
    return found


def _python(words: Sequence[str]) -> tuple[str, ...] | None:
    """The Python that the words ask for, else that of the environment that they name or that is
    active."""
    split = (word.split("=", 1) if word.startswith("--") else [word] for word in words)
    said = {option: value for option, value in pairwise(chain(*split)) if option in _OF_PYTHON}
    version = said.get("--python")
    if version is None:
        prefix = said.get("-p") or said.get("--prefix") or context.target_prefix
        try:
            if name := said.get("-n") or said.get("--name"):
                prefix = locate_prefix_by_name(name)
            version = str(PrefixData(prefix).get("python").version)
        except Exception:  # no such environment, or none that can be read: told when it is used
            return None
    found = re.match(r"(\d+)\.(\d+)", version)
    return found.groups() if found else None
