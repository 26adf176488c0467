"""A PowerShell that has compiled the scripts already: a few processes, each of which runs one script after the other.

A new process takes 2 to 3 seconds of CPU for a script of this project, nearly all of it to compile the same code again.
The launcher of `WarmPowerShell` takes the arguments of `pwsh` and behaves like it: standard streams, folder,
environment and exit code are those of the script. Each run has its own runspace. Linux only (procfs, pidfd).

A new process runs what no warm one can: a command line without `-File`, an input that is neither a file nor a pipe,
more runs at a time than `PROCESSES`, and every script if this PowerShell cannot run twice in one process.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path

from rehearsal.powershell import lookup
from tests.warm_powershell.launcher import ACCEPTED, CHUNK, DECLINED, LENGTH

AVAILABLE = hasattr(os, "pidfd_open")
HERE = Path(__file__).parent
LAUNCHER = """#!{python} -IS
import sys
sys.path.insert(0, {folder!r})
import launcher
launcher.main({socket!r}, {program!r})
"""
PROCESSES = 2
PATIENCE = 60  # seconds until a warm process has started
OPTIONS = ("-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass")
SETTINGS = {"DOTNET_TieredPGO": "0"}  # .NET compiles hot code twice, not three times
PROBE = "[Console]::Out.Write([Console]::In.ReadToEnd()); exit 7\n"


class NotWarmError(Exception):
    """This PowerShell does not start here, or does not run twice in one process."""


class WarmProcess:
    """One PowerShell that runs scripts. `output` and `error` are its standard output and error, to read from."""

    def __init__(self, program: Path, folder: Path) -> None:
        """Raises NotWarmError."""
        self.output, output = os.pipe()
        self.error, error = os.pipe()
        for end in (self.output, self.error):
            os.set_blocking(end, False)
        path = folder / f"{os.urandom(4).hex()}.sock"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen(1)
            self._process = subprocess.Popen(
                [program, *OPTIONS, "-File", HERE / "server.ps1", path],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=error,
                env={**os.environ, **lookup.powershell_environment(), **SETTINGS},
            )
            os.close(output)
            os.close(error)
            self.connection = self._accept(listener)
        try:
            self._probe(folder)
        except NotWarmError:
            self.end()
            raise

    def _accept(self, listener: socket.socket) -> socket.socket:
        ended = os.pidfd_open(self._process.pid)
        ready = select.select([listener.fileno(), ended], [], [], PATIENCE)[0]
        os.close(ended)
        if ready == [listener.fileno()]:
            return listener.accept()[0]
        self.connection = listener
        self.end()
        raise NotWarmError

    def _probe(self, folder: Path) -> None:
        """Runs a script twice, each time with another input."""
        script, text = folder / "probe.ps1", folder / "probe.txt"
        script.write_text(PROBE, encoding="utf-8")
        for expected in (b"one", b"two"):
            text.write_bytes(expected)
            arguments = [*OPTIONS, "-File", str(script)]
            run = {"arguments": arguments, "folder": str(folder), "input": str(text), "environment": dict(os.environ)}
            self.begin(json.dumps(run).encode())
            if self.exit_code() != 7 or os.read(self.output, CHUNK) != expected:
                raise NotWarmError

    def begin(self, run: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.connection.sendall(run + b"\n")

    def exit_code(self) -> int | None:
        """Waits for the end of the script; None if the process ended with it."""
        with contextlib.suppress(ConnectionError):
            if answer := self.connection.recv(CHUNK):
                return int(answer)
        return None

    def end(self, patience: float = 0) -> int:
        """The exit code of the process; it is killed if it has not ended by itself after `patience` seconds."""
        self.connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        self._process.kill()
        self._process.communicate()
        os.close(self.output)
        os.close(self.error)
        return self._process.returncode


class WarmPowerShell:
    """Use it as a context manager; `launcher` is the executable. Nothing starts before the first script does."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program, self._folder = program, folder
        self._path = folder / "warm.sock"
        self._idle: list[WarmProcess] = []
        self._places = threading.Semaphore(PROCESSES)
        self.launcher = folder / "pwsh"
        text = LAUNCHER.format(python=sys.executable, folder=str(HERE), socket=str(self._path), program=str(program))
        self.launcher.write_text(text, encoding="utf-8")
        self.launcher.chmod(0o755)

    def __enter__(self) -> WarmPowerShell:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for process in self._idle:
            process.end()

    def _accept(self) -> None:
        serving: list[threading.Thread] = []
        with contextlib.suppress(OSError):
            while True:
                launcher, _ = self._listener.accept()
                serving.append(threading.Thread(target=self._serve, args=[launcher]))
                serving[-1].start()
        for thread in serving:
            thread.join()

    def _serve(self, launcher: socket.socket) -> None:
        with launcher:
            length = int.from_bytes(launcher.recv(LENGTH, socket.MSG_WAITALL), "big")
            run = launcher.recv(length, socket.MSG_WAITALL)
            if not self._places.acquire(blocking=False):
                launcher.send(DECLINED)
                return
            try:
                process = self._idle.pop() if self._idle else WarmProcess(self._program, self._folder)
            except NotWarmError:
                launcher.send(DECLINED)  # the place stays taken: another process would do no better
                return
            if self._run(process, run, launcher):
                self._idle.append(process)
            self._places.release()

    def _run(self, process: WarmProcess, run: bytes, launcher: socket.socket) -> bool:
        """Whether the process can run another script."""
        with contextlib.suppress(BrokenPipeError):
            socket.send_fds(launcher, [ACCEPTED], [process.output, process.error])
        process.begin(run)
        if process.connection not in select.select([process.connection, launcher], [], [])[0]:
            process.end()  # the launcher was killed, so the script ends, too
            return False
        code = process.exit_code()
        with contextlib.suppress(ConnectionError):
            launcher.send(str(process.end(PATIENCE) if code is None else code).encode())
            launcher.recv(1)  # returns when the launcher has read all that the script wrote
        return code is not None
