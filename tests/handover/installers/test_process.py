"""What other users of a computer see of an installer's command line."""

from __future__ import annotations

import pytest

from conda_torchmirror.handover.installers import process

VARIABLES = {"--index-url": "PIP_INDEX_URL", "--proxy": "PIP_PROXY"}
INDEX, PROXY = "https://me:word@index.example/simple", "http://me:word@proxy.example:3128"


@pytest.mark.parametrize(
    ("words", "kept", "hidden"),
    [
        (["--index-url", INDEX, "torch"], ["torch"], {"PIP_INDEX_URL": INDEX}),
        (["--proxy", PROXY, "-I"], ["-I"], {"PIP_PROXY": PROXY}),
        (
            ["--index-url", INDEX, "--proxy", PROXY],
            [],
            {"PIP_INDEX_URL": INDEX, "PIP_PROXY": PROXY},
        ),
        (["--proxy", "http://proxy.example"], ["--proxy", "http://proxy.example"], {}),
        (["--index-url", "https://i.example", "a"], ["--index-url", "https://i.example", "a"], {}),
        (["torch @ https://a.example/b.whl"], ["torch @ https://a.example/b.whl"], {}),
        (["--proxy"], ["--proxy"], {}),
    ],
)
def test_addresses_with_a_log_in_are_no_part_of_it(words, kept, hidden):
    assert process.without_credentials(words, VARIABLES) == (kept, hidden)
