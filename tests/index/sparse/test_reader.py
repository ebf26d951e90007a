"""A few names out of an index, as a full parse would find them, and no half of one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.index_texts import OTHER, TORCH, WANTED, index, parsed, raw, read, record

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


RAW = {
    "a name in escapes": raw(f'"q-1-0.conda":{OTHER.replace("q", chr(92) + "u0071")}'),
    "pytorch in escapes": raw(
        '"pytorch-1-0.conda":' + TORCH.replace('"pytorch"', r'"\u0070ytorc\u0068"')
    ),
    "pytorch in escapes under another key": raw(
        '"q-1-0.conda":' + TORCH.replace('"pytorch"', r'"\u0070ytorch"')
    ),
    "the key `name` in escapes": raw('"q-1-0.conda":' + TORCH.replace('"name"', r'"n\u0061me"')),
    "one key twice": raw(f'"pytorch-1-0.conda":{TORCH},"pytorch-1-0.conda":{OTHER}'),
    "one key twice, wanted last": raw(f'"pytorch-1-0.conda":{OTHER},"pytorch-1-0.conda":{TORCH}'),
    "another name's key twice": raw(
        f'"q-1-0.conda":{TORCH},"r-1-0.conda":{OTHER},"q-1-0.conda":{OTHER}'
    ),
    "one key twice, once in escapes": raw(
        rf'"pytorch-1-0.conda":{TORCH},"p\u0079torch-1-0.conda":{OTHER}'
    ),
    "a name twice": raw(
        '"q-1-0.conda":{"name":"q","name":"pytorch"},"pytorch-1-0.conda":{"name":"pytorch","name":"q"}'
    ),
    "a section twice": raw(
        f'"pytorch-1-0.conda":{TORCH}', ',"packages.conda":{"libtorch-1.conda":{"name":"libtorch"}}'
    ),
    "a section twice, the last one null": raw(
        f'"pytorch-1-0.conda":{TORCH}', ',"packages.conda":null'
    ),
    "a section's name in escapes": raw(
        f'"pytorch-1-0.conda":{TORCH}', r',"packa\u0067es":{"pytorch-2.tar.bz2":{"name":"pytorch"}}'
    ),
    "an escaped backslash before a quote": raw(
        rf'"q-1-0.conda":{{"license":"\\","name":"pytorch"}},"pytorch-1-0.conda":{TORCH}'
    ),
    "a key that ends in an escaped quote": raw(
        r'"q-1-0.conda":{"x":{"y":1},"a\":{b":{"name":"pytorch"},"name":"q"}'
    ),
    "a key that looks like the next record's": raw(
        r'"q-1-0.conda":{"x":{"y":1},"a\":{b":1,"name":"pytorch"}'
    ),
    "a string that ends like a record, and a key that begins one": raw(
        '"q-1-0.conda":{"a":"x},",":{z":1,"name":"pytorch"}'
    ),
    "a member that is none behind nested ones": raw(
        '"q.conda":{"x":{"a":{"name":"pytorch"},"b":{"name":"pytorch"}},"name":"q"},"n.conda":null'
    ),
    "NaN and large numbers": raw(
        f'"q.conda":{{"size":1e999,"x":NaN}},"pytorch-1-0.conda":{TORCH}'
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", RAW)
def test_as_a_full_parse_of_what_no_writer_writes(tmp_path, way):
    found = read(tmp_path, RAW[way])
    assert repr(found) == repr(parsed(RAW[way])) or found == parsed(RAW[way])
