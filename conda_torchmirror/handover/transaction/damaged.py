"""Packages that conda cannot read: damaged in its cache, closed there to this account, or broken as
their channel has them.

Of most of these conda's exception says nothing, so its frames are looked into. Where an archive
without metadata is unpacked, conda ends as if the user had answered no (26.7: exit code 0), or with
a traceback (24.7); here that is an error.
"""

from __future__ import annotations

import os
import re
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from conda import CondaError
from conda.core.path_actions import ExtractPackageAction
from conda.gateways.disk import read

from ...exceptions import causes
from ...exceptions.base import TorchMirrorError
from ...exceptions.environment import (
    CacheInUse,
    CacheListDamaged,
    PackageBroken,
    PackageDamaged,
)
from ...exceptions.mirror import CacheClosed
from ...text.sanitize import safe

#: What conda says of a package whose files are not those of its list (24.7 to 26.7).
_CORRUPTED = re.compile(r"located at (.+)\s+appears to be corrupted\. (.+)", re.DOTALL)
#: What it says there of a file that is not there.
_LACKING = re.compile(r"The path '(.+)' specified in the package manifest cannot be found")
#: A package that was unpacked within so many seconds may be unpacked by another run; how often, and
#: after how many seconds each time, it is looked at again.
_NEW, _TRIES, _PAUSE = 60, 10, 0.3
#: The functions of `conda.gateways.disk.read` have the folder of the package as one of these.
_FOLDERS = ("extracted_package_directory", "epd")


@contextmanager
def told() -> Iterator[None]:
    """Within the block, an archive that cannot be used once it is unpacked raises PackageBroken."""
    kind: Any = ExtractPackageAction
    name = "_finish_extract" if hasattr(kind, "_finish_extract") else "execute"
    kept = getattr(kind, name)

    def finish(action: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return kept(action, *args, **kwargs)
        except (SystemExit, ValueError, TypeError, KeyError, AttributeError, RecursionError) as e:
            if _has_metadata(str(action.target_full_path)):
                raise  # it is what the index says of the package
            archive = str(action.source_full_path)
            raise PackageBroken(package=os.path.basename(archive), file=archive) from e

    setattr(kind, name, finish)
    try:
        yield
    finally:
        setattr(kind, name, kept)


def _has_metadata(folder: str) -> bool:
    """Whether the metadata of an unpacked package can be read."""
    try:
        return isinstance(read.read_index_json(folder), dict)
    except (OSError, ValueError, RecursionError):
        return False


def find(error: BaseException) -> TorchMirrorError | None:
    """The error for a package, or a list of packages, that conda could not read; None where the
    exception is about something else."""
    for part in causes.flatten(error):
        if isinstance(part, PackageBroken):
            return part
        if found := _CORRUPTED.search(str(part)) if isinstance(part, CondaError) else None:
            detail = " ".join(found[2].split("\n\n")[0].split())
            return _of_package(found[1].strip(), detail, _LACKING.search(detail))
        if closed := CacheClosed.behind(part):
            return closed
        if isinstance(part, (CondaError, OSError)):
            continue
        frames = list(traceback.walk_tb(part.__traceback__))
        for frame, _ in reversed(frames):
            if own := _in_frame(frame, part):
                return own
    return None


def _in_frame(frame: FrameType, error: BaseException) -> TorchMirrorError | None:
    module, there = frame.f_globals.get("__name__", ""), frame.f_locals
    if module == "conda.gateways.disk.read":
        folder = next((there[name] for name in _FOLDERS if name in there), None)
        return _of_package(str(folder), causes.reason(error)) if folder else None
    if module == "conda.core.path_actions" and "package_info" in there:
        folder = getattr(there["package_info"], "extracted_package_dir", None)
        return _of_package(str(folder), causes.reason(error)) if folder else None
    if module == "conda.core.package_cache_data" and "urls_txt_path" in there:
        return CacheListDamaged(file=safe(str(there["urls_txt_path"])))
    return None


def _of_package(
    folder: str, detail: str, lacking: re.Match[str] | None = None
) -> PackageDamaged | CacheInUse:
    """The error for an unpacked package; `lacking` is what conda says of a file that is not there.

    Of two runs that share a cache, one unpacks anew what the other is about to link (tried on 24.7
    and 26.7): what is whole a moment later is not damaged.
    """
    package = os.path.basename(folder)
    for _ in range(_TRIES if _is_new(folder) else 1):
        if _is_whole(folder, lacking):
            return CacheInUse(package=package)
        time.sleep(_PAUSE)
    return PackageDamaged(package=package, folder=folder, detail=safe(detail))


def _is_new(folder: str) -> bool:
    try:
        return abs(time.time() - os.stat(folder).st_mtime) < _NEW
    except OSError:  # it is just being replaced
        return True


def _is_whole(folder: str, lacking: re.Match[str] | None) -> bool:
    if lacking is not None:
        return os.path.lexists(os.path.join(folder, lacking[1]))
    try:
        read.read_package_metadata(folder)
        paths = read.read_paths_json(folder).paths
        return all(os.path.lexists(os.path.join(folder, one.path)) for one in paths)
    except Exception:  # as before
        return False
