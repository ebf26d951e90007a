"""An index shaped like conda-forge's, as large as asked for: the same bytes on every run.

What a reader meets in the real one is there in about the same proportions: two thirds of the
packages as `.conda`, six match specs a record, a third of the records with `constrains`, names of
every initial, some hundred builds of the torch family among them, and now and then a brace or an
escape in a string. The names, versions and hashes are made up.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count, islice, product
from pathlib import Path

#: What a choice of torch reads, with the builds there are of each in a large index.
FAMILY = {
    "cuda-version": 20,
    "cudnn": 60,
    "libtorch": 120,
    "mkl": 40,
    "nccl": 80,
    "pytorch": 240,
    "pytorch-cpu": 40,
    "pytorch-gpu": 60,
    "torchaudio": 40,
    "torchvision": 80,
    "triton": 40,
}

#: Builds of one other package, and bytes that are gathered before they are written.
_BUILDS, _BUFFER = 24, 1 << 20
_SYLLABLES = (
    *("ae", "bio", "cor", "dask", "el", "fla", "geo", "hdf", "ips", "jup", "ker", "lib", "mat"),
    *("num", "open", "py", "qt", "r-", "sci", "tor", "uri", "vis", "wx", "xar", "yam", "zar"),
)
_ENDINGS = ("", "-base", "-dev", "-tools", "_plugin", "2", "-feedstock", ".data")
_DEPENDS = (
    *("__glibc >=2.17,<3.0.a0", "libgcc >=14", "libstdcxx >=14", "python_abi 3.13.* *_cp313"),
    *("libzlib >=1.3.1,<2.0a0", "python >=3.13,<3.14.0a0", "numpy >=1.21,<3", "setuptools"),
    *("cuda-version >=12.9,<13", "openssl >=3.5.0,<4.0a0", "libblas >=3.9.0,<4.0a0", "packaging"),
    *("pytorch >=2.6.0,<2.7.0a0", "pytorch * cuda*", "libprotobuf >=5.28.3,<5.28.4.0a0", "six"),
)
_LICENSES = ("BSD-3-Clause", "MIT", "Apache-2.0", "GPL-3.0-or-later", "LGPL-2.1-only WITH X")
#: One record in this many has a licence with a brace or an escape in it.
_ODD = 5000
_ODD_LICENSES = ('Caf\\u00e9 \\"free\\"', "see {LICENSE}", "see {LICENSE", "LICENSE}, or so")


def write(path: Path, records: int, *, family: bool = True) -> int:
    """Write an index of so many records to `path`, sorted by file name and without whitespace.

    Without `family`, none of them has a name of the torch family.

    Returns how many there are: for a hundred or fewer the family alone, which is more.
    """
    chance = random.Random(records)
    written = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write('{"info":{"subdir":"linux-64"},"packages":{')
        old = records // 3
        for section, number in (('},"packages.conda":{', old), ("", records - old)):
            suffix = ".tar.bz2" if section else ".conda"
            waiting: list[str] = []
            size, comma = 0, ""
            for name, builds in _packages(number, bool(section), family):
                for text in sorted(_records(name, builds, suffix, chance)):
                    waiting.append(comma + text)
                    comma = ","
                    written += 1
                    size += len(text)
                if size > _BUFFER:
                    file.write("".join(waiting))
                    waiting.clear()
                    size = 0
            file.write("".join(waiting) + section)
        file.write('},"removed":[],"repodata_version":1}')
    return written


def _packages(records: int, old: bool, wanted: bool) -> Iterator[tuple[str, int]]:
    """(name, builds) of every package of a section, in the order of their file names."""
    known = FAMILY if wanted else {}
    family = {name: builds // 8 if old else builds for name, builds in known.items()}
    if records < 2 * sum(family.values()):
        family = {name: 1 + builds // 20 for name, builds in family.items()}
    others = max(0, records - sum(family.values()))
    packages, last = divmod(others, _BUILDS)
    names = list(islice(_names(), packages + 1))
    rest = {**dict.fromkeys(names[:-1], _BUILDS), names[-1]: last}
    yield from sorted({**rest, **family}.items(), key=lambda item: f"{item[0]}-")


def _names() -> Iterator[str]:
    for number in count():
        for second, ending, first in product(_SYLLABLES, _ENDINGS, _SYLLABLES):
            yield f"{first}{second}{ending}" + (f"-v{number}" if number else "")


def _records(name: str, builds: int, suffix: str, chance: random.Random) -> Iterator[str]:
    """The members `"file name":{...}` of the builds of one package."""
    bits, pick = chance.getrandbits, chance.randrange
    for number in range(builds):
        version = f"{1 + number // 12}.{number // 3 % 4}.{number % 3}"
        build = f"py3{10 + number % 4}h{bits(28):07x}_{number % 5}"
        first, last = pick(4), 6 + pick(11)
        depends = '","'.join(_DEPENDS[first:last])
        licence = (_LICENSES if pick(_ODD) else _ODD_LICENSES)[bits(2)]
        constrains = '"constrains":["libfoo >=1.2,<2"],' if pick(3) == 0 else ""
        family = '"license_family":"BSD",' if number % 2 else ""
        yield (
            f'"{name}-{version}-{build}{suffix}":{{"build":"{build}","build_number":{number % 5},'
            f'{constrains}"depends":["{depends}"],"license":"{licence}",{family}'
            f'"md5":"{bits(128):032x}","name":"{name}","sha256":"{bits(256):064x}",'
            f'"size":{10_000 + bits(24)},"subdir":"linux-64",'
            f'"timestamp":{1_700_000_000_000 + bits(36)},"version":"{version}"}}'
        )
