"""Conda commands, as a child process or inside this one, with the same shape of answer."""

from __future__ import annotations

import atexit
import io
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from . import forkserver
from .forkserver import ForkServer
from .isolation import environment, reset_conda


@dataclass(frozen=True)
class Result:
    """What a command left behind. `seconds` is wall time; `error` is the exception that conda
    turned into the message on standard error, known for commands of this process only."""

    args: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str
    seconds: float
    error: BaseException | None = field(default=None, repr=False)

    def json(self) -> Any:
        """Standard output as one JSON document; AssertionError with both streams if it is not."""
        try:
            return json.loads(self.stdout)
        except ValueError as error:
            raise AssertionError(f"not one JSON document ({error})\n{self}") from error

    @property
    def words(self) -> str:
        """Everything that was said on both streams, on one line."""
        return " ".join(f"{self.stdout}\n{self.stderr}".split())

    def ok(self) -> Result:
        """This result, or AssertionError with both streams when the exit status is not 0."""
        assert self.rc == 0, str(self)
        return self

    def __str__(self) -> str:
        return (
            f"conda {' '.join(self.args)}: exit status {self.rc} after {self.seconds:.2f} s\n"
            f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"
        )


def run_conda(
    *args: str | os.PathLike[str],
    env: Mapping[str, str | None] | None = None,
    input: str | None = None,
    cwd: Path | None = None,
    timeout: float = 180,
    check: bool = False,
    fresh: bool = False,
) -> Result:
    """`python -m conda ARGS` as a child, in this test's environment.

    `env` is laid over it, None takes a variable away. `timeout` in seconds;
    subprocess.TimeoutExpired after that. The child is a fork of a process that has imported conda,
    which saves most of the time of a short command; `fresh` starts an interpreter, as does an
    environment with other variables of the interpreter.
    """
    laid = {**os.environ, **(env or {})}
    variables = {key: value for key, value in laid.items() if value is not None}
    words = _words(args, check=check)
    server = None if fresh else _fork_server()
    start = time.perf_counter()
    if server is not None and server.suits(variables):
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder, name) for name in ("stdin", "stdout", "stderr")]
            for file in files:
                file.write_text(input or "", encoding="utf-8")
            status = server.run(
                "conda",
                words,
                (os.devnull if input is None else files[0], files[1], files[2]),
                environment=variables,
                cwd=cwd or os.getcwd(),
                timeout=timeout,
            )
            out, err = (file.read_text(encoding="utf-8") for file in files[1:])
        return Result(words, status, out, err, time.perf_counter() - start)
    done = subprocess.run(
        [sys.executable, "-m", "conda", *words],
        env=variables,
        input=input,
        stdin=subprocess.DEVNULL if input is None else None,
        capture_output=True,
        encoding="utf-8",
        cwd=cwd,
        timeout=timeout,
        check=False,
    )
    seconds = time.perf_counter() - start
    return Result(words, done.returncode, done.stdout, done.stderr, seconds)


@cache
def _fork_server() -> ForkServer | None:
    """The server of this process, started when it is first needed; None where none can fork."""
    if not forkserver.AVAILABLE:
        return None
    server = ForkServer()
    atexit.register(server.close)
    return server


def _words(args: tuple[str | os.PathLike[str], ...], *, check: bool) -> tuple[str, ...]:
    """The words as text. `torch-install` is told `--no-check` unless a test is about the check:
    the packages here hold no torch that could be tried."""
    words = tuple(str(arg) for arg in args)
    return (*words, "--no-check") if words[:1] == ("torch-install",) and not check else words


def conda_in_process(*args: str | os.PathLike[str], input: str = "", check: bool = False) -> Result:
    """The same inside this process: many questions with one start of conda.

    What conda's own entry point does, error handler included, so exit status, streams and JSON
    errors are those of a child; the exception itself is in `error`. What a process would take
    with it when it ends (environment variables, caches, log levels, argv) is put back.
    """
    from conda.cli.main import main_subshell
    from conda.exception_handler import conda_exception_handler
    from conda.gateways.logging import initialize_logging

    words = _words(args, check=check)
    errors: list[BaseException] = []

    def command() -> Any:
        try:
            return main_subshell(*words)
        except BaseException as error:
            errors.append(error)
            raise

    out, err = io.StringIO(), io.StringIO()
    initialize_logging()  # conda does it once a process, so not between what is kept and restored
    argv, stdin, levels = sys.argv, sys.stdin, _log_levels()
    reset_conda()
    start = time.perf_counter()
    try:
        sys.argv, sys.stdin = ["conda", *words], io.StringIO(input)
        world = environment(dict(os.environ))
        with world, redirect_stdout(out), redirect_stderr(err), _parsers_kept(), _end_of_process():
            status = conda_exception_handler(command)
    finally:
        seconds = time.perf_counter() - start
        sys.argv, sys.stdin = argv, stdin
        for logger, level in levels.items():
            if logger.level != level:  # every change empties the caches of all loggers
                logger.setLevel(level)
        reset_conda()
    rc = status if isinstance(status, int) else 0 if status is None else 1
    return Result(words, rc, out.getvalue(), err.getvalue(), seconds, next(iter(errors), None))


#: Parsers of conda that were built in this process, ours filled, by the language of the reader and
#: the words that `generate_parser` was given.
_PARSERS: dict[tuple[Any, ...], Any] = {}


@contextmanager
def _parsers_kept() -> Iterator[None]:
    """Within the block conda's `generate_parser`, which takes two thirds of the time of a short
    command, builds a parser once for each language."""
    from conda.cli import conda_argparse

    from conda_torchmirror.text import language

    build = conda_argparse.generate_parser

    def kept(**kwargs: Any) -> Any:
        key = (language.current(), *sorted(kwargs.items()))
        if key not in _PARSERS:
            _PARSERS[key] = build(**kwargs)
        return _PARSERS[key]

    conda_argparse.generate_parser = kept
    try:
        yield
    finally:
        conda_argparse.generate_parser = build


@contextmanager
def _end_of_process() -> Iterator[None]:
    """Call what the plugin has registered with `atexit` when the block ends."""
    register, ours = atexit.register, ExitStack()

    def kept(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if function.__module__.startswith("conda_torchmirror."):
            return ours.callback(function, *args, **kwargs)
        return register(function, *args, **kwargs)

    with ours, pytest.MonkeyPatch.context() as patched:
        patched.setattr(atexit, "register", kept)
        yield


def _log_levels() -> dict[logging.Logger, int]:
    known = logging.getLogger().manager.loggerDict
    loggers = [known[name] for name in known if name.split(".")[0] in ("conda", "requests")]
    found = {logger: logger.level for logger in loggers if isinstance(logger, logging.Logger)}
    return {**found, logging.getLogger(): logging.getLogger().level}
