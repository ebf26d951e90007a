"""A longer run against the editor: real and made-up files, cut, doubled and spoiled at random."""

from __future__ import annotations

import os
import random
import time

import pytest
from fuzz import environments as made
from fuzz import laws

SECONDS = float(os.environ.get("TORCHMIRROR_FUZZ_SECONDS", "120"))
SEED = int(os.environ.get("TORCHMIRROR_FUZZ_SEED", "1"))

SEEDS = [
    b"channels: [pytorch, &a nvidia, *a, 'conda-forge']\ndependencies: [a, {pip: [-e .]}]\n",
    b"name: {{ x }}\nchannels:\n  - pytorch # c\n  - defaults\ndependencies:\n  - a\n\t- b\n",
    b"channels:\r\n- https://conda.anaconda.org/pytorch/\r\n- nodefaults\r\n",
    b"@EXPLICIT\nhttps://conda.anaconda.org/pytorch/linux-64/a-1-0.conda#" + b"0" * 32 + b"\n",
    f"-i {made.PYPI}\n--extra-index-url {made.WHEELS}/cu121\ntorch==2.4.0 ; x\n".encode(),
    "channels:\n- pytorch\ndependencies:\n- a\n".encode("utf-16"),
]
TOKENS = [
    *(entry.encode() for entry in (*made.MIRROR_ENTRIES, *made.OTHER_ENTRIES, *made.PIP_LINES)),
    *b"\n|\r\n|\t|- |: |[|]|{|}|, |'|\"|#| #|&a |*a|!!str |{{|}}|{%|%}|---\n|...\n|\\|::".split(
        b"|"
    ),
    *(b"|", b">-\n", b"channels:", b"dependencies:", b"pip:", b"\xff", b"\x00", b"\xef\xbb\xbf"),
    *("\u2028", "\x85", "频道", "😀"),
]


def spoiled(data: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        end = min(end, at + rng.choice((0, 1, 4, 40)))
        token = rng.choice(TOKENS)
        piece = token.encode() if isinstance(token, str) else token
        match rng.randrange(5):
            case 0:
                data = data[:at] + piece + data[at:]
            case 1:
                data = data[:at] + data[end:]
            case 2:
                data = data[:at] + piece + data[end:]
            case 3:
                data = data[:end] + data[at:]
            case _:
                other = rng.choice(SEEDS)
                data = data[:at] + other[: rng.randrange(len(other) + 1)]
    return data[:6000]


@pytest.mark.slow
def test_spoiled_files_keep_every_law(capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(SEED)
    files = [*SEEDS, *(path.read_bytes()[:3000] for path in made.real_files())]
    deadline = time.monotonic() + SECONDS
    count = edited = 0
    slowest = 0.0
    while time.monotonic() < deadline:
        data = spoiled(rng.choice(files), rng)
        preference = rng.choice(made.PREFERENCES)
        started = time.monotonic()
        try:
            edited += laws.check(data, preference, rng.random() < 0.5)
        except Exception:
            print(f"seed {SEED}, file {count}, preference {preference}: {data!r}")
            raise
        slowest = max(slowest, time.monotonic() - started)
        count += 1
    with capsys.disabled():
        print(
            f"\nfuzz: {count} files, {edited} of them edited, slowest {slowest:.2f} s, seed {SEED}"
        )
    assert edited > 0
