"""What CONTRIBUTING.md shows is what is there, and the files for others' tools hold together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from support.built import ROOT
from support.markdown import blocks, marked

from conda_torchmirror.mirrors.schema import check_entry
from conda_torchmirror.selection.facts import cuda

CONTRIBUTING, README = ROOT / "CONTRIBUTING.md", ROOT / "README.md"
WORKFLOW = ROOT / ".github" / "workflows" / "tests.yml"
DATA = ROOT / "conda_torchmirror" / "data"


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def shown(mark: str) -> Any:
    """The example for a place of the data, and what stands there."""
    file, *keys = mark.removeprefix("entry: ").split()
    there = json.loads((DATA / file).read_text("utf-8"))
    for key in keys:
        there = there[key]
    text = marked(CONTRIBUTING, mark)
    return json.loads(text if text.startswith("{") else f"{{{text}}}"), there


def test_the_mirror_is_an_entry_that_passes_the_schema() -> None:
    example, there = shown("entry: mirrors.json mirrors")
    [(name, entry)] = example.items()
    assert check_entry(name, entry) == check_entry(name, there[name])


def test_the_driver_is_an_entry_that_the_tables_read() -> None:
    example, there = shown("entry: cuda.json drivers versions")
    [(version, row)] = example.items()
    assert there[version] == row
    assert cuda.tables().driver_floor(version, "linux") == row["linux"]
    assert cuda.tables().toolkit_driver(version, "windows") == row["toolkit_windows"]


def test_the_gpu_is_an_entry_that_the_tables_read() -> None:
    row, there = shown("entry: conda_forge.json code builds")
    assert row in there
    (release, *_), (subdir, *_), (number, _) = row["torch"], row["subdirs"], row["numbers"]
    found = cuda.conda_forge_tables().architectures(release, row["cuda"], subdir, build=number)
    assert found == tuple(row["carried"])


def test_the_translation_is_an_entry_of_the_catalog() -> None:
    locale = ROOT / "conda_torchmirror" / "locale" / "zh_CN" / "LC_MESSAGES"
    catalog = (locale / "conda_torchmirror.po").read_text("utf-8")
    assert f"\n\n{marked(CONTRIBUTING, 'entry: zh_CN')}\n\n" in catalog


def test_every_example_of_the_data_is_one_of_these() -> None:
    examples = [b.mark for b in blocks(CONTRIBUTING) if b.language == "json"]
    assert sorted(mark.split()[1] for mark in examples) == [
        *("conda_forge.json", "cuda.json", "mirrors.json"),
    ]


def test_the_test_command_is_one() -> None:
    command = marked(README, "ci: test")
    assert marked(CONTRIBUTING, "ci: test") == command
    steps = [step for job in read(WORKFLOW)["jobs"].values() for step in job["steps"]]
    commands = [step["run"].strip() for step in steps if "run" in step]
    assert sorted(commands) == sorted([command, ".ci/run"])


def test_the_workflow_runs_on_the_three_systems_on_miniforge() -> None:
    job = read(WORKFLOW)["jobs"]["miniforge"]
    assert [name.split("-")[0] for name in job["strategy"]["matrix"]["os"]] == [
        *("ubuntu", "macos", "windows"),
    ]
    [setup] = [s["with"] for s in job["steps"] if "setup-miniconda" in s.get("uses", "")]
    assert setup["miniforge-version"]


def test_pre_commit_runs_the_linter_that_ci_runs() -> None:
    [ruff, own] = read(ROOT / ".pre-commit-config.yaml")["repos"]
    version = ruff["rev"].removeprefix("v")
    assert f'"ruff=={version}"' in (ROOT / "pyproject.toml").read_text("utf-8")
    offered = {hook["id"]: hook for hook in read(ROOT / ".pre-commit-hooks.yaml")}
    [hook] = own["hooks"]
    assert {key: offered[hook["id"]][key] for key in hook} == hook


@pytest.mark.parametrize(
    "form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda p: p.stem
)
def test_a_form_has_what_github_asks_for(form: Path) -> None:
    there = read(form)
    if form.stem == "config":
        assert isinstance(there["blank_issues_enabled"], bool)
        return
    assert there["name"]
    assert there["description"]
    fields = [field["id"] for field in there["body"]]
    assert len(set(fields)) == len(fields)
    for field in there["body"]:
        assert field["type"] in ("input", "textarea")
        assert field["attributes"]["label"]


def test_the_changelog_has_the_version_to_come() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines()
    assert "## [Unreleased]" in lines
    release = read(ROOT / "recipe" / "recipe.yaml")["context"]["version"]
    assert f'fallback-version = "{release}.dev0"' in (ROOT / "pyproject.toml").read_text("utf-8")
