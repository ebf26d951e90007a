"""The hooks. Conda loads this module on every command, so it imports nothing but `hookimpl`.

A parser is filled only when its command is on the command line: argparse asks it to parse then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conda.plugins import hookimpl

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Generator, Iterator
    from typing import Any

    from conda.plugins.types import (
        CondaErrorHint,
        CondaHealthCheck,
        CondaPostCommand,
        CondaPreCommand,
        CondaSetting,
        CondaSubcommand,
    )

#: Name, summary, module, and in it: what fills the parser, what runs.
COMMANDS = (
    (
        "torch-install",
        "Choose the PyTorch build that this machine runs, and install it.",
        "cli.install",
        "configure_install",
        "install",
    ),
    (
        "torch-mirror",
        "Show, test and set up the mirrors that channels are read from.",
        "cli.mirror",
        "configure",
        "run",
    ),
    (
        "torch-verify",
        "Try PyTorch in an environment, and on the GPU where there is one.",
        "cli.verify",
        "configure",
        "run",
    ),
)


@hookimpl
def conda_subcommands() -> Iterator[CondaSubcommand]:
    """`conda torch-install`, `conda torch-mirror`, `conda torch-verify`."""
    from conda.plugins.types import CondaSubcommand

    for name, summary, module, configure, run in COMMANDS:
        yield CondaSubcommand(
            name=name,
            summary=summary,
            action=_calling(module, run),
            configure_parser=_when_parsing(_calling(module, configure)),
        )


@hookimpl
def conda_pre_commands() -> Iterator[CondaPreCommand]:
    """Point conda at mirrors before it reads channels."""
    from conda.plugins.types import CondaPreCommand

    from .hooks.commands import PLAIN, REDIRECTED

    yield CondaPreCommand(name="torchmirror", action=_before, run_for={*REDIRECTED, *PLAIN})


@hookimpl
def conda_post_commands() -> Iterator[CondaPostCommand]:
    """Leave conda as it was."""
    from conda.plugins.types import CondaPostCommand

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
    from conda.plugins.types import CondaHealthCheck

    yield CondaHealthCheck(name="pytorch", action=_calling("hooks.health_check", "check"))


@hookimpl
def conda_error_hints(error: BaseException) -> Iterator[CondaErrorHint]:
    """Next steps for errors of conda's own commands; conda 26.7 and newer ask for them."""
    from .hooks.error_hints import hints

    yield from hints(error)


@hookimpl
def conda_settings() -> Iterator[CondaSetting]:
    """Settings under `plugins:` of any .condarc."""
    from .redirect.settings import declared

    yield from declared()


def _before(command: str) -> None:
    _guarded("before", command)


def _after(command: str) -> None:
    _guarded("after", command)


def _guarded(name: str, command: str) -> None:
    try:
        from .hooks import redirect
    except Exception:  # a half-removed installation of ours is no reason for conda to fail
        return
    getattr(redirect, name)(command)


def _calling(module: str, name: str) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        from importlib import import_module

        return getattr(import_module(f"{__package__}.{module}"), name)(*args)

    return call


def _when_parsing(fill: Callable[[ArgumentParser], Any]) -> Callable[[ArgumentParser], None]:
    """A `configure_parser` that waits: conda builds all parsers for every command."""

    def configure(parser: ArgumentParser) -> None:
        def parse(args: Any = None, namespace: Any = None) -> tuple[Namespace, list[str]]:
            del parser.parse_known_args
            fill(parser)
            return parser.parse_known_args(args, namespace)

        parser.parse_known_args = parse  # type: ignore[method-assign, assignment]

    return configure
