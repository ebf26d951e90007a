"""The quick reader of plain YAML gives the events of the YAML parser, or gives up."""

from __future__ import annotations

import random
from contextlib import suppress
from itertools import islice

import pytest
from fuzz import environments as made
from hypothesis import given, settings
from hypothesis import strategies as st

from conda_torchmirror.envfiles.source_text import decode
from conda_torchmirror.envfiles.yaml_events import Event, Meaning, NotYaml, parsed, plain

unhurried = settings(deadline=None)

INDENTS = ("", "", " ", "  ", "  ", "    ", "      ", "\t")
DASHES = ("", "", "- ", "- ", "-   ", "-", "- - ", "? ")
KEYS = ("", "", "", "channels:", "dependencies:", "pip:", "name: ", "a b: ", "<<: ", "'q': ", "k :")
VALUES = (
    "",
    "pytorch",
    "python=3.12",
    "numpy>=1.2,<3",
    "https://conda.anaconda.org/pytorch",
    "-e .",
    "--index-url https://x/simple",
    "-",
    "---",
    "...",
    "'single'",
    '"double"',
    "'it''s'",
    '"a\\n"',
    "'a' b",
    "a 'b'",
    "[a, b]",
    "{a: b}",
    "a[b]",
    "a: b",
    "a :b",
    "a:",
    ":a",
    "::",
    "a#b",
    "a #b",
    "#a",
    "'a'#b",
    "'a' #b",
    "&x a",
    "*x",
    "!t a",
    "|",
    ">-",
    "%a",
    "@a",
    "`a",
    "=1",
    "~",
    "null",
    "频道",
    "a  b",
    "C:\\x",
    "{{ x }}",
    "?a",
    "? a",
    ",a",
    "]",
    "''",
    '""',
    "a\u2028b",
    "a\x85b",
    "\ufeffa",
    "a\tb",
    "a" * 1100,
)
TAILS = ("", "", "", " ", "  # c", " #", "#", "\t", "\t# c", " # '", "\x0b")
JUNK = ("'", '"', ":", "#", " ", "\n", "\t", "- ", "-", "  ", "*", "")
ENDS = ("\n", "\n", "\n", "\r\n", "\r", "\n\n", "\n# c\n", "\n    # c\n", "\n---\n", "\n...\n")


def scalar(event: Event) -> bool:
    return event.meaning.name == "ScalarEvent"


def read_plainly(text: str) -> bool:
    """Hold both readers against each other. Returns whether the quick one read the text."""
    found = plain(text)
    if found is None:
        return False
    expected = list(parsed(text))
    assert [event.meaning for event in found] == [event.meaning for event in expected]
    assert [event for event in found if scalar(event)] == [e for e in expected if scalar(e)]
    starts = [(e.line, e.meaning) for e in expected if e.meaning.name == "MappingStartEvent"]
    assert [(e.line, e.meaning) for e in found if e.meaning.name == "MappingStartEvent"] == starts
    return True


def begin_plainly(text: str) -> None:
    """Hold the beginnings that both readers give against each other."""
    expected: list[Meaning] = []
    with suppress(NotYaml):  # behind what is compared, perhaps
        expected.extend(event.meaning for event in islice(parsed(text), 24))
    for most in range(1, 24):
        begun = plain(text, most)
        if begun is None:
            return  # and so it is for more
        assert [event.meaning for event in begun[:most]] == expected[:most]


def parts(*choices: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.tuples(*(st.sampled_from(choice) for choice in choices)).map("".join)


@given(st.lists(parts(INDENTS, DASHES, KEYS, VALUES, TAILS, ENDS), max_size=8).map("".join))
@unhurried
def test_lines_of_every_kind(text: str) -> None:
    read_plainly(text)


@given(made.environment_texts(mirrored=True), st.data())
@unhurried
def test_environments_with_a_character_put_anywhere(text: str, data: st.DataObject) -> None:
    read_plainly(text)
    at = data.draw(st.integers(0, len(text)))
    junk = data.draw(
        st.sampled_from(("'", '"', ":", "#", " ", "\n", "\t", "- ", "-", "  ", "*", ""))
    )
    read_plainly(text[:at] + junk + text[at + (junk == "") :])


def some_text(rng: random.Random) -> str:
    """A text in plain form, and in most cases something unusual in one or two places."""
    odd = rng.choice((0.0, 0.02, 0.1))

    def one_of(usual: tuple[str, ...], unusual: tuple[str, ...]) -> str:
        return rng.choice(unusual if rng.random() < odd else usual)

    def end() -> str:
        tail = one_of(("", "", "  # c", " "), TAILS)
        return tail + one_of(("\n", "\n", "\r\n", "\n\n  # c\n"), ENDS)

    def value() -> str:
        return one_of(("x", "y=1", "'q'", '"r"', "-e ."), VALUES) + end()

    def entries(indent: str) -> list[str]:
        return [
            one_of((indent,), INDENTS) + one_of(("- ", "-   "), DASHES) + value()
            for _ in range(rng.randrange(1, 3))
        ]

    lines = [one_of(("", "", "---", "# c"), VALUES) + end()]
    for _ in range(rng.randrange(1, 4)):
        indent = rng.choice(("", "  "))
        lines.append(one_of(("a:", "pip:"), KEYS))
        match rng.randrange(4):
            case 0:
                lines.append(" " + value())
            case 1:
                lines += [end(), *entries(indent)]
            case 2:
                lines += [end(), *(one_of(("  ",), INDENTS) + "k: " + value() for _ in "ab")]
            case _:
                deeper = indent + rng.choice(("  ", "    "))
                lines += [end(), *entries(indent), indent, one_of(("- ",), DASHES), "pip:", end()]
                lines += [*entries(deeper), *(entries(indent) if rng.random() < 0.5 else ())]
    return "".join(lines)


def test_many_texts() -> None:
    rng = random.Random(7)
    read = sum(read_plainly(some_text(rng)) for _ in range(3000))
    assert read > 500


def test_beginnings_of_many_texts() -> None:
    """What stands behind may be anything, and may go on with the scalar that was read last."""
    rng = random.Random(11)
    for _ in range(300):
        begin_plainly(some_text(rng))


@pytest.mark.parametrize(
    "behind", ["  goes on\n", "\n\n    goes on\n", "  # c\n", "- d: [\n", "\t"]
)
def test_what_stands_behind_a_beginning(behind: str) -> None:
    begin_plainly(f"channels:\n- a\n- b\n{behind}")


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n",
        "---\nname: x # c\nchannels:\n- a\n- 'b'\n\n# c\nd:\n  - pip:\n    - -e .\n  - c\n",
        "channels:\r\n  - a\r\n  - b",
        "dependencies:\n- pip:\n  - a\n- pip:\n      - b\nvariables:\n  A: 1\n  B: x y\n",
        "# 频道\nchannels:\n    # 中文\n    - a\nname: 环境\n",
    ],
)
def test_what_people_write_is_read_quickly(text: str) -> None:
    assert read_plainly(text)


@made.needs_real
def test_real_files() -> None:
    texts = [decode(path.read_bytes()).text for path in made.real_files()]
    read = 0
    for text in texts:
        try:
            read += read_plainly(text)
        except NotYaml:  # pragma: no cover
            raise AssertionError(text) from None
    assert read > len(texts) * 0.8
