"""The modules of the product, and what each imports, read from their source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import conda_torchmirror

PACKAGE = Path(conda_torchmirror.__file__).parent
NAME = PACKAGE.name


def imported(path: Path) -> set[str]:
    """The top-level packages that a module imports anywhere, but for type checking only."""
    names: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


class Import(NamedTuple):
    """One import of our own. `inside` says that it stands in a function."""

    module: str
    target: str
    inside: bool


def modules() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*.py")):
        # The script is run by the Python of another environment, and imports nothing of ours.
        if path.name not in ("__init__.py", "check_torch.py"):
            yield path


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def inner(tree: ast.Module) -> set[int]:
    """Everything that stands in a function."""
    return {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for node in ast.walk(function)
    }


def own_imports(path: Path) -> Iterator[Import]:
    """Imports of this project in one module, those for type checking among them."""
    tree = parsed(path)
    inside = inner(tree)
    here = [NAME, *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        module = (node.module or "").split(".") if node.module else []
        above = here[: len(here) - node.level + 1] if node.level else []
        target = [*above, *module]
        if target[:1] != [NAME]:
            continue
        below = ".".join(target[1:])
        for alias in node.names:
            name = f"{below}.{alias.name}" if below else alias.name
            yield Import(dotted(path), name, id(node) in inside)


def package_of(module: str) -> str:
    return module.partition(".")[0]
