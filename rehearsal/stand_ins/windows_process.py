"""A process on a server: its standard streams, with the line ends of Windows."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import termios
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

CHUNK = 65536

Write = Callable[[bytes], None]


class InputLeftError(Exception):
    """A script succeeded without reading all of its standard input; `run_process` raises it.

    A server allows that, but the command provider sometimes fails such a run.
    """


class StandardInput(Protocol):
    """Standard input: bytes, empty at the end."""

    async def read(self, n: int = -1) -> bytes: ...


async def run_process(
    argv: Sequence[str], environment: Mapping[str, str], stdin: StandardInput, stdout: Write, stderr: Write
) -> int:
    """The exit code. Raises InputLeftError."""
    pipe = asyncio.subprocess.PIPE
    # The script's end of the pipe stays open here, too, to count what it did not read.
    reading, writing = os.pipe()
    to_script = await _open_writer(writing)
    try:
        process = await asyncio.create_subprocess_exec(*argv, env=environment, stdin=reading, stdout=pipe, stderr=pipe)
        assert process.stdout
        assert process.stderr
        feeding = asyncio.create_task(_feed(stdin, to_script))
        try:
            await asyncio.gather(_copy(process.stdout, stdout), _copy(process.stderr, stderr))
            code = await process.wait()
            if code == 0 and (not feeding.done() or _count_unread(reading)):
                raise InputLeftError
            return code
        finally:
            feeding.cancel()
            if process.returncode is None:
                process.kill()
                await process.wait()
    finally:
        to_script.close()
        os.close(reading)


async def _open_writer(pipe: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    opened = os.fdopen(pipe, "wb", buffering=0)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, opened)
    return asyncio.StreamWriter(transport, protocol, None, loop)


async def _feed(source: StandardInput, target: asyncio.StreamWriter) -> None:
    async for chunk in _read_chunks(source):
        target.write(chunk)
        await target.drain()
    target.close()


def _count_unread(pipe: int) -> int:
    """The bytes in the pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


async def _copy(source: StandardInput, write: Write) -> None:
    async for chunk in _read_chunks(source):
        write(end_lines_as_windows(chunk))


async def _read_chunks(source: StandardInput) -> AsyncIterator[bytes]:
    while chunk := await source.read(CHUNK):
        yield chunk


def end_lines_as_windows(text: bytes) -> bytes:
    return text.replace(b"\r", b"").replace(b"\n", b"\r\n")
