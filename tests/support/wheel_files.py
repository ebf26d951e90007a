"""Small wheels that are real: pip installs them, and Python imports what they hold."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_DATED = (2026, 1, 2, 3, 4, 6)


class Made(NamedTuple):
    """A wheel on disk, and where it belongs on a mirror; "" is the plain index."""

    path: Path
    variant: str = ""

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def project(self) -> str:
        return self.name.partition("-")[0].lower().replace("_", "-")

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @property
    def metadata(self) -> bytes:
        with zipfile.ZipFile(self.path) as archive:
            (member,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
            return archive.read(member)


def make(
    folder: Path,
    name: str,
    version: str,
    tags: str = "py3-none-any",
    *,
    requires: Sequence[str] = (),
    python: str = ">=3.6",
    says: str = "",
    padding: int = 0,
    variant: str = "",
    code: str = "",
) -> Made:
    """Write a wheel: a module of the project's name whose `SAYS` is `says` and that goes on with
    `code`, and `padding` bytes that do not compress."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    requirements = "".join(f"Requires-Dist: {one}\n" for one in requires)
    metadata = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: {python}\n"
        f"{requirements}\nA description that names Requires-Dist: nothing\n"
    )
    pure = "true" if tags.endswith("-any") else "false"
    module = name.replace("-", "_")
    files = {
        f"{module}/__init__.py": f"__version__ = {version!r}\nSAYS = {says!r}\n{code}".encode(),
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {pure}\n"
        f"Tag: {tags}\n".encode(),
    }
    if padding:
        seed = hashlib.sha256(stem.encode()).digest()
        numbers = (n.to_bytes(4, "big") for n in range(padding // 32 + 1))
        data = b"".join(hashlib.sha256(seed + number).digest() for number in numbers)
        files[f"{module}/data.bin"] = data[:padding]
    rows = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}-{tags}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in files.items():
            archive.writestr(zipfile.ZipInfo(member, _DATED), content)
    return Made(path, variant)


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
