"""What ties a request to the channel `pytorch` is left out of a next step, where nothing else of it
helps: as with the command of pytorch.org, on a GPU that the channel has no code for."""

from __future__ import annotations

import pytest
from support import offered
from support.auto_fixtures import cuda
from support.torches import record

pytest_plugins = ["support.auto_fixtures"]

CHANNELS = ("-c", "pytorch", "-c", "nvidia")
FAMILY = ("pytorch", "torchvision", "torchaudio")
OLD = ("pytorch==2.4.1", "torchvision==0.19.1", "torchaudio==2.4.1")
BLACKWELL = cuda("13.0", "12.0")


@pytest.fixture
def refused(at_both, conda_in_process, monkeypatch):
    """`refused(*words, **variables)`: the hints of a preview that is refused, by code."""

    def run(*words: str, **variables: str) -> dict[str, str]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        asked = ("torch-install", "-n", "new", *words, "--dry-run", "--json")
        done = conda_in_process(*asked)
        assert done.rc == 1, str(done)
        hints = {h["hint_code"]: h["text"] for h in done.json()["guidance"]["hints"]}
        offered.check(asked, hints)
        return hints

    return run


@pytest.mark.parametrize(
    ("words", "release"),
    [
        ((*FAMILY, "pytorch-cuda=12.4", *CHANNELS), "2.10"),
        ((*OLD, "pytorch-cuda=12.1", *CHANNELS), "2.10"),
        (("pytorch=2.5.1", *CHANNELS), "2.13"),
        (("pytorch=2.5.1", "--source", "pytorch"), "2.13"),
        (("pytorch", "torchvision", "cudatoolkit=11.3", "-c", "pytorch"), "2.13"),
    ],
)
def test_conda_forge_has_it_for_less(refused, conda_in_process, words, release):
    """All that was offered was a CPU build."""
    hints = refused(*words, **BLACKWELL)
    assert f"PyTorch {release} of conda-forge" in hints["less_of_conda_forge"]
    [command] = [line for code, line in offered.commands(hints) if code == "less_of_conda_forge"]
    taken = conda_in_process("torch-install", *command, "--json").ok().json()["torchmirror"]
    assert taken["selected"]["source"] == "conda-forge"
    assert taken["selected"]["builds"][0]["version"].startswith(f"{release}.")
    assert taken["selected"]["cuda"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((*FAMILY, "pytorch-cuda=12.4", *CHANNELS), "less_of_conda_forge"),
        (("pytorch", "--source", "pytorch"), "use_conda_forge"),
        (("--source", "pytorch", "--cuda", "11.8"), "less_without_cuda"),
    ],
)
def test_offline_it_is_said_that_a_step_needs_a_network(refused, words, code):
    """What is known of conda-forge is not in the built-in index: taken offline it was refused."""
    assert "(needs a network)" in refused(*words, "--offline", **BLACKWELL)[code]
    assert "(needs a network)" not in refused(*words, **BLACKWELL)[code]


def test_wheels_where_conda_forge_lacks_a_partner(refused):
    """It has no torchaudio for Windows."""
    words = (*FAMILY, "pytorch-cuda=12.4", *CHANNELS, "--platform", "win-64")
    hints = refused(*words, **BLACKWELL)
    assert "less_of_conda_forge" not in hints
    [command] = [line for code, line in offered.commands(hints) if code == "less_of_wheels"]
    assert command[:5] == ["-n", "new", *FAMILY]
    assert command[-3:] == ["--source", "wheels", "--dry-run"]


@pytest.fixture(params=["--python", "python=", "environment"])
def of_python_38(request, sandbox):
    """The words for Python 3.8, or an environment that has it."""
    if request.param == "environment":
        meta = sandbox.envs / "new" / "conda-meta"
        meta.mkdir(parents=True)
        (meta / "history").touch()
        record(meta.parent, "python", "3.8.19", "h0_0", channel="conda-forge")
        return ()
    return ("--python", "3.8") if request.param == "--python" else ("python=3.8",)


@pytest.mark.parametrize(
    ("words", "code", "source"),
    [
        ((*FAMILY, "pytorch-cuda=12.1", *CHANNELS), "less_of_conda_forge", "conda-forge"),
        (
            ("pytorch==1.12.1", "torchvision==0.13.1", "cudatoolkit=11.3", "-c", "pytorch"),
            *("less_of_conda_forge", "conda-forge"),
        ),
        (
            (*FAMILY, "pytorch-cuda=12.1", *CHANNELS, "--platform", "win-64"),
            *("less_of_wheels", "wheels"),
        ),
    ],
)
def test_a_python_that_is_too_old_for_all_of_it(refused, of_python_38, words, code, source):
    """Guides say Python 3.8; with it all that was offered was a CPU build."""
    hints = refused(*of_python_38, *words, **BLACKWELL)
    [command] = [line for got, line in offered.commands(hints) if got == code]
    asked = " ".join(command)
    assert "--python 3.14" in asked
    assert f"--source {source}" in asked
    assert "3.8" not in asked


def test_wheels_for_its_python_go_before_another_python(refused):
    hints = refused("--python", "3.9", *FAMILY, "pytorch-cuda=12.1", *CHANNELS, **BLACKWELL)
    assert "less_of_conda_forge" not in hints
    assert "--python 3.9" in hints["less_of_wheels"]


@pytest.mark.parametrize(
    ("words", "on"),
    [
        # A single change is enough.
        ((*FAMILY, "pytorch-cuda=12.1", *CHANNELS), cuda("11.6", "8.6")),
        # It has none for this driver either.
        ((*FAMILY, "pytorch-cuda=12.4", *CHANNELS), cuda("10.1", "3.5")),
        # The packages have to be of the channel.
        (("pytorch", "torchtext", "pytorch-cuda=12.1", *CHANNELS), BLACKWELL),
    ],
)
def test_neither_is_offered_where_it_would_not_help(refused, words, on):
    assert not {"less_of_conda_forge", "less_of_wheels"} & refused(*words, **on).keys()


CONTRADICTION = (("pytorch=2.3.1", "pytorch-cuda=12.1"), "--source", "conda-forge")


@pytest.mark.parametrize("by", ["option", "file"])
def test_the_source_may_be_left_out_where_its_channel_is_named(
    at_both, conda_in_process, monkeypatch, tmp_path, by
):
    """The channel was taken for the value of the option, and one side of the two was not offered;
    with a file that has the channel, none was."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    specs, *source = CONTRADICTION
    if by == "file":
        file = tmp_path / "environment.yml"
        file.write_text(f"channels: [pytorch, nvidia, conda-forge]\ndependencies: {[*specs]}\n")
        specs = ("-f", str(file))
    channel = () if by == "file" else ("-c", "conda-forge")
    asked = ("torch-install", "-n", "new", "--dry-run", *specs, *channel)
    done = conda_in_process(*asked, *source, "--json")
    assert done.rc == 2, str(done)
    [hint] = done.json()["guidance"]["hints"]
    assert "`--source conda-forge`" in hint["text"]
    conda_in_process(*asked).ok()
