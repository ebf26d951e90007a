"""The set that packages beside the family go with, by their records."""

from __future__ import annotations

import pytest
from support.choosing import KNOWLEDGE, chosen, known

from conda_torchmirror.install import beside
from conda_torchmirror.install import request as requests_
from conda_torchmirror.models import Build, Choice, Machine
from conda_torchmirror.selection.choose import choose

BUILDS = known("linux-64")
MACHINE = Machine("linux-64", cuda="12.4", cuda_from="libcuda")


def build(name: str, version: str, *depends: str) -> Build:
    return Build(name, version, "0", 0, "linux-64", "mine", depends=depends)


def narrowed(*builds: Build, words=("pytorch", "torchvision"), machine=MACHINE):
    """The choice beside packages with these builds, and the codes of what is said."""
    names = dict.fromkeys(b.name for b in builds)
    others = {name: [b for b in builds if b.name == name] for name in names}
    request = requests_.make((*words, *names))
    found = beside.narrow(machine, request, BUILDS, others, KNOWLEDGE)
    choice = choose(machine, found.request, BUILDS, KNOWLEDGE)
    assert isinstance(choice, Choice)
    return choice, [notice.code for notice in found.notices]


@pytest.mark.parametrize(
    "depends",
    [
        ("numpy",),
        ("python 3.9.*",),  # says nothing of torch, so other channels may have another
        ("pytorch",),
        ("pytorch >=2.0",),
        ("pytorch 2.5.1", "python >=3.9"),
    ],
)
def test_what_goes_with_the_best_set_changes_nothing(depends):
    choice, codes = narrowed(build("mine", "1", *depends))
    assert (choice.torch.version, codes) == ("2.5.1", [])


@pytest.mark.parametrize(
    ("depends", "torch", "cuda", "python", "code"),
    [
        (["pytorch 2.4.1", "python >=3.10,<3.11.0a0"], "2.4.1", "12.4", "3.10", "narrowed_by"),
        (["pytorch 2.4.1 py3.10_cuda12.1*"], "2.4.1", "12.1", "3.10", "narrowed_by"),
        (["pytorch >=2.3,<2.4.0a0", "pytorch-cuda 11.8.*"], "2.3.1", "11.8", "3.12", "narrowed_by"),
        (["pytorch 2.5.*", "pytorch-cuda 12.1.*"], "2.5.1", "12.1", "3.12", "narrowed_build_by"),
        (["pytorch 2.5.*", "python 3.11.*"], "2.5.1", "12.4", "3.11", "narrowed_build_by"),
        (["torchvision 0.17.*"], "2.2.2", "12.1", "3.12", "narrowed_by"),
        (["torchvision 0.17.0", "pytorch"], "2.2.0", "12.1", "3.12", "narrowed_by"),
    ],
)
def test_the_best_set_that_it_goes_with(depends, torch, cuda, python, code):
    choice, codes = narrowed(build("mine", "1", *depends))
    assert (choice.torch.version, choice.cuda, choice.python) == (torch, cuda, python)
    assert codes == [code]


def test_several_packages_go_with_one_set():
    """The newest build of one alone would leave no set for the other."""
    one = [build("one", "2", "pytorch 2.4.*"), build("one", "1", "pytorch 2.3.*")]
    two = [build("two", "2", "pytorch 2.3.*"), build("two", "1", "pytorch 2.2.*")]
    choice, codes = narrowed(*one, *two)
    assert (choice.torch.version, codes) == ("2.3.1", ["narrowed_by"])


def test_what_the_words_say_stays():
    choice, codes = narrowed(build("mine", "1", "pytorch 2.4.*"), words=("pytorch=2.3",))
    assert (choice.torch.version, codes) == ("2.3.1", ["other_unmet"])


def test_the_driver_and_the_environment_stay():
    old = MACHINE._replace(cuda="11.8", python="3.10", python_from="prefix")
    wants = ("pytorch 2.3.*", "pytorch-cuda 12.1.*")
    choice, codes = narrowed(build("mine", "1", *wants), machine=old)
    assert (choice.torch.version, codes) == ("2.5.1", ["other_unmet"])
    choice, codes = narrowed(build("mine", "1", "pytorch 2.3.*"), machine=old)
    assert (choice.torch.version, choice.cuda, choice.python) == ("2.3.1", "11.8", "3.10")


def test_a_cuda_within_the_driver_comes_first():
    on = MACHINE._replace(cuda="12.1")
    choice, _ = narrowed(build("mine", "1", "pytorch 2.4.*"), machine=on)
    assert choice.cuda == chosen("pytorch=2.4", driver="12.1", builds=BUILDS).cuda == "12.1"
