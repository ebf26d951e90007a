"""The text for each tool that `--print` knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from . import commands, dockerfile, manifests
from .recipe import Recipe

_FORMS: Mapping[str, Callable[[Recipe], str]] = MappingProxyType(
    {
        "conda": commands.conda,
        "mamba": partial(commands.conda, tool="mamba"),
        "micromamba": partial(commands.conda, tool="micromamba"),
        "pixi": manifests.pixi,
        "environment.yml": manifests.environment_yml,
        "dockerfile": dockerfile.dockerfile,
        "pip": commands.pip,
        "uv": commands.uv,
    }
)

#: The tools whose text contains the environment's name, which restricts its characters.
NAMING = ("pixi", "environment.yml", "dockerfile")


def render(tool: str, recipe: Recipe) -> str:
    """Render a recipe for a tool, without a line break at the end."""
    return _FORMS[tool](recipe)
