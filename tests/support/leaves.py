"""Small packages that stand for what the torch records depend on outside the torch channels.

Made for these tests, not carried over: the names and versions are ones that exist, the dependency
lists are cut down to the relations that a test is about, and builds are called `stub_0` unless a
real record asks for a build string. One line each:

    name version build | depends; depends | constrains; constrains
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_PYTHONS = (
    *("3.5.6", "3.6.15", "3.7.16", "3.8.20", "3.9.20"),
    *("3.10.15", "3.11.10", "3.12.7", "3.13.0"),
)
SUBDIRS = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")

_PYTHON = "\n".join(f"python {version} stub_0_cpython" for version in _PYTHONS)
_MINORS = [version.rpartition(".")[0] for version in _PYTHONS]
_PYTHON_ABI = "\n".join(
    f"python_abi {minor} 5_cp{minor.replace('.', '')}{suffix} | | python {minor}.*"
    for minor in _MINORS
    for suffix in ("m" if minor in ("3.5", "3.6", "3.7") else "",)
)

#: For every platform, in conda-forge and in pkgs/main alike.
_COMMON = f"""
{_PYTHON_ABI}
bzip2 1.0.8 stub_0
cffi 1.17.1 stub_0 | python >=3.6
dataclasses 0.8 stub_0 | python >=3.6
ffmpeg 6.1.1 stub_0
filelock 3.16.1 stub_0 | python >=3.6
freetype 2.12.1 stub_0 | libpng >=1.6.39,<1.7.0a0
future 1.0.0 stub_0 | python >=3.6
gmp 6.3.0 stub_0
gnutls 3.6.15 stub_0 | nettle >=3.4.1,<3.5.0a0
jinja2 3.1.4 stub_0 | python >=3.6; markupsafe >=2.0
lame 3.100 stub_0
libiconv 1.17 stub_0
libpng 1.6.44 stub_0
libuv 1.48.0 stub_0
libwebp 1.4.0 stub_0 | libpng
llvm-openmp 14.0.6 stub_0
llvm-openmp 18.1.8 stub_0
markupsafe 2.1.5 stub_0 | python >=3.6
mpmath 1.3.0 stub_0 | python >=3.6
nettle 3.4.1 stub_0 | gmp >=6.1.2
networkx 3.4.2 stub_0 | python >=3.6
ninja 1.12.1 stub_0
numpy 1.19.5 stub_0 | python >=3.6,<3.10.0a0
numpy 1.26.4 stub_0 | python >=3.8,<3.13.0a0
numpy 2.1.3 stub_0 | python >=3.10
ocl-icd 2.3.3 stub_0
openh264 2.1.1 stub_0
openssl 1.1.1w stub_0
openssl 3.3.2 stub_0
pip 24.3.1 stub_0 | python >=3.6; setuptools; wheel
portalocker 2.10.1 stub_0 | python >=3.6
pycparser 2.22 stub_0 | python >=3.6
pyyaml 6.0.2 stub_0 | python >=3.6
requests 2.32.3 stub_0 | python >=3.6; urllib3 >=1.21.1,<3
scikit-learn 1.5.2 stub_0 | python >=3.9; numpy >=1.19.5; scipy
scipy 1.11.4 stub_0 | python >=3.6; numpy >=1.19
scipy 1.15.0 mkl2025_0 | python >=3.10; numpy >=1.23.5; mkl >=2025.0.0
setuptools 75.3.0 stub_0 | python >=3.6
six 1.16.0 stub_0 | python >=3.6
sox 14.4.2 stub_0
sympy 1.13.3 stub_0 | python >=3.6; mpmath >=1.1
tbb 2021.13.0 stub_0
tbb 2022.0.0 stub_0
tqdm 4.67.0 stub_0 | python >=3.6
typing_extensions 4.12.2 stub_0 | python >=3.6
urllib3 2.2.3 stub_0 | python >=3.6
wheel 0.44.0 stub_0 | python >=3.6
zlib 1.2.13 stub_0
"""

#: mkl 2025 is what torch <= 2.4 with an open `mkl` must not get, 2023.1 what it runs with.
_X86 = """
blas 1.0 mkl
blas 1.0 openblas
intel-openmp 2020.2 stub_0
intel-openmp 2021.4.0 stub_0
intel-openmp 2023.1.0 stub_0
intel-openmp 2024.2.1 stub_0
intel-openmp 2025.0.0 stub_0
mkl 2020.2 stub_0 | intel-openmp
mkl 2021.4.0 stub_0 | intel-openmp 2021.*
mkl 2023.1.0 stub_0 | intel-openmp 2023.*; tbb 2021.*
mkl 2024.2.2 stub_0 | intel-openmp 2024.*; tbb 2021.*
mkl 2025.0.0 stub_0 | intel-openmp 2025.*; tbb 2022.*
"""

_LINUX = """
_libgcc_mutex 0.1 stub_0
libgcc-ng 14.2.0 stub_0 | _libgcc_mutex
libgcc 14.2.0 stub_0 | _libgcc_mutex
libstdcxx-ng 14.2.0 stub_0
libstdcxx 14.2.0 stub_0
"""

_WINDOWS = """
khronos-opencl-icd-loader 2024.10.24 stub_0
vc 14.40 stub_0 | vs2015_runtime >=14.40
vs2015_runtime 14.40.33807 stub_0
"""

#: conda-forge: pillow has moved to libjpeg-turbo 3, of which the torch channel has only 2.0; for
#: Python 3.12 there is no other.
_CONDA_FORGE = """
jpeg 9b stub_0
jpeg 9e stub_0
libjpeg-turbo 2.1.5.1 stub_0 | | jpeg <0.0.0a
libjpeg-turbo 3.0.0 stub_0 | | jpeg <0.0.0a
pillow 7.2.0 stub_0 | python >=3.5,<3.9.0a0; jpeg
pillow 8.4.0 stub_0 | python >=3.6,<3.11.0a0; jpeg >=9b,<10a
pillow 9.4.0 stub_0 | python >=3.7,<3.12.0a0; jpeg >=9e,<10a
pillow 11.0.0 stub_0 | python >=3.6; libjpeg-turbo >=3.0.0,<4.0a0
"""

#: pkgs/main: pillow is still on jpeg, beside which any libjpeg-turbo will do.
_MAIN = """
jpeg 9b stub_0
jpeg 9e stub_0
libjpeg-turbo 2.0.0 stub_0
pillow 7.2.0 stub_0 | python >=3.5,<3.9.0a0; jpeg
pillow 8.4.0 stub_0 | python >=3.6,<3.11.0a0; jpeg >=9b,<10a
pillow 9.4.0 stub_0 | python >=3.7,<3.12.0a0; jpeg >=9e,<10a
pillow 10.4.0 stub_0 | python >=3.6; jpeg >=9e,<10a
"""

#: The runtime of torch 1.12 and older, where its records are not in the real ones.
_CUDATOOLKIT = """
cudatoolkit 9.2 stub_0
cudatoolkit 10.0.130 stub_0
cudatoolkit 10.1.243 stub_0
cudatoolkit 10.2.89 stub_0
cudatoolkit 11.0.221 stub_0
cudatoolkit 11.1.1 stub_0
cudatoolkit 11.3.1 stub_0
cudatoolkit 11.5.2 stub_0
cudatoolkit 11.6.2 stub_0
"""


def _tables() -> Iterator[tuple[str, str, str]]:
    for channel, own in (("conda-forge", _CONDA_FORGE), ("pkgs/main", _MAIN)):
        yield channel, "noarch", _COMMON + own
        for subdir in SUBDIRS:
            yield channel, subdir, _PYTHON
        for subdir in ("linux-64", "osx-64", "win-64"):
            yield channel, subdir, _X86
        for subdir in ("linux-64", "linux-aarch64"):
            yield channel, subdir, _LINUX
        yield channel, "win-64", _WINDOWS
        for subdir in ("linux-64", "win-64"):
            yield channel, subdir, _CUDATOOLKIT
    for subdir in ("linux-64", "win-64"):
        yield "nvidia", subdir, _CUDATOOLKIT


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def leaf_records() -> Iterator[tuple[str, dict[str, Any]]]:
    """(channel, record) of every leaf, without size and hashes, which its package decides."""
    for channel, subdir, table in _tables():
        for line in filter(None, map(str.strip, table.splitlines())):
            head, depends, constrains, *_ = [*line.split("|"), "", ""]
            name, version, build = head.split()
            digits = build.removesuffix("_cpython").rpartition("_")[2]
            record: dict[str, Any] = {
                "build": build,
                "build_number": int(digits) if digits.isdigit() else 0,
                "constrains": _parts(constrains),
                "depends": _parts(depends),
                "name": name,
                "subdir": subdir,
                "timestamp": 1700000000000,
                "version": version,
            }
            if subdir == "noarch":
                record["noarch"] = "generic"
            yield channel, record
