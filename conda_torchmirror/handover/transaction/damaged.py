"""Packages that conda cannot read: damaged in its cache, or broken as their channel has them.

Of most of these conda's exception says nothing, so its frames are looked into. Where an archive
without metadata is unpacked, conda ends as if the user had answered no (26.7: exit code 0), or with
a traceback (24.7); here that is an error.
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from conda import CondaError
from conda.core.path_actions import ExtractPackageAction

from ...exceptions import causes
from ...exceptions.base import TorchMirrorError
from ...exceptions.environment import CacheListDamaged, PackageBroken, PackageDamaged
from ...text.sanitize import safe

#: What conda says of a package whose files are not those of its list (24.7 to 26.7).
_CORRUPTED = re.compile(r"located at (.+)\s+appears to be corrupted\. (.+)", re.DOTALL)
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
            archive = str(action.source_full_path)
            raise PackageBroken(package=os.path.basename(archive), file=archive) from e

    setattr(kind, name, finish)
    try:
        yield
    finally:
        setattr(kind, name, kept)


def find(error: BaseException) -> TorchMirrorError | None:
    """The error for a package, or a list of packages, that conda could not read; None where the
    exception is about something else."""
    for part in causes.flatten(error):
        if isinstance(part, PackageBroken):
            return part
        if found := _CORRUPTED.search(str(part)) if isinstance(part, CondaError) else None:
            detail = " ".join(found[2].split("\n\n")[0].split())
            return _damaged(found[1].strip(), detail)
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
        return _damaged(str(folder), causes.reason(error)) if folder else None
    if module == "conda.core.path_actions" and "package_info" in there:
        folder = getattr(there["package_info"], "extracted_package_dir", None)
        return _damaged(str(folder), causes.reason(error)) if folder else None
    if module == "conda.core.package_cache_data" and "urls_txt_path" in there:
        return CacheListDamaged(file=safe(str(there["urls_txt_path"])))
    return None


def _damaged(folder: str, detail: str) -> PackageDamaged:
    return PackageDamaged(package=os.path.basename(folder), folder=folder, detail=safe(detail))
