"""The result of conda's solver as complete records.

The JSON of conda's dry run lacks hashes (new conda) or URLs, so the records are taken from the hook
that conda calls after a solve.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, redirect_stdout
from io import StringIO
from tempfile import gettempdir
from typing import Any, NamedTuple

from conda.api import PrefixData
from conda.base.context import context
from conda.cli.main import main_subshell
from conda.exceptions import DryRunExit, PackagesNotFoundError
from conda.models.channel import Channel
from conda.models.prefix_graph import PrefixGraph
from conda.models.records import PackageRecord

from ..exceptions.choice import SolverSilent
from ..redirect.configuration import environment, inner_command
from ..text.sanitize import public_url, safe
from .package_cache import lacking
from .transaction import asked, heeded, pins
from .transaction.solved import listening


class Transaction(NamedTuple):
    """The result of a solve as conda's records.

    `state` is everything that the environment has afterwards, in the order of linking, `new` the
    part of it that is added or replaced, `removed` the names of packages that it no longer has.
    """

    state: tuple[Any, ...]
    new: tuple[Any, ...]
    removed: tuple[str, ...]


def solve(command: Sequence[str], variables: Mapping[str, str]) -> Transaction:
    """Run a conda `install` or `create` as a dry run, and return what it would do.

    Prints and changes nothing. `command` must have `--prefix`; `--dry-run` and `--json` are added
    if they are missing.

    Raises: what conda raises, such as UnsatisfiableError; Unheeded, SolverSilent,
    PackagesNotCached.
    """
    wanted = [*command, *(word for word in ("--dry-run", "--json") if word not in command)]
    return heeded.with_whole_index(lambda words: _solve(words, variables), wanted)


def _solve(wanted: Sequence[str], variables: Mapping[str, str]) -> Transaction:
    found: list[tuple[Any, Any]] = []
    try:
        with (
            inner_command(),
            environment(variables),
            asked.by_name(),
            pins.all_applied(wanted, variables),
            heeded.checked(wanted, variables),
            redirect_stdout(StringIO()),
            listening(lambda _, unlink, link: found.append((unlink, link))),
        ):
            main_subshell(*wanted)
    except DryRunExit:
        pass
    except PackagesNotFoundError as error:
        if (shown := lacking(error, wanted)) is None:
            raise
        raise shown from error
    if not found:
        raise SolverSilent(solver=safe(str(context.solver)))
    unlink, link = found[-1]
    prefix = wanted[wanted.index("--prefix") + 1]
    exists = os.path.isdir(os.path.join(prefix, "conda-meta"))
    state = {record.name: record for record in PrefixData(prefix).iter_records()} if exists else {}
    for record in unlink:
        state.pop(record.name, None)
    state.update({record.name: record for record in link})
    return Transaction(
        state=tuple(PrefixGraph(state.values()).graph),
        new=tuple(link),
        removed=tuple(sorted({record.name for record in unlink} - state.keys())),
    )


def nowhere() -> str:
    """A path without an environment, to solve as if for a new one."""
    return os.path.join(gettempdir(), f"torchmirror-{os.getpid()}-none")


def dumped(record: Any) -> dict[str, Any]:
    """A record as plain JSON values, without credentials and fields of an installed package."""

    found = PackageRecord.from_objects(record).dump()
    found["url"], found["channel"] = public_url(found["url"]), public_url(str(found["channel"]))
    # Through JSON, so that a new plan equals the same plan read from its file.
    return dict(json.loads(json.dumps({k: v for k, v in found.items() if v is not None})))


def loaded(packages: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Turn dumped records back into conda's, with this conda's credentials for their channels.

    Raises: ValueError, or what conda's records raise for invalid values.
    """

    full = _folders()
    records = []
    for package in packages:
        records.append(PackageRecord(**{**package, "url": _full(str(package["url"]), full)}))
    return records


def with_credentials() -> AbstractContextManager[None]:
    """Give what is solved in the block the credentials of its channels: conda downloads from the
    URLs of these records, and conda-rattler-solver leaves them out."""

    def complete(_: str, unlink: Any, link: Iterable[Any]) -> None:
        full = _folders()
        for record in link:
            if (url := _full(str(record.url), full)) != record.url:
                record.url = url

    return listening(complete)


def needs_credentials(url: str) -> bool:
    """Whether the URL of a package has credentials, or its channel does, whose records some solvers
    return without them."""
    return safe(url) != url or _full(url, _folders()) != url


def _full(url: str, folders: Mapping[str, str]) -> str:
    """The URL of a package with the credentials of its folder, if that is one of these."""
    folder, _, file = url.rpartition("/")
    return f"{folders[folder]}/{file}" if folder in folders else url


def _folders() -> dict[str, str]:
    """The folders of this conda's channels, with credentials by what they are without."""
    found: dict[str, str] = {}
    for channel in map(Channel, context.channels):
        found.update(zip(channel.urls(False), channel.urls(True), strict=True))
    return found
