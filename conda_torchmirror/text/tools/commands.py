"""Render a recipe as commands of conda, mamba or micromamba, of pip, or of uv."""

from __future__ import annotations

from collections.abc import Iterator

from ...mirrors.urls import upstream_url
from ...selection import shell
from ...selection.plan import removal
from ..messages import text
from .recipe import Recipe


def conda(recipe: Recipe, tool: str = "conda") -> str:
    """Commands of conda, mamba or micromamba, with every channel by its address; for the latter two
    also, as a comment, the mirrors in their own configuration.

    Sources: mamba reads its settings from `MAMBA_` variables, lists with commas between
    (libmamba/src/api/configuration.cpp and its tests, seen 2026-11-26).
    """
    windows = recipe.on_windows
    prefix, comma = ("CONDA", "&") if tool == "conda" else ("MAMBA", ",")
    listed = [pin for pin in recipe.pins if comma not in pin.word]
    values = {}
    if recipe.cuda and recipe.cuda_named:
        values["CONDA_OVERRIDE_CUDA"] = recipe.cuda
    if listed:
        values[f"{prefix}_PINNED_PACKAGES"] = comma.join(pin.word for pin in listed)
    if recipe.relaxed:
        values[f"{prefix}_CHANNEL_PRIORITY"] = "flexible"
    specs = [pin for pin in recipe.pins if pin not in listed] + list(recipe.specs)
    lines = []
    if recipe.removed:
        words = removal(tool, recipe.target, recipe.removed)
        lines.append(shell.command(words, windows=windows))
    if specs:
        lines += shell.variables(values, windows=windows)
        words = [tool, "create" if recipe.create else "install", *recipe.target]
        if recipe.create and recipe.platform:
            words += ["--platform", recipe.platform]
        words += [*with_channels(recipe), *recipe.options]
        words += [spec.word for spec in specs]
        lines.append(shell.command(words, windows=windows))
    if recipe.unneeded:
        words = removal(tool, recipe.target, recipe.unneeded)
        lines.append(shell.command(words, windows=windows))
    if recipe.wheels:
        inside = [tool, "run", *recipe.target] if recipe.target else []
        words = [*inside, *pip_words(recipe)]
        lines.append(shell.command(words, windows=windows))
    head = [recipe.head, *([text("print.pins")] if listed else [])]
    mirrors = list(_mambarc(recipe)) if tool != "conda" and specs else []
    tail = [text("print.mamba_mirrors"), *mirrors] if mirrors else []
    return "\n".join(
        [*shell.comments(head, windows=windows), *lines, *shell.comments(tail, windows=windows)]
    )


def _mambarc(recipe: Recipe) -> Iterator[str]:
    """The mirrors as lines of a .mambarc, by name of channel and for the parts of `defaults`.

    Not as `mirrored_channels`: mamba 2 reads the channels that stand there before all others, in
    whatever order they were named, which under a strict priority chooses other packages
    (mamba-org/mamba#4395, open on 2026-11-26).
    """
    named = [
        f"  {name}: {base}"
        for official, url in recipe.mirrored
        for base, _, name in (url.rpartition("/"),)
        if official == upstream_url(name)
    ]
    parts = [f"  - {url}" for official, url in recipe.mirrored if "/pkgs/" in official]
    if named:
        yield from ("custom_channels:", *named)
    if parts:
        yield from ("default_channels:", *parts)


def with_channels(recipe: Recipe) -> list[str]:
    """The words that name the recipe's channels and exclude all others."""
    found = ["--override-channels"] if recipe.channels else []
    for channel in recipe.channels:
        found += ["-c", channel]
    return found


def pip_words(recipe: Recipe) -> list[str]:
    """The words of pip for the wheels."""
    index = ["--index-url", recipe.index_url] if recipe.index_url else []
    return ["python", "-m", "pip", "install", *index, *recipe.requirements]


def pip(recipe: Recipe) -> str:
    """A command of pip."""
    head = [recipe.head, text("print.pip", {"python": recipe.python})]
    windows = recipe.on_windows
    line = shell.command(pip_words(recipe), windows=windows)
    return "\n".join([*shell.comments(head, windows=windows), line])


def uv(recipe: Recipe) -> str:
    """Commands of uv: an environment in the folder, and the set in it."""
    windows = recipe.on_windows
    index = ["--default-index", recipe.index_url] if recipe.index_url else []
    lines = [
        *([["uv", "venv", "--python", recipe.python]] if recipe.create else []),
        ["uv", "pip", "install", *index, *recipe.requirements],
    ]
    said = shell.comments([recipe.head], windows=windows)
    return "\n".join([*said, *(shell.command(words, windows=windows) for words in lines)])
