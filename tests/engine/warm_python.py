"""A Python that has imported the slow packages already: a server process forks for each program.

Importing pulumi and azure-native takes longer than most of the programs that the engine tier starts. The launcher of
`WarmPython` takes the arguments of `python` and behaves like it: standard streams, folder, environment, signals and
exit code are those of the program. Linux only (pidfd).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

AVAILABLE = hasattr(os, "pidfd_open")
# Third-party packages only: each program imports the project's own modules itself.
SLOW_PACKAGES = (
    "pulumi",
    "pulumi_command.local",
    "pulumi_command.remote",
    *(f"pulumi_azure_native.{name}" for name in ("resources", "network", "compute", "dns", "privatedns", "devtestlab")),
    "asyncssh",
    "dns.resolver",
    "rich.console",
    "rich.table",
    "typer",
    "yaml",
)
LENGTH = 8
FLAGS = ("-P", "-u")
BEAT_SECONDS = 0.5  # a program ends within this time after its starter was killed


class WarmPython:
    """Use it as a context manager; `launcher` is the executable."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "warm.sock"
        self.launcher = folder / "python"
        command = shlex.join([sys.executable, "-IS", str(Path(__file__).resolve()), "run", str(self._socket)])
        self.launcher.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        self.launcher.chmod(0o755)

    def __enter__(self) -> WarmPython:
        self._server = subprocess.Popen(
            [sys.executable, "-P", __file__, "serve", str(self._socket)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._server.stdout
        if self._server.stdout.readline() != b"ready\n":
            raise RuntimeError("The server of warm Pythons did not start.")
        return self

    def __exit__(self, *_: object) -> None:
        # It ends with its standard input, so that it never outlives the tests.
        self._server.communicate()


def run(path: str, arguments: list[str]) -> int:
    """Asks the server to run one program: its exit code."""
    starter = os.getppid()
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: server.send(bytes([number])))
        program = {"arguments": arguments, "folder": str(Path.cwd()), "environment": dict(os.environ)}
        wanted = json.dumps(program).encode()
        socket.send_fds(server, [len(wanted).to_bytes(LENGTH, "big")], [0, 1, 2])
        server.sendall(wanted)
        while not select.select([server], [], [], BEAT_SECONDS)[0]:
            if os.getppid() != starter:
                return 1
        answer = server.recv(1)
    return answer[0] if answer else 1


def serve(path: str) -> None:
    """Forks for each connection until standard input ends."""
    for name in SLOW_PACKAGES:
        # azure-native loads a module when it is first looked at.
        getattr(importlib.import_module(name), "__all__", None)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                supervise(connection)
            connection.close()


def supervise(connection: socket.socket) -> NoReturn:
    """Runs the program in a child process, forwards signals to it, and kills it when its starter is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, streams, _, _ = socket.recv_fds(connection, LENGTH, 3)
    length = int.from_bytes(head, "big")
    wanted = json.loads(connection.recv(length, socket.MSG_WAITALL))
    program = os.fork()
    if program == 0:
        connection.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os._exit(execute(**wanted))
    for stream in (0, 1, 2, *streams):
        os.close(stream)
    ended = os.pidfd_open(program)
    starter = connection.fileno()
    while ended not in select.select([ended, starter], [], [])[0]:
        asked = connection.recv(1)
        os.kill(program, asked[0] if asked else signal.SIGKILL)
        if not asked:
            break
    _, status = os.waitpid(program, 0)
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(OSError):
        connection.send(bytes([code if code >= 0 else 128 - code]))
    os._exit(0)


def execute(arguments: list[str], folder: str, environment: dict[str, str]) -> int:
    """`python ARGUMENTS`: -P, -u, then -m MODULE or a script, then the program's own arguments."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    flags = []
    while arguments[0] in FLAGS:
        flags.append(arguments.pop(0))
    sys.path[:0] = [part for part in environment.get("PYTHONPATH", "").split(os.pathsep) if part]
    importlib.invalidate_caches()
    try:
        if arguments[0] == "-m":
            if "-P" not in flags:
                sys.path.insert(0, folder)
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = arguments
            runpy.run_path(arguments[0], run_name="__main__")
        code: Any = 0
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as an interpreter does
        sys.excepthook(*sys.exc_info())
        code = 1
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code or 0


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        sys.exit(run(sys.argv[2], sys.argv[3:]))
