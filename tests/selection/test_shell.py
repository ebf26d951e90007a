"""Words on a command line come out of a shell as they went in."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conda_torchmirror.selection import shell

#: What a shell or a match spec could take for something else.
_CHARACTERS = "a0 \"'$`\\!<>|&;*?[](){}~#%^=,:@/+-.\n"

posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")


@posix
@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(_CHARACTERS, max_size=12), min_size=1, max_size=30))
def test_a_shell_gives_the_words_back(words: list[str]) -> None:
    line = shell.command(["printf", r"%s\0", *words])
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=True, timeout=60)
    assert done.stdout.decode().split("\0")[:-1] == [as_spec(word) for word in words]


def as_spec(word: str) -> str:
    """Values of match specs have single quotes for double ones, which mean the same."""
    return shell.re.sub(shell._VALUES, r"'\1'", word)


@pytest.mark.parametrize(
    ("word", "posix", "windows"),
    [
        ("numpy<2", '"numpy<2"', '"numpy<2"'),
        ("numpy!=2.0", "'numpy!=2.0'", '"numpy!=2.0"'),
        ('numpy[version="<2"]', "\"numpy[version='<2']\"", "\"numpy[version='<2']\""),
        ("$(id)", "'$(id)'", "'$(id)'"),
        ("--only-binary=a,b", "--only-binary=a,b", '"--only-binary=a,b"'),
        (r"C:\My envs\a", r"'C:\My envs\a'", r'"C:\My envs\a"'),
        ("C:\\envs\\", "'C:\\envs\\'", '"C:\\envs\\\\"'),
        ("it's", '''"it's"''', '''"it's"'''),
        ("", '""', '""'),
    ],
)
def test_both_kinds_of_shell(word: str, posix: str, windows: str) -> None:
    assert shell.quoted(word) == posix
    assert shell.quoted(word, windows=True) == windows
