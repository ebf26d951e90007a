"""Specs on packages that conda chooses, and on Python, of which two contradict each other."""

from __future__ import annotations

import pytest
from support.running import Result

PREVIEW = ("torch-install", "--dry-run", "--offline", "-n", "new")


def guidance(done: Result) -> tuple[str, dict[str, str]]:
    """What a refusal says, and its next steps by code."""
    assert done.rc != 0, str(done)
    hints = {hint["hint_code"]: hint["text"] for hint in done.json()["guidance"]["hints"]}
    return done.json()["message"], hints


@pytest.mark.parametrize(
    ("words", "first", "second"),
    [
        (("numpy=1.21", "numpy=1.26"), "numpy=1.21", "numpy=1.26"),
        (("pytorch=2.3", "numpy<1.26", "scipy", "numpy>=1.26"), "numpy<1.26", "numpy>=1.26"),
        (("scipy=1.10=py310_0", "scipy=1.10=py311_0"), "scipy=1.10=py310_0", "scipy=1.10=py311_0"),
        (("conda-forge::numpy=1.21", "numpy>=2"), "conda-forge::numpy=1.21", "numpy>=2"),
        (("python=3.10", "python=3.12"), "python=3.12", "python=3.10"),
        (("python=3.10.4", "python=3.10.5"), "python=3.10.5", "python=3.10.4"),
    ],
)
def test_two_specs_of_a_package_of_condas_are_named_before_it_solves(
    conda_in_process, words, first, second
):
    """They went to the solver, which failed."""
    said, hints = guidance(conda_in_process(*PREVIEW, "--cuda", "12.1", "--json", *words))
    assert f"`{first}` and `{second}` contradict each other" in said
    assert hints == {"leave_one_out": f"leave out `{first}`, or `{second}`"}
    for side in (first, second):
        kept = [word for word in words if word != side]
        conda_in_process(*PREVIEW, "--cuda", "12.1", "--json", *kept).ok()


@pytest.mark.parametrize(
    "words",
    [
        ("numpy>=1.21", "numpy<2"),
        ("numpy >= 1.21", "numpy < 2"),  # what follows the operator was read as a build
        ("numpy >=1.21, <2", "numpy 1.26"),
        ("numpy=1.26", "numpy<1.26"),  # 1.26.0rc1 is both
        ("numpy=1.26", "numpy>1.26"),
        ("numpy=1.26", "numpy=1.26.*", "numpy==1.26.4"),
        ("numpy=1.21|1.26", "numpy>1.25"),
        ("scipy=1.10=py310*", "scipy=1.10=py310h_0"),
        ("numpy!=1.26", "numpy=1.26"),
        ("numpy", "numpy=1.26"),
        ("numpy=1.*.4", "numpy=1.26"),
    ],
)
def test_specs_that_conda_may_solve_are_its_own(conda_in_process, words):
    done = conda_in_process(*PREVIEW, "--cuda", "12.1", "--json", *words).ok()
    assert set(words) <= set(done.json()["torchmirror"]["specs"])


def test_the_longer_of_two_words_on_python_is_passed_on(conda_in_process):
    """The patch was dropped."""
    for words in (("python=3.10", "python=3.10.4"), ("python=3.10.4", "--python", "3.10")):
        found = conda_in_process(*PREVIEW, "--cuda", "12.1", "--json", *words).ok().json()
        assert "python=3.10.4" in found["torchmirror"]["specs"]


def test_two_lines_of_a_file_are_named_too(conda_in_process, tmp_path):
    file = tmp_path / "environment.yml"
    file.write_text("dependencies: [python=3.10, pytorch=2.1, 'numpy=1.21', 'numpy=1.26']\n")
    said, hints = guidance(conda_in_process(*PREVIEW, "--json", "-f", file, "--cuda", "12.1"))
    assert "`numpy=1.21` and `numpy=1.26` contradict each other" in said
    assert set(hints) == {"leave_one_out"}
