"""A wheel's METADATA, and what it requires on a target. Pure.

Reading never raises, whatever the text: lines that do not follow the standard are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from email.parser import HeaderParser
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

#: Requirements of one wheel that are read at most; torch has 30.
MOST = 500

#: The values that environment markers have for machine and system, by subdir.
_PLATFORMS: Mapping[str, tuple[str, str, str, str]] = {
    "linux-64": ("posix", "linux", "Linux", "x86_64"),
    "linux-aarch64": ("posix", "linux", "Linux", "aarch64"),
    "osx-64": ("posix", "darwin", "Darwin", "x86_64"),
    "osx-arm64": ("posix", "darwin", "Darwin", "arm64"),
    "win-64": ("nt", "win32", "Windows", "AMD64"),
    "win-arm64": ("nt", "win32", "Windows", "ARM64"),
}


class Metadata(NamedTuple):
    """The METADATA of one wheel; `requires` are its requirements as written, with markers."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    requires_python: str | None = None


def parse(text: str) -> Metadata | None:
    """Parse a METADATA text; None if it names no project or no version."""
    # Only the head: what follows the first empty line is a description.
    found = HeaderParser().parsestr(text.partition("\n\n")[0], headersonly=True)
    name, version = found.get("Name", ""), found.get("Version", "")
    if not (name and version):
        return None
    requires = tuple(str(line) for line in found.get_all("Requires-Dist", [])[:MOST])
    python = found.get("Requires-Python")
    return Metadata(canonicalize_name(name), version.strip(), requires, python)


def requirements(
    metadata: Metadata, subdir: str, python: str, *, extras: Sequence[str] = ()
) -> Iterator[Requirement]:
    """The requirements of a wheel with these extras, on a platform and a Python (a full version or
    major.minor)."""
    environment = _environment(subdir, python)
    asked = [{**environment, "extra": extra} for extra in ("", *extras)]
    for line in metadata.requires:
        try:
            found = Requirement(line)
            if found.marker is None or any(map(found.marker.evaluate, asked)):
                yield found
        except (ValueError, RecursionError):  # which of them, differs by version of packaging
            continue


def applies(line: str, subdir: str, python: str) -> bool:
    """Whether the marker of a requirement holds on a platform and a Python; True without one."""
    try:
        marker = Requirement(line).marker
        return marker is None or marker.evaluate(dict(_environment(subdir, python)))
    except (ValueError, RecursionError):
        return True


def admits(requirement: Requirement, version: str) -> bool:
    """Whether an installed version satisfies a requirement, as pip sees it."""
    try:
        return SpecifierSet(str(requirement.specifier)).contains(version, prereleases=True)
    except (InvalidSpecifier, ValueError):
        return True


def exact(requirement: Requirement) -> str | None:
    """The one version that a requirement pins, if it does."""
    pins: Sequence[str] = [
        one.version
        for one in requirement.specifier
        if one.operator in ("==", "===") and not one.version.endswith(".*")
    ]
    return pins[0] if len(pins) == 1 and len(requirement.specifier) == 1 else None


def _environment(subdir: str, python: str) -> dict[str, str]:
    os_name, sys_platform, system, machine = _PLATFORMS.get(subdir, ("", "", "", ""))
    major_minor = ".".join(python.split(".")[:2])
    full = python if python.count(".") >= 2 else f"{major_minor}.0"
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": os_name,
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": system,
        "platform_version": "",
        "python_full_version": full,
        "python_version": major_minor,
        "sys_platform": sys_platform,
        "extra": "",
    }
