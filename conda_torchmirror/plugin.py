"""The hooks. Conda loads this module on every command, so it imports nothing but `hookimpl`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conda.plugins import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conda.plugins.types import CondaSetting, CondaSubcommand


@hookimpl
def conda_subcommands() -> Iterator[CondaSubcommand]:
    """`conda torch-install`."""
    from conda.plugins.types import CondaSubcommand

    from . import cli

    yield CondaSubcommand(
        name="torch-install",
        summary=cli.INSTALL,
        action=cli.install,
        configure_parser=cli.configure_install,
    )


@hookimpl
def conda_settings() -> Iterator[CondaSetting]:
    """Settings under `plugins:` of any .condarc."""
    from conda.common.configuration import PrimitiveParameter
    from conda.plugins.types import CondaSetting

    yield CondaSetting(
        name="torchmirror_flexible",
        description="May torch-install lift a strict channel_priority for its own transaction?",
        parameter=PrimitiveParameter(True, element_type=bool),
    )
