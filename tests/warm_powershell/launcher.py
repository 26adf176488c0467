"""What a test starts in place of `pwsh`: has a warm PowerShell run the script, or becomes a new PowerShell.

It starts for each script, so it imports little.
"""

from __future__ import annotations

import json
import os
import select
import socket
import stat
import sys
from contextlib import suppress
from typing import NoReturn

CHUNK = 65536
LENGTH = 8
ACCEPTED, DECLINED = b"+", b"-"


def main(path: str, program: str) -> NoReturn:
    """`path` is the socket of the pool, `program` the PowerShell."""
    arguments = sys.argv[1:]
    code = run_warm(path, arguments) if "-File" in arguments and can_be_opened_again(0) else None
    if code is None:
        os.execv(program, [program, *arguments])  # noqa: S606 - the arguments are those of the test
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)


def can_be_opened_again(stream: int) -> bool:
    kind = os.fstat(stream).st_mode
    return stat.S_ISFIFO(kind) or stat.S_ISREG(kind) or stat.S_ISCHR(kind)


def run_warm(path: str, arguments: list[str]) -> int | None:
    """The exit code, negative for a signal; None where no warm PowerShell takes the run."""
    run = {
        "arguments": arguments,
        "folder": os.getcwd(),  # noqa: PTH109 - pathlib takes as long to import as all the rest
        "input": f"/proc/{os.getpid()}/fd/0",
        "environment": dict(os.environ),
    }
    text = json.dumps(run).encode()
    with socket.socket(socket.AF_UNIX) as pool:
        pool.connect(path)
        pool.sendall(len(text).to_bytes(LENGTH, "big") + text)
        answer, streams, _, _ = socket.recv_fds(pool, 1, 2)
        return copy_streams(dict(zip(streams, (1, 2), strict=True)), pool) if answer == ACCEPTED else None


def copy_streams(streams: dict[int, int], pool: socket.socket) -> int:
    """Passes on what the script writes until it has ended: its exit code."""
    code = b""
    while not code:
        ready = select.select([*streams, pool.fileno()], [], [])[0]
        # What the script wrote before it ended is in the pipes by now.
        code = pool.recv(CHUNK) if pool.fileno() in ready else b""
        for source, target in streams.items():
            with suppress(BlockingIOError):
                while chunk := os.read(source, CHUNK):
                    while chunk:
                        chunk = chunk[os.write(target, chunk) :]
    return int(code)
