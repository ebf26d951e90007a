"""A value of `--python` that is not understood, and what is asked back."""

from __future__ import annotations

import pytest

from conda_torchmirror.exceptions import usage as exceptions
from conda_torchmirror.install import request


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        *(("310", "3.10"), ("py310", "3.10"), ("cp39", "3.9"), ("3,11", "3.11")),
        *(("3", None), ("new", None), ("37000", None), ("27", None)),
    ],
)
def test_a_python_that_is_not_understood_is_guessed(value, meant):
    with pytest.raises(exceptions.BadPython) as raised:
        request.python(value)
    said = [hint["text"] for hint in raised.value._hints if hint["hint_code"] == "spec_meant"]
    assert said == ([f"did you mean `--python {meant}`?"] if meant else [])
