"""Comments in what `--print` shows; codes begin with `print.`."""

from __future__ import annotations

from ...messages import Table

SHOW: Table = {
    "pins": "pinned to versions that work with it, until this terminal is closed",
    "pins_specs": "not asked for, but only these versions work with it",
    "no_driver": "where conda finds no driver, set CONDA_OVERRIDE_CUDA={cuda} before",
    "mamba_mirrors": "with these lines in ~/.mambarc, mamba finds the channels by name:",
    "pip": "in an environment with Python {python}:",
    "environment_yml": "save as environment.yml, then: conda env create -f environment.yml",
    "nodefaults": "no further channels; a newer conda needs the next line left out",
    "nodefaults_out": "older conda and mamba take `- nodefaults` here: no further channels",
    "pixi": "save as pixi.toml in a folder of its own, then: pixi install",
    "pixi_mirrors": "with these lines in .pixi/config.toml, the official channels will do above:",
    "dockerfile": "save as Dockerfile, then: docker build -t torch .",
    "dockerfile_gpu": "with a GPU: docker run --gpus all -it torch python",
}
