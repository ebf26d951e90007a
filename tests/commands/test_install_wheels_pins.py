"""The Python of a new environment for wheels is conda's to install, so that pins on it bind."""

from __future__ import annotations

import pytest
from support.torches import record

PREVIEW = ("torch-install", "-d", "--offline", "--json", "--cuda", "12.4", "--source", "wheels")


@pytest.fixture
def preview(condarc, conda_in_process):
    """`preview(pin, *words)`: a preview under a pin of the settings."""

    def run(pin, *words):
        condarc(channels=["defaults"], pinned_packages=[pin])
        return conda_in_process(*PREVIEW, *words)

    return run


@pytest.mark.parametrize(
    ("pin", "python"),
    [
        ("python=3.10", "3.10"),
        ("python=3.8", "3.8"),
        ("python<3.12", "3.11"),
        ("python>=3.9,<3.11", "3.10"),
        ("python 3.11.*", "3.11"),
        ("conda-forge::python=3.11", "3.11"),
        ("python[version='3.9|3.10']", "3.10"),
        ("pytorch=2.3", "3.14"),
        ("pip<20", "3.14"),
    ],
)
def test_a_pin_decides_the_python_of_a_new_environment(preview, pin, python):
    found = preview(pin, "-n", "new").ok().json()["torchmirror"]
    assert found["selected"]["python"] == python
    assert found["steps"][0]["command"].split()[:5] == [
        *("conda", "create", "-n", "new", f"python={python}")
    ]


def test_a_pin_decides_the_python_for_an_accelerator_that_is_named(preview):
    found = preview("python=3.10", "-n", "new", "--cuda", "rocm6.4").ok().json()["torchmirror"]
    assert found["selected"]["python"] == "3.10"


@pytest.mark.parametrize("pin", ["python=3.9", "conda-forge::python<3.12"])
def test_a_pin_against_the_python_that_is_named_is_the_cause(preview, pin):
    done = preview(pin, "-n", "new", "--python", "3.12")
    assert done.rc == 1
    guidance = done.json()["guidance"]
    assert f"the pin {pin} (pinned_packages) keeps builds for Python 3.12 out" in guidance["cause"]
    assert {"change_pins", "use_python"} <= {hint["hint_code"] for hint in guidance["hints"]}


def test_a_pin_binds_the_wheels_that_a_refusal_offers(condarc, conda_in_process):
    words = ("torch-install", "-d", "--offline", "--json", "--cuda", "12.4", "-n", "new")
    words = (*words, "--source", "pytorch", "pytorch=2.7")
    for pin, offered in (("python=3.12", True), ("python=3.8", False)):
        condarc(channels=["defaults"], pinned_packages=[pin])
        hints = conda_in_process(*words).json()["guidance"]["hints"]
        assert ("use_wheel_set" in {hint["hint_code"] for hint in hints}) is offered


@pytest.mark.parametrize(("pin", "offered"), [("python=3.9", False), ("python=3.12", True)])
def test_a_pin_binds_the_new_environment_that_an_existing_one_is_refused_for(
    condarc, conda_in_process, there, pin, offered
):
    words = ("torch-install", "-d", "--offline", "--json", "--cuda", "12.4", "-p", there)
    condarc(channels=["defaults"], pinned_packages=[pin])
    done = conda_in_process(*words, "--source", "pytorch", "pytorch=2.7")
    hints = {hint["hint_code"] for hint in done.json()["guidance"]["hints"]}
    assert ("use_wheel_set" in hints) is offered


@pytest.fixture
def there(tmp_path):
    """An environment with Python 3.12."""
    prefix = tmp_path / "there"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta" / "history").touch()
    record(prefix, "python", "3.12.4", "h0_0", channel="conda-forge")
    return prefix


def test_the_python_that_is_there_stays_whatever_the_pins(preview, there):
    found = preview("python=3.9", "-p", there).ok().json()["torchmirror"]
    assert found["selected"]["python"] == "3.12"
