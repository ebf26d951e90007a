"""A process that has imported conda already, and forks for each command.

Most of a short command is Python importing conda. What a forked child inherits are modules of conda
and of what conda depends on; our own package, conda's plugins, the settings, the environment and
the streams are the child's own, as in a process started from nothing. A command for which the start
of the interpreter matters (PYTHONPATH, encodings) is not for this; see `running.run_conda`.

This file is the parent's side (`ForkServer`) and, run as a script, the server.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

AVAILABLE = hasattr(os, "fork")

#: What conda imports for its commands sooner or later; those that this conda lacks are skipped.
MODULES = (
    *("conda.cli.main", "conda.cli.conda_argparse", "conda.cli.install", "conda.core.solve"),
    *("conda.resolve", "conda.core.link", "conda.core.subdir_data", "conda.exceptions"),
    *("conda.core.package_cache_data", "conda.core.prefix_data", "conda.exception_handler"),
    *("conda.gateways.connection.session", "conda.gateways.connection.download"),
    *("conda.gateways.repodata.jlap.fetch", "conda.gateways.repodata.jlap.interface"),
    *("conda.notices.core", "conda.plugins.manager", "conda.history", "conda.env.env"),
    *("conda.cli.main_create", "conda.cli.main_install", "conda.cli.main_info"),
    *("conda.cli.main_config", "conda.cli.main_list", "conda.cli.main_search"),
    *("conda.plugins.virtual_packages.cuda", "conda_package_handling.api", "zstandard"),
    *("conda.plugins.subcommands.doctor", "requests", "urllib3.contrib.socks", "jsonpatch"),
    *("conda.cli.main_env_config", "conda.cli.main_env_create", "conda.cli.main_env_list"),
    *("conda.cli.main_env_remove", "conda.cli.main_env_update", "conda.cli.main_env_vars"),
    *("conda.trust.signature_verification", "conda.api", "conda.env.specs"),
    *("conda.env.installers.conda", "archspec.cpu", "distro", "netrc", "packaging.requirements"),
    *("packaging.tags", "packaging.utils", "pysat.solvers"),
)


class ForkServer:
    """The server, started with the environment of this moment. `close()` ends it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,  # an interrupt of pytest is not for a command
        )
        self._environment = dict(os.environ)

    def suits(self, environment: Mapping[str, str]) -> bool:
        """Whether a command in `environment` would see the interpreter that it asks for."""
        return _of_the_interpreter(environment) == _of_the_interpreter(self._environment)

    def run(
        self,
        module: str,
        words: Sequence[str],
        streams: tuple[Path | str, Path, Path],
        *,
        environment: Mapping[str, str],
        cwd: Path | str,
        timeout: float,
    ) -> int:
        """`python -m MODULE WORDS`; returns the exit status, negative for a signal.

        `streams` are the files for standard input, output and error. Raises
        subprocess.TimeoutExpired after `timeout` seconds.
        """
        order = {
            "module": module,
            "words": list(words),
            "streams": [str(path) for path in streams],
            "environment": dict(environment),
            "cwd": str(cwd),
        }
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        requests.write(json.dumps(order) + "\n")
        requests.flush()
        pid = int(answers.readline())
        late: list[bool] = []

        def end() -> None:
            late.append(True)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)

        timer = threading.Timer(timeout, end)
        timer.start()
        try:
            status = int(answers.readline())
        finally:
            timer.cancel()
        if late:
            raise subprocess.TimeoutExpired([module, *words], timeout)
        return status

    def close(self) -> None:
        """End the server."""
        self._process.communicate(timeout=30)


def _of_the_interpreter(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that Python reads when it starts."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(("PYTHON", "LC_")) or name in ("LANG", "LANGUAGE")
    }


def _serve() -> dict[str, Any] | None:
    """Fork for each request; returns the request in a child, None in the server at its end."""
    requests, answers = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    for line in requests:
        pid = os.fork()
        if pid == 0:
            requests.close()
            answers.close()
            order: dict[str, Any] = json.loads(line)
            return order
        print(pid, file=answers, flush=True)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(status, file=answers, flush=True)
    return None


def _become(order: Mapping[str, Any]) -> None:
    """Run the module of `order` as if this process had been started for it."""
    from support.isolation import reset_conda

    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    modes = (os.O_RDONLY, os.O_WRONLY | os.O_TRUNC, os.O_WRONLY | os.O_TRUNC)
    for number, (path, mode) in enumerate(zip(order["streams"], modes, strict=True)):
        stream = os.open(path, mode)
        os.dup2(stream, number)
        os.close(stream)
    reset_conda()
    # As `python -m` leaves them.
    sys.path[0] = order["cwd"]
    sys.argv = [order["module"], *order["words"]]
    runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


def _leave(end: SystemExit) -> None:
    """End the process with the status of `end`, where it is a number, after all that Python does
    before it takes its modules apart: that would write to every page that is the server's too.
    """
    if end.code is None or type(end.code) is int:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        with contextlib.suppress(OSError):  # what cannot be written is Python's to tell
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit((end.code or 0) & 0xFF)


def main() -> None:
    """Import conda, then serve."""
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    for name in MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    ours = [name for name in sys.modules if name.split(".")[0] == "conda_torchmirror"]
    assert not ours, f"the server has imported {ours}"
    gc.collect()
    gc.freeze()
    order = _serve()
    if order is not None:
        try:
            _become(order)
        except SystemExit as end:
            _leave(end)
            raise


if __name__ == "__main__":
    main()
