"""Commands that start at once: a process that has imported everything forks one for each.

What runs is a process of its own, with its own folder, environment and streams, as ``python -m assetflow`` is; only its
imports were done before. Most of the time of a short command is these.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Protocol

__all__ = ["Warm"]

#: Two processes, so that what commands say to each other does not rest on one seed of hashes.
_SERVERS = 2
_LONGEST = 60_000
_LIBRARIES = (
    "pandas",
    "polars",
    "pyarrow.compute",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "duckdb",
    "pydantic",
)
#: Not what is only for tests, and not the migrations, which only alembic can import.
_SKIPPED = ("assetflow.testing", "assetflow.catalog.migrations", "assetflow.cli.template", "assetflow.__main__")


class Warm:
    """Runs command lines. Servers are started when first needed, and end with this process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._servers: list[_Server] = []
        self._next = cycle(range(_SERVERS))

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], *, timeout: float
    ) -> tuple[int, str, str]:
        """The exit code of a command, and what it wrote to stdout and stderr."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(os.devnull).open() as nothing:
            streams = nothing.fileno(), out.fileno(), err.fileno()
            code = self.start(arguments, folder, environment, streams).wait(timeout)
            out.seek(0)
            err.seek(0)
            return code, _text(out.read()), _text(err.read())

    def start(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], streams: tuple[int, int, int]
    ) -> Waiting:
        """Start a command on these files as its stdin, stdout and stderr; wait for it before the next one."""
        request = json.dumps([list(arguments), str(folder), dict(environment)])
        differs = any(
            self._environment.get(name) != environment.get(name)
            for name in {*self._environment, *environment}
            if name.startswith(("PYTHON", "LC_")) or name == "LANG"
        )
        if not hasattr(socket, "SOCK_SEQPACKET") or differs or len(request) > _LONGEST:
            command = [sys.executable, "-m", "assetflow", *arguments]
            given = dict(zip(("stdin", "stdout", "stderr"), streams, strict=True))
            return subprocess.Popen(command, cwd=folder, env=dict(environment), **given)
        while len(self._servers) < _SERVERS:
            self._servers.append(_Server(self._environment))
        return self._servers[next(self._next)].start(request, streams)

    def close(self) -> None:
        """End the servers."""
        for server in self._servers:
            server.close()
        self._servers.clear()


class Waiting(Protocol):
    """A command that was started."""

    def wait(self, timeout: float) -> int:
        """Its exit code, once it has ended."""
        ...


class _Server:
    _pid = 0

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env={**environment, "OPENBLAS_NUM_THREADS": "1"},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def start(self, request: str, streams: tuple[int, int, int]) -> _Server:
        self._socket.settimeout(60)  # the first waits for the imports
        socket.send_fds(self._socket, [request.encode()], streams)
        self._pid = int(self._socket.recv(64))
        return self

    def wait(self, timeout: float) -> int:
        self._socket.settimeout(timeout)
        try:
            return int(self._socket.recv(64))
        except TimeoutError:
            os.kill(self._pid, signal.SIGKILL)
            self._socket.settimeout(60)
            self._socket.recv(64)
            raise

    def close(self) -> None:
        self._socket.close()
        self._process.wait(timeout=10)


def _text(data: bytes) -> str:
    return data.decode().replace("\r\n", "\n")


def _serve(sock: socket.socket) -> None:
    import assetflow

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in _LIBRARIES:
            importlib.import_module(name)
        for module in pkgutil.walk_packages(assetflow.__path__, "assetflow."):
            if not module.name.startswith(_SKIPPED):
                importlib.import_module(module.name)
        while True:
            data, files, _, _ = socket.recv_fds(sock, 2 * _LONGEST, 3)
            if not data:
                return
            pid = os.fork()
            if pid == 0:
                break
            for file in files:
                os.close(file)
            sock.send(str(pid).encode())
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            try:
                sock.send(str(code).encode())
            except BrokenPipeError:
                return
    sock.close()
    _become(*json.loads(data), *files)


def _become(arguments: list[str], folder: str, environment: dict[str, str], *streams: int) -> None:
    """Be the command."""
    for number, file in enumerate(streams):
        os.dup2(file, number)
        os.close(file)
    if os.isatty(1):
        sys.stdout.reconfigure(line_buffering=True)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    import assetflow.__main__ as program

    sys.argv = [str(program.__file__), *arguments]
    sys.path[0] = folder
    program.main()


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
