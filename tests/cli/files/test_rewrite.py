"""Which files the words of `rewrite` and `upstream` mean."""

from __future__ import annotations

from conda_torchmirror.cli.files.rewrite import expanded


def test_on_windows_a_pattern_is_what_matches_it(tmp_path, monkeypatch):
    """cmd and PowerShell hand it over as it is typed."""
    folder = tmp_path / "envs [gpu]"
    folder.mkdir()
    for name in ("b.yml", "a.yml", "c.txt"):
        (folder / name).touch()
    monkeypatch.chdir(tmp_path)
    words = ["envs [gpu]/*.yml", "none-?.yml", "plain.yml", "-"]
    assert [*expanded(words, windows=True)] == [
        "envs [gpu]/a.yml",
        "envs [gpu]/b.yml",
        "none-?.yml",
        "plain.yml",
        "-",
    ]
    assert [*expanded(words, windows=False)] == words
