"""The plugin settings: their names, what they mean, and how they are read.

They stand under `plugins:` in any .condarc, or in the environment as
`CONDA_PLUGINS_TORCHMIRROR_...`; new conda also sets them by `conda config --set plugins....`. The
automatic redirect reads them, so nothing heavy is imported until it is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..mirrors.registry import Registry, built_in, preferred
from ..mirrors.urls import MirrorError

if TYPE_CHECKING:
    from conda.plugins.types import CondaSetting

    from ..exceptions.mirror import BadRegistry, BadSetting
    from ..exceptions.usage import BadMirror
    from ..mirrors.registry import Mirror

PREFIX = "torchmirror_"

#: Characters of a path or of a parser's message that an error shows at most.
SHOWN = 200

#: The values of the language setting; `text.language` reads it before conda knows our settings.
LANGUAGES = ("auto", "en", "zh")
#: The values of the installer setting: what installs wheels.
INSTALLERS = ("pip", "uv")
#: The settings that take one of a few words.
_WORDS: Mapping[str, tuple[str, ...]] = {"language": LANGUAGES, "installer": INSTALLERS}

#: The words that conda reads as a boolean, in lower case.
_TRUTHS = frozenset(("true", "yes", "on", "y", "false", "off", "n", "no", "non", "none"))


class Settings:
    """The values in force; read-only by convention (creating a frozen class takes 1 ms).

    `mirrors` is the preference list, empty if none is set. `sources` are those that `auto` may
    take, empty for both channels and no wheels. `registry` is the path of a file with mirrors of
    the user's own, or its text. `only` are the mirrors that an administrator allows, empty for all.
    """

    auto: bool = True
    mirrors: tuple[str, ...] = ()
    fallback: bool = True
    flexible: bool = True
    source: str = "auto"
    sources: tuple[str, ...] = ()
    installer: str = "pip"
    check: bool = True
    check_hashes: bool = True
    http: bool = False
    registry: str = ""
    only: tuple[str, ...] = ()
    language: str = "auto"

    def __init__(self, **values: Any) -> None:
        """Set the values that differ from the defaults, which are the class attributes."""
        self.__dict__.update(values)


DESCRIPTIONS: Mapping[str, str] = {
    "auto": "Point conda's own commands at mirrors (conda torch-mirror status shows which).",
    "mirrors": "Mirrors in order of preference: names, URLs, auto for all, upstream for none.",
    "fallback": "May a command go on with the next mirror when one fails?",
    "flexible": "May torch-install lift a strict channel_priority for its own transaction?",
    "source": "Where torch-install takes builds from: auto, or what --source takes.",
    "sources": "What auto may take: pytorch, conda-forge, and wheels, by pip, where neither fits.",
    "installer": "What installs wheels: pip, the environment's own, or uv where that is there.",
    "check": "Try what torch-install installed? --no-check leaves it out for one run.",
    "check_hashes": "Hold the hashes of a mirror's index against those of the built-in index?",
    "http": "May a mirror be read by plain http? This computer's own always may.",
    "registry": "Mirrors of your own: the path of a YAML or JSON file, or its text.",
    "only": "The only mirrors that may be used, by name; every file that sets it binds.",
    "language": "The language of what our commands say: en, zh, or auto for that of the system.",
}


def declared() -> Iterator[CondaSetting]:
    """The settings as conda's plugin interface takes them."""
    from conda.common.configuration import PrimitiveParameter, SequenceParameter
    from conda.plugins.types import CondaSetting

    for name in DESCRIPTIONS:
        default = getattr(Settings, name)
        if isinstance(default, tuple):
            parameter = SequenceParameter(PrimitiveParameter("", element_type=str), default=default)
        else:
            parameter = PrimitiveParameter(default, element_type=type(default))
        yield CondaSetting(name=PREFIX + name, description=DESCRIPTIONS[name], parameter=parameter)


def read() -> Settings:
    """Read the settings in force. Raises: BadSetting for an invalid value.

    Conda merges and types the values, but has no error for a value of the wrong shape, so each is
    checked first.
    """
    from conda.base.context import context

    names = _names_set(context)
    if not names:  # typing a setting costs conda 0.2 ms, and nearly always none of them is set
        return Settings()
    plugins = _plugins(context)
    values = {name: getattr(plugins, PREFIX + name) for name in DESCRIPTIONS if name in names}
    if values.get("only"):
        values["only"] = _policy(plugins, values["only"])
    if values.get("sources"):
        # Conda would join the lists, so that a variable could only widen what a file allows.
        values["sources"] = (_lists(plugins, "sources") or [values["sources"]])[-1]
    return Settings(**values)


def _names_set(context: Any) -> set[str]:
    """The settings that any source sets. Raises: BadSetting."""
    found: set[str] = set()
    for source, raw in context.raw_data.items():
        for name, value in (_held(raw) or {}).items():
            short = name.removeprefix(PREFIX)
            if name.startswith(PREFIX) and short in DESCRIPTIONS:
                _check_value(short, value, source)
                found.add(short)
        # Only with the prefix: the options of the command line are a source too, `--check` for one.
        for short in DESCRIPTIONS:
            if (variable := f"plugins_{PREFIX}{short}") in raw and not _is_empty(raw[variable]):
                _check_value(short, raw[variable].value(None), source, typed=False)
                found.add(short)
    return found


def _plugins(context: Any) -> Any:
    """Conda's settings of plugins, without the files whose `plugins` is not a map, which conda
    cannot merge with the others, and without empty variables, which conda takes for a value."""
    whole = context.raw_data
    context.raw_data = {
        source: {
            key: value
            for key, value in raw.items()
            if not (key.startswith(f"plugins_{PREFIX}") and _is_empty(value))
        }
        for source, raw in whole.items()
        if _held(raw) is not None
    }
    try:
        return context.plugins
    finally:
        context.raw_data = whole


def _is_empty(variable: Any) -> bool:
    """Whether a variable, as conda's raw parameter, is empty: as good as not set."""
    return not str(variable.value(None)).strip()


def _held(raw: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a source has under `plugins`, as conda's raw parameters; None if that is not a map."""
    if "plugins" not in raw:
        return {}
    held = raw["plugins"].value(None)
    return held if isinstance(held, Mapping) else None


def _check_value(name: str, value: Any, source: object, *, typed: bool = True) -> None:
    """Check a value of a setting, a raw YAML parameter if `typed`, else the text of a variable.

    Raises: BadSetting if conda could not type the value, or would type it as what nobody means.
    """
    given = value.value(None) if typed else value
    default = getattr(Settings, name)
    if isinstance(default, bool):
        word = str(given).strip().lower() if isinstance(given, (bool, int, str)) else "-"
        fits = word in _TRUTHS or word.isdecimal()
        code = "setting_truth"
    elif isinstance(default, tuple):
        items = [item.value(None) for item in given] if isinstance(given, tuple) else [None]
        fits = not typed or all(isinstance(item, str) for item in items)
        code = "setting_list"
    else:
        fits, code = isinstance(given, str), "setting_text"
    if not fits:
        raise _bad(PREFIX + name, code, source, given)
    if name in _WORDS and str(given).strip().lower() not in _WORDS[name]:
        known = ", ".join(_WORDS[name])
        raise _bad(PREFIX + name, "setting_source", source, given, known=known)


def _bad(name: str, code: str, source: object, value: Any, **facts: str) -> BadSetting:
    from ..exceptions.mirror import BadSetting
    from ..text.messages import text

    if isinstance(value, (str, int, float)):
        shown = repr(value)[:SHOWN]
    else:
        shown = text("setting_empty" if value is None else "setting_several")
    file = f"CONDA_PLUGINS_{name.upper()}" if str(source) == "envvars" else str(source)
    return BadSetting(name=name, file=file, detail=text(code, {**facts, "value": shown}))


def _policy(plugins: Any, merged: Sequence[str]) -> tuple[str, ...]:
    """The mirrors that every source allows, the system's files first.

    Conda would join the lists, so that a user could widen what the administrator allows. A list
    that shares nothing with those before it is ignored.
    """
    allowed: tuple[str, ...] = ()
    for names in _lists(plugins, "only"):
        lowered = [name.lower() for name in names]
        allowed = tuple(n for n in allowed or lowered if n in lowered) or allowed
    return allowed or tuple(name.lower() for name in merged)


def _lists(plugins: Any, name: str) -> list[tuple[str, ...]]:
    """The lists that the sources set for a setting: the system's files first, variables last."""
    from conda.common.configuration import PrimitiveParameter, SequenceParameter

    words = SequenceParameter(PrimitiveParameter("", element_type=str))
    held = (raw.get(f"{PREFIX}{name}") for raw in plugins.raw_data.values())
    return [tuple(str(i.value(None)) for i in raw.value(words)) for raw in held if raw is not None]


def registry(settings: Settings) -> Registry:
    """The mirrors by name: the user's own first, then the built-in ones.

    Raises MirrorError if the user's own cannot be read or used.
    """
    given = settings.registry
    if not given:
        return built_in()
    from .own.registry import read as read_own

    return read_own(given, allow_http=settings.http)


def preference(asked: Sequence[str], settings: Settings, known: Registry) -> tuple[str, ...]:
    """The mirrors to try by these settings, in order; see `mirrors.registry.preferred`.

    Raises MirrorError, for a name in `torchmirror_only` that is no mirror's too, by which nothing
    would be allowed.
    """
    known.resolve(settings.only, allow_http=settings.http)
    return preferred(asked, settings.mirrors, known, only=settings.only)


def in_force(asked: Sequence[str]) -> tuple[Settings, Registry, tuple[Mirror, ...]]:
    """Return the settings, the known mirrors, and the mirrors to try, in order; `asked` are those
    named on the command line. Raises: BadMirror, BadRegistry."""
    values = read()
    try:
        known = registry(values)
        found = known.resolve(preference(asked, values, known), allow_http=values.http)
    except MirrorError as error:
        raise unusable(error, asked) from error
    return values, known, found


def unusable(error: MirrorError, asked: Sequence[str] = ()) -> BadMirror | BadRegistry:
    """The error to raise for mirrors that cannot be used: those of the command line (`asked`), or
    those of the settings."""
    from ..exceptions.mirror import BadRegistry
    from ..exceptions.usage import BadMirror
    from ..text.messages import of_error
    from ..text.sanitize import safe

    if asked and _unusable() is None:
        named = [error.facts.get(key) for key in ("name", "url")]
        wrong = [word for word in asked if word in named] or asked
        return BadMirror(value=safe(" ".join(wrong)), detail=of_error(error))
    return BadRegistry(detail=of_error(error), places=places())


def places() -> str:
    """The setting to mend where mirrors cannot be used, with the file or variable that holds it:
    `torchmirror_registry` if that cannot be read, else `torchmirror_only` if that names no mirror,
    else `torchmirror_mirrors`."""
    from ..text.messages import text

    name = PREFIX + (_unusable() or "mirrors")
    return text("setting_place", {"name": name, "file": source_of(name)})


def _unusable() -> str | None:
    """Which of the settings that hold for any mirrors cannot be used."""
    values = read()
    try:
        known = registry(values)
    except MirrorError:
        return "registry"
    try:
        known.resolve(values.only, allow_http=values.http)
    except MirrorError:
        return "only"
    return None


def _entries(held: Any) -> Any:
    """The entries of a raw value: a map or a text as it is, the items of a list unwrapped; nothing
    of a key that has nothing under it."""
    return [part.value(None) for part in held] if isinstance(held, (list, tuple)) else held or ()


def source_of(key: str, name: str | None = None) -> str | None:
    """The file or variable that sets a key of the configuration (or a setting of ours) last.

    With `name`, the one that maps or lists this channel. None where nothing does.
    """
    from conda.base.context import context

    for source, raw in reversed(list(context.raw_data.items())):
        if key.startswith(PREFIX):
            if key in (_held(raw) or ()):
                return str(source)
            if f"plugins_{key}" in raw and not _is_empty(raw[f"plugins_{key}"]):
                return f"CONDA_PLUGINS_{key.upper()}"
        elif key in raw and (name is None or name in _entries(raw[key].value(None))):
            return f"CONDA_{key.upper()}" if str(source) == "envvars" else str(source)
    return None
