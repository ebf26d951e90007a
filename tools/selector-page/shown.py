"""The part of an answer that the page shows: the set, notes in both languages, and texts to copy,
in which marks stand for the URLs that depend on the mirror."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from answer import CONDA_FORGE, NAME, Answer, Cell, Desk, Matrix, words
from table import Asked

from conda_torchmirror.exceptions.base import TorchMirrorError
from conda_torchmirror.index.sources import WHEELS, named
from conda_torchmirror.install.printing import recipe as recipes
from conda_torchmirror.install.task import Target
from conda_torchmirror.mirrors.addresses import name_of
from conda_torchmirror.models import Decision, Notice
from conda_torchmirror.selection.facts.names import CPU_METAPACKAGE, GPU_METAPACKAGE
from conda_torchmirror.selection.pip.plan import WheelDecision
from conda_torchmirror.selection.plan import typed
from conda_torchmirror.text.decision import said
from conda_torchmirror.text.messages import fill
from conda_torchmirror.text.tools.recipe import Recipe
from conda_torchmirror.text.tools.render import render

#: The tools whose words are shown, by what they install.
OF_CHANNELS = ("conda", "mamba", "environment.yml", "pixi")
OF_WHEELS = ("pip", "uv")
#: Notices on the records at hand, the user's configuration or the mirror, none of which the page
#: knows.
_LEFT = frozenset(
    (
        *("built_in", "built_in_wheels", "derived", "derived_wheels", "undated", "sample_newer"),
        *("partner_unrecorded", "source_chosen", "channels_left_out", "no_channels", "rule_keep"),
        *("rule_keep_all", "channel_upstream", "flexible_priority", "wheel_unread"),
        *("wheels_without_hash", "wheel_mirror_instead", "pip_config_carried", "cpu_foreign"),
    )
)
#: Where a channel, the wheels or the index are read from, in the form of an address.
_CHANNEL, _WHEELS, _INDEX = "https://c.invalid/{}", "https://w.invalid", "https://i.invalid"

Pair = tuple[str, str]


class Shown(NamedTuple):
    """An answer of the page. `kind` is "exact" for a set of known files, "recipe" for what only the
    recipes of conda-forge say, "none" where nothing fits.

    `rows` are name, version and build of the packages, of a wheel its file. `notes` are English and
    Chinese; those of "none" say why. `words` stand behind `conda torch-install`, `texts` are by
    tool.
    """

    kind: str
    source: str
    release: str
    cuda: str
    python: str
    rows: tuple[tuple[str, str, str], ...]
    notes: tuple[Pair, ...]
    words: str
    texts: tuple[Pair, ...]


def shown(asked: Asked, desk: Desk) -> Shown:
    """Prepare the answer of one source for the page."""
    cell, answer, matrix = asked
    if matrix and not _covers(answer, matrix):
        return _of_recipes(cell, matrix)
    if isinstance(answer.found, TorchMirrorError):
        return _refused(cell, answer.words, answer.found)
    if isinstance(answer.found, WheelDecision):
        return _of_wheels(answer, answer.found, desk)
    return _of_channels(answer, answer.found, desk)


def _covers(answer: Answer, matrix: Matrix) -> bool:
    """Whether the records at hand have all that the recipes do."""
    if not isinstance(answer.found, Decision):
        return False
    choice = answer.found.choice
    there = {build.name for build in choice.builds}
    mine = choice.torch.version, choice.cuda or ""
    return mine == (matrix.release, matrix.cuda) and there.issuperset(matrix.partners)


def _refused(cell: Cell, asked: Sequence[str], error: TorchMirrorError) -> Shown:
    name = type(error).__name__
    cause = error.cause or type(error).message
    why = fill(cause, error._facts, f"{name}.cause" if error.cause else name)
    return Shown("none", cell.source, "", "", cell.python, (), (_pair(why),), typed(asked), ())


def _of_channels(answer: Answer, found: Decision, desk: Desk) -> Shown:
    choice, source = found.choice, named(found.source)
    recipe = recipes.of_channels(found, desk.options, _NEW, flexible=source.flexible)
    rows = [(build.name, build.version, build.build) for build in choice.builds]
    if choice.runtime and choice.runtime not in {build.name for build in choice.builds}:
        rows.append((choice.runtime, str(choice.cuda), ""))
    return Shown(
        "exact",
        found.source,
        choice.torch.version,
        choice.cuda or "",
        choice.python,
        tuple(rows),
        _notes(found.notices),
        typed(answer.words),
        _texts(_marked(recipe), OF_CHANNELS),
    )


def _of_wheels(answer: Answer, found: WheelDecision, desk: Desk) -> Shown:
    recipe = recipes.of_wheels(found, desk.options, _NEW)
    chosen = found.chosen
    base = found.wheels.url
    wheels = tuple(w._replace(url=w.url.replace(base, _WHEELS)) for w in recipe.wheels)
    recipe = recipe._replace(wheels=wheels, index_url=_INDEX)
    rows = [(file.project, file.version, quote(file.link.filename)) for file in found.files]
    return Shown(
        "exact",
        WHEELS,
        chosen.torch.version,
        chosen.cuda or "",
        chosen.python,
        tuple(rows),
        _notes(found.notices),
        typed(answer.words),
        _texts(recipe, OF_WHEELS),
    )


def _of_recipes(cell: Cell, matrix: Matrix) -> Shown:
    """A set by loose specs, whose files only the channel knows."""
    meta = GPU_METAPACKAGE if matrix.cuda else CPU_METAPACKAGE
    specs = [f"python={cell.python}"] if cell.python else []
    specs += [f"{meta}={matrix.release}", *matrix.partners]
    specs += [f"cuda-version={matrix.cuda}"] if matrix.cuda else []
    loose = tuple(_spec(word) for word in specs)
    recipe = Recipe(
        head="",
        subdir=cell.system,
        name=NAME,
        python=cell.python,
        target=_NEW.words,
        channels=(CONDA_FORGE,),
        specs=loose,
        fresh=loose,
    )
    names = matrix.partners if cell.release else ()
    return Shown(
        "recipe",
        CONDA_FORGE,
        matrix.release,
        matrix.cuda,
        cell.python,
        tuple((name, "", "") for name in ("pytorch", *matrix.partners)),
        (),
        typed(words(cell, names)),
        _texts(_marked(recipe), OF_CHANNELS),
    )


_NEW = Target(None, ("-n", NAME))
_spec = lru_cache(maxsize=4096)(recipes.spec)


def _notes(notices: Iterable[Notice]) -> tuple[Pair, ...]:
    return tuple(_pair(said(notice)) for notice in notices if notice.code not in _LEFT)


def _pair(sentence: Any) -> Pair:
    """A sentence in English and Chinese."""
    return str(getattr(sentence, "english", sentence)), str(sentence)


def _marked(recipe: Recipe) -> Recipe:
    """A recipe whose channels are marks. Every strict priority is lifted where the source needs
    that: which one the reader has is not known."""
    channels = tuple(_CHANNEL.format(name_of(url)) for url in recipe.channels)
    return recipe._replace(channels=channels, relaxed=recipe.flexible)


def _texts(recipe: Recipe, tools: tuple[str, ...]) -> tuple[Pair, ...]:
    return tuple((tool, _uncommented(render(tool, recipe))) for tool in tools)


def _uncommented(found: str) -> str:
    """A text without its comments, which repeat what the page shows beside it."""
    lines = [line for line in found.splitlines() if not line.lstrip().startswith("#")]
    for mark, form in ((_INDEX, "{index}"), (_WHEELS, "{wheels}"), (_CHANNEL[:-2], "{at}")):
        lines = [line.replace(mark, form) for line in lines]
    return "\n".join(lines)
