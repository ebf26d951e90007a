"""A recipe as a file that a tool makes an environment from: environment.yml, pixi.toml."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from string import ascii_letters, digits
from types import MappingProxyType

from ...selection import shell
from ..messages import text
from .recipe import PackageSpec, Recipe

#: Scalars that YAML reads as text without quotes.
_YAML = re.compile(r"(?!(?:null|true|false|yes|no|on|off|y|n)$)[a-z][\w./:=+<>-]*", re.ASCII | re.I)
#: The characters in the name of a project on PyPI.
_OF_NAMES = f"{ascii_letters}{digits}._-"
_KEY = re.compile(r"[A-Za-z0-9_-]+")
#: Fields of a match spec by their names in a pixi.toml.
_PIXI = MappingProxyType(
    {
        **{name: name for name in ("version", "build", "channel", "subdir", "md5", "sha256")},
        "build_number": "build-number",
        "fn": "file-name",
    }
)


def environment_yml(recipe: Recipe) -> str:
    """Render an environment.yml for `conda env create`, and for mamba's and micromamba's `create
    -f`."""
    lines = [
        *shell.comments([recipe.head, *_without_driver(recipe), text("print.environment_yml")]),
        f"name: {_yaml(recipe.name)}",
        "channels:",
        *(f"  - {_yaml(channel)}" for channel in recipe.channels),
        *_without_further_channels(known=recipe.nodefaults),
        "dependencies:",
        *(f"  - {_yaml(spec.word)}" for spec in recipe.fresh),
    ]
    if recipe.pins:
        lines += [f"  # {text('print.pins_specs')}"]
        lines += [f"  - {_yaml(pin.word)}" for pin in recipe.pins]
    if recipe.wheels:
        index = [f"--index-url {recipe.index_url}"] if recipe.index_url else []
        lines += ["  - pip:"]
        lines += [f"      - {_yaml(line)}" for line in (*index, *recipe.requirements)]
    return "\n".join(lines)


def _without_further_channels(*, known: bool) -> list[str]:
    """`nodefaults` if this conda knows the word; newer ones look for a channel of that name.

    Tried: conda 24.7 knows it, 26.7 asks conda.anaconda.org/nodefaults and ends with its 404.
    """
    if known:
        return [f"  # {text('print.nodefaults')}", "  - nodefaults"]
    return [f"  # {text('print.nodefaults_out')}"]


def _without_driver(recipe: Recipe) -> list[str]:
    """Advice for computers without the driver that the set was chosen for."""
    return [text("print.no_driver", {"cuda": recipe.cuda})] if recipe.cuda_named else []


def pixi(recipe: Recipe) -> str:
    """A pixi.toml, and as a comment the mirrors in pixi's own configuration.

    Sources: pixi's references of the manifest and of the configuration (pixi.prefix.dev, seen
    2026-11-26): channels by name or address, strict priority unless it is disabled, CUDA as a
    system requirement; `mirrors` by official address, in a config.toml alone.
    """
    lines = [
        *shell.comments([recipe.head, text("print.pixi")]),
        "[workspace]",
        f"name = {_toml(recipe.name)}",
        f"channels = [{', '.join(map(_toml, recipe.channels))}]",
        f"platforms = [{_toml(recipe.subdir)}]",
    ]
    if recipe.flexible:
        lines.append('channel-priority = "disabled"')
    if recipe.cuda:
        lines += ["", "[system-requirements]", f"cuda = {_toml(recipe.cuda)}"]
    lines += ["", "[dependencies]", *map(_dependency, _each_once(recipe.fresh))]
    if recipe.pins:
        lines += [f"# {text('print.pins_specs')}", *map(_dependency, _each_once(recipe.pins))]
    if recipe.wheels:
        if recipe.index_url:
            lines += ["", "[pypi-options]", f"index-url = {_toml(recipe.index_url)}"]
        lines += ["", "[pypi-dependencies]"]
        lines += [f"{_key(w.project)} = {{ url = {_toml(w.url)} }}" for w in recipe.wheels]
        lines += _requirements(recipe.others)
    if recipe.mirrored:
        rows = [f"{_toml(there)} = [{_toml(url)}]" for there, url in recipe.mirrored]
        lines += ["", *shell.comments([text("print.pixi_mirrors"), "[mirrors]", *rows])]
    return "\n".join(lines)


def _each_once(specs: Iterable[PackageSpec]) -> Iterable[PackageSpec]:
    """Merge the specs on one package, because a key may occur only once in a TOML table."""
    found: dict[str, PackageSpec] = {}
    for spec in specs:
        before = found.get(spec.name)
        if before is None:
            found[spec.name] = spec
            continue
        versions = [one.fields.get("version") for one in (before, spec)]
        joined = ",".join(dict.fromkeys(filter(None, versions)))
        fields = {**before.fields, **spec.fields, **({"version": joined} if joined else {})}
        found[spec.name] = before._replace(fields=fields)
    return found.values()


def _dependency(spec: PackageSpec) -> str:
    fields = {_PIXI[name]: value for name, value in spec.fields.items() if name in _PIXI}
    version = _exact(fields.get("version", "*"))
    if fields.keys() <= {"version"}:
        return f"{_key(spec.name)} = {_toml(version)}"
    return f"{_key(spec.name)} = {_inline({**fields, 'version': version})}"


def _exact(version: str) -> str:
    """A version for rattler with `==`, because conda takes one without an operator as exact."""
    alone = version[:1].isdigit() and not re.search(r"[*,|]", version)
    return f"=={version}" if alone else version


def _requirements(words: Iterable[str]) -> Iterable[str]:
    """Requirements of pip's that name a project and its versions, each project once."""
    found: dict[str, list[str]] = {}
    for word in words:
        versions = word.lstrip(_OF_NAMES)
        found.setdefault(word.removesuffix(versions), []).append(versions.strip())
    for name, each in found.items():
        versions = ",".join(dict.fromkeys(filter(None, each)))
        yield f"{_key(name)} = {_toml(versions or '*')}"


def _inline(fields: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f"{name} = {_toml(value)}" for name, value in fields.items()) + " }"


def _key(name: str) -> str:
    return name if _KEY.fullmatch(name) else _toml(name)


def _toml(value: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(value, ensure_ascii=False)


def _yaml(value: str) -> str:
    """A scalar of YAML; in double quotes its escapes are those of JSON."""
    return value if _YAML.fullmatch(value) else json.dumps(value, ensure_ascii=False)
