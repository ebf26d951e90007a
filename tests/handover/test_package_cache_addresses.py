"""The address of a file, from which conda and pip make its path again."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from conda.common.path import url_to_path
from hypothesis import given
from hypothesis import strategies as st

from conda_torchmirror.handover.package_cache import url_of

NAMES = [
    "a b",
    "方案",
    "C#",
    "50% off",
    "a%20b",
    "x+y",
    "what?",
    "a&b;c=d@e:f",
    "it's",
    "[x]",
    "~t",
]
if os.name != "nt":
    NAMES += ["a\\b", "tab\tname", "line\nname"]


@pytest.mark.parametrize("name", NAMES)
def test_the_path_comes_back(tmp_path, name):
    path = str(tmp_path / name / "torch-2.7.1+cu126.whl")
    url = url_of(path)
    assert url.startswith("file:///")
    assert url_to_path(url) == path
    assert url2pathname(urlsplit(url).path) == path


@given(st.text(st.characters(codec="ascii", exclude_characters="/\0"), min_size=1))
def test_whatever_is_in_a_name(name):
    path = os.path.abspath(f"/x/{name}/y")
    assert url2pathname(urlsplit(url_of(path)).path) == path


def test_a_relative_path_is_that_of_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert url_of("C#") == f"{Path.cwd().as_uri()}/C%23"
