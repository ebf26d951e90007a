"""The tests' own ground: the private world, the guard, the mirror and its faults, the channels."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from support import channels as building
from support.faults import BLOCK_ID, FAULTS
from support.isolation import Sandbox
from support.mirror import Exchange, Mirror
from support.running import Result

Conda = Callable[..., Result]
Condarc = Callable[..., Path]

TORCH = (
    "pytorch=2.5.1=py3.12_cuda12.4_cudnn9.1.0_0",
    "torchvision=0.20.1=py312_cu124",
    "pytorch-cuda=12.4",
)
CUDA = {"CONDA_OVERRIDE_CUDA": "12.4"}
FILELOCK = "/anaconda/cloud/conda-forge/noarch/filelock-3.16.1-stub_0.tar.bz2"
INDEX = "/anaconda/cloud/conda-forge/noarch/repodata.json"


@pytest.mark.parametrize("turn", [1, 2])
def test_no_test_sees_what_another_did(
    turn: int, condarc: Condarc, conda_in_process: Conda
) -> None:
    def setting(name: str) -> Any:
        return conda_in_process("config", "--show", name, "--json").ok().json()[name]

    import conda.base.context as module

    assert "LEFT_BEHIND" not in os.environ
    assert setting("offline") is False
    assert not any("left-behind" in entry for entry in module.SEARCH_PATH)
    condarc(offline=True)
    assert setting("offline") is True
    os.environ["LEFT_BEHIND"] = os.environ["CONDA_CHANNELS"] = "x"
    module.SEARCH_PATH = ("/left-behind", *module.SEARCH_PATH)


@pytest.mark.parametrize(
    "name", ["CONDA_CHANNELS", "CONDARC", "https_proxy", "HTTP_PROXY", "NO_PROXY", "LANGUAGE"]
)
def test_the_users_settings_do_not_reach_a_test(
    name: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "leaked")
    assert name not in sandbox.variables()


@pytest.mark.parametrize("how", ["run_conda", "conda_in_process"])
def test_machine_wide_rc_files_are_private(
    how: str, sandbox: Sandbox, request: pytest.FixtureRequest
) -> None:
    run: Conda = request.getfixturevalue(how)
    policy = sandbox.system / "etc" / ".condarc"
    policy.parent.mkdir(parents=True)
    policy.write_text("allowlist_channels: [pytorch]\n")
    (sandbox.system / "root").mkdir()
    run("config", "--system", "--set", "offline", "true").ok()
    info = run("info", "--json").ok().json()
    own = {str(policy), str(sandbox.system / "root" / ".condarc"), str(sandbox.condarc)}
    assert set(info["config_files"]) == own
    assert info["offline"] is True
    assert info["pkgs_dirs"] == [str(sandbox.pkgs)]
    assert info["envs_dirs"][0] == str(sandbox.envs)
    assert "__cuda" not in [name for name, *_ in info["virtual_pkgs"]]


def test_a_command_in_process_answers_as_a_child_does(
    run_conda: Conda, conda_in_process: Conda, tmp_path: Path
) -> None:
    missing = ("install", "--json", "-y", "-p", tmp_path / "missing", "x")
    inside, child = conda_in_process(*missing), run_conda(*missing)
    assert (inside.rc, inside.json()) == (child.rc, child.json())
    assert type(inside.error).__name__ == "EnvironmentLocationNotFound"
    usage = conda_in_process("install", "--no-such-option")
    assert usage.rc == 2
    assert "--no-such-option" in usage.stderr


def _udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"", ("192.0.2.1", 53))


@pytest.mark.parametrize(
    ("reach", "host"),
    [
        (lambda: socket.create_connection(("192.0.2.1", 80), 1), "192.0.2.1"),
        (
            lambda: requests.get("https://conda.anaconda.org/pytorch", timeout=1),
            "conda.anaconda.org",
        ),
        (lambda: socket.gethostbyname("repo.anaconda.com"), "repo.anaconda.com"),
        (_udp, "192.0.2.1"),
    ],
    ids=["tcp", "https", "name", "udp"],
)
def test_the_network_is_out_of_reach(reach: Callable[[], Any], host: str, sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match="loopback"):
        reach()
    assert [line.split()[0] for line in sandbox.take_blocked()] == [host]


def test_the_network_is_out_of_a_childs_reach(sandbox: Sandbox) -> None:
    swallow = (
        "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError: 0"
    )
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {swallow!r}])"
    subprocess.run([sys.executable, "-c", nested], check=True)
    assert [line.split()[0] for line in sandbox.take_blocked()] == ["192.0.2.1"]


def test_a_name_that_cannot_exist_is_a_dns_failure(sandbox: Sandbox) -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("mirror.invalid", 443)
    assert sandbox.take_blocked() == []


def test_reaching_out_fails_the_test(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "test_leak.py").write_text(
        "import socket\n"
        "def test_leak():\n"
        "    try: socket.gethostbyname('pytorch.org')\n"
        "    except OSError: pass\n"
    )
    folder = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": folder},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "reached for the network: pytorch.org" in done.stdout


@pytest.mark.parametrize(
    ("span", "status", "expected"),
    [
        ("bytes=0-0", 206, slice(0, 1)),
        ("bytes=10-19", 206, slice(10, 20)),
        ("bytes=100-", 206, slice(100, None)),
        ("bytes=-7", 206, slice(-7, None)),
        ("bytes=0-99999999", 206, slice(None)),
        ("bytes=99999999-", 416, slice(0, 0)),
    ],
)
def test_ranges(mirror: Mirror, span: str, status: int, expected: slice) -> None:
    whole = requests.get(mirror.url + FILELOCK, timeout=5).content
    part = requests.get(mirror.url + FILELOCK, headers={"Range": span}, timeout=5)
    assert (part.status_code, part.content) == (status, whole[expected])


def test_conditional_requests_and_the_log(mirror: Mirror) -> None:
    first = requests.head(mirror.url + INDEX, headers={"User-Agent": "me"}, timeout=5)
    assert (first.status_code, first.content) == (200, b"")
    assert int(first.headers["Content-Length"]) > 1000
    for name, validator in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
        headers = {name: first.headers[validator]}
        again = requests.get(mirror.url + INDEX, headers=headers, timeout=5)
        assert (again.status_code, again.content) == (304, b"")
    assert requests.get(f"{mirror.url}/../conftest.py", timeout=5).status_code == 404
    assert [(r.method, r.status) for r in mirror.requests] == [
        *(("HEAD", 200), ("GET", 304), ("GET", 304), ("GET", 404))
    ]
    assert mirror.requests[0].headers["User-Agent"] == "me"
    assert mirror.asked("*/noarch/*", "GET") == [INDEX, INDEX]


def test_a_mirror_ends(mirror: Mirror) -> None:
    session = requests.Session()
    assert session.get(mirror.url + INDEX, timeout=5).ok
    mirror.stop()
    for client in (session, requests):
        with pytest.raises(requests.ConnectionError):
            client.get(mirror.url + INDEX, timeout=5)


_NOT_OK = {"blocked": 403, "not_found": 404, "server_error": 500, "busy": 503}
_BROKEN = {
    "refused": requests.ConnectionError,
    "reset": requests.exceptions.ChunkedEncodingError,
    "stall": requests.ConnectionError,
    "tls": requests.exceptions.SSLError,
    "redirect_loop": requests.TooManyRedirects,
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_faults_as_a_client_sees_them(mirror: Mirror, fault: str) -> None:
    url = mirror.url + FILELOCK
    sound = requests.get(url, timeout=5)
    mirror.fail("*/filelock-*", fault)
    if fault in _BROKEN:
        with pytest.raises(_BROKEN[fault]):
            requests.get(url, timeout=0.5 if fault == "stall" else 5)
        return
    answer = requests.get(url, timeout=5)
    if fault in _NOT_OK:
        assert answer.status_code == _NOT_OK[fault]
        assert (BLOCK_ID in answer.text) is (fault == "blocked")
        assert ("Retry-After" in answer.headers) is (fault == "busy")
    elif fault == "stale":
        assert answer.status_code == 404
    else:
        assert answer.status_code == 200
        assert (answer.content == sound.content) is (fault == "redirect")
        assert (answer.url == url) is (fault != "redirect")
        assert (len(answer.content) == len(sound.content)) is (fault in ("redirect", "wrong_hash"))


def test_a_fault_may_pass_and_the_latest_rule_wins(mirror: Mirror) -> None:
    def ask() -> int:
        return requests.get(mirror.url + FILELOCK, timeout=5).status_code

    def teapot(exchange: Exchange, text: str) -> None:
        exchange.send(418, text.encode())

    mirror.fail("*", "not_found")
    mirror.fail("*/filelock-*", teapot, times=2, text="no")
    assert [ask(), ask(), ask()] == [418, 418, 404]
    mirror.heal()
    assert ask() == 200
    mirror.fail("*", "refused")
    with pytest.raises(requests.ConnectionError):
        ask()


@pytest.mark.parametrize("suffix", ["", ".zst"])
def test_a_stale_index_lacks_the_newest(mirror: Mirror, suffix: str) -> None:
    mirror.fail("*/repodata.json*", "stale")
    url = f"{mirror.channel_url('pytorch')}/linux-64/repodata.json{suffix}"
    answer = requests.get(url, timeout=5)
    content = answer.content
    if suffix:
        content = building.zstd_decompress(content)
    versions = {
        r["version"] for r in json.loads(content)["packages"].values() if r["name"] == "pytorch"
    }
    assert "2.5.0" in versions
    assert "2.5.1" not in versions


@pytest.mark.parametrize("where", ["index", "package"])
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_faults_as_conda_meets_them(
    fault: str,
    where: str,
    mirrored: Condarc,
    mirror: Mirror,
    conda_in_process: Conda,
    tmp_path: Path,
) -> None:
    patience = {"remote_read_timeout_secs": 0.5} if fault == "stall" else {}
    mirrored(channels=["conda-forge"], **patience)
    mirror.fail({"index": "*/noarch/repodata.json*", "package": "*/filelock-*"}[where], fault)
    prefix = tmp_path / "env"
    result = conda_in_process("create", "-y", "-q", "-p", prefix, "filelock")
    harmless = fault == "redirect" or (fault, where) == ("stale", "index")
    assert (result.rc == 0) is harmless, str(result)
    assert prefix.exists() is harmless


def test_packages_are_what_the_index_says(channels: Path) -> None:
    for folder in (channels / "pytorch" / "linux-64", channels / "nvidia" / "linux-64"):
        repodata = json.loads((folder / "repodata.json").read_text())
        records = {**repodata["packages"], **repodata["packages.conda"]}
        real = building.real_records(folder.parent.name, folder.name)
        assert records.keys() >= real.keys()
        for fn, record in records.items():
            content = (folder / fn).read_bytes()
            assert record["size"] == len(content)
            assert record["sha256"] == hashlib.sha256(content).hexdigest()
            hashed = dict.fromkeys(("size", "md5", "sha256"))
            assert {**record, **hashed} == {**real.get(fn, record), **hashed}


#: Packages with a dependency that no known record satisfies: nothing is known of pytorch-cuda 11.6,
#: nor of pytorch 1.13.1 and the CUDA 12.4.0 libraries (outside their label) for win-64.
_OPEN = re.compile(
    r".*_cu116|.*_cuda11\.6_.*|torchvision-0\.14\.1-py37_cpu|pytorch-cuda-12\.4-h3fd98bf_6"
)


@pytest.mark.parametrize("subdir", ["linux-64", "win-64", "osx-64", "osx-arm64"])
def test_every_dependency_can_be_had(subdir: str) -> None:
    from conda.models.match_spec import MatchSpec

    by_name: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    todo: list[dict[str, Any]] = []
    for (channel, folder), records in building.all_records().items():
        if folder in (subdir, "noarch") and "/label/" not in channel:
            for record in records.values():
                by_name[record["name"]].append(record)
            if channel == "pytorch":
                todo += records.values()
    found: dict[str, list[dict[str, Any]]] = {}
    unsatisfied = set()
    while todo:
        record = todo.pop()
        for text in record["depends"]:
            if text.startswith("__"):
                continue
            if text not in found:
                spec = MatchSpec(text)
                found[text] = [
                    candidate for candidate in by_name[spec.name] if spec.match(candidate)
                ]
                todo += found[text]
            if not found[text]:
                unsatisfied.add(building.file_name(record, ""))
    assert [name for name in unsatisfied if not _OPEN.fullmatch(name)] == []


@pytest.mark.parametrize("how", ["run_conda", "conda_in_process"])
def test_a_real_transaction(
    how: str,
    mirrored: Condarc,
    mirror: Mirror,
    upstream: Mirror,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    run: Conda = request.getfixturevalue(how)
    mirrored(channels=["pytorch", "nvidia", "conda-forge"])
    prefix = tmp_path / "env"
    run("create", "-y", "-p", prefix, *TORCH).ok()
    meta = {}
    for path in (prefix / "conda-meta").glob("*.json"):
        record = json.loads(path.read_text())
        meta[record["name"]] = record
    assert meta["pytorch"]["build"] == "py3.12_cuda12.4_cudnn9.1.0_0"
    assert meta["pytorch"]["channel"].startswith(mirror.url + "/anaconda/cloud/pytorch")
    assert meta["torchvision"]["version"] == "0.20.1"
    assert meta["pytorch-cuda"]["build_number"] == 7
    assert meta["cuda-cudart"]["url"].startswith(upstream.url + "/nvidia/linux-64/")
    assert meta["cuda-version"]["url"].endswith(".conda")
    assert meta["mkl"]["channel"].startswith(mirror.url + "/anaconda/cloud/conda-forge")
    for record in meta.values():
        assert all((prefix / file).exists() for file in record["files"])
    history = (prefix / "conda-meta" / "history").read_text()
    update = next(line for line in history.splitlines() if line.startswith("# update specs:"))
    assert all(spec.partition("=")[0] in update for spec in TORCH)
    assert not upstream.asked("/conda-forge/*")
    assert not mirror.asked("*nvidia*")
    python = subprocess.run([prefix / "bin" / "python", "-V"], capture_output=True, text=True)
    assert python.stdout == "Python 3.12.7\n"
    listed = run("list", "-p", prefix, "--json").ok().json()
    assert {"pytorch", "nvidia", "conda-forge"} == {record["channel"] for record in listed}


@pytest.mark.parametrize(("priority", "solved"), [("flexible", True), ("strict", False)])
def test_strict_priority_cannot_solve_torchvision(
    priority: str, solved: bool, mirrored: Condarc, conda_in_process: Conda, tmp_path: Path
) -> None:
    mirrored(channels=["pytorch", "nvidia", "conda-forge"], channel_priority=priority)
    result = conda_in_process("create", "--dry-run", "--json", "-p", tmp_path / "env", *TORCH)
    assert (result.json().get("exception_name", "") == "") is solved
    assert (type(result.error).__name__ == "UnsatisfiableError") is not solved
