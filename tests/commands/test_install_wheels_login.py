"""Mirrors and indexes that want a log-in: their pages, their plans, what is said of them."""

from __future__ import annotations

import base64
import json

import pytest
from support.wheel_commands import CUDA, REST, SET, WHEELS, dists
from support.wheel_site import Site, put

from conda_torchmirror.exceptions.channel import WheelNowhere

pytest_plugins = ["support.wheel_fixtures"]

WORD = "s3cretword"
KNOWN = f"Basic {base64.b64encode(f'me:{WORD}'.encode()).decode()}"


def asks(exchange):
    if exchange.headers.get("Authorization") == KNOWN:
        exchange.serve()
    else:
        exchange.send(401, b"<html>401</html>", {"WWW-Authenticate": 'Basic realm="x"'})


class Private(Site):
    """A site that wants a log-in for everything."""

    def __init__(self, folder):
        super().__init__(folder)
        self.fail("*", asks)

    @property
    def known(self):
        """Its address with the log-in."""
        return self.url.replace("://", f"://me:{WORD}@")


@pytest.fixture
def private(wheel_lab, tmp_path):
    with Private(tmp_path / "private") as site:
        put(site, wheel_lab.of("cu126"), absolute=f"{site.url}/whl")
        put(site, wheel_lab.of(""), "simple")
        yield site


@pytest.fixture
def alone(wheel_lab, private, condarc, monkeypatch):
    """No other mirror, and no other index."""
    for site in (wheel_lab.first, wheel_lab.second, wheel_lab.index, wheel_lab.spare):
        site.refuse()
    monkeypatch.setenv("PIP_INDEX_URL", f"{private.known}/simple")
    place = f"{private.known}/whl"
    condarc(**wheel_lab.settings(torchmirror_mirrors=[place], torchmirror_fallback=False))
    return private


def redirected(exchange):
    """To the same server, by its whole address, as many send `/torch` to `/torch/`."""
    path = exchange.record.path.replace("/whl/", "/moved/")
    if exchange.headers.get("Authorization") != KNOWN:
        return asks(exchange)
    return exchange.send(302, b"", {"Location": f"{exchange.mirror.url}{path}"})


@pytest.mark.parametrize("way", ["absolute", "redirected"])
def test_the_log_in_goes_on_to_what_a_page_leads_to(alone, lab_env, install, way):
    if way == "redirected":
        alone.mounts["/moved/"] = alone.folder / "whl"
        alone.fail("/whl/*/", redirected)
    done = install().ok()
    assert dists(lab_env) >= SET | REST
    assert WORD not in done.stdout + done.stderr


@pytest.fixture
def plan(alone, lab_env, conda_in_process, tmp_path):
    folder = tmp_path / "plan"
    done = conda_in_process(*WHEELS, *CUDA, "-p", lab_env, "--save-plan", folder).ok()
    assert "was read with a log-in, which a plan never holds" in done.words
    assert done.words.count(f"127.0.0.1:{alone.port} was read") == 1
    assert WORD not in done.stdout + done.stderr
    assert not any(WORD in file.read_text() for file in folder.iterdir())
    return folder


def test_a_plan_is_carried_out_where_the_log_in_is_known(alone, plan, lab_env, conda_in_process):
    done = conda_in_process("torch-install", "--plan", plan, "-p", lab_env, "-y").ok()
    assert dists(lab_env) >= SET | REST
    assert WORD not in done.stdout + done.stderr


def test_where_it_is_not_that_is_said_with_the_step(
    wheel_lab, alone, plan, lab_env, conda_in_process, condarc, monkeypatch, sandbox
):
    condarc(**wheel_lab.settings(torchmirror_mirrors=["second"], torchmirror_fallback=False))
    monkeypatch.delenv("PIP_INDEX_URL")
    words = ("torch-install", "--plan", plan, "-p", lab_env, "-y")
    refused = conda_in_process(*words)
    assert isinstance(refused.error, WheelNowhere)
    assert "asks for a log-in" in refused.words
    assert "or in the file `~/.netrc`" in refused.words
    file = sandbox.home / ".netrc"
    file.write_text(f"machine 127.0.0.1 login me password {WORD}\n")
    file.chmod(0o600)
    conda_in_process(*words).ok()
    assert dists(lab_env) >= SET | REST


def test_a_list_of_addresses_says_that_they_want_one(alone, lab_env, conda_in_process):
    done = conda_in_process(*WHEELS, *CUDA, "-p", lab_env, "--urls").ok()
    assert "read here with a token or password, which is not printed: 127.0.0.1:" in done.words
    assert WORD not in done.stdout + done.stderr
    shown = conda_in_process(*WHEELS, *CUDA, "-p", lab_env, "--dry-run", "--json").ok()
    assert WORD not in json.dumps(shown.json())
