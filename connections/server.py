"""A server as a document of the deployed program describes it (components/local_program.py): logon and scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import asyncssh

from components import powershell
from connections.logon import Logon
from connections.ssh import log_on

T = TypeVar("T")


async def connect_to_server(document: Mapping[str, Any], connections: AsyncExitStack) -> asyncssh.SSHClientConnection:
    """A connection to the server, through its jump host if it has one. `connections` closes both."""
    tunnel, jump = None, document["jumpHost"]
    if jump:
        to_jump_host = await log_on(jump["host"], jump["port"], jump["hostKey"], read_logon(jump), None)
        tunnel = await connections.enter_async_context(to_jump_host)
    connection = await log_on(document["host"], document["port"], document["hostKey"], read_logon(document), tunnel)
    return await connections.enter_async_context(connection)


def read_logon(account: Mapping[str, Any]) -> Logon:
    return Logon(user=account["user"], password=account["password"], private_key=account["privateKey"])


async def finish_in_time(connection: asyncssh.SSHClientConnection, work: Coroutine[Any, Any, T], seconds: float) -> T:
    """The result of `work`. Raises TimeoutError after these seconds."""
    task = asyncio.create_task(work)
    _, late = await asyncio.wait({task}, timeout=seconds)
    if late:
        # Cancelling the task is not enough: it would close an open file, and wait for the silent server again.
        connection.abort()
        await asyncio.gather(task, return_exceptions=True)
        raise TimeoutError
    return task.result()


async def copy_scripts(connection: asyncssh.SSHClientConnection, folder: str) -> None:
    """Copies the scripts of this version: the server may have another version, or none."""
    async with connection.start_sftp_client() as sftp:
        await sftp.makedirs(folder, exist_ok=True)
        for file in sorted(powershell.SCRIPTS.iterdir()):
            if file.suffix in (".ps1", ".json"):
                await sftp.put(str(file), f"{folder}{file.name}")
