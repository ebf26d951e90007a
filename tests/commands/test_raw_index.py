"""An index that lies, on the wire of `test_raw_server`: the next mirror is used, or one error names
it; nothing is a traceback, and no prefix is left in pieces."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import pytest
from support.files import contents
from support.prefixes import whole
from support.raw import RawServer, head
from support.sites import ASK
from support.wire import LONG, Fault, check, sound

from conda_torchmirror.index import cache
from conda_torchmirror.mirrors.registry import Route

pytest_plugins = ("support.wire_fixtures",)


def altered(change: Callable[[dict], object]) -> Fault:
    def fault(connection: socket.socket, content: bytes, server: RawServer) -> None:
        repodata = json.loads(content)
        found = change(repodata)
        if not isinstance(found, bytes):
            found = json.dumps(repodata if found is None else found).encode()
        sound(connection, found, server)

    return fault


def records(repodata: dict) -> dict:
    return repodata["packages"]


def each(**fields) -> Fault:
    """Every record with these fields."""
    return altered(lambda repodata: [r.update(fields) for r in records(repodata).values()] and None)


RECORD = {"name": "x", "version": "1", "build": "0", "build_number": 0, "depends": []} | {
    "sha256": "0" * 64,
    "subdir": "linux-64",
}
ESCAPES = "\x1b[31m\x1b]0;owned\x07\u202e\u2066evil\u0000\n\x9b2J"

INDEXES: dict[str, Fault] = {
    "other-subdir": altered(lambda r: r["info"].update(subdir="win-64")),
    "other-subdir-records": each(subdir="win-64"),
    "no-info": altered(lambda r: r.pop("info") and None),
    "list": altered(lambda r: []),
    "null": altered(lambda r: b"null"),
    "nan": altered(lambda r: b"NaN"),
    "empty": altered(lambda r: b""),
    "packages-list": altered(lambda r: r.update(packages=[1, 2])),
    "packages-null": altered(lambda r: r.update({"packages": None, "packages.conda": None})),
    "record-null": altered(lambda r: records(r).update(dict.fromkeys(records(r)))),
    "deep": altered(lambda r: b"[" * 200_000),
    "deep-record": altered(lambda r: b'{"packages":{"a":' + b'{"a":' * 100_000),
    "bom": altered(lambda r: b"\xef\xbb\xbf" + json.dumps(r).encode()),
    "utf-16": altered(lambda r: json.dumps(r).encode("utf-16")),
    "not-utf-8": altered(lambda r: b'{"packages": {"\xff\xfe": {}}}'),
    "duplicate-keys": altered(lambda r: json.dumps(r).encode()[:-1] + b', "packages": {}}'),
    # JSON to Python and fine to conda's classic solver; py-rattler reads none of these.
    "field-twice": altered(
        lambda r: json.dumps(r).replace('"size": ', '"size": 1, "size": ').encode()
    ),
    "license-number": each(license=5),
    "constrains-null": each(constrains=None),
    "features-number": each(track_features=5),
    "noarch-unknown": each(noarch="other"),
    "purls-odd": each(purls=["x"]),
    "version-of-nothing": altered(
        lambda r: records(r).update({"x-1__1-0.tar.bz2": {**RECORD, "version": "1__1"}})
    ),
    "fn-short": altered(lambda r: records(r).update({"x.tar.bz2": RECORD})),
    "base-url-number": altered(lambda r: r["info"].update(base_url=5)),
    "v3-number": altered(lambda r: r.update(v3=5)),
    "two-documents": altered(lambda r: json.dumps(r).encode() * 2),
    "surrogates": altered(lambda r: records(r).update({"\ud800": {"name": "\ud800"}})),
    "name-escapes": altered(lambda r: records(r).update({ESCAPES: {"name": ESCAPES}})),
    "version-escapes": each(version=ESCAPES),
    "build-escapes": each(build=ESCAPES),
    "depends-escapes": each(depends=[ESCAPES]),
    "depends-long": each(depends=["x" * 100_000]),
    "depends-many": each(depends=["python"] * 4_000),
    "version-digits": each(version=LONG),
    "size-huge": each(size=10**400),
    "size-negative": each(size=-1),
    "size-nan": each(size=float("nan")),
    "size-infinite": each(size=float("inf")),
    "build-number-huge": each(build_number=10**400),
    "build-number-bool": each(build_number=True),
    "timestamp-huge": each(timestamp=10**400),
    "timestamp-text": each(timestamp="soon"),
    "timestamp-nan": each(timestamp=float("nan")),
    "sha256-lines": each(sha256="0\n dir=/\n out=x"),
    "sha256-short": each(sha256="abc", md5=None),
    "fn-above": altered(
        lambda r: records(r).update({f"../../{fn}": x for fn, x in [*records(r).items()]})
    ),
    "base-url": altered(lambda r: r["info"].update(base_url="file:///etc/")),
    "removed": altered(lambda r: r.update(removed=list(records(r)))),
    "removed-odd": altered(lambda r: r.update(removed=5)),
    "version-of-format": altered(lambda r: r.update(repodata_version=10**400)),
}


@pytest.mark.parametrize("name", INDEXES)
@pytest.mark.parametrize("words", [("--dry-run",), ()], ids=["preview", "install"])
def test_an_index_that_lies(first, conda_in_process, prefix, name, words):
    """The compressed form is refused, so that the plain one is read."""

    def fault(connection: socket.socket, content: bytes, server: RawServer) -> None:
        if content[:1] == b"{":
            INDEXES[name](connection, content, server)
        else:
            connection.sendall(head("404 Not Found", "Content-Length: 0"))

    first(fault, "linux-64/repodata.json", probed=False)
    before = contents(prefix)
    result = conda_in_process(*ASK, "-p", prefix, *words)
    if name == "build-escapes" and not words:
        # Conda itself shows the builds of what the solver takes along, as they are.
        assert whole(prefix) if result.rc == 0 else contents(prefix) == before
        return
    check(result, prefix, before)
    assert result.rc == 0 or name in UNSOLVABLE


#: Sound to a reader, and not to be installed: that is for conda to say. Of a key that stands there
#: twice the classic solver takes the last; py-rattler reads no such index.
UNSOLVABLE = ("depends-escapes", "depends-long", "duplicate-keys", "noarch-unknown")


#: Read by conda's classic solver. Py-rattler stumbles when it opens the first, solves the second.
STRICT = ("v3-number", "license-number")


@pytest.mark.parametrize("account", ["", "me:hunter2@"])
@pytest.mark.parametrize("name", STRICT)
def test_an_index_of_a_channel_of_ones_own_that_its_solver_cannot_read(
    first, conda_in_process, sandbox, prefix, name, account
):
    """No mirror stands in for it; it is named, and conda's copy of it is dropped."""

    def fault(connection: socket.socket, path: str, ranged: bool) -> None:
        content = json.dumps({"info": {}, "packages": {"x-1-0.tar.bz2": RECORD}}).encode()
        if path.endswith("linux-64/repodata.json"):
            INDEXES[name](connection, content, server)
        elif path.endswith("repodata.json"):
            sound(connection, b'{"info": {"subdir": "noarch"}, "packages": {}}', server)
        else:
            connection.sendall(head("404 Not Found", "Content-Length: 0"))

    first(sound)
    before = contents(prefix)
    with RawServer(fault) as server:
        own = f"{server.url}/own".replace("//", f"//{account}")
        ask = (*ASK, "-p", prefix, "-c", own)
        result = conda_in_process(*ask)
        check(result, prefix, before)
        assert result.rc == 0 or f"{server.url}/own/linux-64/repodata.json: " in result.stderr
        assert "hunter2" not in result.stderr + result.stdout
        path = cache.path_of(Route("own", own, "own"), "linux-64")
        assert path.parent == sandbox.pkgs / "cache"
        assert path.exists() == (result.rc == 0)
        offline = conda_in_process(*ask, "--offline")
    assert "Traceback" not in offline.stderr
    if result.rc:
        assert "not in conda's cache" in offline.stderr or not offline.rc


@pytest.mark.parametrize("name", STRICT)
def test_a_redirected_command_says_whose_index_its_solver_cannot_read(
    first, conda_in_process, prefix, name
):
    def fault(connection: socket.socket, content: bytes, server: RawServer) -> None:
        if content[:1] == b"{":
            INDEXES[name](connection, content, server)
        else:
            connection.sendall(head("404 Not Found", "Content-Length: 0"))

    first(fault, "linux-64/repodata.json", torchmirror_auto=True, probed=False)
    ask_conda = ("install", "-y", "-p", str(prefix), "-c", "conda-forge", "filelock")
    result = conda_in_process(*ask_conda)
    if result.rc:
        told = [ln for ln in result.stderr.splitlines() if ln.startswith("torchmirror: first ")]
        assert len(told) == 1
        conda_in_process(*ask_conda).ok()
    assert whole(prefix)
