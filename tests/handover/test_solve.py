"""What the hand-over makes of a solver's records."""

from __future__ import annotations

import pytest
from conda.base.context import context
from conda.models.records import PackageRecord

from conda_torchmirror.handover import solve


@pytest.mark.parametrize("login", ["me:hunter2@mirror.example", "mirror.example/t/tk-1"])
def test_records_get_the_log_in_of_their_channel(condarc, conda_in_process, login):
    """A solver may leave it out, and conda downloads from the URLs of its records."""
    condarc(channels=[f"https://{login}/mine", "https://mirror.example/open"])
    conda_in_process("info", "--json").ok()

    def solved(url):
        record = PackageRecord(name="a", version="1", build="0", build_number=0, url=url)
        with solve.with_credentials():
            context.plugin_manager.invoke_post_solves("repodata.json", (), (record,))
        return record.url

    for file in ("noarch/a-1-0.conda", "linux-64/a-1-0.conda"):
        full = f"https://{login}/mine/{file}"
        assert solved(f"https://mirror.example/mine/{file}") == full
        assert solved(full) == full
        for other in (f"https://mirror.example/open/{file}", f"https://else.example/mine/{file}"):
            assert solved(other) == other
