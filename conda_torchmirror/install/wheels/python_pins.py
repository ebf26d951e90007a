"""Conda's pins on Python in the form of a choice of wheels, which knows no match specs of conda."""

from __future__ import annotations

from ...index.match import admits
from ...models import Machine, Pin
from ...selection.specs import admits_python, package_name
from .own.brought import PYTHONS


def for_wheels(on: Machine) -> Machine:
    """The machine with its pins on Python as versions that they exclude; without other pins."""
    pins = (pin for pin in on.pins if package_name(pin.spec) == "python")
    return on._replace(pins=tuple(map(_as_exclusions, pins)))


def _as_exclusions(pin: Pin) -> Pin:
    out = [python for python in PYTHONS if not admits_python(pin.spec, python, admits)]
    spec = "python" + ",".join(f"!={python}.*" for python in out)
    return pin._replace(spec=spec, written=pin.text)
