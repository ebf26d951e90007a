"""The product, and plain conda, through a real cache: what it prints is what they are given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.nginx import Cache, caching, needs_nginx, registry_of, site

from conda_torchmirror.index.sparse.reader import walk
from conda_torchmirror.mirrors.registry import built_in
from conda_torchmirror.proxy import clients, kept, listed
from conda_torchmirror.proxy.layout import PYPI, arrange

TORCH = ("-y", "-n", "new", "--cuda", "12.4", "--python", "3.12", "--no-check")
TORCH += ("--source", "pytorch", "pytorch", "torchvision")


@pytest.fixture
def origins(channels, make_mirror):
    """Two mirrors with every channel that an installation needs."""
    parents = dict.fromkeys(("pytorch", "conda-forge", "nvidia"), "anaconda/cloud")
    return [make_mirror(channels, {**parents, "pkgs/main": "anaconda"}) for _ in range(2)]


@pytest.fixture
def cache(origins):
    with caching([site(f"m{n}", origin) for n, origin in enumerate(origins)]) as found:
        yield found


@pytest.fixture
def client(cache: Cache, condarc, from_pytorch, tmp_path):
    """A client that knows nothing but the cache."""
    return condarc(
        channels=["defaults"],
        default_channels=[f"{cache.url}/anaconda/pkgs/main"],
        plugins={
            **registry_of(cache, tmp_path),
            "torchmirror_only": ["cache", "cache-next"],
            "torchmirror_http": True,
        },
    )


def torch_in(sandbox, name: str = "new") -> bool:
    return bool(list((sandbox.envs / name / "conda-meta").glob("pytorch-2*cuda12.4*.json")))


@needs_nginx
def test_a_second_client_costs_the_mirrors_nothing(
    client, conda_in_process, origins, sandbox, elsewhere_client
):
    conda_in_process("torch-install", *TORCH).ok()
    assert torch_in(sandbox)
    packages = [path for path in origins[0].asked() if path.endswith((".conda", ".bz2"))]
    assert len(packages) == len(set(packages))
    before = len(origins[0].requests)
    # Every mirror dies; what the cache has is enough.
    for origin in origins:
        origin.refuse()
    elsewhere_client("torch-install", *TORCH).ok()
    assert len(origins[0].requests) == before


@pytest.fixture
def elsewhere_client(client, run_conda, sandbox, tmp_path):
    """The same client on another machine: with the same settings and nothing cached."""
    home = tmp_path / "other"

    def run(*words):
        env = {"CONDA_PKGS_DIRS": str(home / "pkgs"), "CONDA_ENVS_PATH": str(home / "envs")}
        return run_conda(*words, env=env)

    return run


@needs_nginx
def test_where_a_body_is_wrong_the_product_goes_on_by_the_other_way(
    client, conda_in_process, origins, sandbox
):
    origins[0].fail("*/pytorch-2*", "wrong_hash")
    conda_in_process("torch-install", *TORCH).ok()
    assert torch_in(sandbox)
    assert origins[1].asked("*/pytorch-2*")


@pytest.mark.parametrize("tool", ["nginx", "registry", "condarc", "pip"])
def test_what_is_printed_is_one_document_for_a_script(conda_in_process, tool):
    words = ("torch-mirror", "cache", "--print", tool)
    plain = conda_in_process(*words).ok().stdout
    found = conda_in_process(*words, "--json").ok().json()
    assert found["success"] is True
    assert found["torchmirror"]["print"] == {"tool": tool, "text": plain}


@needs_nginx
def test_what_is_wrong_is_deleted_from_the_cache(client, cache, conda_in_process, origins):
    origins[0].fail("*/pytorch-2*", "wrong_hash")
    conda_in_process("torch-install", *TORCH).ok()
    wrong = [one for one in kept.examine(cache.folder, walk) if one.wrong]
    assert [("pytorch-2" in one.path, one.way, one.fault) for one in wrong] == [(True, "", "hash")]
    words = ("torch-mirror", "cache", "--check", cache.folder)
    told = conda_in_process(*words, "--dry-run").ok().stdout
    assert "would be deleted: its hash is not that of the index" in " ".join(told.split())
    assert [one for one in kept.examine(cache.folder, walk) if one.wrong] == wrong
    done = json.loads(conda_in_process(*words, "--json").ok().stdout)
    assert done["torchmirror"]["deleted"] == 1
    assert not [one for one in kept.examine(cache.folder, walk) if one.wrong]
    # The cache asks again, and the file is right.
    origins[0].heal()
    path = wrong[0].path.removeprefix("/anaconda/")
    assert cache.get(path)[0] == 200
    again = {one.path: one.fault for one in kept.examine(cache.folder, walk)}
    assert again[wrong[0].path] == ""


@needs_nginx
def test_plain_conda_goes_through_it_by_a_condarc(cache, run_conda, sandbox, tmp_path, origins):
    file = tmp_path / "condarc"
    file.write_text(clients.condarc(cache.layout, cache.url, "linux-64"), encoding="utf-8")
    env = {"CONDARC": str(file), "CONDA_NO_PLUGINS": "true"}
    words = (
        "create",
        "-y",
        "-q",
        "-n",
        "plain",
        "-c",
        "conda-forge",
        "--override-channels",
        "tqdm",
    )
    run_conda(*words, env=env).ok()
    assert list((sandbox.envs / "plain" / "conda-meta").glob("tqdm-*.json"))
    assert origins[0].requests


# What is printed.


def test_the_registry_is_one_that_the_product_takes(run_conda, condarc, tmp_path) -> None:
    layout = arrange(built_in().resolve(("tuna", "sustech")))
    file = tmp_path / "cache.yaml"
    file.write_text(clients.registry(layout, "https://cache.lab"), encoding="utf-8")
    condarc(plugins={"torchmirror_registry": str(file)})
    found = json.loads(run_conda("torch-mirror", "list", "--json").ok().stdout)
    mirrors = {mirror["name"]: mirror for mirror in found["torchmirror"]["mirrors"]}
    assert {"cache", "cache-next"} <= set(mirrors)
    assert "https://cache.lab/anaconda" in json.dumps(mirrors["cache"])
    assert "https://cache.lab/next/anaconda" in json.dumps(mirrors["cache-next"])


@pytest.mark.parametrize("kind", ["nginx", "registry", "condarc", "pip"])
def test_each_is_printed(conda_in_process, kind) -> None:
    words = ("torch-mirror", "cache", "--print", kind, "--mirror", "tuna", "mychannel")
    done = conda_in_process(*words, "--url", "http://cache.lab:8080", "--dir", "/srv/torch").ok()
    expected = {
        "nginx": "listen 8080;",
        "registry": '"http://cache.lab:8080/next/anaconda"',
        "condarc": 'channel_alias: "http://cache.lab:8080/anaconda/cloud"',
        "pip": "index-url = http://cache.lab:8080/anaconda/pypi/simple",
    }
    assert expected[kind] in done.stdout
    if kind != "condarc":
        assert ("mychannel" in done.stdout) is (kind != "pip")
        assert "Not behind it: PyPI's own site." in done.stdout
    assert [line for line in done.stdout.splitlines() if line[:1] == "#" and len(line) > 80] == []


def test_a_long_list_of_what_is_not_behind_it_is_wrapped() -> None:
    found = arrange(())._replace(left_out=tuple(f"channel-{number}" for number in range(20)))
    assert all(line.startswith("# ") and len(line) <= 80 for line in found.comment)
    assert " ".join(line[2:] for line in found.comment).endswith("channel-18, channel-19.")
    assert arrange(())._replace(left_out=()).comment == []


@needs_nginx
def test_what_is_printed_is_a_whole_configuration(conda_in_process, tmp_path) -> None:
    done = conda_in_process("torch-mirror", "cache", "--print", "nginx", "--dir", tmp_path).ok()
    found = Cache(arrange(()), tmp_path)
    found.file.write_text(done.stdout, encoding="utf-8")
    tested = found.test()
    assert tested.returncode == 0, tested.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "it takes `--print nginx`"),
        (("--print", "nginx", "--port", "65535"), "must be ports"),
        (("--print", "nginx", "--dir", "/a;b"), "no path with a quote"),
        (("--check", "/nowhere/at/all"), "no such folder"),
        (("--check", "/tmp", "--print", "nginx"), "contradict"),
        (("--print", "nginx", "--mirror", "nobody"), "nobody"),
    ],
)
def test_what_cannot_be_is_refused(conda_in_process, words, said) -> None:
    refused = conda_in_process("torch-mirror", "cache", *words)
    assert refused.rc in (1, 2)
    assert said in " ".join(refused.stderr.split())


def test_every_channel_is_behind_it_or_left_out_by_name(tmp_path: Path) -> None:
    """All of `defaults` too, on any platform; labels where a mirror has them."""
    registry = built_in()
    mirrors = registry.resolve(("tuna", "sustech"))
    layout = arrange(mirrors)
    carried = {
        name for mirror in mirrors for name, there in mirror.channels.items() if there.has(None)
    }
    assert {n for n in carried if "/label/" not in n} <= set(layout.names)
    assert {"pkgs/main", "pkgs/r", "pkgs/msys2", "nvidia"} <= set(layout.names)
    assert layout.has_labels("nvidia")
    assert all(c.sites[-1] == "upstream" for c in layout.channels if c.path != PYPI)
    without = arrange(mirrors, upstream=False)
    assert "pkgs/msys2" in without.names or "pkgs/msys2" in without.left_out
    for channel in layout.channels:
        assert sorted(channel.sites) == sorted(channel.sites_next)
        assert len(channel.sites) < 2 or channel.sites[0] != channel.sites_next[0]


def test_an_index_is_read_as_conda_has_it(channels, tmp_path) -> None:
    """Compressed too: the bytes are those of the channel that the tests serve."""
    packed = next(channels.rglob("repodata.json.zst"))
    plain = json.loads(packed.with_suffix("").read_text(encoding="utf-8"))
    every = {**plain.get("packages", {}), **plain.get("packages.conda", {})}
    records = listed.of_index(packed, 0, packed=True, wanted=every, walk=walk)
    assert records == every
    assert records
    (name, *_) = every
    assert listed.of_index(packed, 0, packed=True, wanted=[name], walk=walk) == {name: every[name]}
