"""AMD and Intel GPUs that there are PyTorch wheels for, as the Linux kernel lists them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ..models import Notice
from . import nvidia

#: The code of the notice on such a GPU; its facts are `gpu` and the `variant` of wheels for it.
FOUND = "other_gpu"
_FILE = Path(__file__).parent.parent / "data" / "accelerators.json"
_INTEL = "0x8086"


@cache
def _data() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def notices() -> Iterator[Notice]:
    """Yield a notice for each GPU model that has wheels. Raises OSError, ValueError."""
    for target in dict.fromkeys(_of_amd()):
        if target in _data()["amd"]["targets"]:
            facts = {"gpu": f"AMD {target}", "variant": _data()["amd"]["variant"]}
            yield Notice(FOUND, facts)
    for device in dict.fromkeys(_of_intel()):
        if device in _data()["intel"]["devices"]:
            facts = {"gpu": f"Intel {device}", "variant": _data()["intel"]["variant"]}
            yield Notice(FOUND, facts)


def _of_amd() -> Iterator[str]:
    """The gfx targets of the compute driver's nodes; a node without one is a CPU."""
    nodes = Path(f"{nvidia.ROOT}/sys/class/kfd/kfd/topology/nodes")
    for file in sorted(nodes.glob("*/properties")):
        for line in file.read_text(encoding="ascii", errors="replace").splitlines():
            name, _, value = line.partition(" ")
            if name == "gfx_target_version" and (number := int(value)):
                major, minor, step = number // 10000, number // 100 % 100, number % 100
                yield f"gfx{major}{minor:x}{step:x}"


def _of_intel() -> Iterator[str]:
    for vendor in sorted(Path(f"{nvidia.ROOT}/sys/bus/pci/devices").glob("*/vendor")):
        if vendor.read_text(encoding="ascii", errors="replace").strip() == _INTEL:
            device = vendor.with_name("device").read_text(encoding="ascii", errors="replace")
            yield device.strip().removeprefix("0x")
