"""Mirrors of wheels and of PyPI on loopback, in every layout that mirrors have.

A site is a folder: pages are files named `index.html` or `index.json`, which stand for the folder
above them. The files of a mirror may be altered or removed after its pages were written.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from .mirror import Exchange, Mirror
from .wheel_files import Made


class Site(Mirror):
    """A server of pages and wheels below `/whl/`, or of an index below `/simple/`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        super().__init__({})
        self.mounts = {"/": folder}

    def file(self, path: str) -> Path | None:
        """Folders are answered by their pages."""
        if path.endswith("/"):
            for name in ("index.json", "index.html"):
                if (found := super().file(path + name)) is not None:
                    return found
            return None
        return super().file(path)

    @property
    def wheels(self) -> str:
        """What `--mirror` takes."""
        return f"{self.url}/whl"

    @property
    def simple(self) -> str:
        """The index."""
        return f"{self.url}/simple"

    def sent(self, end: str = ".whl") -> list[str]:
        """The names of the files that were sent, whole or the rest of them; parts aside."""
        return [
            request.path.rpartition("/")[2]
            for request in list(self.requests)
            if request.path.endswith(end)
            and request.status in (200, 206)
            and request.headers.get("Range", "-").endswith("-")
        ]

    def pages(self) -> list[str]:
        """The pages that were asked for."""
        return [request.path for request in list(self.requests) if request.path.endswith("/")]


def put(
    site: Site,
    wheels: Iterable[Made],
    layout: str = "index",
    *,
    hashes: bool = True,
    metadata: bool = False,
    absolute: str = "",
) -> None:
    """Let a site serve wheels: `index` (a page for each variant and project), `flat` (one for each
    variant), `json` (as `index`, by PEP 691) or `simple` (an index without variants).

    `absolute` is the address that links begin with where they leave the site.
    """
    listed: dict[Path, list[Made]] = {}
    for made in wheels:
        root = site.folder / ("simple" if layout == "simple" else "whl")
        store = root / ".files" if layout == "simple" else root / made.variant
        store.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made.path, store / made.name)
        if metadata:
            (store / f"{made.name}.metadata").write_bytes(made.metadata)
        page = {
            "flat": root / made.variant,
            "simple": root / made.project,
        }.get(layout, root / made.variant / made.project)
        page.mkdir(parents=True, exist_ok=True)
        listed.setdefault(page, []).append(made)
    for page, found in listed.items():
        rows = [_row(site, page, made, layout, absolute) for made in found]
        if layout == "json":
            files = [
                {
                    "filename": made.name,
                    "url": href,
                    "hashes": {"sha256": made.sha256} if hashes else {},
                    "size": made.path.stat().st_size,
                    "core-metadata": metadata,
                }
                for made, href in zip(found, rows, strict=True)
            ]
            (page / "index.json").write_text(json.dumps({"name": page.name, "files": files}))
            continue
        old = page / "index.html"
        before = old.read_text() if old.exists() else ""
        lines = [
            f'<a href="{href}{f"#sha256={made.sha256}" if hashes else ""}"'
            f"{' data-core-metadata=true' if metadata else ''}>{made.name}</a><br/>"
            for made, href in zip(found, rows, strict=True)
        ]
        old.write_text(before + "\n".join(lines) + "\n")


def _row(site: Site, page: Path, made: Made, layout: str, absolute: str) -> str:
    if absolute:
        return f"{absolute}/{made.variant}/{quote(made.name)}"
    if layout == "flat":
        return quote(made.name)
    if layout == "simple":
        return f"../.files/{quote(made.name)}"
    return f"/whl/{made.variant}/{quote(made.name)}"


def portal(exchange: Exchange) -> None:
    """A page that answers for everything, as those before a log-in do."""
    exchange.send(200, b"<html><h1>Log in</h1><a href='/login'>here</a></html>")


def hostile_home(home: Path, decoys: Site) -> dict[str, str]:
    """Write pip's configuration, a user site and a folder of modules that all lead elsewhere, and
    return the variables that go with them."""
    config = home / ".config" / "pip"
    config.mkdir(parents=True, exist_ok=True)
    (config / "pip.conf").write_text(
        f"[global]\nextra-index-url = {decoys.simple}\nfind-links = {decoys.url}/whl/cu126/\n"
        f"trusted-host = 127.0.0.1\n[install]\nuser = true\n"
    )
    named = home / "named-pip.conf"
    named.write_text(f"[global]\nextra-index-url = {decoys.simple}\n")
    modules = home / "modules"
    info = modules / "filelock-99.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: filelock\nVersion: 99.0\n")
    (info / "RECORD").write_text("")
    (modules / "filelock.py").write_text("SAYS = 'from PYTHONPATH'\n")
    return {
        "PIP_CONFIG_FILE": str(named),
        "PIP_EXTRA_INDEX_URL": decoys.simple,
        "PIP_TARGET": str(home / "target"),
        "PIP_USER": "1",
        "PIP_PREFIX": str(home / "elsewhere"),
        "PIP_NO_INDEX": "1",
        "PYTHONPATH": os.pathsep.join([str(modules), os.environ.get("PYTHONPATH", "")]),
        "PYTHONUSERBASE": str(home / "userbase"),
    }
