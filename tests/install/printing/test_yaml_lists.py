"""Comments stay where lines of a list go."""

from __future__ import annotations

import io

import pytest
from ruamel.yaml import YAML

from conda_torchmirror.install.printing import yaml_lists

FILE = """\
# top
name: x
dependencies:
  # of all
  - torch  # the first
  # about python
  - python=3.11  # py
  # about torchvision
  - torchvision
  # two lines
  # about numpy
  - numpy
  - torchaudio  # the last
  # end
"""


@pytest.mark.parametrize(
    "gone",
    [
        (),
        ("torch",),
        ("torchvision",),
        ("torchaudio",),
        ("torch", "torchvision"),
        ("torchvision", "numpy", "torchaudio"),
        ("torch", "python=3.11", "torchvision", "torchaudio"),
    ],
)
def test_no_comment_on_a_line_of_its_own_is_lost(gone):
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(FILE)
    entries = document["dependencies"]
    over = yaml_lists.keep(entries, lambda entry: entry not in gone)
    yaml_lists.add_above(document, "dependencies", over)
    out = io.StringIO()
    yaml.dump(document, out)
    left = [
        line for line in FILE.splitlines() if line.split("#")[0].strip(" -") not in gone or not gone
    ]
    assert out.getvalue().splitlines() == left
