"""One server, from the document of components.restoration, which holds all that is needed.

A server that is dead must not hold up the run: what does not answer within one dial is named and left as it is, exit
code 0. A server that answers and cannot be restored is exit code 1, and the run fails by its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any

import asyncssh

from components import powershell
from restoration.logon import Logon
from restoration.ssh import SCRIPT_SECONDS, SECONDS, connect, why

SCRIPT = "Restore-ClientAccessNamespace"
# The script's exit codes for a server without Exchange, and for one that never got a namespace.
NOTHING_TO_RESTORE = (3, 7)
FOLDER = powershell.scripts_folder("restore")
BY_HAND = f"To do it later, run {SCRIPT}.ps1 there, below {powershell.INSTALLATIONS}."


class NotRestoredError(Exception):
    """The server answered, and was not restored; the text says why."""


async def restore(wanted: Mapping[str, Any]) -> str:
    """What came of it, in one sentence. Raises NotRestoredError."""
    server = wanted["server"]
    async with AsyncExitStack() as held:
        try:
            # One dial, the way through a jump host included.
            async with asyncio.timeout(SECONDS):
                connection = await reach(wanted, held)
        except asyncssh.PermissionDenied as error:
            raise NotRestoredError(f"{server} was not restored: {why(error)}") from None
        except (OSError, asyncssh.Error) as error:
            return f"{server} keeps the namespace's URLs: {why(error)}. {BY_HAND}"
        try:
            return await in_time(connection, run(connection, wanted), server)
        except (OSError, asyncssh.Error) as error:
            raise NotRestoredError(f"{server} was not restored: {why(error)}") from None
    raise AssertionError


async def reach(wanted: Mapping[str, Any], held: AsyncExitStack) -> asyncssh.SSHClientConnection:
    """A connection to the server, through its jump host if it has one; `held` ends both."""
    tunnel, jump = None, wanted["jumpHost"]
    if jump:
        through = await connect(jump["host"], jump["port"], jump["hostKey"], logon(jump), None)
        tunnel = await held.enter_async_context(through)
    connection = await connect(wanted["host"], wanted["port"], wanted["hostKey"], logon(wanted), tunnel)
    return await held.enter_async_context(connection)


def logon(end: Mapping[str, Any]) -> Logon:
    return Logon(user=end["user"], password=end["password"], private_key=end["privateKey"])


async def in_time(connection: asyncssh.SSHClientConnection, work: Coroutine[Any, Any, str], server: str) -> str:
    """What the work says; raises NotRestoredError where it takes too long."""
    task = asyncio.create_task(work)
    _, late = await asyncio.wait({task}, timeout=SCRIPT_SECONDS)
    if late:
        # To be cancelled is not enough: an open file is closed then, and that waits for the server again.
        connection.abort()
        await asyncio.gather(task, return_exceptions=True)
        raise NotRestoredError(f"{server} was not restored: {SCRIPT} did not end within {SCRIPT_SECONDS} s")
    return task.result()


async def run(connection: asyncssh.SSHClientConnection, wanted: Mapping[str, Any]) -> str:
    """The scripts as they are here, copied and run: those on the server may be of another version, or be gone."""
    async with connection.start_sftp_client() as sftp:
        await sftp.makedirs(FOLDER, exist_ok=True)
        for script in sorted(powershell.SCRIPTS.glob("*.ps1")):
            await sftp.put(str(script), f"{FOLDER}{script.name}")
    answer = await connection.run(powershell.command_line(FOLDER, SCRIPT), input=document(wanted), errors="replace")
    if answer.exit_status in NOTHING_TO_RESTORE:
        return f"{wanted['server']} has no Exchange or never got the namespace: there is nothing to put back."
    if answer.exit_status != 0:
        said = " ".join(str(answer.stderr).split()) or "the connection was lost"
        raise NotRestoredError(f"{wanted['server']} was not restored: {said}")
    return f"{wanted['server']} has the URLs back that it had before: {changed(str(answer.stdout))} settings changed."


def document(wanted: Mapping[str, Any]) -> str:
    return powershell.write_document(
        {name: wanted[name] for name in ("server", "exchangeVersion", "recycleAppPools")}, logon(wanted).credential
    )


def changed(printed: str) -> str:
    """How many settings, for people: what is done is done, whether it can be read or not."""
    try:
        return str(powershell.read_report(printed, "changed")["changed"])
    except powershell.NoReportError:
        return "an unknown number of"
