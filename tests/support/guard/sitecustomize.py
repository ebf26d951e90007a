"""Loaded by every Python that a test starts (by way of `PYTHONPATH`) and by pytest itself.

Two things are enforced from here, because only here do they hold in a child process too:

* no connection and no name look-up leaves this machine. An attempt is refused, and written to the
  file named by `TORCHMIRROR_TEST_BLOCKED`, so that the test fails even where the program under
  test swallows the error. Names under `.invalid` (RFC 6761: they never exist) get a resolver's
  "not known" instead, which is how a test asks for a DNS failure;
* conda's rc files outside the private home (`/etc/conda`, the base prefix, ...) are looked for in
  the folder named by `TORCHMIRROR_TEST_SYSTEM`: same names, same order, another place.

Standard library only, and little of it: this runs at the start of every child.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

BLOCKED_VARIABLE = "TORCHMIRROR_TEST_BLOCKED"
SYSTEM_VARIABLE = "TORCHMIRROR_TEST_SYSTEM"

#: Audit event -> index of the argument that holds the host or the address.
_EVENTS = {
    "socket.connect": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyaddr": 0,
    "socket.gethostbyname": 0,
    "socket.sendmsg": 1,
    "socket.sendto": 1,
}

_LOOPBACK = {"", "localhost", "::1", "0.0.0.0", "::"}

_ROOTS = {
    "/etc/conda/": "etc",
    "/var/lib/conda/": "var",
    "C:/ProgramData/conda/": "etc",
    "$CONDA_ROOT/": "root",
}


def _is_local(host: str) -> bool:
    return host in _LOOPBACK or host.startswith("127.") or host.startswith("::ffff:127.")


def _audit(event: str, args: tuple[Any, ...]) -> None:
    index = _EVENTS.get(event)
    if index is None:
        return
    host = args[index]
    if isinstance(host, tuple) and host:
        host = host[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        return  # AF_UNIX paths and already connected sockets stay on this machine
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str) or _is_local(host):
        return
    if host.rstrip(".").endswith(".invalid"):
        import socket

        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    record = os.environ.get(BLOCKED_VARIABLE)
    if record:
        with open(record, "a", encoding="utf-8") as file:
            file.write(f"{host} ({event}, {os.path.basename(sys.argv[0] or 'python')})\n")
    raise OSError(errno.ENETUNREACH, f"tests stay on loopback: {host!r} was refused")


def private_search_path(search_path: tuple[str, ...]) -> tuple[str, ...]:
    """Conda's search path for rc files, with the places that a whole machine shares replaced."""

    def private(entry: str) -> str:
        for root, name in _ROOTS.items():
            if entry.startswith(root):
                return f"${SYSTEM_VARIABLE}/{name}/{entry[len(root) :]}"
        return entry

    return tuple(private(entry) for entry in search_path)


def _patch(module: Any) -> None:
    if module.__name__ == "conda.base.constants":
        module.SEARCH_PATH = private_search_path(module.SEARCH_PATH)
        module.TEST_SEARCH_PATH = module.SEARCH_PATH  # for putting it back in a long-lived process
    elif SYSTEM_VARIABLE in os.environ:  # the file that `conda config --system` writes
        module.sys_rc_path = os.path.join(os.environ[SYSTEM_VARIABLE], "root", ".condarc")


class _PatchedOnImport:
    """Finds what the other finders find, and patches two modules of conda once they have run."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Answer for two names only, by asking the finders that come after this one."""
        if name not in ("conda.base.constants", "conda.base.context"):
            return None
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                execute = spec.loader.exec_module

                def exec_module(module: Any, execute: Any = execute) -> None:
                    execute(module)
                    _patch(module)

                spec.loader.exec_module = exec_module  # type: ignore[method-assign]
                return spec
        return None


if not getattr(sys, "_torchmirror_guard", False):  # audit hooks cannot be taken away again
    sys._torchmirror_guard = True  # type: ignore[attr-defined]
    sys.addaudithook(_audit)
    sys.meta_path.insert(0, _PatchedOnImport())
