"""The folder of a saved plan: conda's explicit file beside a JSON document, written and read.

    DIR/explicit.txt   `@EXPLICIT`, a URL with its md5 for each package: read by `conda create
                       --file` of every conda (24.7 knows no sha256 there), mamba and micromamba
    DIR/plan.json      the decision, the facts it was made from, sizes, hashes, and the channel's
                       record of each package

Neither holds a token or a password. `replay` carries plans out.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from conda import __version__ as conda_version

from .. import __version__
from ..envfiles import file_io
from ..envfiles.disk.windows import LEFTOVER
from ..exceptions.mirror import CannotWrite
from ..exceptions.plan import (
    PlanAltered,
    PlanBadRecord,
    PlanFolderTaken,
    PlanMissing,
    PlanTooNew,
    PlanWithoutAddress,
)
from ..handover import solve
from ..handover.solve import Transaction
from ..index import record_schema
from ..models import Notice
from ..selection.plan import typed
from ..text.messages import text
from ..text.output import clean
from ..text.sanitize import safe
from . import downloads, plan_schema, wheel_part
from .folder import named, put
from .wheel_part import WheelPart

EXPLICIT, DOCUMENT = "explicit.txt", "plan.json"
KIND = "conda-torchmirror plan"
#: Versions of the format: of plans for conda alone, and of those with wheels.
SCHEMA_OF_CONDA, SCHEMA = 1, 2
#: Upper limit for the number of a format version.
_SCHEMAS = 10**6

#: Keys of a run's JSON document that a plan omits: long, or about this computer alone.
_LEFT_OUT = ("rejected", "check", "solved")


@dataclass(frozen=True)
class SavedPlan:
    """A plan as stored in its folder.

    `packages` are the records of everything that the environment will hold, as conda writes them,
    in linking order; `removed` are the names of packages that the plan removes from the environment
    it was made for; `created` is a time in UTC (ISO 8601); `decision` is the value of `torchmirror`
    in the JSON document of a run.
    """

    folder: Path
    subdir: str
    created: str
    decision: Mapping[str, Any]
    packages: tuple[Mapping[str, Any], ...]
    removed: tuple[str, ...] = ()
    wheels: WheelPart | None = None

    @property
    def files(self) -> tuple[downloads.Download, ...]:
        """Everything to download if nothing is cached, wheels included."""
        part = self.wheels
        links = [file.link for file in (*part.files, *(part.rest or ()))] if part else []
        return (
            *(
                downloads.Download(p["url"], p.get("size"), p.get("md5"), p.get("sha256"))
                for p in self.packages
            ),
            *(downloads.Download(link.url, link.size, None, link.sha256) for link in links),
        )

    @property
    def total(self) -> int:
        """The total size of `files` in bytes, as channels and pages state it."""
        return downloads.total(self.files)

    @property
    def about(self) -> dict[str, Any]:
        """A summary for the JSON document of a run."""
        return {
            "folder": str(self.folder),
            "explicit": str(self.folder / EXPLICIT),
            "subdir": self.subdir,
            "packages": len(self.packages),
            "total_download": self.total,
        }


class Draft(NamedTuple):
    """A plan with the files that are to be written. What is there stays until then: an older plan
    and its packages are not given up before the new packages are here."""

    plan: SavedPlan
    files: Mapping[str, str]

    def write(self, archives: Mapping[str, str] = MappingProxyType({})) -> SavedPlan:
        """Put the files at the folder, with archives of packages by their names, whole or not at
        all, and return the plan.

        Raises: CannotWrite.
        """
        try:
            put(self.plan.folder, self.files, archives)
        except OSError as error:
            raise CannotWrite.of(error, self.plan.folder, "--save-plan") from error
        return self.plan


class Saved(NamedTuple):
    """A plan just saved, with the notices on it. `about` is the value of `torchmirror` in the JSON
    document; `fetched` says whether the packages are in conda's cache; `on_choice` are the notices
    on the decision, to be shown where that is not."""

    plan: SavedPlan
    prefix: str | None
    about: Mapping[str, Any]
    notices: tuple[Notice, ...]
    fetched: bool
    on_choice: tuple[Notice, ...] = ()


def line(package: Mapping[str, Any], *, md5_only: bool = False) -> str:
    """Format a package as a line of an explicit file, with its md5, else with its sha256 unless
    `md5_only`."""
    known = package.get("md5") or (None if md5_only else package.get("sha256"))
    return f"{package['url']}#{known}" if known else str(package["url"])


def explicit(subdir: str, lines: Iterable[str]) -> str:
    """The text of an explicit file."""
    head = ["# conda create --name NEW --file THIS_FILE", f"# platform: {subdir}", "@EXPLICIT"]
    return "".join(f"{one}\n" for one in (*head, *lines))


def check_folder(folder: Path, *, with_packages: bool = False) -> None:
    """Check that a plan may be saved at `folder`: nothing, an empty folder or an older plan there.

    Raises: PlanFolderTaken, CannotWrite.
    """
    if not os.path.lexists(folder):
        return
    detail = None
    if not folder.is_dir():
        detail = text("plan_at_file")
    else:
        try:
            there = {n for n in os.listdir(folder) if not n.endswith(LEFTOVER)}
        except OSError as error:
            raise CannotWrite.of(error, folder, "--save-plan") from error
        # Archives of the older plan may stay if the new plan brings its archives too.
        own = _archives(folder) if with_packages else set()
        if others := sorted(there - {EXPLICIT, DOCUMENT} - own):
            detail = text("plan_at_others", {"name": others[0]})
        elif there and _kind(folder) != KIND:
            detail = text("plan_at_other_kind", {"file": DOCUMENT})
    if detail:
        raise PlanFolderTaken(folder=str(folder), detail=detail)


def _kind(folder: Path) -> Any:
    try:
        found = plan_schema.parse(_content(folder, DOCUMENT))
    except (PlanMissing, PlanAltered, ValueError):
        return None
    return found.get("kind") if isinstance(found, dict) else None


def _archives(folder: Path) -> set[str]:
    """The names of the archives that the plan in `folder` may have beside it."""
    try:
        plan = load(folder)
    except (PlanMissing, PlanAltered, PlanTooNew):
        return set()
    part = plan.wheels
    wheels = (*part.files, *(part.rest or ())) if part else ()
    return {str(p["fn"]) for p in plan.packages} | {file.link.filename for file in wheels}


def drafted(
    folder: Path,
    about: Mapping[str, Any],
    subdir: str,
    found: Transaction,
    wheels: WheelPart | None = None,
    *,
    prefix: str | None = None,
    with_packages: bool = False,
) -> Draft:
    """Draft a plan from the parts of a decision: `about` is the value of `torchmirror` in the JSON
    document, `wheels` what pip installs afterwards.

    Raises: PlanFolderTaken, PlanWithoutAddress, PlanBadRecord, CannotWrite.
    """
    folder = folder.absolute()
    check_folder(folder, with_packages=with_packages)
    packages = packages_of(found, subdir, prefix)
    plan = SavedPlan(
        folder=folder,
        subdir=subdir,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        decision=clean({k: v for k, v in about.items() if k not in _LEFT_OUT}),
        packages=packages,
        removed=found.removed,
        wheels=wheels,
    )
    content = explicit(plan.subdir, map(line, plan.packages))
    document = {
        "kind": KIND,
        "schema": SCHEMA_OF_CONDA if wheels is None else SCHEMA,
        "created": plan.created,
        "created_by": f"conda-torchmirror {__version__}, conda {conda_version}",
        "subdir": plan.subdir,
        "explicit": {"file": EXPLICIT, "sha256": _sha256(content)},
        "total_download": plan.total,
        "removed": list(plan.removed),
        "torchmirror": plan.decision,
        "packages": list(plan.packages),
        **({} if wheels is None else {"wheels": wheel_part.document(wheels)}),
    }
    document["sha256"] = plan_schema.checksum(document)
    files = {DOCUMENT: json.dumps(document, indent=1) + "\n", EXPLICIT: content}
    return Draft(plan, files)


def packages_of(
    found: Transaction, subdir: str, prefix: str | None
) -> tuple[Mapping[str, Any], ...]:
    """The records of everything that the environment will hold, as conda writes them.

    Raises: PlanWithoutAddress, PlanBadRecord.
    """
    without = [r.name for r in found.state if not (r.get("url") or "").partition("://")[1]]
    if without:
        names, ways = ", ".join(sorted(without)), [Notice("fresh_environment")]
        raise PlanWithoutAddress(names=names, prefix=prefix, ways=ways)
    packages = tuple(solve.dumped(record) for record in found.state)
    for package in packages:
        if fault := plan_schema.find_package_fault(package, subdir):
            raise PlanBadRecord(name=str(package.get("name")), field=fault)
    return packages


def _sha256(content: str) -> str:
    # Line ends count as \n: version control may have changed them on the way.
    return hashlib.sha256(content.replace("\r\n", "\n").encode()).hexdigest()


def load(folder: Path) -> SavedPlan:
    """Read a plan, and check that both its files are as they were written. A folder with one plan
    in it is that plan.

    Raises: PlanMissing, PlanTooNew, PlanAltered.
    """
    folder = _only(named(folder.absolute(), (DOCUMENT, EXPLICIT)))
    try:
        found = plan_schema.parse(_content(folder, DOCUMENT))
        # Decoded without translating line ends, which `_sha256` takes care of.
        content = _content(folder, EXPLICIT).decode()
    except ValueError as error:
        raise PlanAltered(folder=str(folder), detail=str(error)) from error
    detail, names = None, {"file": DOCUMENT, "explicit": EXPLICIT}
    about: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    if about.get("kind") != KIND:
        detail = text("plan_other_kind", names)
    elif not (record_schema.is_count(schema := about.get("schema"), _SCHEMAS) and schema):
        detail = text("plan_field", {**names, "field": "schema"})
    elif int(schema or 0) > SCHEMA:
        raise PlanTooNew(folder=str(folder), schema=schema)
    elif fault := plan_schema.find_fault(found):
        detail = text("plan_field", {**names, "field": fault})
    elif _sha256(content) != found["explicit"]["sha256"]:
        detail = text("plan_checksum", names)
    elif _named(content) != [line(package) for package in found["packages"]]:
        detail = text("plan_differs", names)
    elif found["sha256"] != plan_schema.checksum(found):
        detail = text("plan_edited", names)
    if detail is not None:
        raise PlanAltered(folder=str(folder), detail=detail)
    return SavedPlan(
        folder=folder,
        subdir=found["subdir"],
        created=found["created"],
        decision=found["torchmirror"],
        packages=tuple(found["packages"]),
        removed=tuple(found["removed"]),
        wheels=wheel_part.read(found["wheels"]) if int(schema or 0) > SCHEMA_OF_CONDA else None,
    )


def _only(folder: Path) -> Path:
    """The folder of the only plan within one that is none itself, as it is saved for machines that
    all need the same; else this one."""
    if (folder / DOCUMENT).exists() or (folder / EXPLICIT).exists():
        return folder
    try:
        found = [path.parent for path in folder.glob(f"*/{DOCUMENT}")]
    except OSError:
        return folder
    return found[0] if len(found) == 1 else folder


def _within(folder: Path) -> list[Notice]:
    """The step to the plans for machines of several kinds, where a folder has one for each, or
    where a folder that is not there has others beside it."""
    code = "plans_within" if folder.is_dir() else "plans_beside"
    parent = folder if folder.is_dir() else folder.parent
    try:
        found = sorted(path.parent for path in parent.glob(f"*/{DOCUMENT}"))
    except OSError:
        return []
    plans = ", ".join(f"`{typed(('--plan', str(path)))}`" for path in found)
    return [Notice(code, {"plans": plans, "folder": safe(str(parent))})] if found else []


def _content(folder: Path, name: str) -> bytes:
    """Read a file of a plan. A pipe, a device or a file beyond the size limit counts as altered.

    Raises: PlanMissing, PlanAltered.
    """
    try:
        return file_io.read(folder / name, plan_schema.BYTES)
    except file_io.FileTrouble as trouble:
        if trouble.code in ("missing", "dangling_link"):
            ways = _within(folder) if name == DOCUMENT else []
            raise PlanMissing(folder=str(folder), file=str(folder / name), ways=ways) from trouble
        large = trouble.code == "too_large"
        detail = text("plan_large" if large else f"file.{trouble.code}", trouble.facts)
        raise PlanAltered(folder=str(folder), detail=f"{name}: {detail}") from trouble


def _named(content: str) -> list[str]:
    """The lines of an explicit file that name packages."""
    return content.replace("\r\n", "\n").partition("@EXPLICIT\n")[2].splitlines()
