"""The registry of a user's own: a file or a text, joined to the built-in mirrors, or refused."""

from __future__ import annotations

import json
import os

import pytest

from conda_torchmirror.mirrors.registry import built_in
from conda_torchmirror.mirrors.urls import InsecureMirror, MirrorError
from conda_torchmirror.redirect import settings
from conda_torchmirror.redirect.settings import Settings

LAB = {"lab": {"roots": ["https://lab.example/anaconda"], "channels": {"pytorch": None}}}
YAML = """\
# ours
lab:
  title: The lab
  as_of: 2026-11-01
  roots: https://lab.example/anaconda
  channels:
    pytorch:
    nvidia: {labels: true, subdirs: linux-64 noarch}
    mine: {url: https://other.example/mine}
"""


@pytest.mark.parametrize("form", ["text", "file", "json", "wrapped"])
def test_a_mirror_of_ones_own(tmp_path, form):
    file = tmp_path / "mirrors.yml"
    text = json.dumps({"mirrors": LAB}) if form in ("json", "wrapped") else YAML
    file.write_text(text, encoding="utf-8-sig" if form == "wrapped" else "utf-8")
    chosen = Settings(registry=text if form == "text" else str(file))
    found = settings.registry(chosen)
    assert next(iter(found)) == "lab"
    assert set(found) == {"lab", *built_in()}
    lab = found["lab"]
    assert lab.url_of("pytorch", "linux-64") == "https://lab.example/anaconda/cloud/pytorch"
    assert "conda" in lab.chosen
    assert lab.as_of == ("2026-11-01" if form in ("text", "file") else None)
    if form in ("text", "file"):
        label = "https://lab.example/anaconda/cloud/nvidia/label/x"
        assert lab.url_of("nvidia/label/x", "linux-64") == label
        assert lab.url_of("nvidia", "win-64") is None
        assert lab.url_of("mine", "osx-64") == "https://other.example/mine"


def test_a_builtin_mirror_can_be_replaced():
    own = {"tuna": {"roots": ["https://lab.example/tuna"], "channels": {"pytorch": {}}}}
    found = settings.registry(Settings(registry=json.dumps(own)))
    assert found["tuna"].url_of("pytorch", "linux-64") == "https://lab.example/tuna/cloud/pytorch"
    assert list(found).count("tuna") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n- b\n", "by name"),
        ("{lab: 3}", "not a map"),
        ("{lab: {channels: {pytorch: {}}}}", "no url"),
        ("{lab: [}", "neither YAML nor JSON"),
        ("{lab: {channels: 3}}", "channels must be a map"),
        ("{lab: {as_of: [2026]}}", "as_of must be a text"),
        ("lab:\n  " + "[" * 5000, "nested too deeply"),
        ("{lab: " * 3000, "nested too deeply"),
        ("lab: " + "x" * 1_000_001 + "\n#", "too large"),
        ("x" * 5000, "cannot be read: its name is too long"),
        ("a: 2026-99-99\nb: c", "neither YAML nor JSON"),
        ("/not/there", "cannot be read"),
    ],
)
def test_what_is_wrong_with_it_is_said(text, said):
    with pytest.raises(MirrorError, match=said) as caught:
        settings.registry(Settings(registry=text))
    assert len(str(caught.value)) < 500


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MirrorError, match="cannot be read: it is not a regular file"):
        settings.registry(Settings(registry=str(tmp_path / "pipe")))


def test_plain_http_has_to_be_allowed():
    own = {"lab": {"roots": ["http://lab.example/anaconda"], "channels": {"pytorch": {}}}}
    with pytest.raises(InsecureMirror):
        settings.registry(Settings(registry=json.dumps(own)))
    assert "lab" in settings.registry(Settings(registry=json.dumps(own), http=True))
    own["lab"]["roots"] = ["http://127.0.0.1:8000/anaconda"]
    assert "lab" in settings.registry(Settings(registry=json.dumps(own)))
