"""The plugin's hooks, and the commands of conda that the automatic redirect applies to.

Conda loads this module on every command, so it is one file and loads no other of ours. The hooks
are small functions that import what they call when they are called.

Conda also builds the parser of every command before it knows which one runs. Ours stay empty until
argparse asks them to parse, which saves every command of conda the imports of our commands and 2 ms
(on an idle machine, Python 3.11, conda 24.7.1, 2026-11). The price: a tool that walks conda's
parser without parsing (completion, documentation) finds no option of ours, unless it calls
`cli.deferred.fill` first.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from conda.plugins import hookimpl
from conda.plugins.types import (
    CondaHealthCheck,
    CondaPostCommand,
    CondaPreCommand,
    CondaSubcommand,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Generator, Iterator, Sequence
    from typing import Any

    from conda.plugins.types import (
        CondaErrorHint,
        CondaExceptionEvent,
        CondaExceptionObserver,
        CondaPrefixDataLoader,
        CondaSetting,
        ConfirmCallback,
    )

    from .hooks.redirect import Trait

#: Every command that reads or writes packages, or shows channels; never `run`, `config`, `clean`.
#: The only place with their names, and with what the redirect has to know about each.
#:
#: A name is what conda hands to a pre-command hook: the last part of the module that runs the
#: command (`conda env create` is `env_create` on 24.7 and `create` on 26.7, `conda env export` is
#: `export`, `conda env list` is `info`, `conda uninstall` is `remove`), or a plugin's own name
#: (`doctor`, which is `check` too on 26.7; `repoquery` of conda-libmamba-solver; `exec` of
#: conda-exec; `global` of conda-global; `workspace` and `ws` of conda-workspaces; `pypi` of
#: conda-pypi: these call the solver directly). `remove` solves with what is installed.
REDIRECTED: dict[str, tuple[Trait, ...]] = {
    "check": ("installed",),
    "compare": ("installed",),
    "create": ("reads", "fetches"),
    "doctor": ("installed",),
    "env_create": ("reads", "fetches"),  # 24.7 only
    "env_remove": ("installed",),  # 24.7 only
    "env_update": ("installed", "reads", "fetches"),
    "exec": ("reads", "fetches"),
    "export": ("installed",),
    "global": ("reads", "fetches", "any"),
    "info": ("reads",),
    "install": ("installed", "reads", "fetches"),
    "list": ("installed",),
    "pypi": ("installed", "reads", "fetches"),
    "remove": ("installed", "reads"),
    "rename": ("installed",),
    "repoquery": ("installed", "reads", "fetches"),
    "search": ("reads", "fetches"),
    "update": ("installed", "reads", "fetches"),
    "workspace": ("reads", "fetches", "any"),
    "ws": ("reads", "fetches", "any"),
}

#: Commands that must see conda as it is, even after an earlier command of this process was
#: redirected. `notices` is one of them: mirrors do not carry the announcements of channels.
PLAIN = frozenset(
    [
        *("clean", "commands", "config", "env_config", "env_vars", "init", "notices", "package"),
        *("plugins", "run", "torch-install", "torch-mirror", "torch-verify"),
    ]
)

#: The functions (`func` in conda's parser) of `conda export` and `conda env export`.
EXPORTS = frozenset(("conda.cli.main_export.execute", "conda.cli.main_env_export.execute"))


@hookimpl
def conda_subcommands() -> Iterator[CondaSubcommand]:
    """Offer `conda torch-install`, `conda torch-mirror` and `conda torch-verify`."""
    yield CondaSubcommand(
        name="torch-install",
        summary="Choose the PyTorch build that this machine runs, and install it.",
        action=_run_install,
        configure_parser=_deferred(_configure_install),
    )
    yield CondaSubcommand(
        name="torch-mirror",
        summary="Show, test and set up the mirrors that channels are read from.",
        action=_run_mirror,
        configure_parser=_deferred(_configure_mirror),
    )
    yield CondaSubcommand(
        name="torch-verify",
        summary="Try PyTorch in an environment, and on the GPU where there is one.",
        action=_run_verify,
        configure_parser=_deferred(_configure_verify),
    )


@hookimpl
def conda_pre_commands() -> Iterator[CondaPreCommand]:
    """Point conda at mirrors before it reads channels."""
    yield CondaPreCommand(name="torchmirror", action=_before, run_for={*REDIRECTED, *PLAIN})


@hookimpl
def conda_post_commands() -> Iterator[CondaPostCommand]:
    """Undo the redirect after the command."""
    yield CondaPostCommand(name="torchmirror", action=_after, run_for={*REDIRECTED})


@hookimpl(hookwrapper=True)
def conda_virtual_packages() -> Generator[None, Any, None]:
    """Offer `__cuda_arch`. A wrapper, because it must see what conda and other plugins offer."""
    outcome = yield
    if outcome.excinfo is None:
        from .hooks.cuda_arch import with_ours

        outcome.force_result(with_ours(outcome.get_result()))


@hookimpl
def conda_health_checks() -> Iterator[CondaHealthCheck]:
    """Check PyTorch in `conda doctor`."""
    check = CondaHealthCheck(name="pytorch", action=_check_health)
    if hasattr(check, "summary"):  # conda 26.7 and newer show it in `conda doctor --list`
        check.summary = "PyTorch fits this machine, its driver and its partners"
    if hasattr(check, "fixer"):  # so has `conda doctor --fix`
        check.fixer, check.fix = _fix_health, "Run conda torch-install in the environment"
    yield check


@hookimpl
def conda_error_hints(error: BaseException) -> Iterator[CondaErrorHint]:
    """Offer next steps for errors of conda's own commands; conda 26.7 and newer ask for them."""
    from .hooks.error_hints import hints

    yield from hints(error)


@hookimpl
def conda_exception_observers() -> Iterator[CondaExceptionObserver]:
    """Show next steps for errors that conda 26.5 and newer do not ask hints for."""
    from conda.plugins.types import CondaExceptionObserver

    yield CondaExceptionObserver(name="torchmirror", hook=_observe, watch_for={"Exception"})


@hookimpl
def conda_prefix_data_loaders() -> Iterator[CondaPrefixDataLoader]:
    """Put official URLs into exports; conda 25 and newer ask for it."""
    from conda.plugins.types import CondaPrefixDataLoader

    yield CondaPrefixDataLoader(name="torchmirror", loader=_name_origins)


@hookimpl
def conda_settings() -> Iterator[CondaSetting]:
    """Declare our settings, which go under `plugins:` in any .condarc."""
    from .redirect.settings import declared

    yield from declared()


def _deferred(configure: Callable[[ArgumentParser], None]) -> Callable[[ArgumentParser], None]:
    """Return a `configure_parser` that puts off `configure` until the parser parses."""

    def configure_later(parser: ArgumentParser) -> None:
        def parse_known_args(
            args: Sequence[str] | None = None, namespace: Namespace | None = None
        ) -> tuple[Namespace, list[str]]:
            from .cli.deferred import fill

            return fill(parser).parse_known_args(args, namespace)

        # `fill` removes both.
        vars(parser).update(configure_later=configure, parse_known_args=parse_known_args)

    return configure_later


def _configure_install(parser: ArgumentParser) -> None:
    from .cli.install import configure_install

    configure_install(parser)


def _run_install(args: Namespace) -> int:
    from .cli.install import install
    from .handover import interrupts

    with interrupts.orderly():
        return install(args)


def _configure_mirror(parser: ArgumentParser) -> None:
    from .cli.mirror import configure

    configure(parser)


def _run_mirror(args: Namespace) -> int:
    from .cli.mirror import run
    from .handover import interrupts

    with interrupts.orderly():
        return run(args)


def _configure_verify(parser: ArgumentParser) -> None:
    from .cli.verify import configure

    configure(parser)


def _run_verify(args: Namespace) -> int:
    from .cli.verify import run
    from .handover import interrupts

    with interrupts.orderly():
        return run(args)


def _check_health(prefix: str, verbose: bool) -> None:
    from .hooks.health_check import check

    check(prefix, verbose)


def _fix_health(prefix: str, args: Namespace, confirm: ConfirmCallback) -> int:
    from .hooks.health_check import fix

    return fix(prefix, confirm)


def _name_origins(prefix: Any, records: dict[str, Any]) -> dict[str, Any]:
    from conda.base.context import context

    if context._argparse_args.get("func") not in EXPORTS:  # `conda list` asks too
        return {}
    from .hooks.exports import name_origins

    return name_origins(prefix, records)


def _observe(event: CondaExceptionEvent) -> None:
    if f"{__package__}.hooks.fallback" in sys.modules:  # else the command used no mirror
        from .hooks.redirect import observe

        observe(event.exc_value)


def _before(command: str) -> None:
    traits, found = REDIRECTED.get(command), None
    if not _loaded():  # no redirect can be in force that a plain command would have to undo
        if traits is None:
            return
        if "any" not in traits:
            try:
                from .redirect.named_channels import candidates, of_this_command

                found = of_this_command(installed="installed" in traits)
                if not candidates(found) and not found.packages:
                    return
            except Exception:  # `before` meets the same error, and reports it
                found = None
    try:
        from .hooks.redirect import before
    except Exception:  # a partly removed installation of ours must not break conda
        return
    before(command, traits, found)


def _after(command: str) -> None:
    if _loaded():
        from .hooks.redirect import after

        after(command)


def _loaded() -> bool:
    """Whether a command of this process was redirected, or might have been."""
    return f"{__package__}.hooks.redirect" in sys.modules
