"""The automatic redirect leaves the process as it was, and breaks no command of conda."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from support.lab import ALL, urls_during

from conda_torchmirror.redirect import in_process, policy

pytest_plugins = ("support.lab_fixtures",)


def state() -> tuple[Any, ...]:
    """Everything that the redirect changes in this process."""
    from conda.base import context as module
    from conda.models.channel import Channel

    ours = sorted(name for name in os.environ if name.startswith("TORCHMIRROR_PARENT"))
    names = ("pytorch", "defaults", "https://conda.anaconda.org/pytorch", "nvidia/label/x")
    return (
        module.SEARCH_PATH,
        module.Context.custom_multichannels,
        ours,
        dict(module.context.custom_channels),
        [Channel(name).urls() for name in names],
    )


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("create", "-n", "x", "-c", "pytorch", "from-pytorch", "-d"), id="dry-run"),
        pytest.param(("search", "-c", "pytorch", "not-there"), id="failing"),
        pytest.param(("info",), id="info"),
    ],
)
def test_a_long_lived_process_is_as_before(at_lab, words):
    from conda.cli.main import main_subshell

    at_lab(channels=["defaults", "pytorch"])
    before = state()
    for _ in range(2):
        try:
            main_subshell(*words)
        except Exception:
            in_process.undo()  # what the next command does
        assert state() == before


def test_another_command_of_the_process_sees_conda_as_it_is(at_lab, capsys, sandbox):
    from conda.cli.main import main_subshell

    before = state()
    with pytest.raises(Exception, match="not-there"):
        main_subshell("search", "-c", "pytorch", "--override-channels", "not-there")
    assert in_process.active()
    capsys.readouterr()
    main_subshell("config", "--show-sources")
    assert "redirect" not in capsys.readouterr().out
    assert state() == before


def test_redirecting_twice_is_redirecting_once(at_lab, lab):
    from conda.models.channel import Channel

    plain = state()
    above = f"{lab.url}/anaconda/cloud"
    for _ in range(2):
        in_process.apply([("pytorch", above, False)])
        assert Channel("pytorch").base_url == f"{above}/pytorch"
    in_process.undo()
    in_process.undo()
    assert state() == plain


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(7), RecursionError()], ids=repr)
def test_nothing_leaves_the_hook(at_lab, conda_in_process, monkeypatch, error):
    def fail(*args: Any) -> None:
        raise error

    monkeypatch.setattr(policy, "decide", fail)
    at_lab(channels=["pytorch"])
    result = conda_in_process("info").ok()
    said = [line for line in result.stderr.splitlines() if "torchmirror" in line]
    assert said == [
        f"torchmirror: channels are read without mirrors: {type(error).__name__}"
        + (f": {error}" if str(error) else "")
    ]


def test_keyboard_interrupt_leaves_the_hook(at_lab, monkeypatch):
    def interrupt(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(policy, "decide", interrupt)
    with pytest.raises(KeyboardInterrupt):
        urls_during(ALL)


@pytest.mark.parametrize(
    "name", [f"{module}.{path}" for module, path in in_process.PRIVATE], ids=lambda n: n
)
def test_a_name_that_conda_renames_means_no_redirect(at_lab, monkeypatch, capsys, name):
    module, path = next(pair for pair in in_process.PRIVATE if ".".join(pair) == name)
    monkeypatch.setattr(in_process, "PRIVATE", ((module, f"{path}_renamed"),))
    before = state()
    found = urls_during(ALL)
    assert found["pytorch"] == ["https://conda.anaconda.org/pytorch"]
    assert f"this conda has no {name}_renamed" in capsys.readouterr().err
    assert state() == before


def test_a_conda_that_does_not_heed_us_is_left_alone(at_lab, monkeypatch, capsys, tmp_path):
    """As a conda would that calls `custom_channels` something else one day."""
    for name in ("pytorch", "conda-forge", "nvidia", "defaults"):
        (tmp_path / f"{name}.yml").write_text("{show_channel_urls: true}\n")
    monkeypatch.setattr(in_process, "REDIRECTS", tmp_path)
    monkeypatch.setattr(
        in_process, "mapped", lambda name, _, **__: {"own_channels": {name: "https://x"}}
    )
    before = state()
    found = urls_during(ALL)
    assert found["pytorch"] == ["https://conda.anaconda.org/pytorch"]
    assert "does not take the address of pytorch" in capsys.readouterr().err
    assert state() == before


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"torchmirror_mirrors": ["tsinghua"]}, "No mirror is named 'tsinghua'"),
        ({"torchmirror_registry": "/not/there.yml"}, "cannot be read"),
        ({"torchmirror_registry": "a: [\nb"}, "neither YAML nor JSON"),
        ({"torchmirror_auto": "perhaps"}, "torchmirror_auto"),
        ({"torchmirror_mirrors": ["http://other.invalid/cloud"]}, "is not https"),
    ],
    ids=["name", "file", "yaml", "bool", "http"],
)
def test_a_bad_setting_is_told_and_conda_goes_on(at_lab, conda_in_process, setting, said):
    at_lab(setting, channels=["pytorch"])
    result = conda_in_process("info").ok()
    assert said in result.stderr
    assert "https://conda.anaconda.org/pytorch" in result.stdout


def test_a_closed_standard_error_is_no_error(at_lab, sandbox):
    script = "import sys; sys.stderr.close(); from conda.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", script, "info", "--base"], capture_output=True, check=False
    )
    assert done.returncode == 0
