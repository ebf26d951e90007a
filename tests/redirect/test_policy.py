"""Which channels are redirected, and which are somebody's own."""

from __future__ import annotations

import pytest
from support.isolation import reset_conda
from support.lab import ALL, hosts, urls_during

from conda_torchmirror.hooks import redirect
from conda_torchmirror.redirect import in_process, policy, settings

pytest_plugins = ("support.lab_fixtures",)


def test_a_users_own_channels_win(at_lab, lab):
    at_lab(custom_channels={"pytorch": "https://mine.invalid/cloud"})
    found = urls_during(ALL)
    assert found["pytorch"] == ["https://mine.invalid/cloud/pytorch"]
    assert found["conda-forge"] == [f"{lab.url}/anaconda/cloud/conda-forge"]
    assert found["defaults"] == [f"{lab.url}/anaconda/pkgs/main", f"{lab.url}/anaconda/pkgs/r"]


def test_the_builtin_mapping_stays(at_lab):
    from conda.models.channel import Channel

    def base() -> str:
        return str(Channel("pkgs/pro").base_url)

    before = base()
    from conda.base.context import context
    from conda.cli.conda_argparse import generate_parser

    context.__init__(argparse_args=generate_parser().parse_args(ALL))
    redirect.before("create", ("reads",))
    assert in_process.active()
    assert base() == before == "https://repo.anaconda.com/pkgs/pro"


@pytest.mark.parametrize("source", ["condarc", "environment"])
def test_default_channels_that_are_set_are_left_alone(at_lab, lab, monkeypatch, source):
    if source == "condarc":
        at_lab(default_channels=["https://mine.invalid/main"])
    else:
        monkeypatch.setenv("CONDA_DEFAULT_CHANNELS", "https://mine.invalid/main")
    found = urls_during(ALL)
    assert found["defaults"] == ["https://mine.invalid/main"]
    assert found["pytorch"] == [f"{lab.url}/anaconda/cloud/pytorch"]


@pytest.mark.parametrize("key", ["custom_channels", "custom_multichannels", "default_channels"])
def test_a_key_with_nothing_under_it_changes_nothing(at_lab, lab, sandbox, key):
    """As where the lines below it have become comments: conda takes it for not set."""
    folder = sandbox.home / ".conda"
    folder.mkdir()
    (folder / ".condarc").write_text(f"{key}:\n#  pytorch: https://mine.invalid/cloud\n")
    reset_conda()
    found = urls_during(ALL)
    assert found["pytorch"] == [f"{lab.url}/anaconda/cloud/pytorch"]
    assert found["defaults"] == [f"{lab.url}/anaconda/pkgs/main", f"{lab.url}/anaconda/pkgs/r"]


def test_an_alias_of_ones_own_is_left_alone(at_lab, lab):
    at_lab(channel_alias="https://mine.invalid/conda")
    found = urls_during(ALL)
    assert found["pytorch"] == ["https://mine.invalid/conda/pytorch"]
    assert found["https://conda.anaconda.org/pytorch"] == ["https://conda.anaconda.org/pytorch"]


def _has_denylist() -> bool:
    from conda.base.context import context

    return hasattr(context, "denylist_channels")


@pytest.mark.parametrize(
    ("lists", "redirected"),
    [
        pytest.param({"allowlist_channels": ["pytorch"]}, True, id="by-name"),
        pytest.param(
            {"allowlist_channels": ["https://conda.anaconda.org/pytorch"]}, False, id="upstream-url"
        ),
        pytest.param({"allowlist_channels": ["{lab}"]}, True, id="mirror-url"),
        pytest.param({"whitelist_channels": ["conda-forge"]}, False, id="another"),
        pytest.param({"denylist_channels": ["{lab}"]}, False, id="denied"),
        pytest.param({"denylist_channels": ["pytorch"]}, False, id="denied-by-name"),
        pytest.param(
            {"denylist_channels": ["https://conda.anaconda.org/pytorch"]},
            False,
            id="upstream-denied",
        ),
        pytest.param(
            {"denylist_channels": ["https://elsewhere.invalid/x"]}, True, id="other-denied"
        ),
    ],
)
def test_the_administrators_lists_are_obeyed(at_lab, lab, lists, redirected):
    here = lab.channel_url("pytorch")
    more = {key: [item.format(lab=here) for item in items] for key, items in lists.items()}
    at_lab({"torchmirror_mirrors": ["lab"]}, **more)
    if "denylist_channels" in lists and not _has_denylist():
        pytest.skip("this conda has no denylist_channels")
    around = policy.UserConfig(settings.read())
    verdict = policy.decide(["pytorch"], around)[0]
    assert verdict.code == ("mirrored" if redirected else "not_allowed")


def test_a_denied_mirror_is_left_for_the_next(at_lab, lab):
    if not _has_denylist():
        pytest.skip("this conda has no denylist_channels")
    at_lab(denylist_channels=[lab.channel_url("pytorch")])
    verdicts = policy.decide(["pytorch", "nvidia"], policy.UserConfig(settings.read()))
    assert [v.mirror for v in verdicts] == ["tuna", "lab"]


@pytest.mark.parametrize(
    "channel",
    [
        "https://conda.anaconda.org/t/secret-token/pytorch",
        "https://user:password@conda.anaconda.org/pytorch",
    ],
    ids=["token", "password"],
)
def test_credentials_never_get_to_a_mirror(at_lab, lab, conda_in_process, sandbox, channel):
    result = conda_in_process("search", "-c", channel, "--override-channels", "from-pytorch")
    assert hosts(sandbox) == {"conda.anaconda.org"}
    assert not lab.requests
    assert "torchmirror" not in result.stderr


def test_a_channel_with_an_auth_handler_is_left_alone(at_lab):
    at_lab(channel_settings=[{"channel": "pytorch", "auth": "mine"}])
    around = policy.UserConfig(settings.read())
    assert [v.code for v in policy.decide(["pytorch", "nvidia"], around)] == [
        "credentials",
        "mirrored",
    ]


def test_a_label_that_the_mirror_lacks_stays_at_upstream(at_lab, lab, conda_in_process, sandbox):
    words = ("-c", "pytorch/label/rc", "-c", "pytorch", "--override-channels")
    conda_in_process("search", *words, "from-pytorch")
    assert hosts(sandbox) == {"conda.anaconda.org"}
    assert not lab.asked("*/label/*")


def test_a_mirror_that_is_named_by_url_keeps_names(at_lab, lab):
    found = urls_during(("create", "-n", "x", "-c", lab.channel_url("pytorch")))
    assert found["pytorch"] == [lab.channel_url("pytorch")]
    elsewhere = urls_during(("create", "-n", "x", "-c", "https://other.invalid/pytorch"))
    assert elsewhere["pytorch"] == ["https://conda.anaconda.org/pytorch"]


def test_what_a_group_of_the_users_has_is_read_once(at_lab, lab, conda_in_process, installed):
    """Conda reads a group's channels at their official place, and the same index twice at once
    failed by a race for its cache."""
    at_lab(custom_multichannels={"all": ["pytorch", "https://conda.anaconda.org/bioconda"]})
    around = policy.UserConfig(settings.read())
    found = {p.name: p.code for p in policy.decide(["all", "pytorch", "conda-forge"], around)}
    assert (found["pytorch"], found["conda-forge"]) == ("configured", "mirrored")
    shown = conda_in_process("torch-mirror", "status", "all", "pytorch").ok()
    assert "your own configuration (" in shown.words
    assert "(None)" not in shown.words


def test_a_group_that_a_command_does_not_read_changes_nothing(at_lab, lab):
    """Its channels came from upstream in every command."""
    at_lab(channels=["pytorch"], custom_multichannels={"all": ["pytorch", "bioconda"]})
    (found,) = policy.decide(["pytorch"], policy.UserConfig(settings.read()))
    assert (found.code, found.url) == ("mirrored", lab.channel_url("pytorch"))
