"""The redirect files: one for every channel that a mirror has, with what `mapped` says."""

from __future__ import annotations

from conda_torchmirror.mirrors.registry import built_in
from conda_torchmirror.redirect import in_process, named_channels


def test_there_is_a_file_for_every_channel_of_the_registry():
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe")
    for name, mirror in built_in().items():
        for channel in mirror.channels:
            base = channel.partition("/label/")[0]
            assert named_channels.redirectable(base), (name, channel)
    files = [p for p in in_process.REDIRECTS.glob("*.yml") if p.stem != "defaults"]
    for path in files:
        name = path.stem
        above = f"${{{in_process.variable(name)}}}"
        assert yaml.load(path) == in_process.mapped(name, above)
        labels = yaml.load(path.parent / "label" / path.name)
        both = {**yaml.load(path)["custom_channels"], **labels["custom_channels"]}
        assert in_process.mapped(name, above, guarded=True)["custom_channels"] == both
        assert both == {
            name: above,
            "pkgs/pro": "https://repo.anaconda.com",
            f"{name}/label": "https://conda.anaconda.org",
        }
        assert list(in_process.mapped(name, above)["migrated_custom_channels"].values()) == [
            "https://conda.anaconda.org"
        ]
    parts = {
        **yaml.load(in_process.REDIRECTS / "defaults.yml")["migrated_custom_channels"],
        **yaml.load(in_process.REDIRECTS / "pkgs" / "msys2.yml")["migrated_custom_channels"],
    }
    for name, official in parts.items():
        assert in_process.mapped(name, "") == {"migrated_custom_channels": {name: official}}
