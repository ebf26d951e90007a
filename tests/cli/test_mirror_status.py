"""The documents of `torch-mirror list`, `status` and `test` are what the pages say they are."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.built import ROOT

pytest_plugins = ("support.site_fixtures",)

PAGES = ("mirrors.md", "mirrors-zh.md")
#: Maps whose keys are names, which a page writes as `*`.
NAMED = ("mirrors[].channels", "mirrors[].confidence", "test[].channels", "test[].files")
#: What the pages call an answer.
ANSWER = {"code", "status", "host", "milliseconds", "modified"}


def keys(value: Any, at: str = "") -> Iterator[str]:
    """The paths of everything in a document, as the pages write them."""
    if isinstance(value, dict) and value.keys() >= ANSWER:
        yield at
        value = {key: item for key, item in value.items() if key not in ANSWER}
    if isinstance(value, dict):
        for key, item in value.items():
            name = "*" if at in NAMED else key
            yield from keys(item, f"{at}.{name}" if at else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for item in value:
            yield from keys(item, f"{at}[]")
    else:
        yield at


def documented(page: str, command: str) -> list[str]:
    """The keys in the table of a command; one that begins with a dot stands beside the first of
    its row."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    table = text.partition(f"<!-- keys: {command} -->\n\n")[2].partition("\n\n")[0]
    found = []
    for row in table.splitlines()[2:]:
        parent = ""
        for word in re.findall(r"`([^`]+)`", row.split(" | ")[0]):
            found.append(f"{parent}{word}" if word.startswith(".") else word)
            parent = parent if word.startswith(".") else word.rpartition(".")[0]
    return found


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("command", ["list", "status", "test"])
def test_the_pages_name_every_key_and_no_other(
    sites, condarc, conda_in_process, monkeypatch, command, page
):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    if command == "list":
        condarc()  # the built-in mirrors, which have everything
    job = f'[{{"name": "anaconda", "status": "success", "last_update_ts": {time.time() - 99}}}]'
    sites.first.fail("*/tunasync.json", lambda exchange: exchange.send(200, job.encode()))
    words = ("first",) if command == "test" else ()
    found = conda_in_process("torch-mirror", command, *words, "--json").ok().json()["torchmirror"]
    assert found.pop("schema") == 1
    there = {*keys(found)}
    # What is null here and a map elsewhere is named by what is in it.
    there -= {one for one in there if any(other.startswith(f"{one}.") for other in there)} - {
        one for one in there if one.endswith(".*")
    }
    assert sorted(documented(page, command)) == sorted(there)


def test_a_part_of_the_defaults_that_is_named_as_well_is_shown_once(condarc, conda_in_process):
    condarc(channels=["defaults"])
    found = conda_in_process("torch-mirror", "status", "pkgs/r", "--json").ok().json()
    names = [row["name"] for row in found["torchmirror"]["channels"]]
    assert names.count("pkgs/r") == 1
    assert names.count("pkgs/main") == 1
