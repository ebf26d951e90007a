"""The plugin settings: their names, what they mean, and how they are read.

They stand under `plugins:` in any .condarc, or in the environment as
`CONDA_PLUGINS_TORCHMIRROR_...`; new conda also sets them by `conda config --set plugins....`. The
automatic redirect reads them, so nothing heavy is imported until it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..mirrors.lookup import DEFAULT_MIRRORS, built_in, on_its_own

if TYPE_CHECKING:
    from conda.plugins.types import CondaSetting

    from ..mirrors.registry import Mirror

PREFIX = "torchmirror_"

#: The word for all mirrors that may be chosen on their own, in the registry's order.
AUTO = "auto"


class Settings:
    """The values in force; read-only by agreement (creating a frozen class costs 1 ms).

    `mirrors` is the preference list, empty where nobody set one. `registry` is the path of a file
    with mirrors of one's own, or the text of it. `only` are the mirrors that an administrator
    allows, empty for all.
    """

    auto: bool = True
    mirrors: tuple[str, ...] = ()
    fallback: bool = True
    flexible: bool = True
    check: bool = True
    check_hashes: bool = True
    http: bool = False
    registry: str = ""
    only: tuple[str, ...] = ()

    def __init__(self, **values: Any) -> None:
        """Take the values that differ from the defaults, which are those of the class."""
        self.__dict__.update(values)


DESCRIPTIONS: Mapping[str, str] = {
    "auto": "Point conda's own commands at mirrors (conda torch-mirror status shows which).",
    "mirrors": "Mirrors in order of preference: names, URLs, auto for all, upstream for none.",
    "fallback": "May torch-install go on with the next mirror when one fails?",
    "flexible": "May torch-install lift a strict channel_priority for its own transaction?",
    "check": "Try what torch-install installed? --no-check leaves it out for one run.",
    "check_hashes": "Hold the hashes of a mirror's index against those of the built-in index?",
    "http": "May a mirror be read by plain http? This computer's own always may.",
    "registry": "Mirrors of your own: the path of a YAML or JSON file, or its text.",
    "only": "The only mirrors that may be used, by name; every file that sets it binds.",
}


def declared() -> Iterator[CondaSetting]:
    """The settings as conda wants them."""
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
    """What is set now. Raises conda's own errors for a value of the wrong type."""
    from conda.base.context import context

    names = _names_set(context)
    if names is not None and not names:
        return Settings()
    plugins = context.plugins
    values = {
        name: getattr(plugins, PREFIX + name)
        for name in DESCRIPTIONS
        if names is None or name in names
    }
    if values.get("only"):
        values["only"] = _policy(plugins, values["only"])
    return Settings(**values)


def _names_set(context: Any) -> set[str] | None:
    """The settings that any source sets, None if that cannot be seen.

    Typing a setting costs conda 0.2 ms, and nearly always none of them is set.
    """
    try:
        found: set[str] = set()
        for raw in context.raw_data.values():
            if "plugins" in raw:
                found |= {str(name) for name in raw["plugins"].value(None)}
            found |= {name[len("plugins_") :] for name in raw if name.startswith("plugins_")}
    except (AttributeError, TypeError):
        return None
    return {name[len(PREFIX) :] for name in found if name.startswith(PREFIX)}


def _policy(plugins: Any, merged: Sequence[str]) -> tuple[str, ...]:
    """The mirrors that every source allows, the system's files first.

    Conda would add lists up, so that a user could widen what the administrator allows. A list that
    shares nothing with those before it is of no effect.
    """
    from conda.common.configuration import PrimitiveParameter, SequenceParameter

    words = SequenceParameter(PrimitiveParameter("", element_type=str))
    allowed: tuple[str, ...] = ()
    try:
        for raw in plugins.raw_data.values():
            if (held := raw.get(f"{PREFIX}only")) is not None:
                names = [str(item.value(None)).lower() for item in held.value(words)]
                allowed = tuple(n for n in allowed or names if n in names) or allowed
    except (AttributeError, TypeError):
        allowed = ()
    return allowed or tuple(name.lower() for name in merged)


def entries(settings: Settings | None = None) -> dict[str, Mapping[str, Any]]:
    """The registry as it is written, by name: mirrors of one's own, then the built-in ones.

    Raises MirrorError for a file of one's own that cannot be read.
    """
    text = (read() if settings is None else settings).registry
    own = _own(text) if text else {}
    return {**own, **{name: entry for name, entry in built_in().items() if name not in own}}


def _own(text: str) -> dict[str, Mapping[str, Any]]:
    """The mirrors of a file, or of the text itself; what it holds is checked."""
    import io

    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from ..mirrors.registry import MirrorError

    inline = "\n" in text.strip() or text.lstrip().startswith("{")
    where = "torchmirror_registry" if inline else text
    if not inline:
        import os

        try:
            with open(os.path.expanduser(text), encoding="utf-8-sig") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise MirrorError(f"The file {where} cannot be read: {error}.") from error
    try:
        found = YAML(typ="safe", pure=True).load(io.StringIO(text))
    except YAMLError as error:
        raise MirrorError(f"{where} is neither YAML nor JSON: {error}.") from error
    found = found.get("mirrors", found) if isinstance(found, Mapping) else found
    if not isinstance(found, Mapping) or not found:
        raise MirrorError(f"{where} must hold mirrors by name, as data/mirrors.json does.")
    return {str(name).lower(): _checked(str(name), entry) for name, entry in found.items()}


def _checked(name: str, entry: Any) -> Mapping[str, Any]:
    from ..mirrors.registry import MirrorError, parse_mirror

    if not isinstance(entry, Mapping):
        raise MirrorError(f"The entry of mirror {name!r} is not a map.")
    # A mirror that somebody writes down is meant to be used.
    whole = {"chosen": ["conda", "pypi", "wheels"], **entry}
    if isinstance(whole.get("roots"), str):
        whole["roots"] = [whole["roots"]]
    channels = whole.get("channels")
    if isinstance(channels, Mapping):
        whole["channels"] = {key: value or {} for key, value in channels.items()}
    parse_mirror(name, whole)
    return whole


def registry(settings: Settings | None = None) -> dict[str, Mirror]:
    """The mirrors by name: those of one's own, then the built-in ones. Raises MirrorError."""
    from ..mirrors.registry import check_url, parse_mirror
    from ..mirrors.registry import registry as objects

    chosen = read() if settings is None else settings
    own = _own(chosen.registry) if chosen.registry else {}
    found = {name: parse_mirror(name, entry) for name, entry in own.items()}
    for mirror in found.values():
        for url in (*mirror.roots, *(c.url for c in mirror.channels.values())):
            check_url(url, allow_http=chosen.http)
    return {**found, **{name: entry for name, entry in objects().items() if name not in found}}


def preference(
    asked: Sequence[str] = (),
    settings: Settings | None = None,
    known: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[str, ...]:
    """The mirrors to go through, in order: `asked` (`--mirror`), else the setting, else ours.

    `auto` is replaced by names, and what the administrator does not allow is left out; a mirror
    of one's own comes first where nobody set a list. Raises MirrorError for an `asked` one that is
    not allowed.
    """
    chosen = read() if settings is None else settings
    written = entries(chosen) if known is None else known
    words: Sequence[str] = asked or chosen.mirrors
    if not words:
        words = (*_own_names(chosen, written), *DEFAULT_MIRRORS)
    expanded = tuple(dict.fromkeys(_expanded(words, written)))
    if not chosen.only:
        return expanded
    allowed = tuple(item for item in expanded if _allowed(item, chosen.only))
    if asked and not allowed:
        from ..mirrors.registry import MirrorError

        raise MirrorError(
            f"torchmirror_only allows no other mirrors than {', '.join(chosen.only)}."
        )
    return allowed or tuple(name for name in chosen.only if name in written)


def _own_names(chosen: Settings, written: Mapping[str, Any]) -> tuple[str, ...]:
    if not chosen.registry:
        return ()
    return tuple(name for name, entry in written.items() if built_in().get(name) is not entry)


def _expanded(words: Iterable[str], written: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for word in words:
        if word.lower() == AUTO:
            yield from on_its_own(written)
        else:
            yield word if "://" in word else word.lower()


def _allowed(item: str, only: Sequence[str]) -> bool:
    return item in only or item == "upstream"
