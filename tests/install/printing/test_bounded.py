"""The bounds on conda's packages in a file that is completed with wheels, by the built-in list."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

COMPLETE = ("torch-install", "--source", "wheels", "--offline", "--print", "environment.yml")


@pytest.fixture
def complete(conda_in_process, tmp_path):
    """`complete(torch, *specs, pip=())`: the conda lines, the pip lines, and what is said."""

    def run(torch, *specs, pip=()):
        file = tmp_path / "environment.yml"
        listed = ", ".join(f"'{spec}'" for spec in ("python=3.11", *specs))
        asked = ", ".join((f"'torch=={torch}'", *pip))
        file.write_text(f"dependencies: [{listed}, pip: [{asked}]]\n")
        done = conda_in_process(*COMPLETE, "-f", file, "--cuda", "12.1").ok()
        *lines, section = YAML(typ="safe").load(done.stdout)["dependencies"]
        return lines, section["pip"], done.words

    return run


@pytest.mark.parametrize(
    ("spec", "bound"),
    [
        ("numpy", True),
        ("numpy>=1.20", True),
        ("conda-forge::numpy<3", True),
        ("pandas", True),  # which brings it
        ("numpy=1.26", False),
        ("numpy<2", False),
        ("pip", False),
    ],
)
def test_conda_does_not_take_numpy_2_for_an_old_torch(complete, spec, bound):
    """No line said so: only pip's own requirements were bounded, and conda took the newest."""
    lines, section, said = complete("2.1.0", spec)
    assert (lines[1] == spec, "numpy<2" in {*lines} - {spec}) == (True, bound)
    assert "numpy<2" not in section
    assert ("conda is to install numpy<2 with this file" in said) is bound


def test_a_newer_torch_takes_any(complete):
    lines, _, said = complete("2.3.1", "numpy")
    assert "numpy<2" not in lines
    assert "numpy<2" not in said


def test_what_the_file_says_itself_stays(complete):
    """Pip is not asked for another numpy than conda's either, which it would take away."""
    lines, section, said = complete("2.1.0", "numpy=2.1", pip=["tqdm"])
    assert "numpy=2.1" in lines
    assert "numpy<2" not in (*lines, *section)
    assert "asks for `numpy=2.1`, though PyTorch needs numpy<2" in said
    assert "asked of pip beside the set" not in said
