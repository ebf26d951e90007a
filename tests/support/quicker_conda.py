"""What tests make quicker in conda: nothing that a command answers changes.

Everything here is done to modules that are loaded, by `quicken`; where a conda lacks one of the
names, it stays as it is. The classic solver of old conda took a third of the time of the commands
of this process, half of it for answers that it had before: what a text means as a spec, how a spec
is written, what a record requires. Kept are answers about objects that do not change, beyond one
command only those that no setting has a part in.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial, wraps
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, TextIO

#: The variable with the folder of a test's machine-wide rc files; see `guard/sitecustomize.py`.
SYSTEM_VARIABLE = "TORCHMIRROR_TEST_SYSTEM"


def quicken() -> None:
    """Make quicker what is loaded; what has been done is left."""
    _parse_rc_files_once()
    _expand_what_is_named()
    for name, change in _CHANGES.items():
        # A module is there from the beginning of its import.
        module = sys.modules.get(name)
        if module is None or getattr(module.__spec__, "_initializing", False):
            continue
        if not hasattr(module, "_quickened"):
            module._quickened = True  # type: ignore[attr-defined]
            change(module)


_VARIABLE = re.compile(r"\w+")


def _parsed(parse: Callable[[str], Any], file: TextIO) -> Any:
    return _parsed_text(parse, file.read())


@lru_cache(maxsize=64)
def _parsed_text(parse: Callable[[str], Any], text: str) -> Any:
    """What `parse` returns for a text. An rc file of a sandbox is JSON, of which equal objects
    are made without the YAML parser, 30 times as fast."""
    try:
        number = partial(_decimal, parse)
        kinds = {"object_pairs_hook": _once, "parse_float": number, "parse_constant": _refuse}
        return _from_json(json.loads(text, **kinds))
    except ValueError:
        return parse(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Raises: ValueError for a key that stands there twice, as YAML refuses."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


_DECIMAL = re.compile(r"-?\d+\.\d+")


@lru_cache(maxsize=64)
def _decimal(parse: Callable[[str], Any], text: str) -> Any:
    """What `parse` makes of a number of JSON with a point, alone: YAML has a class for those.
    Raises: ValueError for another form, of which YAML reads some as text (1e5)."""
    return parse(text) if _DECIMAL.fullmatch(text) else _refuse(text)


def _refuse(text: str) -> Any:
    """Raises: ValueError, for what is no number in YAML (NaN) or perhaps text."""
    raise ValueError(text)


def _from_json(value: Any) -> Any:
    """The objects of YAML's round-trip loader for those of JSON."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, dict):
        return CommentedMap((key, _from_json(each)) for key, each in value.items())
    if isinstance(value, list):
        return CommentedSeq(map(_from_json, value))
    return value


def _expanded(
    expand: Callable[..., str], text: str, given: Mapping[str, Any], /, **more: Any
) -> str:
    if "$" not in text and "%" not in text:
        return text
    names = {name for name in _VARIABLE.findall(text) if name in given}
    return expand(text, {name: given[name] for name in names}, **more)


def _expand_what_is_named() -> None:
    """Have conda look up the variables that a path of its rc files names.

    It copies the whole environment for each of the 25 paths, which took two thirds of the time that
    reading its configuration anew takes, and every test does that.
    """
    module = sys.modules.get("conda.common.configuration")
    expand = getattr(module, "custom_expandvars", None)
    if expand is not None and not isinstance(expand, partial):
        module.custom_expandvars = partial(_expanded, expand)  # type: ignore[union-attr]


def _parse_rc_files_once() -> None:
    """Remember what old conda makes of a text that is an rc file; new conda remembers by itself.

    Every command reads each rc file up to twenty times, and half of a test's time went into YAML.
    Files are opened and read as ever, and nothing changes what the parser returned.
    """
    module = sys.modules.get("conda.common.configuration")
    parse = getattr(module, "yaml_round_trip_load", None)
    if parse is not None and not isinstance(parse, partial):
        module.yaml_round_trip_load = partial(_parsed, parse)  # type: ignore[union-attr]


#: A spec that means the same with any setting: no channel, URL, path or brackets.
_PLAIN = re.compile(r"[\w.*<>=!~,|+ -]+(?<!\.conda)(?<!\.tar\.bz2)")


def _kept(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A method whose answer is kept in its object, where it is asked without arguments."""

    @wraps(function)
    def ask(this: Any, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs:
            return function(this, *args, **kwargs)
        known = vars(this)
        if name not in known:
            known[name] = function(this)
        return known[name]

    return ask


def _quicken_specs(module: ModuleType) -> None:
    """A spec is made once of a plain text and written once, and a deep copy is the same object: the
    solver of old conda copies its table of specs for every record that it looks at."""
    spec: Any = module.MatchSpec
    spec.__deepcopy__ = _same
    spec.__str__ = _kept(spec.__str__, "_written")
    kind = type(spec)
    make = kind.__call__
    of_text = lru_cache(maxsize=1 << 16)(make)

    def call(cls: Any, spec_arg: Any = None, **kwargs: Any) -> Any:
        plain = type(spec_arg) is str and not kwargs and _PLAIN.fullmatch(spec_arg)
        return (of_text if plain else make)(cls, spec_arg, **kwargs)

    kind.__call__ = call


def _same(spec: Any, memo: dict[int, Any]) -> Any:
    return spec


def _quicken_records(module: ModuleType) -> None:
    """What equal requirements come to is worked out once, and the name of a record."""
    record: Any = module.PackageRecord
    work_out = record.combined_depends.fget

    @lru_cache(maxsize=1 << 16)
    def of(depends: tuple[str, ...], constrains: tuple[str, ...]) -> Any:
        return work_out(SimpleNamespace(depends=depends, constrains=constrains))

    def combined_depends(this: Any) -> Any:
        depends, constrains = tuple(this.depends), tuple(this.constrains or ())
        plain = all(map(_PLAIN.fullmatch, depends)) and all(map(_PLAIN.fullmatch, constrains))
        return of(depends, constrains) if plain else work_out(this)

    record.combined_depends = property(combined_depends)
    record.dist_str = _kept(record.dist_str, "_dist_str")


def _quicken_queries(module: ModuleType) -> None:
    """Indexes that are in memory are asked without threads, of which a solve started hundreds."""
    threads: Any = module.ThreadLimitedThreadPoolExecutor

    class Executor(threads):  # type: ignore[misc]
        def map(self, function: Any, urls: Iterable[str], **more: Any) -> Iterator[Any]:
            urls = tuple(urls)
            cache = module.SubdirData._cache_
            known = {key[0] for key, each in cache.items() if getattr(each, "_loaded", False)}
            return map(function, urls) if known.issuperset(urls) else super().map(function, urls)

    module.ThreadLimitedThreadPoolExecutor = Executor  # type: ignore[attr-defined]


def _quicken_configuration(module: ModuleType) -> None:
    """Of the 25 places of rc files those that are there are looked at; `pathlib` takes its time."""
    configuration: Any = module.Configuration
    expand = configuration._expand_search_path

    def expand_search_path(search_path: Iterable[Any], **kwargs: Any) -> Any:
        # Half of them are in the folder of machine-wide files, which a test makes if it needs it.
        if not os.path.exists(os.environ.get(SYSTEM_VARIABLE, os.sep)):
            beyond = f"${SYSTEM_VARIABLE}/"
            search_path = [path for path in search_path if not str(path).startswith(beyond)]
        return expand((path for path in search_path if is_there(path, kwargs)), **kwargs)

    def is_there(path: Any, more: Mapping[str, Any]) -> bool:
        if not isinstance(path, Path):
            path = os.path.expanduser(module.custom_expandvars(str(path), os.environ, **more))
        return os.path.exists(path)

    configuration._expand_search_path = staticmethod(expand_search_path)


def _quicken_versions(module: ModuleType) -> None:
    """Whether a version fits is worked out once for each of the specs, which live on."""
    for name in ("operator_match", "any_match", "all_match"):
        _match_once(module.BaseSpec, name)


def _match_once(owner: Any, name: str) -> None:
    match = getattr(owner, name)

    def ask(this: Any, value: Any) -> Any:
        known = vars(this).setdefault("_known", {})
        if value not in known:
            known[value] = match(this, value)
        return known[value]

    setattr(owner, name, ask)


def _quicken_entities(module: ModuleType) -> None:
    """A field of a record that has a value, the most frequent call of a solve, is that."""
    field: Any = module.Field
    get, unbox = field.__get__, field.unbox

    def quick(this: Any, instance: Any, owner: Any) -> Any:
        if instance is not None and type(this).unbox is unbox:
            value = instance.__dict__.get(this._name)
            if value is not None:
                return value
        return get(this, instance, owner)

    field.__get__ = quick


def _quicken_satisfiability(module: ModuleType) -> None:
    """Clauses go straight to the solver, millions of them without a call of Python for each."""
    solver: Any = module.Glucose4
    append = solver.append_formula

    def append_formula(this: Any, formula: Any, no_return: bool = True) -> Any:
        if not no_return or not this.glucose or isinstance(formula, module.CNFPlus):
            return append(this, formula, no_return)
        add = partial(module.pysolvers.glucose41_add_cl, this.glucose)
        if False in list(map(add, formula)):
            this.status = False
        return None

    solver.append_formula = append_formula


_CHANGES: Mapping[str, Callable[[ModuleType], None]] = {
    "conda.auxlib.entity": _quicken_entities,
    "conda.common.configuration": _quicken_configuration,
    "conda.core.subdir_data": _quicken_queries,
    "conda.models.match_spec": _quicken_specs,
    "conda.models.records": _quicken_records,
    "conda.models.version": _quicken_versions,
    "pysat.solvers": _quicken_satisfiability,
}
