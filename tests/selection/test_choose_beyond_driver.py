"""The best of a release whose partners need a newer CUDA than the driver, though torch does not."""

from __future__ import annotations

from conda_torchmirror.index.sources import named
from conda_torchmirror.install import request
from conda_torchmirror.models import Build, Choice, Machine
from conda_torchmirror.selection.choose import choose

SOURCE = named("conda-forge")


def _built(name: str, version: str, cuda: str, python: str, number: int, *depends: str) -> Build:
    build = f"cuda{cuda.replace('.', '')}_py{python.replace('.', '')}_h0_{number}"
    needs = (f"cuda-version >={cuda},<13", f"python_abi {python}.* *_cp{python.replace('.', '')}")
    return Build(
        name, version, build, number, "win-64", depends=(*needs, "__cuda", *depends), fn=build
    )


def test_the_newest_python_and_build_win_among_sets_of_minor_version_compatibility():
    """Each further build took the place of the one before it, which had fitted as well: the oldest
    Python was chosen, with the lowest build number."""
    builds = [
        one
        for python in ("3.10", "3.12", "3.14")
        for one in (
            _built("pytorch", "2.10.0", "12.8", python, 300),
            _built("pytorch", "2.10.0", "12.8", python, 302),
            _built("torchvision", "0.25.0", "12.9", python, 5, "pytorch >=2.10.0,<2.11.0a0"),
        )
    ]
    machine = Machine("win-64", cuda="12.8", cuda_from="--cuda")
    asked = request.make(("pytorch", "torchvision"), source="conda-forge")
    for some in (builds, builds[::-1]):
        found = choose(machine, asked, some, SOURCE.knowledge)
        assert isinstance(found, Choice)
        assert (found.compat, found.python, found.torch.build_number) == ("minor", "3.14", 302)
        assert [build.name for build in found.builds] == ["pytorch", "torchvision"]
