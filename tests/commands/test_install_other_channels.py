"""The channels of `torch-install` beside its own: `defaults`, conda-forge, the user's."""

from __future__ import annotations

import json
from argparse import Namespace
from contextlib import contextmanager

import pytest
from support.channels import write_channel
from support.isolation import reset_conda
from support.lab import entry, record
from support.prefixes import records
from support.sites import ASK, write_channels

from conda_torchmirror.options import InstallOptions
from conda_torchmirror.transport.routes import others

pytest_plugins = ("support.lab_fixtures",)

CHANNELS = ("pytorch", "nvidia", "conda-forge", "bioconda", "pkgs/main", "pkgs/r")


@contextmanager
def command(**arguments):
    """Conda's context as of a command with these words."""
    reset_conda()
    from conda.base.context import context, reset_context

    reset_context(argparse_args=Namespace(**arguments))
    assert context.raw_data
    yield InstallOptions(
        mirrors=tuple(arguments.get("mirror", ())), channels=tuple(arguments["channel"] or ())
    )
    reset_conda()


@pytest.mark.parametrize(
    ("configured", "asked", "found", "read"),
    [
        ({}, {}, {"bioconda", "pkgs/main", "pkgs/r"}, {"bioconda", "pkgs/main", "pkgs/r"}),
        ({}, {"channel": ["bioconda"], "override_channels": True}, {"bioconda"}, {"bioconda"}),
        (
            {"custom_channels": {"bioconda": "https://conda.company.example/mirrors"}},
            {},
            {"pkgs/main", "pkgs/r"},
            {"pkgs/main", "pkgs/r"},
        ),
        ({"default_channels": ["https://conda.company.example/main"]}, {}, {"bioconda"}, None),
        ({"channel_alias": "https://conda.company.example"}, {}, {"pkgs/main", "pkgs/r"}, None),
        ({"plugins": {"torchmirror_auto": False}}, {}, set(), None),
        ({}, {"mirror": ["upstream"]}, set(), None),
    ],
    ids=["all", "words", "own", "own-defaults", "own-alias", "off", "upstream"],
)
def test_which_other_channels_come_from_a_mirror(at_lab, lab, configured, asked, found, read):
    at_lab(**{"channels": ["defaults", "bioconda", "pytorch"], **configured})
    with command(**{"channel": None, "override_channels": False, **asked}) as words:
        taken = others(words, "linux-64", ("pytorch", "nvidia", "conda-forge"))
    assert set(taken.chains) == found
    assert taken.read == (found if read is None else read)
    for name, chain in taken.chains.items():
        assert (chain[0].mirror, chain[0].url) == ("lab", lab.channel_url(name))
        assert chain[-1].mirror == "upstream"


def test_turned_off_they_come_along_where_a_mirror_is_named(at_lab):
    at_lab(channels=["bioconda"], plugins={"torchmirror_auto": False})
    with command(channel=None, override_channels=False, mirror=["lab"]) as words:
        assert set(others(words, "linux-64", ("pytorch",)).chains) == {"bioconda"}


# A transaction


@pytest.fixture
def labs(tmp_path, make_mirror, condarc, from_pytorch):
    """Two mirrors that carry everything, with a package of bioconda and one of pkgs/main."""
    root = write_channels(tmp_path / "channels")
    for name in ("bioconda", "pkgs/main", "pkgs/r"):
        package = f"from-{name.replace('/', '-')}"
        write_channel(root / name, "noarch", {f"{package}-1.0-0.tar.bz2": record(package)})
        write_channel(root / name, "linux-64", {})
    under = {
        name: "anaconda" if name.startswith("pkgs/") else "anaconda/cloud" for name in CHANNELS
    }
    found = {name: make_mirror(root, under) for name in ("near", "far")}
    entries = {name: json.loads(entry(mirror))["lab"] for name, mirror in found.items()}
    condarc(
        channels=["conda-forge", "defaults"],
        plugins={
            "torchmirror_registry": json.dumps(entries),
            "torchmirror_mirrors": list(found),
        },
    )
    return found


MORE = ("from-bioconda", "from-pkgs-main", "-c", "bioconda")


def test_every_channel_of_a_run_comes_from_the_mirror(labs, run_conda, tmp_path):
    done = run_conda(*ASK, *MORE, "-p", tmp_path / "env").ok()
    there = records(tmp_path / "env")
    assert {"pytorch", "from-bioconda", "from-pkgs-main"} <= set(there)
    # Under their own names, and from nowhere else: the guard fails a test that asks other hosts.
    assert there["from-bioconda"]["channel"].endswith("/bioconda/noarch")
    assert not labs["far"].requests
    said = " ".join(done.stdout.split())
    assert "also read: `bioconda`, `conda-forge`, `pkgs/main`, `pkgs/r` from near" in said


def test_a_broken_index_among_them_is_taken_from_the_next(labs, run_conda, tmp_path):
    labs["near"].fail("*/bioconda/*", "html")
    done = run_conda(*ASK, *MORE, "-p", tmp_path / "env").ok()
    assert {"from-bioconda", "from-pkgs-main"} <= set(records(tmp_path / "env"))
    assert {path.split("/")[3] for path in labs["far"].asked()} == {"bioconda"}
    said = " ".join(done.stdout.split())
    assert "`bioconda` from far; `conda-forge`, `pkgs/main`, `pkgs/r` from near" in said


def test_a_preview_reads_none_of_them(labs, run_conda):
    done = run_conda(*ASK, *MORE, "--dry-run").ok()
    assert not labs["near"].asked("*/bioconda/*")
    assert "also read" not in done.stdout
