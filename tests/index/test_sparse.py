"""A few names out of an index, as a full parse would find them, and no half of one."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import big_index

from conda_torchmirror.index import sparse

NAMES = frozenset(("pytorch", "pytorch-gpu", "libtorch", "cuda-version"))


def parsed(content: bytes, names: frozenset[str] = NAMES) -> dict[str, Any]:
    """What a full parse gives: the law."""
    document = json.loads(content.decode("utf-8"))
    if not isinstance(document, dict):
        raise ValueError("no object")
    found = {}
    for key in (*sparse.KEPT, *sparse.SECTIONS):
        if key in document:
            found[key] = document[key]
    for key in sparse.SECTIONS:
        if isinstance(section := found.get(key), dict):
            found[key] = {
                fn: record
                for fn, record in section.items()
                if isinstance(record, dict)
                and isinstance(name := record.get("name"), str)
                and name in names
            }
    return found


def read(folder: Path, content: bytes, names: frozenset[str] = NAMES) -> dict[str, Any]:
    """What is found in a file that was never read before."""
    path = folder / "0123abcd.json"
    path.write_bytes(content)
    path.with_suffix(".torchmirror").unlink(missing_ok=True)
    return sparse.read(path, names)


def record(name: str, **more: Any) -> dict[str, Any]:
    return {
        "build": "0",
        "build_number": 0,
        "depends": ["python >=3.12", f"{name}-base"],
        "md5": "0" * 32,
        "name": name,
        "sha256": "0" * 64,
        "version": "1.0",
        **more,
    }


def index(*members: tuple[str, Any], **more: Any) -> dict[str, Any]:
    """An index whose packages are these, between others."""
    others = {f"{n}-1.0-0.conda": record(n) for n in ("aa", "python", "zlib")}
    return {
        "info": {"subdir": "linux-64"},
        "packages": {"aa-1.0-0.tar.bz2": record("aa")},
        "packages.conda": {**others, **dict(members), "zz-1-0.conda": record("zz")},
        **more,
    }


WANTED = ("pytorch-1.0-0.conda", record("pytorch"))
LAST = json.dumps(record("numpy"))
SHAPES: dict[str, Any] = {
    "nothing": {},
    "no packages": {"info": {}, "packages": {}, "packages.conda": {}, "repodata_version": 1},
    "one section": {"packages": dict([WANTED])},
    "null for a section": {"packages": None, "packages.conda": dict([WANTED])},
    "a list for a section": {"packages": [1], "packages.conda": dict([WANTED])},
    "plain": index(WANTED),
    "the other order": dict(reversed(index(WANTED).items())),
    "the first record": {"packages.conda": dict([WANTED, ("zz-1-0.conda", record("zz"))])},
    "the last record": {"packages.conda": dict([("zz-1-0.conda", record("zz")), WANTED])},
    "base_url": index(WANTED, info={"subdir": "linux-64", "base_url": "https://x/y"}),
    "other keys": index(
        WANTED, removed=["pytorch-0.conda"], signatures={"pytorch-1.0-0.conda": {"k": {"s": "0"}}}
    ),
    "v3": index(WANTED, v3={"conda": dict([WANTED]), "whl": {"x": record("pytorch")}}),
    "another section of records": index(
        WANTED, **{"packages.whl": {"pytorch-9-0.conda": record("pytorch")}}
    ),
    "under another name's key": index(("zlib-2-0.conda", record("pytorch"))),
    "another name under its key": index(("pytorch-2-0.conda", record("zlib"))),
    "a key without a version": index(("x", record("pytorch")), ("", record("libtorch"))),
    "a name in a string": index(WANTED, **{"packages": {"q.tar.bz2": record('"name":"pytorch"')}}),
    "a name in a list": index(WANTED, x=["name", "pytorch"]),
    "a name in a nested object": index(("q-1-0.conda", record("q", more={"name": "pytorch"}))),
    "a nested name before its own": index(
        ("q-1-0.conda", {"a": {"name": "q"}, "name": "pytorch", "z": 1})
    ),
    "records in a record": index(
        ("q-1-0.conda", record("q", zz={f"{n}-1-0.conda": record("pytorch") for n in "abcd"}))
    ),
    "records in a record, and more": index(
        (
            "q-1-0.conda",
            {"a": {f"{n}-1-0.conda": record("pytorch") for n in "abcd"} | {"e": 1}, "name": "q"},
        )
    ),
    "a record in a list": index(("q-1-0.conda", record("q", zz=[record("pytorch")] * 3))),
    "run_exports": index(("pytorch-2-0.conda", record("pytorch", run_exports={"weak": ["x"]}))),
    "run_exports of others": index(
        WANTED, ("q-1-0.conda", record("q", run_exports={"weak": ["x"], "strong": []}))
    ),
    "braces in strings": index(
        WANTED,
        ("a-1-0.conda", record("a", license='see {L}, or "{')),
        ("b-1-0.conda", record("b", license="}")),
        ("c-1-0.conda", record("c", license='},"pytorch-3-0.conda":{"name":"pytorch"},"x":{')),
        ("d-1-0.conda", record("d", license=["}", '}}', '},"'])),
    ),
    "quotes in keys": index(
        ('a\\":{"x.conda', record("a")), ('a":{"x.conda', record("pytorch")), WANTED
    ),
    "no records at all": index(("x.conda", None), ("y.conda", 1), WANTED, ("z.conda", ["{"])),
    "no name": index(("x.conda", {}), ("y.conda", {"name": None}), ("z.conda", {"name": ["a"]})),
    "letters of the world": index(WANTED, ("é-1.conda", record("pytorch", license="Café 軟體 🐍"))),
}  # fmt: skip


def texts(document: Any) -> dict[str, str]:
    """The same document, written in several ways."""
    compact = json.dumps(document, separators=(",", ":"))
    return {
        "compact": compact,
        "spaced": json.dumps(document),
        "indented": json.dumps(document, indent=2),
        "tabs and CRLF": json.dumps(document, indent="\t").replace("\n", "\r\n") + "\r\n",
        "not ASCII": json.dumps(document, ensure_ascii=False, separators=(",", ":")),
        "spaces everywhere": " \n" + json.dumps(document, separators=(" \t,\r\n ", "\n : ")) + "\n",
    }


@pytest.mark.parametrize("way", texts({}))
@pytest.mark.parametrize("shape", SHAPES)
def test_as_a_full_parse(tmp_path, shape, way):
    content = texts(SHAPES[shape])[way].encode()
    assert read(tmp_path, content) == parsed(content)


def _raw(members: str, rest: str = "") -> bytes:
    """An index as a text; `members` stand between two other records."""
    return (
        '{"packages.conda":{"a-1-0.conda":' + LAST + "," + members + ',"z-1-0.conda":' + LAST
        + "}" + rest + "}"
    ).encode()  # fmt: skip


TORCH, OTHER = json.dumps(record("pytorch")), json.dumps(record("q"))
RAW = {
    "a name in escapes": _raw(f'"q-1-0.conda":{OTHER.replace("q", chr(92) + "u0071")}'),
    "pytorch in escapes": _raw(
        '"pytorch-1-0.conda":' + TORCH.replace('"pytorch"', r'"\u0070ytorc\u0068"')
    ),
    "pytorch in escapes under another key": _raw(
        '"q-1-0.conda":' + TORCH.replace('"pytorch"', r'"\u0070ytorch"')
    ),
    "the key `name` in escapes": _raw('"q-1-0.conda":' + TORCH.replace('"name"', r'"n\u0061me"')),
    "one key twice": _raw(f'"pytorch-1-0.conda":{TORCH},"pytorch-1-0.conda":{OTHER}'),
    "one key twice, wanted last": _raw(f'"pytorch-1-0.conda":{OTHER},"pytorch-1-0.conda":{TORCH}'),
    "another name's key twice": _raw(
        f'"q-1-0.conda":{TORCH},"r-1-0.conda":{OTHER},"q-1-0.conda":{OTHER}'
    ),
    "one key twice, once in escapes": _raw(
        rf'"pytorch-1-0.conda":{TORCH},"p\u0079torch-1-0.conda":{OTHER}'
    ),
    "a name twice": _raw(
        '"q-1-0.conda":{"name":"q","name":"pytorch"},"pytorch-1-0.conda":{"name":"pytorch","name":"q"}'
    ),
    "a section twice": _raw(
        f'"pytorch-1-0.conda":{TORCH}', ',"packages.conda":{"libtorch-1.conda":{"name":"libtorch"}}'
    ),
    "a section twice, the last one null": _raw(
        f'"pytorch-1-0.conda":{TORCH}', ',"packages.conda":null'
    ),
    "a section's name in escapes": _raw(
        f'"pytorch-1-0.conda":{TORCH}', r',"packa\u0067es":{"pytorch-2.tar.bz2":{"name":"pytorch"}}'
    ),
    "an escaped backslash before a quote": _raw(
        rf'"q-1-0.conda":{{"license":"\\","name":"pytorch"}},"pytorch-1-0.conda":{TORCH}'
    ),
    "a key that ends in an escaped quote": _raw(
        r'"q-1-0.conda":{"x":{"y":1},"a\":{b":{"name":"pytorch"},"name":"q"}'
    ),
    "a key that looks like the next record's": _raw(
        r'"q-1-0.conda":{"x":{"y":1},"a\":{b":1,"name":"pytorch"}'
    ),
    "a string that ends like a record, and a key that begins one": _raw(
        '"q-1-0.conda":{"a":"x},",":{z":1,"name":"pytorch"}'
    ),
    "a member that is none behind nested ones": _raw(
        '"q.conda":{"x":{"a":{"name":"pytorch"},"b":{"name":"pytorch"}},"name":"q"},"n.conda":null'
    ),
    "NaN and large numbers": _raw(
        f'"q.conda":{{"size":1e999,"x":NaN}},"pytorch-1-0.conda":{TORCH}'
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", RAW)
def test_as_a_full_parse_of_what_no_writer_writes(tmp_path, way):
    found = read(tmp_path, RAW[way])
    assert repr(found) == repr(parsed(RAW[way])) or found == parsed(RAW[way])


# The law, for any document

#: What a scan could take for structure, as strings and as keys.
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
    with pytest.raises(sparse.BrokenIndex):
        read(folder, content[: int(len(content) * place)])


# A large file


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """A hundred thousand records."""
    path = tmp_path_factory.mktemp("large") / "89abcdef.json"
    assert big_index.write(path, 100_000) == 100_000
    return path


FAMILY = frozenset(big_index.FAMILY)


def test_a_large_index_sorted_and_shuffled(large, tmp_path):
    document = json.loads(large.read_text())
    assert list(document["packages.conda"]) == sorted(document["packages.conda"])
    expected = parsed(large.read_bytes(), FAMILY)
    assert len(expected["packages.conda"]) > 700
    large.with_suffix(".torchmirror").unlink(missing_ok=True)
    assert sparse.read(large, FAMILY) == expected
    for key in sparse.SECTIONS:
        members = list(document[key].items())
        random.Random(7).shuffle(members)
        document[key] = dict(members)
    content = json.dumps(document, separators=(",", ":")).encode()
    assert read(tmp_path, content, FAMILY) == expected


def test_truncations_of_a_large_index(large, tmp_path):
    """Anywhere, and at and around every boundary of the structure."""
    content = large.read_bytes()
    size = len(content)
    places = {size * n // 201 for n in range(201)}
    for mark in (b'"packages":{', b'},"packages.conda":{', b'},"removed"', b'"repodata_version"'):
        at = content.index(mark)
        places.update(range(at - 2, at + len(mark), 2))
    places.update(range(size - 24, size))
    assert len(places) >= 250
    path = tmp_path / "0123abcd.json"
    path.write_bytes(content)
    for place in sorted(places, reverse=True):
        os.truncate(path, place)
        with pytest.raises(sparse.BrokenIndex):
            sparse.read(path, FAMILY)
    assert not path.with_suffix(".torchmirror").exists()


BROKEN = {
    "nothing": b"",
    "a list": b"[1, 2]",
    "null": b"null",
    "a page": b"<!DOCTYPE html><html></html>",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "two documents": b'{"packages":{}}{"packages":{}}',
    "a comma too many": _raw(f'"pytorch-1-0.conda":{TORCH},'),
    "no comma": _raw(f'"a.conda":{OTHER} "pytorch-1-0.conda":{TORCH}'),
    "a hole": _raw(f'"a.conda":{OTHER}').replace(b"sha256", b"\0" * 6),
    "no UTF-8 in a wanted record": _raw(f'"pytorch-1-0.conda":{TORCH}').replace(
        b"ytorch-b", b"\xff"
    ),
    "deep": b'{"packages":' + b"[" * 200_000,
    "deep in a wanted record": b'{"packages":{"pytorch-1-0.conda":' + b"[" * 200_000,
    "a wanted record with a number of 9,999 digits": _raw(
        '"pytorch-1-0.conda":{"name":"pytorch","size":' + "9" * 9999 + "}"
    ),
}


@pytest.mark.parametrize("way", BROKEN)
def test_what_is_no_index(tmp_path, way):
    with pytest.raises(sparse.BrokenIndex):
        read(tmp_path, BROKEN[way])


def test_what_is_not_asked_for_is_walked_through(tmp_path):
    many = {f"x-{n}": {"a": ['}"', "{", "\\", n], "b": {"name": "pytorch"}} for n in range(60_000)}
    document = {"signatures": many, **index(WANTED), "v3": many, "info": {"subdir": "noarch"}}
    content = json.dumps(document).encode()
    assert len(json.dumps(many)) > sparse._PARSED
    assert read(tmp_path, content) == parsed(content)
    for place in (len(content) // 9, len(content) // 4, len(content) * 8 // 9):
        with pytest.raises(sparse.BrokenIndex):
            read(tmp_path, content[:place])


def test_a_record_larger_than_any_window(tmp_path):
    depends = [f"x{n} >=1.{n}" for n in range(9000)]
    content = json.dumps(index(("pytorch-1.0-0.conda", record("pytorch", zz=depends)))).encode()
    assert read(tmp_path, content) == parsed(content)


# Remembered places


@pytest.fixture
def remembered(tmp_path, monkeypatch):
    """A file that was read once; a second scan fails the test."""
    path = tmp_path / "0123abcd.json"
    path.write_text(json.dumps(index(WANTED)))
    sparse.read(path, NAMES)
    monkeypatch.setattr(sparse, "scan", lambda *_: pytest.fail("scanned again"))
    return path


def test_an_unchanged_file_is_not_scanned_again(remembered):
    assert sparse.read(remembered, NAMES) == parsed(remembered.read_bytes())
    fewer = frozenset(("libtorch",))
    assert sparse.read(remembered, fewer) == parsed(remembered.read_bytes(), fewer)


def _touch(path: Path) -> None:
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))


def _rewrite(path: Path) -> None:
    """Other content of the same size and time, in the same file."""
    stat = path.stat()
    with path.open("r+") as file:
        content = file.read().replace('"pytorch"', '"quytorc"')
        file.seek(0)
        file.write(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _replace(path: Path) -> None:
    """Another file of the same size and time."""
    stat = path.stat()
    new = path.with_name("new")
    new.write_bytes(path.read_bytes())
    os.utime(new, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    new.replace(path)


def _kept(content: str) -> Any:
    return lambda path: path.with_suffix(".torchmirror").write_text(content)


CHANGES: dict[str, Any] = {
    "touched": _touch,
    "another record in its place": _rewrite,
    "another file": _replace,
    "longer": lambda path: path.write_text(path.read_text() + "\n"),
    "nothing remembered": lambda path: path.with_suffix(".torchmirror").unlink(),
    "an empty memory": _kept(""),
    "half a memory": _kept('{"format":1,"stamp":['),
    "a memory of something else": _kept("[]"),
    "a folder for a memory": lambda path: (
        path.with_suffix(".torchmirror").unlink(),
        path.with_suffix(".torchmirror").mkdir(),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_is_scanned_again(tmp_path, change):
    path = tmp_path / "0123abcd.json"
    path.write_text(json.dumps(index(WANTED)))
    sparse.read(path, NAMES)
    CHANGES[change](path)
    assert sparse.read(path, NAMES) == parsed(path.read_bytes())
    assert not list(tmp_path.glob("*~"))


def test_a_memory_that_is_wrong_somewhere(tmp_path):
    path = tmp_path / "0123abcd.json"
    path.write_text(json.dumps(index(WANTED)))
    sparse.read(path, NAMES)
    kept = path.with_suffix(".torchmirror")
    good = kept.read_bytes()
    for place in range(len(good)):
        kept.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        assert sparse.read(path, NAMES) == parsed(path.read_bytes()), place


@pytest.mark.parametrize("field", ["values", "sections", "names", "stamp", "format"])
def test_a_memory_of_another_form(tmp_path, field):
    path = tmp_path / "0123abcd.json"
    path.write_text(json.dumps(index(WANTED)))
    sparse.read(path, NAMES)
    kept = path.with_suffix(".torchmirror")
    known = json.loads(kept.read_bytes().partition(b" ")[2])
    for wrong in (None, {"packages": [[0, 5]]}, {"info": [3, 10**15]}, "x", 7):
        content = json.dumps({**known, field: wrong}).encode()
        kept.write_bytes(b"%d %s" % (crc32(content), content))
        assert sparse.read(path, NAMES) == parsed(path.read_bytes()), wrong


def test_other_names_are_scanned_for(tmp_path):
    path = tmp_path / "0123abcd.json"
    path.write_text(json.dumps(index(WANTED)))
    sparse.read(path, ("libtorch",))
    assert sparse.read(path, NAMES) == parsed(path.read_bytes())


def test_a_folder_that_cannot_be_written_to(tmp_path):
    if os.name == "nt" or os.geteuid() == 0:
        pytest.skip("nobody can be kept from writing here")
    path = tmp_path / "0123abcd.json"
    path.write_text(json.dumps(index(WANTED)))
    tmp_path.chmod(0o500)
    try:
        assert sparse.read(path, NAMES) == parsed(path.read_bytes())
    finally:
        tmp_path.chmod(0o700)
