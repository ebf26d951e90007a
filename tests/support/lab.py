"""A mirror of one's own on loopback, told to the plugin by its registry setting.

Nothing leads channel names to loopback but what is under test: a channel that is not redirected
asks conda's own hosts, which the guard refuses and `hosts` shows. The fixtures are in
`lab_fixtures`.
"""

from __future__ import annotations

import json
from typing import Any

from conda_torchmirror import plugin

HAS_LABELS = {"nvidia": {"labels": True}}


def record(name: str, version: str = "1.0", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": [],
        "subdir": "noarch",
        "noarch": "generic",
        **more,
    }


def entry(mirror, **more: Any) -> str:
    """A registry of one's own with this mirror, as text for the setting."""
    carried = {name: {**HAS_LABELS.get(name, {})} for name in mirror.channels}
    return json.dumps({"lab": {"roots": [f"{mirror.url}/anaconda"], "channels": carried, **more}})


def hosts(sandbox) -> set[str]:
    """The hosts that were refused; takes them, so that the test does not fail for them."""
    return {line.split(" ")[0] for line in sandbox.take_blocked()}


def urls_during(words: tuple[str, ...]) -> dict[str, list[str]]:
    """What names resolve to while a command runs, by the hook that conda itself calls."""
    from conda.base.context import context
    from conda.cli.conda_argparse import generate_parser
    from conda.models.channel import Channel

    context.__init__(argparse_args=generate_parser().parse_args(words))
    plugin._before(words[0])
    names = ("pytorch", "conda-forge", "nvidia", "defaults", "https://conda.anaconda.org/pytorch")
    try:
        return {name: [str(url) for url in Channel(name).base_urls] for name in names}
    finally:
        plugin._after(words[0])


ALL = ("create", "-n", "x", "-c", "pytorch", "-c", "conda-forge", "-c", "nvidia", "-c", "defaults")
