"""Releases newer than the table: their partners say themselves which torch they go with."""

from __future__ import annotations

import pytest
from support.wheels import asked, chosen, link, versions

from conda_torchmirror.models import Machine
from conda_torchmirror.selection.wheels.choose import WheelSet, choose, to_ask
from conda_torchmirror.selection.wheels.tables import tables

#: A mirror some releases from now: torch 2.99.0 with its partners, and the last that is known.
PAGE = [
    link(f"{name}-{version}+cu130-cp312-cp312-manylinux_2_28_x86_64.whl", "cu130", metadata=True)
    for name, version in (
        *(("torch", "2.99.0"), ("torchvision", "0.99.0"), ("torchvision", "0.98.1")),
        *(("torch", "2.14.1"), ("torchvision", "0.29.1"), ("torchaudio", "2.11.0")),
    )
]
ON = Machine("linux-64", cuda="13.0", python="3.12")


def test_unknown_releases_are_not_chosen_for_a_default_request():
    assert versions(chosen(driver="13.0", python="3.12", of=PAGE))["torch"] == "2.14.1+cu130"


def test_only_partners_of_releases_that_are_newer_than_the_table_are_asked():
    found = [one.filename.partition("+")[0] for one in to_ask(asked(), ON, PAGE)]
    assert found == ["torchvision-0.98.1", "torchvision-0.99.0"]
    assert to_ask(asked("torch"), ON, PAGE) == ()
    assert to_ask(asked(), ON, PAGE[3:]) == ()
    silent = [one._replace(metadata=False) for one in PAGE]
    assert to_ask(asked(), ON, silent) == ()


@pytest.mark.parametrize("specifier", ["==2.99.0", "(==2.99.0)", "=== 2.99.0", "==2.99.0+cu130"])
def test_what_a_partner_says_of_itself_counts(specifier: str):
    known = tables().extended({("torchvision", "0.99.0"): specifier})
    found = choose(asked(), ON, PAGE, known)
    assert isinstance(found, WheelSet)
    assert versions(found) == {
        "torch": "2.99.0+cu130",
        "torchvision": "0.99.0+cu130",
        "torchaudio": "2.11.0+cu130",
    }
    assert known.partner("torchvision", "2.14.1") == "0.29.1"
    assert tables().partner("torchvision", "2.99.0") is None


@pytest.mark.parametrize("specifier", ["", ">=2.14.0", "==2.*", "~=2.99.0", "==2.98.0", "whatever"])
def test_a_range_is_no_pairing(specifier: str):
    known = tables().extended({("torchvision", "0.99.0"): specifier})
    found = choose(asked(), ON, PAGE, known)
    assert isinstance(found, WheelSet)
    assert versions(found)["torch"] == "2.14.1+cu130"


def test_the_table_is_not_overruled():
    """What an official source states stays, whatever a file on a mirror says."""
    known = tables().extended({("torchvision", "0.99.0"): "==2.14.1", ("x", "1"): "==2.15.0"})
    assert known.partner("torchvision", "2.14.1") == "0.29.1"
    assert known.partner("x", "2.15.0") is None
