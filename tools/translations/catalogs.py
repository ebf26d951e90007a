"""The catalogs of translations: the messages to translate, and the files that hold them.

A message is an English sentence of the package with its context: the code of the sentence, or the
name of the class or command that owns it. Needs Babel and conda; the package itself needs neither
Babel nor this file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path
from string import Formatter
from typing import ClassVar, NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import conda_torchmirror
from conda_torchmirror.exceptions.base import TorchMirrorError
from conda_torchmirror.text import messages, tables, translation

PACKAGE = Path(conda_torchmirror.__file__).parent
LOCALE = "zh_CN"
PO = Path(translation.FOLDER, LOCALE, "LC_MESSAGES", f"{translation.DOMAIN}.po")
MO = PO.with_suffix(".mo")

#: The prefix of a table's codes, by module and name; see `text.messages`.
SUBJECTS = {
    ("check", "TEXT"): "check.",
    ("comments", "SHOW"): "print.",
    ("decision", "CLASH"): "clash.",
    ("decision", "ORIGIN"): "origin.",
    ("decision", "RULE"): "rule.",
    ("decision", "SHOW"): "show.",
    ("decision", "SOURCE"): "source.",
    ("files", "TEXT"): "file.",
    ("hints", "HINT"): "hint.",
    ("machine", "TEXT"): "machine.",
    ("mirrors", "LIST"): "list.",
    ("mirrors", "STATUS"): "status.",
    ("options", "HELP"): "help.",
    ("run", "SHOW"): "wheel.",
}
#: Modules below `text`, whose errors own their sentences.
OWNING = ("envfiles/channel_entry.py", "mirrors/*.py", "redirect/own/registry.py")
#: The form of the strings in these modules that count as sentences.
_SENTENCE = re.compile(r"(?:[A-Z{].*\.)", re.S)


class Message(NamedTuple):
    """A sentence to translate; `id` is a pair if it has a plural."""

    context: str
    id: str | tuple[str, str]


def messages_of_package() -> list[Message]:
    """All messages to translate, ordered by context."""
    found = {*_of_tables(), *_of_errors(), *_of_errors_below(), *_of_commands()}
    # A message that is only a field is the same in every language.
    worded = (message for message in found if not re.fullmatch(r"\{\w+\}", str(message.id)))
    return sorted(worded, key=lambda message: (message.context, str(message.id)))


def _of_tables() -> Iterator[Message]:
    folder = Path(tables.__file__).parent
    for path in folder.rglob("*.py"):
        below = ".".join(path.relative_to(folder).with_suffix("").parts)
        module = import_module(f"{tables.__name__}.{below}")
        for name, table in vars(module).items():
            if name.isupper() and isinstance(table, dict):
                before = SUBJECTS.get((path.stem, name), "")
                for code, sentence in table.items():
                    # Otherwise the code would be looked up in another table.
                    assert messages._sentence(before + code) is sentence, (path.stem, name, code)
                    yield Message(before + code, sentence)


def _of_errors() -> Iterator[Message]:
    for path in (PACKAGE / "exceptions").glob("*.py"):
        import_module(f"{conda_torchmirror.__name__}.exceptions.{path.stem}")
    waiting = [TorchMirrorError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if hasattr(kind, "code") and kind.__module__.startswith(conda_torchmirror.__name__):
            yield Message(kind.__name__, kind.message)
            if kind.cause:
                yield Message(f"{kind.__name__}.cause", kind.cause)


def _of_errors_below() -> Iterator[Message]:
    for pattern in OWNING:
        for path in PACKAGE.glob(pattern):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and id(node) not in told:
                    word = node.value
                    if isinstance(word, str) and "{" in word and _SENTENCE.fullmatch(word):
                        yield Message("MirrorError", word)


def _of_commands() -> Iterator[Message]:
    from conda_torchmirror import plugin

    for command in plugin.conda_subcommands():
        yield Message(command.name, command.summary)


def fields(sentence: str) -> set[str]:
    """The names of the facts in a sentence."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def read() -> Catalog:
    """Read the catalog in the repository."""
    with PO.open("rb") as file:
        return read_po(file, locale=LOCALE, domain=translation.DOMAIN)


def merged(old: Catalog) -> Catalog:
    """Merge the existing translations into the messages of the package. The translation of a
    reworded sentence is kept, marked as fuzzy, and not used until somebody has reviewed it."""
    new = Catalog(locale=LOCALE, domain=translation.DOMAIN, fuzzy=False)
    known = {(entry.context, entry.id): entry for entry in old if entry.id}
    wanted = {tuple(message) for message in messages_of_package()}
    gone = {entry.context: entry for key, entry in known.items() if key not in wanted}
    for message in messages_of_package():
        entry, flags = known.get((message.context, message.id)), set()
        if entry is not None:
            flags = entry.flags & {"fuzzy"}
        elif (entry := gone.get(message.context)) is not None:
            flags = {"fuzzy"}
        string = entry.string if entry is not None and entry.string else ""
        if isinstance(message.id, tuple):
            string = string if isinstance(string, tuple) else (string,)
        elif isinstance(string, tuple):
            string = string[0]
        new.add(message.id, string, context=message.context, flags=flags)
    return new


def po(catalog: Catalog) -> bytes:
    """The text of a .po file, the same for the same translations."""
    buffer = BytesIO()
    write_po(buffer, catalog, width=100, omit_header=True, sort_output=False)
    return _HEAD.encode() + buffer.getvalue()


#: The header: what gettext needs, and no date or name that would change without reason.
_HEAD = """\
msgid ""
msgstr ""
"Language: zh_CN\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""


class _Compiled(Catalog):
    """A catalog whose header is what gettext needs, and no date or version of a tool."""

    mime_headers: ClassVar = [
        ("Content-Type", "text/plain; charset=UTF-8"),
        ("Plural-Forms", "nplurals=1; plural=0;"),
    ]


def mo(catalog: Catalog) -> bytes:
    """The compiled catalog, without fuzzy translations."""
    buffer = BytesIO()
    lean = _Compiled(locale=LOCALE, fuzzy=False)
    for entry in catalog:
        if entry.id and not entry.fuzzy and _strings(entry.string) != [""]:
            lean.add(entry.id, entry.string, context=entry.context)
    write_mo(buffer, lean)
    return buffer.getvalue()


def update() -> str:
    """Update the .po from the package and compile it; return a sentence on what is left to do."""
    catalog = merged(read()) if PO.exists() else merged(Catalog(locale=LOCALE))
    PO.write_bytes(po(catalog))
    MO.write_bytes(mo(catalog))
    return "\n".join(untranslated(catalog)) or "complete"


def untranslated(catalog: Catalog) -> list[str]:
    """The messages whose translation is missing or fuzzy."""
    return [
        f"{'reworded' if entry.fuzzy else 'not translated'}: {entry.context}: {entry.id}"
        for entry in catalog
        if entry.id and (entry.fuzzy or "" in _strings(entry.string))
    ]


def _strings(string: str | tuple[str, ...] | list[str]) -> list[str]:
    return [string] if isinstance(string, str) else list(string)


def check() -> list[str]:
    """The faults of the catalog; [] if it is complete and right."""
    catalog = read()
    faults = untranslated(catalog)
    there = {(entry.context, entry.id) for entry in catalog if entry.id}
    wanted = {tuple(message) for message in messages_of_package()}
    faults += [f"not in the .po: {context}: {sentence}" for context, sentence in wanted - there]
    faults += [
        f"in the .po for nothing: {context}: {sentence}" for context, sentence in there - wanted
    ]
    for entry in catalog:
        if entry.id:
            faults += (f"{entry.context}: {fault}" for fault in _faults(entry.id, entry.string))
    if not MO.exists() or MO.read_bytes() != mo(catalog):
        faults.append("the .mo is not what the .po compiles to")
    return faults


def _faults(english: str | tuple[str, str], string: str | tuple[str, ...]) -> Iterator[str]:
    ids = english if isinstance(english, tuple) else (english,)
    for chinese in filter(None, _strings(string)):
        # An English singular may omit the number; Chinese has a single form with all fields.
        if fields(chinese) != set().union(*map(fields, ids)):
            yield f"other fields than {ids}: {chinese}"
        commands = [set(re.findall(r"`[^`]+`", part)) for part in (*ids, chinese)]
        plain = [
            {re.sub(r":site|:origin|:list|[A-Z]+", "", c) for c in found} for found in commands
        ]
        if plain[-1] != set().union(*plain[:-1]) and not ids[0].startswith("examples"):
            yield f"other commands than {ids}: {chinese}"
        try:
            chinese.encode("gbk")
        except UnicodeEncodeError as error:
            yield f"not in GBK: {chinese[error.start : error.end]!r} in {chinese}"
        # `{of_arch}` brings its own brackets.
        prose = re.sub(r"`[^`]*`|\{[^}]*\}", "x", chinese.replace("{of_arch}", "（）"))
        if re.search(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]", prose):
            yield f"no space between Chinese and Latin: {chinese}"
        if re.search(r"[\u4e00-\u9fff][,;:?!()]|[,;:?!()][\u4e00-\u9fff]", prose):
            yield f"half-width punctuation in Chinese: {chinese}"
        if re.search(
            r"[\uff0c\u3002\uff1a\uff1b\uff08\uff09] | [\uff0c\u3002\uff1a\uff1b\uff08\uff09]",
            chinese.strip(),
        ):
            yield f"a space beside full-width punctuation: {chinese}"
