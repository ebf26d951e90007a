"""Words that are no match specs, and what they were meant for."""

from __future__ import annotations

import pytest

from conda_torchmirror.exceptions.usage import BadSpec
from conda_torchmirror.index import match


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("pytorch，torchvision", "pytorch torchvision"),
        ("pytorch、torchvision=0.18", "pytorch torchvision=0.18"),
        ("pytorch>=2,<2.4,torchvision", "pytorch>=2,<2.4 torchvision"),
        ("pytorch;torchvision", "pytorch torchvision"),
        ("pytorch torchvision", "pytorch torchvision"),
        ("ｐｙｔｏｒｃｈ＝２.３", "pytorch=2.3"),
        ("“pytorch>=2”", "pytorch>=2"),
        ("'pytorch'", "pytorch"),
        ("pytorch\u200b", "pytorch"),
        ("—cuda", "--cuda"),
        ("−−offline", "--offline"),
        ("*", None),
        ("火炬", None),
        ("—", None),
        ("git+https://x/pytorch", None),
    ],
)
def test_what_a_word_was_likely_meant_for_is_offered(word, meant):
    with pytest.raises(BadSpec) as raised:
        match.read(word)
    said = [hint["text"] for hint in raised.value._hints if hint["hint_code"] != "spec_form"]
    assert [meant] == ([said[0].partition("`")[2].rpartition("`")[0]] if said else [None])
