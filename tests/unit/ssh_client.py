"""What tests do on a server stand-in over SSH."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncssh

from rehearsal.stand_ins.server import ServerStandIn
from tests.unit.servers import PASSWORD, USER

SCRIPT = "C:/ProgramData/ExchangeCas/1234/Example.ps1"


RUN = f"powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File {SCRIPT}"


def connect(server: ServerStandIn, user: str = USER, **options: Any) -> Any:
    """A connection that pins the server's host key and uses the password; `options` override this."""
    known = asyncssh.import_known_hosts(f"[127.40.0.11]:{server.ssh.port} {server.host_key}\n")
    options = {"password": PASSWORD, "known_hosts": known, "client_keys": None, "config": None, **options}
    return asyncssh.connect("127.40.0.11", server.ssh.port, username=user, **options)


def run(server: ServerStandIn, command: str, *, stdin: str = "", **options: Any) -> asyncssh.SSHCompletedProcess:
    async def go() -> asyncssh.SSHCompletedProcess:
        async with connect(server, **options) as connection:
            result: asyncssh.SSHCompletedProcess = await connection.run(command, input=stdin)
            return result

    return asyncio.run(go())


def with_sftp(server: ServerStandIn, steps: Any) -> Any:
    async def go() -> Any:
        async with connect(server) as connection, connection.start_sftp_client() as sftp:
            return await steps(sftp)

    return asyncio.run(go())


def put_script(server: ServerStandIn, text: str, path: str = SCRIPT) -> None:
    local = Path(server.drive.local(path))
    local.parent.mkdir(parents=True, exist_ok=True)
    local.write_text(text, encoding="utf-8")


def attempt(server: ServerStandIn, **options: Any) -> None:
    async def go() -> None:
        async with connect(server, **options):
            pass

    asyncio.run(go())
