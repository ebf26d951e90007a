"""A token, a password or what a handler adds reaches no mirror, whoever leads the channel there."""

from __future__ import annotations

import json

import pytest
from support.isolation import reset_conda
from support.lab import hosts, urls_during

from conda_torchmirror.redirect import condarc as ours
from conda_torchmirror.redirect import in_process

pytest_plugins = ("support.lab_fixtures",)

TOKEN = "https://conda.anaconda.org/t/secret-token/pytorch"
PASSWORD = "https://user:secret-word@conda.anaconda.org/pytorch"
SEARCH = ("search", "--override-channels", "from-pytorch", "-c")
URLS = pytest.mark.parametrize("channel", [TOKEN, PASSWORD], ids=["token", "password"])


@pytest.fixture
def enabled(at_lab, conda_in_process):
    conda_in_process("torch-mirror", "enable", "pytorch", "conda-forge").ok()
    reset_conda()


def asks_upstream_alone(lab, sandbox) -> bool:
    sent = [f"{r.path} {r.headers}" for r in lab.requests]
    assert not [words for words in sent if "secret" in words or "Authorization" in words]
    return hosts(sandbox) == {"conda.anaconda.org"} and not lab.asked("*pytorch*")


@URLS
def test_the_file_of_enable_leads_them_nowhere(enabled, lab, sandbox, run_conda, channel):
    """By conda's own mapping they went to the mirror, with every request."""
    done = run_conda(*SEARCH, channel)
    assert asks_upstream_alone(lab, sandbox)
    assert "enable --mirror" not in done.words  # which would have led them to the next


def test_nor_where_the_redirect_is_off(enabled, lab, sandbox, run_conda):
    """As with a file of everybody, and `disable` by one."""
    run_conda(*SEARCH, TOKEN, env={"CONDA_PLUGINS_TORCHMIRROR_AUTO": "false"})
    assert asks_upstream_alone(lab, sandbox)


@pytest.mark.parametrize("auto", [True, False], ids=["automatic", "off"])
@pytest.mark.parametrize("named", ["pytorch", "https://conda.anaconda.org/pytorch"])
def test_nor_what_a_handler_adds(enabled, at_lab, auto, named):
    settings = [{"channel": named, "auth": "mine"}]
    at_lab(channels=["pytorch"], channel_settings=settings, plugins={"torchmirror_auto": auto})
    found = urls_during(("search", "from-pytorch"))
    assert found["pytorch"] == ["https://conda.anaconda.org/pytorch"]


@pytest.mark.parametrize("further", ["pytorch", "conda-forge"])
def test_others_of_the_command_are_read_at_the_mirror(enabled, lab, sandbox, run_conda, further):
    run_conda("create", "-d", "-p", sandbox.envs / "x", "from-pytorch", "-c", further, "-c", TOKEN)
    asks_upstream_alone(lab, sandbox)
    found = urls_during(("create", "-n", "x", "-c", further, "-c", TOKEN))
    assert found["pytorch"] == ["https://conda.anaconda.org/pytorch"]
    assert found["conda-forge"] == [lab.channel_url("conda-forge")]


def test_a_file_has_them_in_a_variable(lab, at_lab, sandbox, run_conda, tmp_path):
    file = tmp_path / "environment.yml"
    file.write_text("channels: [pytorch, $OURS, nodefaults]\ndependencies: [from-pytorch]\n")
    run_conda("env", "create", "-f", file, "-p", tmp_path / "new", env={"OURS": TOKEN})
    assert "conda.anaconda.org" in hosts(sandbox)
    assert not lab.requests


@pytest.mark.parametrize("by_file", [False, True], ids=["automatic", "enabled"])
def test_a_group_of_channels_has_them(at_lab, lab, sandbox, conda_in_process, run_conda, by_file):
    if by_file:
        conda_in_process("torch-mirror", "enable", "pytorch").ok()
    at_lab(channels=["group", "pytorch"], custom_multichannels={"group": [TOKEN]})
    run_conda("search", "from-pytorch")
    assert asks_upstream_alone(lab, sandbox)


HELD = [
    {"channels": [TOKEN]},
    {"custom_multichannels": {"group": [PASSWORD]}},
    {"channel_settings": [{"channel": "pytorch", "auth": "mine"}]},
]


@pytest.mark.parametrize("settings", HELD, ids=["channels", "group", "handler"])
@pytest.mark.parametrize("before", [False, True], ids=["then-enabled", "enabled-before"])
def test_status_and_enable_know_them(at_lab, conda_in_process, settings, before):
    if before:
        conda_in_process("torch-mirror", "enable", "pytorch", "conda-forge").ok()
    at_lab(**settings)
    found = conda_in_process("torch-mirror", "status", "pytorch", "--json").ok()
    assert "secret" not in found.words
    for row in found.json()["torchmirror"]["channels"]:
        if row["name"] == "pytorch" or "/pytorch" in row["url"]:
            assert row["url"] == "https://conda.anaconda.org/pytorch"
            assert row["mirror"] == "upstream"
    told = conda_in_process("torch-mirror", "enable", "pytorch", "conda-forge", "--json").ok()
    assert list(told.json()["torchmirror"]["channels"]) == ["conda-forge"]
    assert "pytorch" not in ours.user_file().read_text()
    refused = conda_in_process("torch-mirror", "enable", "pytorch", "--json")
    assert refused.json()["exception_name"] == "OwnChannels"  # it was said that no mirror has it


@URLS
def test_conda_may_read_its_configuration_again(enabled, lab, channel):
    from conda.base.context import context
    from conda.models.channel import Channel

    before = json.dumps({**context.custom_channels}, default=str)
    in_process.apply([("pytorch", "https://conda.anaconda.org", False)])
    for again in (False, True):
        if again:
            context.__init__()
        url = Channel(channel).urls(with_credentials=True)[0]
        assert url.startswith(channel)
    in_process.undo()
    assert Channel("pytorch").base_url == lab.channel_url("pytorch")
    assert json.dumps({**context.custom_channels}, default=str) == before
