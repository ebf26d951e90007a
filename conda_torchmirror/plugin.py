"""The hooks. Conda loads this module on every command, so it loads nothing of ours but `deferred`.

Conda is handed small functions; each imports what it calls when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conda.plugins import hookimpl
from conda.plugins.types import (
    CondaHealthCheck,
    CondaPostCommand,
    CondaPreCommand,
    CondaSubcommand,
)

from .cli.deferred import deferred

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Generator, Iterator
    from typing import Any

    from conda.plugins.types import CondaErrorHint, CondaPrefixDataLoader, CondaSetting


@hookimpl
def conda_subcommands() -> Iterator[CondaSubcommand]:
    """`conda torch-install`, `conda torch-mirror`, `conda torch-verify`."""
    yield CondaSubcommand(
        name="torch-install",
        summary="Choose the PyTorch build that this machine runs, and install it.",
        action=_run_install,
        configure_parser=deferred(_configure_install),
    )
    yield CondaSubcommand(
        name="torch-mirror",
        summary="Show, test and set up the mirrors that channels are read from.",
        action=_run_mirror,
        configure_parser=deferred(_configure_mirror),
    )
    yield CondaSubcommand(
        name="torch-verify",
        summary="Try PyTorch in an environment, and on the GPU where there is one.",
        action=_run_verify,
        configure_parser=deferred(_configure_verify),
    )


@hookimpl
def conda_pre_commands() -> Iterator[CondaPreCommand]:
    """Point conda at mirrors before it reads channels."""
    from .hooks.commands import PLAIN, REDIRECTED

    yield CondaPreCommand(name="torchmirror", action=_before, run_for={*REDIRECTED, *PLAIN})


@hookimpl
def conda_post_commands() -> Iterator[CondaPostCommand]:
    """Leave conda as it was."""
    from .hooks.commands import REDIRECTED

    yield CondaPostCommand(name="torchmirror", action=_after, run_for={*REDIRECTED})


@hookimpl(hookwrapper=True)
def conda_virtual_packages() -> Generator[None, Any, None]:
    """`__cuda_arch`. A wrapper, because it must know what conda and other plugins offer."""
    outcome = yield
    if outcome.excinfo is None:
        from .hooks.cuda_arch import beside

        outcome.force_result(beside(outcome.get_result()))


@hookimpl
def conda_health_checks() -> Iterator[CondaHealthCheck]:
    """What `conda doctor` says about PyTorch."""
    check = CondaHealthCheck(name="pytorch", action=_check_health)
    if hasattr(check, "summary"):  # conda 26.7 and newer show it in `conda doctor --list`
        check.summary = "PyTorch fits this machine, its driver and its partners"
    yield check


@hookimpl
def conda_error_hints(error: BaseException) -> Iterator[CondaErrorHint]:
    """Next steps for errors of conda's own commands; conda 26.7 and newer ask for them."""
    from .hooks.error_hints import hints

    yield from hints(error)


@hookimpl
def conda_prefix_data_loaders() -> Iterator[CondaPrefixDataLoader]:
    """Official URLs in exports; conda 25 and newer ask for it."""
    from conda.plugins.types import CondaPrefixDataLoader

    yield CondaPrefixDataLoader(name="torchmirror", loader=_name_origins)


@hookimpl
def conda_settings() -> Iterator[CondaSetting]:
    """Settings under `plugins:` of any .condarc."""
    from .redirect.settings import declared

    yield from declared()


def _configure_install(parser: ArgumentParser) -> None:
    from .cli.install import configure_install

    configure_install(parser)


def _run_install(args: Namespace) -> int:
    from .cli.install import install

    return install(args)


def _configure_mirror(parser: ArgumentParser) -> None:
    from .cli.mirror import configure

    configure(parser)


def _run_mirror(args: Namespace) -> int:
    from .cli.mirror import run

    return run(args)


def _configure_verify(parser: ArgumentParser) -> None:
    from .cli.verify import configure

    configure(parser)


def _run_verify(args: Namespace) -> int:
    from .cli.verify import run

    return run(args)


def _check_health(prefix: str, verbose: bool) -> None:
    from .hooks.health_check import check

    check(prefix, verbose)


def _name_origins(prefix: Any, records: dict[str, Any]) -> dict[str, Any]:
    from conda.base.context import context

    from .hooks.commands import EXPORTS

    if context._argparse_args.get("func") not in EXPORTS:  # `conda list` asks too
        return {}
    from .hooks.exports import name_origins

    return name_origins(prefix, records)


def _before(command: str) -> None:
    try:
        from .hooks.redirect import before
    except Exception:  # a half-removed installation of ours is no reason for conda to fail
        return
    before(command)


def _after(command: str) -> None:
    try:
        from .hooks.redirect import after
    except Exception:  # as above
        return
    after(command)
