"""The file of `torch-mirror enable` leads to a mirror that fails: the step that is told works."""

from __future__ import annotations

import pytest
from support.prefixes import records

pytest_plugins = ("support.site_fixtures",)

CREATE = ("create", "-y", "-c", "pytorch", "pytorch-mutex", "-p")


def step_of(result) -> tuple[str, ...]:
    said = " ".join(result.stderr.split())
    [step] = [part for part in said.split("`") if part.startswith("conda torch-mirror enable --")]
    return tuple(step.split()[1:])


def by_url(sites, *mirrors) -> list[str]:
    """Addresses of the mirrors that the registry does not know."""
    urls = [mirror.url.replace("127.0.0.1", "localhost") for mirror in mirrors]
    return [f"{url}/anaconda/cloud" for url in urls]


@pytest.mark.parametrize("urls", [False, True], ids=["name", "url"])
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "two"])
def test_the_step_works_as_it_stands(sites, condarc, conda_in_process, tmp_path, alone, urls):
    """A mirror that is alone was to be replaced by `upstream`, which `enable` refuses."""
    names = by_url(sites, sites.first, sites.second) if urls else ["first", "second"]
    settings = sites.settings(*names[: 1 if alone else 2])
    settings["plugins"]["torchmirror_auto"] = True
    condarc(**settings)
    conda_in_process("torch-mirror", "enable", "pytorch").ok()
    sites.first.fail("*", "refused")
    step = step_of(conda_in_process(*CREATE, tmp_path / "one"))
    assert step[2:] == (("--hook-only",) if alone else ("--mirror", names[1]))
    conda_in_process(*step).ok()
    conda_in_process(*CREATE, tmp_path / "one").ok()
    instead = sites.upstream if alone else sites.second
    url = records(tmp_path / "one")["pytorch-mutex"]["url"].replace("localhost", "127.0.0.1")
    assert url.startswith(instead.url)
