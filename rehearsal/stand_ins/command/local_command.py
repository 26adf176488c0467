"""One command on this computer, as command:local:Command runs it (provider/pkg/provider/local/ in its source)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rehearsal.stand_ins.command import go_text
from rehearsal.stand_ins.command.interruption import Interruption
from rehearsal.stand_ins.command.log import EngineLog
from rehearsal.stand_ins.command.output import CommandOutput
from rehearsal.stand_ins.command.remote_command import CommandLine
from rehearsal.stand_ins.provider.servicer import ProviderError

SHELL = ("cmd", "/C") if sys.platform == "win32" else ("/bin/sh", "-c")
_CHUNK = 32 * 1024


async def run_here(
    interpreter: Sequence[str], line: CommandLine, folder: Path, log: EngineLog, interruption: Interruption
) -> tuple[str, str]:
    """Output and error output, without one final newline; ProviderError where the provider fails.

    An interruption kills only the interpreter. Its child processes go on, and the provider waits for those that hold
    the output open.
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
        reason = _describe_start_failure(interpreter[0], folder, error)
        raise ProviderError(f"{reason}: running {go_text.quote(line.text)}:\n") from error
    output = CommandOutput(line.logged, log)
    killing = asyncio.create_task(_kill(process, interruption))
    try:
        assert process.stdout
        assert process.stderr
        await asyncio.gather(
            _write_input(process, line.stdin.encode()),
            _collect("stdout", process.stdout, output),
            _collect("stderr", process.stderr, output),
        )
        code = await process.wait()
    finally:
        killing.cancel()
        if process.returncode is None:
            process.kill()
    output.end()
    if code:
        raise ProviderError(f"{go_text.describe_exit(code)}: running {go_text.quote(line.text)}:\n{output.both()}")
    return output.results()


def _describe_start_failure(program: str, folder: Path, error: OSError) -> str:
    if not folder.exists():
        return f"chdir {folder}: {go_text.format_error(error)}"
    if os.sep not in program and shutil.which(program) is None:
        return f"exec: {go_text.quote(program)}: executable file not found in $PATH"
    return f"fork/exec {program}: {go_text.format_error(error)}"


async def _kill(process: asyncio.subprocess.Process, interruption: Interruption) -> None:
    with contextlib.suppress(TimeoutError):
        await interruption.wait()
    with contextlib.suppress(ProcessLookupError):
        process.kill()


async def _write_input(process: asyncio.subprocess.Process, content: bytes) -> None:
    assert process.stdin
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # unread input is not a failure on this computer
        process.stdin.write(content)
        await process.stdin.drain()
    process.stdin.close()


async def _collect(name: str, stream: asyncio.StreamReader, output: CommandOutput) -> None:
    while data := await stream.read(_CHUNK):
        output.add(name, data)
        if output.stuck:
            await asyncio.Event().wait()
