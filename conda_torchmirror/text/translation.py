"""The translations of our sentences, and how a translated sentence takes its facts.

Loaded with the first sentence in another language than English.
"""

from __future__ import annotations

import os
import re
import struct
from bisect import bisect_left
from collections.abc import Mapping
from gettext import NullTranslations
from typing import Any, Final

from ..mirrors.registry import chinese_names
from ..mirrors.urls import UPSTREAM
from . import language
from .messages import CleanFacts, Sentence, filled, text, with_facts
from .sanitize import safe

FOLDER: Final = os.path.join(os.path.dirname(os.path.dirname(__file__)), "locale")
#: The folder of a language below that, and the name of its files.
LOCALES = {language.CHINESE: "zh_CN"}
DOMAIN: Final = "conda_torchmirror"

_catalogs: dict[str, Translations | None] = {}


class Translations(NullTranslations):
    """The sentences of a .mo file, each looked up when it is needed.

    `gettext.GNUTranslations` reads all 900 into a dictionary, which takes 4 ms; a preview needs 50,
    at 10 microseconds each. Only for languages without plural forms, such as Chinese.
    """

    def _parse(self, fp: Any) -> None:
        self._data = fp.read()
        _, _, count, ids, strings = struct.unpack_from("<5I", self._data)
        table = struct.unpack_from(f"<{2 * count}I", self._data, ids)
        self._lengths, self._places = table[::2], table[1::2]
        self._strings = strings

    def pgettext(self, context: str, message: str) -> str:
        """The translation of a sentence, or the sentence."""
        return self._find(f"{context}\x04{message}") or message

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        """The translation of a pair of sentences, or the one for a number."""
        english = msgid1 if n == 1 else msgid2
        return self._find(f"{context}\x04{msgid1}\0{msgid2}") or english

    def _find(self, key: str) -> str | None:
        """The translation of a key, which is between zero bytes in the file; None if missing."""
        word = key.encode()
        place = self._data.find(b"\0%b\0" % word) + 1
        number = bisect_left(self._places, place)
        if not place or self._places[number] != place or self._lengths[number] != len(word):
            return None
        length, start = struct.unpack_from("<2I", self._data, self._strings + 8 * number)
        return self._data[start : start + length].decode()


def catalog() -> Translations | None:
    """The translations into the current language; None for English."""
    spoken = language.current()
    if spoken == language.ENGLISH:
        return None
    if spoken not in _catalogs:
        path = os.path.join(FOLDER, LOCALES[spoken], "LC_MESSAGES", f"{DOMAIN}.mo")
        try:
            with open(path, "rb") as file:
                _catalogs[spoken] = Translations(file)
        except (OSError, struct.error):  # a half-removed installation; English is in the code
            _catalogs[spoken] = None
    return _catalogs[spoken]


class Translated(str):
    """A sentence in the reader's language that keeps its English form for documents."""

    __slots__ = ("english",)
    english: str


def translate(sentence: Sentence, facts: Mapping[str, Any], context: str) -> str:
    """A sentence in the current language with its facts, as `messages.fill` has it."""
    found = catalog()
    if found is None:
        return filled(sentence, facts)
    if isinstance(sentence, str):
        words = found.pgettext(context, sentence)
    else:
        count = facts.get("count")
        words = found.npgettext(context, *sentence, count if isinstance(count, int) else 2)
    said = Translated(_spaced(with_facts(words, _TranslatedFacts(facts))))
    with language.in_english():
        said.english = filled(sentence, facts)
    return said


class _TranslatedFacts(CleanFacts):
    """The facts of a translation."""

    def _word(self, value: Any) -> str:
        word = " ".join(safe(str(value)).split("\n"))
        return _Word(_marked(word) if isinstance(value, Translated) else word)


class _Word(str):
    """A fact that a translation may show in other words: `{mirror:site}` shows the site's name,
    `{source:origin}` the meaning of an origin's code, `{names:list}` a list with the separator of
    Chinese."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        if spec == "site":
            return _marked("、".join(map(_site, self.split(", "))))
        if spec == "list":
            return _marked(self.replace(", ", "、"))
        if spec == "origin":
            return _marked(text(f"origin.{self}", default=str(self)))
        return str.__format__(self, spec)


#: Marks the ends of a fact that may be Chinese. No fact holds the mark, which `safe` takes away.
_MARK = "\0"


def _marked(word: str) -> str:
    return f"{_MARK}{word}{_MARK}"


def _spaced(said: str) -> str:
    """Remove spaces between Chinese characters around the facts that were filled in."""
    if _MARK not in said:
        return said
    # Characters are classified by hand: `re` takes 5 ms to compile a class of so many.
    return re.sub(rf" ?{_MARK}+ ?", _joint, said)


def _joint(found: re.Match[str]) -> str:
    """The space between a fact and its sentence: none between two Chinese characters."""
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    return "" if _is_wide(before) and _is_wide(after) else found[0].replace(_MARK, "")


def _is_wide(character: str) -> bool:
    """Whether a character, or none, is Chinese or a punctuation mark of its width."""
    return "\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"


def _site(name: str) -> str:
    return text("upstream_title") if name == UPSTREAM else chinese_names().get(name, name)
