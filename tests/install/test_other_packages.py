"""Packages beside the family whose records pin it: named, with the set that they go with."""

from __future__ import annotations

import shlex

import pytest
from support.channels import write_channel
from support.choosing import KNOWLEDGE, LINUX, ask, chosen
from support.lab import record
from support.prefixes import installed

from conda_torchmirror.index.sources import SOURCES
from conda_torchmirror.install import other_packages
from conda_torchmirror.install import request as requests_
from conda_torchmirror.models import Build, Choice, Machine
from conda_torchmirror.options import InstallOptions

MACHINE = Machine("linux-64", cuda="12.4", cuda_from="libcuda")


def other(name, version, *depends):
    return Build(name, version, "0", 0, "linux-64", "mine", depends=depends)


def conflict(*builds, words=("pytorch", "torchvision"), machine=MACHINE):
    """What `find` says of these builds beside the newest set of these words."""
    choice = chosen(*words, driver="12.4", builds=LINUX, python=machine.python)
    request = requests_.make((*words, builds[0].name))
    others = {builds[0].name: builds}
    return other_packages.find(choice, machine, request, LINUX, others, KNOWLEDGE)


@pytest.mark.parametrize(
    "depends",
    [(), ("numpy",), ("pytorch >=2.5",), ("pytorch 2.5.1", "python >=3.9"), ("pytorch",)],
    ids=["none", "others", "range", "exact", "open"],
)
def test_what_goes_with_the_set_is_not_blamed(depends):
    assert conflict(other("mine", "1", *depends)) is None


def test_one_build_that_fits_is_enough():
    old, new = other("mine", "1", "pytorch"), other("mine", "2", "pytorch 2.1.0")
    assert conflict(new, old) is None


def test_an_exact_release_is_named_with_what_goes_with_it():
    found = conflict(other("mine", "1", "pytorch 2.1.0"))
    assert (found.wanted, found.held) == (("pytorch 2.1.0",), ("pytorch 2.5.1",))
    assert found.specs == ("pytorch=2.1.0",)
    again = ask(*found.specs, driver="12.4", builds=LINUX)
    assert isinstance(again, Choice)
    assert again.torch.version == "2.1.0"


def test_the_newest_that_has_a_set_is_taken():
    builds = [other("mine", "2", "pytorch 9.9"), other("mine", "1", "pytorch 2.3.0")]
    found = conflict(*builds)
    assert found.wanted == ("pytorch 9.9",)
    assert found.specs == ("pytorch=2.3.0",)


def test_where_no_set_goes_with_it_no_command_is_offered():
    found = conflict(other("mine", "1", "pytorch 9.9"))
    assert found.specs == ()
    asked = requests_.make([])
    assert other_packages.command(found, asked, InstallOptions()) is None


def test_the_command_has_the_options_of_the_run():
    found = conflict(other("mine", "1", "pytorch 2.1.0"))
    words = ("--allow-cpu", "--platform", "win-64", "--source", "pytorch")
    asking = InstallOptions(specs=("pytorch", "mine"), source="pytorch", allow_cpu=True)
    options = asking._replace(channels=("own",), override_channels=True, name="new")
    options = options._replace(subdir="win-64", mirrors=("nju",), passed=(("--no-deps",),))
    asked = requests_.of(options, "pytorch")
    command = other_packages.command(found, asked, options)
    said = ["conda", "torch-install", "-n", "new", "pytorch=2.1.0", "mine", *words]
    said += ["-c", "own", "--override-channels", "--mirror", "nju", "--no-deps"]
    assert shlex.split(command) == said


def test_a_python_that_is_free_changes_too():
    found = conflict(other("mine", "1", "pytorch 2.1.0", "python >=3.9,<3.10.0a0"))
    assert (found.specs, found.python) == (("pytorch=2.1.0",), "3.9")


def test_a_python_that_is_given_stays():
    machine = MACHINE._replace(python="3.11", python_from="--python")
    found = conflict(other("mine", "1", "pytorch 2.1.0", "python 3.9.*"), machine=machine)
    assert found.specs == ()


@pytest.fixture
def mine(mirrored, make_mirror, tmp_path):
    """A channel with a package that pins pytorch as pytorch3d does; its URL."""
    records = {
        "mine-1-0.tar.bz2": record("mine", "1", depends=["pytorch 2.1.0", "python 3.11.*"]),
    }
    write_channel(tmp_path / "more" / "mine", "linux-64", records)
    write_channel(tmp_path / "more" / "mine", "noarch", {})
    url = make_mirror(tmp_path / "more", {"mine": ""}).channel_url("mine")
    mirrored(channels=["conda-forge"])
    return url


WORDS = ("-n", "new", "--cuda", "12.4", "--python", "3.11")


@pytest.mark.parametrize("by", ["-c", "file"])
def test_what_a_named_channel_says_narrows_the_choice(
    mine, conda_in_process, sandbox, tmp_path, by
):
    """What plain conda would solve is solved, and no conflict has to be read for it."""
    words = {"-c": ("-c", mine, "mine")}
    if by == "file":
        file = tmp_path / "environment.yml"
        channels = f"channels: [{mine}, pytorch, conda-forge]"
        file.write_text(f"{channels}\ndependencies: [mine, pytorch]\n")
        words["file"] = ("-f", file)
    asked = ("torch-install", *WORDS, *words[by], *(["pytorch"] if by != "file" else []))
    preview = conda_in_process(*asked, "-d", "--json").ok().json()["torchmirror"]
    (told,) = [w["text"] for w in preview["warnings"] if w["code"] == "beside_unread"]
    assert f"an installation reads `{mine}` too" in told
    done = conda_in_process(*asked, "-y", "-q").ok()
    said = " ".join(done.stdout.split())
    assert "goes with PyTorch 2.1.0" in said
    assert "and not with 2.5.1" in said
    there = installed(sandbox.envs / "new")
    assert (there["mine"][:1], there["pytorch"][:5]) == ("1", "2.1.0")


def test_no_index_is_parsed_to_say_what_a_package_wants(
    mine, mirrored, conda_in_process, monkeypatch
):
    """That of conda-forge has a million records, and conda has it in its cache already."""
    from conda_torchmirror.index import repodata

    mirrored(channels=["conda-forge", mine])
    whole = repodata.read
    looked = []
    monkeypatch.setattr(repodata, "read", lambda *at: looked.append(at[0].channel) or whole(*at))
    result = conda_in_process("torch-install", "-y", *WORDS, "pytorch", "mine")
    assert "PartnerConflict" in result.stderr
    assert set(looked) <= {"pytorch", "nvidia"}


@pytest.mark.parametrize(
    ("words", "channels", "read"),
    [
        (["pyg::pyg"], [], ("pyg",)),
        (["dgl[channel=dglteam/label/th24_cu118]"], [], ("dglteam/label/th24_cu118",)),
        (["pyg"], ["pyg", "conda-forge", "nvidia", "pytorch"], ("pyg",)),
        (["conda-forge::tqdm", "tqdm"], ["defaults"], ()),
    ],
)
def test_channels_that_are_read_before_a_solve(words, channels, read):
    assert other_packages.near(SOURCES[0], words, channels) == read


def test_the_command_that_is_offered_works(mine, mirrored, conda_in_process, sandbox):
    mirrored(channels=["conda-forge", mine])
    result = conda_in_process("torch-install", "-y", *WORDS, "pytorch", "mine")
    assert result.rc == 1
    said = " ".join(result.stderr.split())
    assert "PartnerConflict: `mine` does not go with this set" in said
    assert "wants `pytorch 2.1.0`" in said
    command = "conda torch-install -n new --python 3.11 pytorch=2.1.0 mine --cuda 12.4 --no-check"
    assert f"`{command}`" in said
    assert not (sandbox.envs / "new").exists()
    conda_in_process(*command.split()[1:], "-y", "-q").ok()
    assert installed(sandbox.envs / "new")["mine"].startswith("1")


def test_the_parts_of_defaults_are_read_too(mine, mirrored, conda_in_process):
    """Conda 24.7 has no public list of them: every solve that failed there ended in a traceback,
    as `defaults` is its only channel where none is configured."""
    mirrored(channels=["defaults", mine])
    result = conda_in_process("torch-install", "-y", *WORDS, "pytorch", "mine")
    assert "PartnerConflict: `mine` does not go with this set" in result.stderr
