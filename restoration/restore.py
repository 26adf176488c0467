"""Restores one server, from the document that components.restoration writes.

A dead server must not fail the run: if it does not answer within DIAL_SECONDS, it keeps its URLs, the report names it,
and the exit code is 0. A server that answers but cannot be restored fails the run with exit code 1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import asyncssh

from components import powershell
from connections.server import connect_to_server, copy_scripts, finish_in_time, read_logon
from connections.ssh import DIAL_SECONDS, SCRIPT_SECONDS, explain_ssh_error

SCRIPT = "Restore-ClientAccessNamespace"
# The script's exit codes for a server without Exchange, and for one that never got a namespace.
NOTHING_TO_RESTORE = (3, 7)
FOLDER = powershell.scripts_folder("restore")
BY_HAND = f"To restore it later, run {SCRIPT}.ps1 on the server, in a folder below {powershell.ON_SERVERS}."


class NotRestoredError(Exception):
    """The server answered but was not restored. The text says why."""


async def restore_urls(document: Mapping[str, Any]) -> str:
    """The result in one sentence. Raises NotRestoredError."""
    server = document["server"]
    async with AsyncExitStack() as connections:
        try:
            # The time includes the connection to a jump host.
            async with asyncio.timeout(DIAL_SECONDS):
                connection = await connect_to_server(document, connections)
        except asyncssh.PermissionDenied as error:
            raise NotRestoredError(f"{server} was not restored: {explain_ssh_error(error)}") from None
        except (OSError, asyncssh.Error) as error:
            return f"{server} keeps the namespace's URLs: {explain_ssh_error(error)}. {BY_HAND}"
        try:
            return await finish_in_time(connection, run_restore_script(connection, document), SCRIPT_SECONDS)
        except TimeoutError:
            raise NotRestoredError(
                f"{server} was not restored: {SCRIPT} did not end within {SCRIPT_SECONDS} s"
            ) from None
        except (OSError, asyncssh.Error) as error:
            raise NotRestoredError(f"{server} was not restored: {explain_ssh_error(error)}") from None
    raise AssertionError("AsyncExitStack suppressed an error")


async def run_restore_script(connection: asyncssh.SSHClientConnection, document: Mapping[str, Any]) -> str:
    server, keys = document["server"], ("server", "exchangeVersion", "recycleAppPools")
    await copy_scripts(connection, FOLDER)
    stdin = powershell.write_document({key: document[key] for key in keys}, read_logon(document).credential)
    answer = await connection.run(powershell.command_line(FOLDER, SCRIPT), input=stdin, errors="replace")
    if answer.exit_status in NOTHING_TO_RESTORE:
        return f"{server} has no Exchange or never got the namespace: there is nothing to restore."
    if answer.exit_status != 0:
        reason = " ".join(str(answer.stderr).split()) or "the connection was lost"
        raise NotRestoredError(f"{server} was not restored: {reason}")
    return f"{server} has its old URLs back: {count_changed_settings(str(answer.stdout))} settings changed."


def count_changed_settings(printed: str) -> str:
    """An unreadable report raises no error, because the script has succeeded."""
    try:
        return str(powershell.read_report(printed, "changed")["changed"])
    except powershell.NoReportError:
        return "an unknown number of"
