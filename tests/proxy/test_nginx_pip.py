"""pip, uv and the product's wheels through a real cache: pages whose links stay behind it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.nginx import Cache, caching, needs_nginx, registry_of
from support.wheel_commands import SET, WHEELS, dists
from support.wheel_files import make
from support.wheel_site import Site, portal, put

from conda_torchmirror.handover.installers import uv as uv_
from conda_torchmirror.mirrors.registry import Mirror
from conda_torchmirror.mirrors.urls import UPSTREAM
from conda_torchmirror.proxy import clients
from conda_torchmirror.proxy.layout import NEXT, PYPI, ROOT, WHL, arrange

pytestmark = needs_nginx
pytest_plugins = ("support.wheel_fixtures",)

JSON = "application/vnd.pypi.simple.v1+json"
#: Two ranges.
PADDING = 9_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A torch for one variant that needs a package of the index."""
    folder = tmp_path_factory.mktemp("wheels")
    torch = make(
        folder / "cu126",
        *("torch", "2.7.1+cu126"),
        requires=("filelock",),
        says="mirror",
        padding=PADDING,
        variant="cu126",
    )
    return [torch], [make(folder / "pypi", "filelock", "3.19.1", says="index")]


@pytest.fixture
def origins(tmp_path):
    with Site(tmp_path / "one") as one, Site(tmp_path / "two") as two:
        yield [one, two]


def fill(origin: Site, made, layout: str = "index", **more) -> None:
    torch, rest = made
    put(origin, torch, layout, **more)
    put(origin, rest, "simple", **more)


def entry(name: str, origin: Site) -> Mirror:
    wheels = {"url": origin.wheels, "layout": "index"}
    return Mirror(name, {"wheels": wheels, "pypi": [origin.simple]})


@pytest.fixture
def cache(origins, made):
    for origin in origins:
        fill(origin, made)
    with caching([entry(f"m{n}", origin) for n, origin in enumerate(origins)]) as found:
        yield found


def pip(cache: Cache, folder: Path, *, way: str = "", words=("torch",)):
    """pip into a folder, by the configuration that is printed for it; it is not asked what the
    packages of these tests say to the new ones, which takes longer than all the rest."""
    told = clients.pip(cache.layout, f"{cache.url}{way}")
    config = folder.with_suffix(".conf")
    config.write_text(told, encoding="utf-8")
    (pages,) = [line.rpartition(" ")[2] for line in told.splitlines() if "--extra-index" in line]
    env = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
    return subprocess.run(
        [
            *(sys.executable, "-I", "-m", "pip", "install", "--no-cache-dir", "--no-input"),
            *("--disable-pip-version-check", "--retries", "0", "--no-warn-conflicts"),
            *("--target", folder, *words, "--extra-index-url", pages),
        ],
        env={**env, "PIP_CONFIG_FILE": str(config)},
        capture_output=True,
        text=True,
        check=False,
    )


def uv(cache: Cache, folder: Path, *words: str):
    """uv into a folder, by the command that is printed for it and with a cache of its own; it gives
    up where an index answers anything but a page or 404."""
    _, _, told = clients.pip(cache.layout, cache.url).partition("#   uv pip install torch ")
    pages, index = told.replace("\\\n#", "").splitlines()[0].split("--default-index")
    assert pages.split() == ["--index", f"{cache.url}{ROOT}{WHL}/cu126"]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))}
    return subprocess.run(
        [
            *(str(uv_.find(None)), "--no-config", "--no-progress", "pip", "install"),
            *("--python", sys.executable, "--target", folder, "--no-cache", *(words or ("torch",))),
            *(*pages.split(), "--default-index", index.strip()),
        ],
        env={**env, "UV_HTTP_RETRIES": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


def installed(folder: Path) -> set[str]:
    return {path.name.removesuffix(".dist-info") for path in folder.glob("*.dist-info")}


WHOLE = {"torch-2.7.1+cu126", "filelock-3.19.1"}


@pytest.mark.parametrize(
    ("layout", "links", "way"),
    [
        ("index", "relative", ""),
        ("index", "absolute", NEXT),
        ("index", "official", ""),
        ("json", "relative", NEXT),
        ("json", "absolute", ""),
    ],
)
def test_pip_takes_pages_and_files_from_it_alone(tmp_path, origins, made, layout, links, way):
    origin, _ = origins
    addresses = {
        "relative": "",
        "absolute": f"{origin.url}/whl",
        "official": "https://download-r2.pytorch.org/whl",
    }
    put(origin, made[0], layout, absolute=addresses[links])
    put(origin, made[1], "simple")
    if layout == "json":
        said = {"Content-Type": JSON}
        origin.fail("*/torch/", lambda exchange: exchange.send(200, exchange.content(), said))
    with caching([entry("m", origin)]) as cache:
        first = pip(cache, tmp_path / "first", way=way)
        assert first.returncode == 0, first.stderr
        assert installed(tmp_path / "first") == WHOLE
        assert len(origin.asked("*filelock*.whl")) == 1
        origin.refuse()
        again = pip(cache, tmp_path / "again", way=way)
        assert again.returncode == 0, again.stderr
        assert installed(tmp_path / "again") == WHOLE


def test_a_page_is_kept_in_the_form_that_was_asked_for(origins, made):
    origin, _ = origins
    fill(origin, made, "json")
    page = f"{WHL[1:]}/cu126/torch/"

    def by_form(exchange) -> None:
        if JSON in exchange.headers["Accept"]:
            exchange.send(200, exchange.content(), {"Content-Type": JSON})
        else:
            exchange.send(200, b'<a href="../x-1-py3-none-any.whl">', {"Content-Type": "text/html"})

    origin.fail(f"*/{page}", by_form)
    with caching([entry("m", origin)]) as cache:
        for _ in range(2):
            status, body = cache.get(page, Accept=f"{JSON}, text/html;q=0.01")
            assert (status, json.loads(body)["name"]) == (200, "torch")
            assert cache.get(page, Accept="text/html")[1].startswith(b"<a href")
        assert len(origin.asked(f"*/{page}")) == 2


def test_a_plus_sign_is_sent_as_servers_take_it(cache, origins):
    seen = []

    def note(exchange) -> None:
        seen.append(urlsplit(exchange.path).path)
        exchange.serve()

    origins[0].fail("*.whl", note)
    (name,) = [path.name for path in origins[0].folder.rglob("torch*.whl")]
    assert cache.get(f"whl/cu126/{name}")[0] == 200
    assert cache.get(f"whl/cu126/{name.replace('+', '%2B')}")[0] == 200
    assert set(seen) == {f"/whl/cu126/{name.replace('+', '%2B')}"}
    assert len(seen) == 2


@pytest.mark.parametrize(
    "fault", ["blocked", "not_found", "server_error", "busy", "html", "redirect_loop", "cut_page"]
)
def test_where_a_mirror_fails_the_next_one_has_it(tmp_path, cache, origins, fault):
    """A page is HTML, so that only what a file is tells a page that blocks."""

    def cut_page(exchange) -> None:
        if exchange.record.path.endswith("/"):
            exchange.cut()
        else:
            exchange.serve()

    special = {"html": ("*.whl", "html"), "cut_page": ("*", cut_page)}
    origins[0].fail(*special.get(fault, ("*", fault)))
    done = pip(cache, tmp_path / "done")
    assert done.returncode == 0, done.stderr
    assert installed(tmp_path / "done") == WHOLE


def test_half_a_page_is_not_kept(cache, origins):
    def half(exchange) -> None:
        content = exchange.content()
        exchange.send(
            200, content[: len(content) // 2], {"Content-Type": "text/html"}, length=len(content)
        )
        exchange.cut()

    origins[0].fail("*/", half)
    page = "whl/cu126/torch/"
    try:
        broken = cache.get(page)[1]
    except (http.client.HTTPException, OSError):
        broken = b""
    origins[0].heal()
    status, body = cache.get(page)
    assert status == 200
    assert b"</a>" in body
    assert broken != body


def test_a_wrong_file_is_refused_by_pip_and_right_on_the_other_way(tmp_path, cache, origins):
    origins[0].fail("*torch*.whl", lambda exchange: exchange.send_content(bytes(PADDING)))
    wrong = pip(cache, tmp_path / "wrong")
    assert wrong.returncode != 0
    assert not installed(tmp_path / "wrong")
    right = pip(cache, tmp_path / "right", way=NEXT)
    assert right.returncode == 0, right.stderr
    assert installed(tmp_path / "right") == WHOLE


needs_uv = pytest.mark.skipif(uv_.find(None) is None, reason="uv is not installed")


@needs_uv
def test_uv_takes_everything_from_it_alone_and_then_with_every_mirror_dead(
    tmp_path, cache, origins
):
    """The variant's index has no page of filelock, which is remembered as the pages are."""
    first = uv(cache, tmp_path / "first")
    assert first.returncode == 0, first.stderr
    assert installed(tmp_path / "first") == WHOLE
    missing = "*/whl/cu126/filelock/"
    assert len(origins[0].asked(missing)) == 1
    for origin in origins:
        origin.refuse()
    again = uv(cache, tmp_path / "again")
    assert again.returncode == 0, again.stderr
    assert installed(tmp_path / "again") == WHOLE
    assert len(origins[0].asked(missing)) == 1


@needs_uv
def test_uv_is_not_told_that_something_is_missing_which_nobody_could_say(tmp_path, cache, origins):
    """It would take a torch of another index instead."""
    for origin in origins:
        origin.refuse()
    done = uv(cache, tmp_path / "done")
    assert done.returncode != 0
    assert "502" in done.stderr


@needs_uv
def test_uv_takes_the_official_site_where_a_mirror_is_blocked(tmp_path, origins, made):
    """It has no page of filelock either, says so by 403 as the real one does, and is the one to
    know."""
    for origin in origins:
        fill(origin, made)
    origins[0].fail("*", "blocked")
    origins[1].fail("*/whl/cu126/filelock/", "blocked")
    with caching([entry("m", origins[0]), entry(UPSTREAM, origins[1])]) as cache:
        done = uv(cache, tmp_path / "done")
        assert done.returncode == 0, done.stderr
    assert installed(tmp_path / "done") == WHOLE


@pytest.mark.parametrize(
    "path",
    [
        "pypi/secret",
        "pypi/simple/torch",
        "pypi/simple/",
        "pypi/index.html",
        "whl/torch_stable.html",
        "pypi/simple/../../secret/",
        "pypi/simple/%252e%252e/",
        "whl/cu126/a%3Fb/",
    ],
)
def test_nothing_else_is_asked_for(cache, origins, path):
    assert cache.get(path)[0] in (400, 404)
    assert not any(origin.requests for origin in origins)


def test_the_product_installs_wheels_through_it_with_every_mirror_dead(
    wheel_lab, lab_env, conda_in_process, condarc, tmp_path
):
    put(wheel_lab.second, wheel_lab.of("cu126"))
    mirrors = [Mirror(name, entry) for name, entry in wheel_lab.registry().items()]
    with caching(mirrors) as cache:
        condarc(**wheel_lab.settings(**registry_of(cache, tmp_path)))
        words = (*WHEELS, "--cuda", "12.6", "-y", "-p")
        conda_in_process(*words, lab_env).ok()
        assert dists(lab_env) >= SET
        sites = (wheel_lab.first, wheel_lab.second, wheel_lab.index, wheel_lab.spare)
        for one in sites:
            one.refuse()
        other = tmp_path / "other"
        conda_in_process("create", "-y", "-q", "-p", other, "python", "pip").ok()
        os.environ["CONDA_PKGS_DIRS"] = str(tmp_path / "empty")
        conda_in_process(*words, other).ok()
        assert dists(other) >= SET


def test_the_product_takes_the_other_way_round_a_page_that_blocks(
    wheel_lab, lab_env, conda_in_process, condarc, tmp_path
):
    put(wheel_lab.second, wheel_lab.of("cu126"))
    for blocked in (wheel_lab.first, wheel_lab.index):
        blocked.fail("*/", portal)
    mirrors = [Mirror(name, entry) for name, entry in wheel_lab.registry().items()]
    with caching(mirrors) as cache:
        condarc(**wheel_lab.settings(**registry_of(cache, tmp_path)))
        conda_in_process(*WHEELS, "--cuda", "12.6", "-y", "-p", lab_env).ok()
    assert dists(lab_env) >= SET
    assert wheel_lab.first.pages()
    assert not wheel_lab.first.sent()


# What is behind it.


def test_what_is_for_pip_is_behind_it_or_left_out_by_name():
    index = Mirror("index", {"wheels": {"url": "https://a.example/w", "layout": "index"}})
    flat = Mirror("flat", {"wheels": {"url": "https://b.example/w", "layout": "flat"}})
    odd = Mirror("odd", {"pypi": ["https://c.example/root"]})
    simple = Mirror("simple", {"pypi": ["https://d.example/pypi/simple"]})
    found = arrange([flat, odd], upstream=False)
    assert not found.has(PYPI)
    assert not found.has(WHL)
    assert {"PyPI", "wheels of PyTorch", "the wheels of flat (flat listings)"} <= {*found.left_out}
    found = arrange([flat, odd], upstream=False, spare=[index, simple])
    places = {c.path: [place.url for place in c.places] for c in found.channels}
    assert places[WHL] == ["https://a.example/w"]
    assert places[PYPI] == ["https://d.example/pypi"]
    assert "PyPI's own site" in arrange([simple]).left_out
    assert not {PYPI, WHL} & {*found.names}


def test_the_registry_names_what_is_there():
    alone = clients.registry(arrange([], upstream=False), "http://c")
    assert "pypi:" not in alone
    assert "wheels:" not in alone
    assert "official:" not in alone
    told = clients.registry(arrange([]), "http://c")
    assert f'official: "http://c/official{ROOT}"' in told
    assert f'wheels: {{url: "http://c/next{ROOT}/whl", layout: index}}' in told
