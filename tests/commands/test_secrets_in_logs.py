"""Passwords of addresses stand in no log and in no traceback that `-v`, `-vv` or `-vvv` shows."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.sites import ASK

pytest_plugins = ("support.site_fixtures",)

SECRET = "s3cretword"


@pytest.mark.parametrize("loud", ["-v", "-vvv"])
@pytest.mark.parametrize("fault", ["", "not_found", "truncated"])
@pytest.mark.parametrize("form", ["json", "text"])
def test_a_channel_with_a_password(sites, condarc, prefix, loud, fault, form):
    address = sites.upstream.url.replace("://", f"://me:{SECRET}@")
    condarc(**{**sites.settings(), "channel_alias": address})
    if fault:
        sites.upstream.fail("*", fault)
    words = [*ASK, "-p", prefix, "--no-check", loud, *(["--json"] if form == "json" else [])]
    for more in ([], ["--dry-run"], ["--mirror", f"{address}/none"]):
        done = subprocess.run(
            [sys.executable, "-m", "conda", *map(str, [*words, *more])],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert SECRET not in done.stdout, done.stdout
        assert SECRET not in done.stderr, done.stderr
