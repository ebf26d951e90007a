"""A recipe as a Dockerfile."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from ...selection import shell
from ..messages import text
from .recipe import Recipe

#: Images that hold conda in /opt/conda, and a Python; `--build-arg BASE=` takes another one.
CONDA, PYTHON = "condaforge/miniforge3:latest", "python:{python}-slim"


def dockerfile(recipe: Recipe) -> str:
    """A Dockerfile whose image has the set on its PATH."""
    said = [recipe.head, text("print.dockerfile")]
    said += [text("print.dockerfile_gpu")] if recipe.cuda else []
    made = _by_pip(recipe) if recipe.wheels else _by_conda(recipe)
    return "\n".join([*shell.comments(said), *made])


def _by_pip(recipe: Recipe) -> list[str]:
    index = [["--index-url", recipe.index_url]] if recipe.index_url else []
    lines = [*index, *([word] for word in recipe.requirements)]
    run = _broken(["pip", "install", "--no-cache-dir"], lines)
    return [*_from(PYTHON.format(python=recipe.python)), f"RUN {run}"]


def _by_conda(recipe: Recipe) -> list[str]:
    """The lines that make an environment with conda. No driver is visible while an image is built,
    so the CUDA to choose for is always named."""
    values = {}
    if recipe.cuda:
        values["CONDA_OVERRIDE_CUDA"] = recipe.cuda
    if recipe.pins:
        values["CONDA_PINNED_PACKAGES"] = "&".join(pin.word for pin in recipe.pins)
    if recipe.flexible:
        values["CONDA_CHANNEL_PRIORITY"] = "flexible"
    lines = [
        ["--override-channels"],
        *(["-c", channel] for channel in recipe.channels),
        *([spec.word] for spec in recipe.fresh),
    ]
    create = ["conda", "create", "--yes", "--name", recipe.name]
    clean = ["conda", "clean", "--all", "--force-pkgs-dirs", "--yes"]
    commands = [
        *(f"export {name}={shlex.quote(value)}" for name, value in values.items()),
        _broken(create, lines),
        shell.command(clean),
    ]
    path = f"ENV PATH=/opt/conda/envs/{recipe.name}/bin:$PATH"
    return [*_from(CONDA), "RUN " + " && \\\n    ".join(commands), path]


def _from(base: str) -> list[str]:
    return [f"ARG BASE={base}", "FROM ${BASE}"]


def _broken(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A command over several lines."""
    return " \\\n        ".join(map(shell.command, [head, *lines]))
