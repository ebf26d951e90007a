"""Saved plans: what is asked for them, and what is compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conda_torchmirror.plans import plan_schema, saved_plan
from conda_torchmirror.text.decision import summary

#: Where each machine keeps its own things, and what differs between two ways to the same package.
NOT_THE_PACKAGE = (
    "extracted_package_dir",
    "link",
    "package_tarball_full_path",
    "_requested_specs",
    "requested_spec",
    "requested_specs",
)
ASK = ("--cuda", "12.4", "--python", "3.12", "pytorch", "torchvision")
CPU = ("--cuda", "cpu", "--python", "3.11", "pytorch=2.1.0")
TOKEN = "tk-hidden-0123"


def draft(folder, decision, found):
    """The plan of a decision and of what conda solved for it."""
    about, subdir = summary(decision), decision.machine.subdir
    return saved_plan.drafted(folder, about, subdir, found, prefix=decision.prefix)


def conda_meta(prefix):
    """What an environment holds: its records, without what belongs to the machine."""
    found = {}
    for path in (Path(prefix) / "conda-meta").glob("*.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        found[path.name] = {k: v for k, v in record.items() if k not in NOT_THE_PACKAGE}
    return found


def rewrite(folder: Path, document: dict[str, Any]) -> None:
    """Write the document of a plan as if the plan had been saved so, with its checksum."""
    signed = {**document, "sha256": plan_schema.checksum(document)}
    (folder / "plan.json").write_text(json.dumps(signed))
