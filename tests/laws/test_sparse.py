"""What is found in any document is what a full parse finds."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.index_texts import parsed, read

from conda_torchmirror.index.sparse import scan

TOKENS = (
    *('"', "{", "}", ":", ",", "[", "]", "\\", " ", "name", "pytorch", "pytorch-", "é", "\n"),
    *('":{', '},"', '},"a-1.conda":{', '"name":"pytorch"', '\\"', "}}", "packages", "x"),
)
STRINGS = st.lists(st.sampled_from(TOKENS), max_size=4).map("".join)
KEYS = st.one_of(
    STRINGS,
    st.sampled_from(("name", "pytorch-1-0.conda", "a-1-0.conda", "libtorch-2-0.tar.bz2", "b")),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), STRINGS, st.sampled_from(("pytorch", "libtorch", "q"))
)


class Pairs(list[tuple[str, Any]]):
    """An object with its members in order; a key may stand there twice."""


def objects(values: st.SearchStrategy[Any], **limits: int) -> st.SearchStrategy[Pairs]:
    return st.lists(st.tuples(KEYS, values), **limits).map(Pairs)


VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(objects(inner, max_size=4), st.lists(inner, max_size=3)),
    max_leaves=8,
)  # fmt: skip
RECORDS = st.one_of(
    objects(VALUES, min_size=1, max_size=5),
    st.builds(
        lambda name, more: Pairs([("build", "0"), *more, ("name", name), ("size", 1)]),
        st.sampled_from(("pytorch", "libtorch", "q", "numpy")),
        objects(SCALARS, max_size=2),
    ),
    SCALARS,
)
MEMBERS = st.lists(st.tuples(KEYS, RECORDS), max_size=6).map(Pairs)
DOCUMENTS = st.lists(
    st.tuples(
        st.sampled_from(("packages", "packages.conda", "info", "removed", "v3", "a-1-0.conda")),
        st.one_of(MEMBERS, VALUES),
    ),
    max_size=5,
).map(Pairs)


def written(value: Any, chance: random.Random, space: int) -> str:
    """JSON of a value with whitespace and escapes by chance; `space` is none, some or all of it."""

    def gap() -> str:
        return "".join(chance.choice(" \t\r\n") for _ in range(chance.randrange(space + 1)))

    def string(content: str) -> str:
        plain = [json.dumps(c, ensure_ascii=False)[1:-1] for c in content]
        escaped = [f"\\u{ord(c):04x}" for c in content]
        either = (chance.choices(pair, (19, 1))[0] for pair in zip(plain, escaped, strict=True))
        return f'"{"".join(either)}"'

    if isinstance(value, Pairs):
        inner = [
            f"{gap()}{string(k)}{gap()}:{gap()}{written(v, chance, space)}{gap()}" for k, v in value
        ]
        return "{" + (",".join(inner) or gap()) + "}"
    if isinstance(value, list):
        inner = [f"{gap()}{written(v, chance, space)}{gap()}" for v in value]
        return "[" + (",".join(inner) or gap()) + "]"
    return string(value) if isinstance(value, str) else json.dumps(value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sparse")


LAW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@LAW
@given(document=DOCUMENTS, chance=st.randoms(use_true_random=False), space=st.integers(0, 2))
def test_the_law(folder, document, chance, space):
    content = written(document, chance, space).encode()
    assert read(folder, content) == parsed(content)


@LAW
@given(
    document=DOCUMENTS,
    chance=st.randoms(use_true_random=False),
    space=st.integers(0, 1),
    place=st.floats(0, 1, exclude_max=True),
)
def test_what_ends_early_is_an_error(folder, document, chance, space, place):
    content = written(document, chance, space).encode()
    with pytest.raises(scan.BrokenIndex):
        read(folder, content[: int(len(content) * place)])
