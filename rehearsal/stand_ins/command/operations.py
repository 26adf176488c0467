"""What the resources do: run a text on a server or on this computer, copy a source to a server."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import asyncssh

from rehearsal.stand_ins.command import values
from rehearsal.stand_ins.command.connection import connect
from rehearsal.stand_ins.command.copy import copy_path, copy_text
from rehearsal.stand_ins.command.errors import Interruption, OperationError, reason_of
from rehearsal.stand_ins.command.here import SHELL, run_here
from rehearsal.stand_ins.command.log import EngineLog
from rehearsal.stand_ins.command.run import CommandLine, run
from rehearsal.stand_ins.command.values import Properties

_LOGGED = {
    None: frozenset({"stdout", "stderr"}),
    "stdoutAndStderr": frozenset({"stdout", "stderr"}),
    "stdout": frozenset({"stdout"}),
    "stderr": frozenset({"stderr"}),
}


class CommandOperations:
    """Operations on servers. All run in one event loop; connections of commands stay open until `close`."""

    def __init__(self, program: Path) -> None:
        """`program`: the working directory of the program, which relative paths of sources start from."""
        self._program = program
        self._left_open = contextlib.AsyncExitStack()

    async def run(self, text: str, state: Properties, log: EngineLog, interruption: Interruption) -> Properties:
        """Runs `text` by the other properties of a Command; its stdout and stderr in `state` are the previous ones."""
        known = values.plain(state)
        line = _line(text, known)
        connection = await connect(known["connection"], log, interruption, self._left_open)
        stdout, stderr = await run(connection, line, log)
        return {"stdout": stdout, "stderr": stderr}

    async def run_here(self, text: str, state: Properties, log: EngineLog, interruption: Interruption) -> Properties:
        """Runs `text` by the other properties of a local Command, on this computer, in the program's folder."""
        known = values.plain(state)
        if unknown := [name for name in ("assetPaths", "archivePaths") if known.get(name)]:
            raise OperationError(f"the command stand-in returns no files: {', '.join(unknown)}")
        folder = Path(known["dir"]) if known.get("dir") else self._program
        line = _line(text, known)
        stdout, stderr = await run_here(known.get("interpreter") or SHELL, line, folder, log, interruption)
        return {"stdout": stdout, "stderr": stderr}

    async def copy(self, inputs: Properties, log: EngineLog, interruption: Interruption) -> None:
        """Copies the source of a CopyToRemote."""
        known = values.plain(inputs)
        source, target = values.whole(known["source"]), known["remotePath"]
        path = os.path.join(self._program, source["path"]) if source["path"] else None  # noqa: PTH118 (keeps the slash)
        origin = "text asset" if path is None else f"local file {source['path']}"
        log.debug(f"Creating file: {known['connection']['host']}:{target} from {origin}")
        async with contextlib.AsyncExitStack() as held:
            connection = await connect(known["connection"], log, interruption, held)
            try:
                async with connection.start_sftp_client() as sftp:
                    if path is None:
                        await copy_text(sftp, source["text"], target)
                    else:
                        await copy_path(sftp, path, target)
            except (asyncssh.Error, OSError) as error:
                raise OperationError(reason_of(error)) from error

    async def close(self) -> None:
        await self._left_open.aclose()


def _line(text: str, known: Properties) -> CommandLine:
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


def copies(old: Properties, new: Properties) -> bool:
    """Whether an update of a CopyToRemote copies: a changed connection alone does not."""

    def what(properties: Properties) -> tuple[Any, Any]:
        known = values.plain(properties)
        return known["source"].get("hash"), known["remotePath"]

    return what(old) != what(new)
