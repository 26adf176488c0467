"""What the resources do: run a command on a server or on this computer, copy a source to a server."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import asyncssh

from rehearsal.stand_ins.command.connection import open_connection
from rehearsal.stand_ins.command.go_text import format_error
from rehearsal.stand_ins.command.interruption import Interruption
from rehearsal.stand_ins.command.local_command import SHELL, run_here
from rehearsal.stand_ins.command.log import EngineLog
from rehearsal.stand_ins.command.remote_command import CommandLine, run_on_server
from rehearsal.stand_ins.command.remote_copy import copy_path, copy_text
from rehearsal.stand_ins.provider import values
from rehearsal.stand_ins.provider.servicer import ProviderError
from rehearsal.stand_ins.provider.values import Properties

_LOGGED = {
    None: frozenset({"stdout", "stderr"}),
    "stdoutAndStderr": frozenset({"stdout", "stderr"}),
    "stdout": frozenset({"stdout"}),
    "stderr": frozenset({"stderr"}),
}


class CommandOperations:
    """All operations run in one event loop; connections of commands stay open until `close`."""

    def __init__(self, program: Path) -> None:
        """`program`: the working directory of the program, where relative paths of sources start."""
        self._program = program
        self._left_open = contextlib.AsyncExitStack()

    async def run(self, text: str, state: Properties, log: EngineLog, interruption: Interruption) -> Properties:
        """Runs `text` as a Command with the properties `state`, whose stdout and stderr are of the previous run."""
        known = values.reveal_all(state)
        line = _command_line(text, known)
        connection = await open_connection(known["connection"], log, interruption, self._left_open)
        stdout, stderr = await run_on_server(connection, line, log)
        return {"stdout": stdout, "stderr": stderr}

    async def run_here(self, text: str, state: Properties, log: EngineLog, interruption: Interruption) -> Properties:
        """Runs `text` as a local Command with the properties `state`, in the program's folder."""
        known = values.reveal_all(state)
        if unknown := [name for name in ("assetPaths", "archivePaths") if known.get(name)]:
            raise ProviderError(f"the command stand-in returns no files: {', '.join(unknown)}")
        folder = Path(known["dir"]) if known.get("dir") else self._program
        line = _command_line(text, known)
        stdout, stderr = await run_here(known.get("interpreter") or SHELL, line, folder, log, interruption)
        return {"stdout": stdout, "stderr": stderr}

    async def copy(self, inputs: Properties, log: EngineLog, interruption: Interruption) -> None:
        """Copies the source of a CopyToRemote to the server."""
        known = values.reveal_all(inputs)
        source, target = values.complete_asset(known["source"]), known["remotePath"]
        path = os.path.join(self._program, source["path"]) if source["path"] else None  # noqa: PTH118 (keeps the slash)
        origin = "text asset" if path is None else f"local file {source['path']}"
        log.debug(f"Creating file: {known['connection']['host']}:{target} from {origin}")
        async with contextlib.AsyncExitStack() as held:
            connection = await open_connection(known["connection"], log, interruption, held)
            try:
                async with connection.start_sftp_client() as sftp:
                    if path is None:
                        await copy_text(sftp, source["text"], target)
                    else:
                        await copy_path(sftp, path, target)
            except (asyncssh.Error, OSError) as error:
                raise ProviderError(format_error(error)) from error

    async def close(self) -> None:
        await self._left_open.aclose()


def _command_line(text: str, known: Properties) -> CommandLine:
    offered = {}
    if known.get("addPreviousOutputInEnv", True):
        offered = {f"PULUMI_COMMAND_{name.upper()}": known.get(name) for name in ("stdout", "stderr")}
    return CommandLine(
        text=text,
        stdin=known.get("stdin") or "",
        environment=known.get("environment") or {},
        offered={name: value for name, value in offered.items() if value},
        logged=_LOGGED.get(known.get("logging"), frozenset()),
    )


def needs_copy(old: Properties, new: Properties) -> bool:
    """Whether an update of a CopyToRemote copies: not if only the connection changed."""

    def source_and_target(properties: Properties) -> tuple[Any, Any]:
        known = values.reveal_all(properties)
        return known["source"].get("hash"), known["remotePath"]

    return source_and_target(old) != source_and_target(new)
