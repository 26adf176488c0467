"""One command on this computer, as command:local:Command runs it (provider/pkg/provider/local/ of its source)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rehearsal.stand_ins.command.errors import OperationError, reason_of
from rehearsal.stand_ins.command.log import EngineLog
from rehearsal.stand_ins.command.run import CommandLine

SHELL = ("cmd", "/C") if sys.platform == "win32" else ("/bin/sh", "-c")


async def run_here(interpreter: Sequence[str], line: CommandLine, folder: Path, log: EngineLog) -> tuple[str, str]:
    """Output and error output, one newline at the end cut; OperationError where the provider fails.

    It ends with the engine's call: the provider kills it when it is cancelled.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *interpreter,
            line.text,
            cwd=folder,
            env={**os.environ, **line.environment, **line.offered},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise OperationError(f"fork/exec {interpreter[0]}: {reason_of(error)}") from error
    try:
        out, err = await process.communicate(line.stdin.encode())
    finally:
        if process.returncode is None:
            process.kill()
    for name, written in (("stdout", out), ("stderr", err)):
        for text in written.decode(errors="replace").splitlines() if name in line.logged else ():
            log.status(text)
    if process.returncode:
        ended = how(process.returncode)
        raise OperationError(f"{ended}: running {json.dumps(line.text)}:\n{(out + err).decode(errors='replace')}")
    return out.decode(errors="replace").removesuffix("\n"), err.decode(errors="replace").removesuffix("\n")


def how(code: int) -> str:
    """A process's end in the words of Go."""
    return f"exit status {code}" if code > 0 else f"signal: {signal.Signals(-code).name.removeprefix('SIG').lower()}"
