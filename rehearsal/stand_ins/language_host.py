"""Stand-in of `pulumi-language-python`: runs the program for the engine on machines without a Pulumi install.

The engine starts it with its own address as last argument, reads the port from the first line of output, and ends it
with SIGINT; preview and update are two processes. As under the real host, the program is a separate process; its exit
code tells the engine whether the program has shown its error. This file is run by its path and imports nothing of this
repository, so that the program finds the same modules as under the real host, and no others.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import platform
import runpy
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import pulumi
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime import Settings, configure, run_in_stack, set_all_config
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import language_pb2 as language
from pulumi.runtime.proto import plugin_pb2 as plugin
from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeServicer, add_LanguageRuntimeServicer_to_server

LANGUAGE_HOST = "pulumi-language-python"
_ERROR_SHOWN = 32  # exit code of a program that has shown its error: the engine shows no other


def write_launcher(folder: Path, python: Path) -> Path:
    """Writes the executable `pulumi-language-python`, which runs this file with `python`, and returns its path.

    The folder is made if it is missing. The engine looks on PATH, with a warning, and beside itself, without one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    launcher = folder / LANGUAGE_HOST
    # -P: the folder of this file holds modules that would hide installed ones (dns).
    command = shlex.join([str(python.absolute()), "-P", str(Path(__file__).resolve())])
    # Replaced in one step: another rehearsal may be starting it.
    new = launcher.with_name(f"{launcher.name}.{os.getpid()}")
    new.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    new.chmod(0o755)
    new.replace(launcher)
    return launcher


class Program:
    """The process of the program, which waits for the request to run.

    Forked before gRPC starts its threads, which do not survive a fork. A new Python would import pulumi again.
    """

    def __init__(self, engine_address: str) -> None:
        reading, writing = os.pipe()
        self._id = os.fork()
        if self._id == 0:
            os.close(writing)
            # The engine interrupts the host and its child processes.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            with os.fdopen(reading, "rb") as pipe:
                request = pipe.read()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            sys.exit(execute_program(language.RunRequest.FromString(request), engine_address) if request else 0)
        os.close(reading)
        self._request = os.fdopen(writing, "wb")
        self._ended = False

    def run(self, request: language.RunRequest) -> int:
        """The exit code; -1 after a signal, as from the real host."""
        with self._request:
            self._request.write(request.SerializeToString())
        _, status = os.waitpid(self._id, 0)
        self._ended = True
        return max(os.waitstatus_to_exitcode(status), -1)

    def end(self) -> None:
        """Kill it: an orderly end would wait for threads that wait for the engine."""
        if not self._ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._id, signal.SIGKILL)


class LanguageHost(LanguageRuntimeServicer):
    """Answers the engine's requests to a Python host during preview, up, refresh, destroy and about."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def Handshake(
        self, _request: language.LanguageHandshakeRequest, _context: object
    ) -> language.LanguageHandshakeResponse:
        return language.LanguageHandshakeResponse()

    def GetPluginInfo(self, _request: Empty, _context: object) -> plugin.PluginInfo:
        return plugin.PluginInfo()

    def About(self, _request: language.AboutRequest, _context: object) -> language.AboutResponse:
        return language.AboutResponse(executable=sys.executable, version=platform.python_version())

    def GetRequiredPackages(
        self, _request: language.GetRequiredPackagesRequest, _context: object
    ) -> language.GetRequiredPackagesResponse:
        return language.GetRequiredPackagesResponse(packages=installed_packages())

    def Run(self, request: language.RunRequest, _context: object) -> language.RunResponse:
        code = self._program.run(request)
        if code in (0, _ERROR_SHOWN):
            return language.RunResponse(bail=code == _ERROR_SHOWN)
        return language.RunResponse(error=f"program exited with non-zero exit code: {code}")


def installed_packages() -> Iterator[plugin.PackageDependency]:
    """The providers that the installed Pulumi SDKs require, each in the version of its SDK."""
    for folder in map(Path, sys.path):
        for description in sorted(folder.glob("pulumi_*/pulumi-plugin.json")):
            package = json.loads(description.read_text(encoding="utf-8"))
            if package.get("resource"):
                yield plugin.PackageDependency(
                    name=package["name"],
                    kind="resource",
                    version="v" + package["version"].removeprefix("v"),
                    server=package.get("server", ""),
                )


def execute_program(request: language.RunRequest, engine_address: str) -> int:
    """Runs the program in this process; the exit code, unless the program itself ends the process."""
    set_all_config(dict(request.config), list(request.configSecretKeys))
    configure(
        Settings(
            monitor=request.monitor_address,
            engine=engine_address,
            project=request.project,
            root_directory=request.info.root_directory,
            stack=request.stack,
            parallel=request.parallel,
            dry_run=request.dryRun,
            organization=request.organization,
        )
    )
    os.chdir(request.pwd)
    program = request.info.entry_point or "."
    sys.argv = [program, *request.args]
    # A failed program leaves tasks unfinished; asyncio's warnings about them would hide the program's error.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=max(request.parallel, 1) * 4)
    loop.set_default_executor(executor)
    try:
        loop.run_until_complete(run_in_stack(lambda: _run_main(program)))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return 1
    except Exception as error:  # noqa: BLE001 - whatever a program raises; SystemExit is its own end
        pulumi.log.error("Program failed with an unhandled exception:\n" + _traceback_of_program(error, program))
        return _ERROR_SHOWN
    finally:
        executor.shutdown(wait=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _run_main(program: str) -> None:
    main = Path(program)
    if main.is_dir() and not (main / "__main__.py").exists():
        pulumi.log.error(f"unable to find main python program `__main__.py` in `{main.resolve()}`")
        sys.exit(_ERROR_SHOWN)
    runpy.run_path(program, run_name="__main__")


def _traceback_of_program(error: Exception, program: str) -> str:
    """The traceback from the program's first frame on; the complete one if the program is not in it."""
    main = Path(program).resolve()
    main = main / "__main__.py" if main.is_dir() else main
    frames = traceback.extract_tb(error.__traceback__)
    first = next((at for at, frame in enumerate(frames) if Path(frame.filename).resolve() == main), 0)
    return "".join(traceback.format_exception(error, limit=first - len(frames) if frames else None))


def serve_engine(engine_address: str) -> None:
    """Prints the port, then serves until SIGINT, SIGTERM or the end of the engine."""
    program = Program(engine_address)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    engine = os.getppid()
    server = grpc.server(ThreadPoolExecutor(max_workers=4), options=_GRPC_CHANNEL_OPTIONS)
    add_LanguageRuntimeServicer_to_server(LanguageHost(program), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while not ended.wait(1) and os.getppid() == engine:
        pass
    server.stop(None)
    program.end()
    # Not sys.exit: a thread may still wait for the program.
    os._exit(0)


if __name__ == "__main__":
    serve_engine(sys.argv[-1])
