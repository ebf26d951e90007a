"""Lines of a pip section, in every form that pip reads."""

from __future__ import annotations

import pytest

from conda_torchmirror.install.files import pip_lines

WHEEL = "torch-2.7.1%2Bcu126-cp311-cp311-manylinux_2_28_x86_64.whl"
URL = f"https://download.pytorch.org/whl/cu126/{WHEEL}"


@pytest.mark.parametrize(
    ("line", "project", "word"),
    [
        ("torch", "torch", "torch"),
        ("torch == 2.7.1", "torch", "torch == 2.7.1"),
        ("Torch>=2.0,<2.8", "torch", "Torch>=2.0,<2.8"),
        ('torch==2.7.1 ; sys_platform == "linux"', "torch", "torch==2.7.1"),
        (f"torch==2.7.1 --hash=sha256:{'a' * 64}", "torch", "torch==2.7.1"),
        ("torch==2.7.1  # the last", "torch", "torch==2.7.1"),
        (f"torch @ {URL}", "torch", "torch==2.7.1+cu126"),
        (f"torch@{URL}#sha256={'a' * 64}", "torch", "torch==2.7.1+cu126"),
        (f'torch @ {URL} ; python_version > "3"', "torch", "torch==2.7.1+cu126"),
        ("torch @ git+https://github.com/pytorch/pytorch", "torch", "torch"),
        (URL, "torch", "torch==2.7.1+cu126"),
        (f"{URL}#sha256={'a' * 64}", "torch", "torch==2.7.1+cu126"),
        (f"file:///srv/{WHEEL}", "torch", "torch==2.7.1+cu126"),
        (f"./wheels/{WHEEL.replace('%2B', '+')}", "torch", "torch==2.7.1+cu126"),
        (f"C:\\wheels\\{WHEEL.replace('%2B', '+')}", "torch", "torch==2.7.1+cu126"),
        ("https://a.example/torch_scatter-2.1.2-py3-none-any.whl", "torch-scatter", None),
        ("pytorch-lightning==2.0", "pytorch-lightning", None),
        ("-r requirements.txt", None, None),
        ("-e .", None, None),
        ("--index-url https://a.example/torch.whl", None, None),
        ("git+https://github.com/pytorch/vision.git@v0.22.1", None, None),
        ("https://a.example/torch.whl", None, None),
    ],
)
def test_what_a_line_installs(line, project, word):
    assert pip_lines.project(line) == project
    assert pip_lines.of_torch([line]) == ([line] if word else [])
    if word:
        assert pip_lines.word(line) == word


@pytest.mark.parametrize(
    ("lines", "python", "found"),
    [
        (["torch>=2.0", "torch<2.8"], "3.11", ["torch>=2.0", "torch<2.8"]),
        (
            ['torch==2.7.1+cu126; sys_platform == "linux"', 'torch; sys_platform == "darwin"'],
            "3.11",
            ["torch==2.7.1+cu126"],
        ),
        (
            ['torch==2.0.0; python_version<"3.9"', 'torch==2.7.1; python_version>="3.9"'],
            "3.11",
            ["torch==2.7.1"],
        ),
        (['torch==2.7.1; sys_platform == "darwin"'], "3.11", ["torch==2.7.1"]),
        (['torch==2.7.1; sys_platform == "darwin"', "torch"], None, ["torch==2.7.1", "torch"]),
        (["torch", "torch"], "3.11", ["torch"]),
    ],
)
def test_lines_for_other_systems_and_pythons_ask_for_nothing_here(lines, python, found):
    assert pip_lines.words(lines, "linux-64", python) == found
