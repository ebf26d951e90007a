"""URLs of one server, of which one has a log-in."""

from __future__ import annotations

import pytest

from conda_torchmirror.mirrors.urls import with_login_of

PAGE = "https://me:secret@repo.example:8443/simple/torch/"


@pytest.mark.parametrize(
    ("url", "other", "found"),
    [
        (
            "https://repo.example:8443/files/a.whl",
            PAGE,
            "https://me:secret@repo.example:8443/files/a.whl",
        ),
        ("https://REPO.example:8443/a.whl", PAGE, "https://me:secret@REPO.example:8443/a.whl"),
        (
            "https://you:own@repo.example:8443/a.whl",
            PAGE,
            "https://you:own@repo.example:8443/a.whl",
        ),
        ("https://repo.example/a.whl", PAGE, "https://repo.example/a.whl"),
        ("https://files.example:8443/a.whl", PAGE, "https://files.example:8443/a.whl"),
        ("http://repo.example:8443/a.whl", PAGE, "http://repo.example:8443/a.whl"),
        ("http://h/a.whl", "http://me:secret@h/b", "http://me:secret@h/a.whl"),
        ("https://h/a.whl", "http://me:secret@h/b", "https://me:secret@h/a.whl"),
        ("https://h/a@b.whl", "https://h/me:secret@h", "https://h/a@b.whl"),
        ("https://h/a@b.whl", "https://me:secret@h/", "https://me:secret@h/a@b.whl"),
        ("file:///a/b.whl", PAGE, "file:///a/b.whl"),
        ("https://h/a.whl", "", "https://h/a.whl"),
    ],
)
def test_a_log_in_goes_to_its_own_server_alone(url, other, found):
    assert with_login_of(url, other) == found
