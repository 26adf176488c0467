"""Installs Exchange on one server, from the document that components.installation writes.

Each connection lasts seconds: it starts the server's task, or asks how far that is. So a restart of the server, a lost
connection, or the end of this program interrupts nothing, and the next run joins a task that runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import asyncssh

from components import powershell
from connections.server import connect_to_server, copy_scripts, finish_in_time
from connections.ssh import DIAL_SECONDS, SCRIPT_SECONDS, explain_ssh_error
from installation.answer import InstallationState, NotInstalledError, read_installation_state
from installation.progress import Progress

SCRIPT = "Install-ExchangeServer"
LOG = "C:\\ProgramData\\ExchangeCas\\installation\\progress.log"
# Setup takes about an hour (Microsoft's estimate), features and packages with their restarts some 30 minutes, Active
# Directory up to an hour with its replication. The rest is for slow disks.
TOTAL_SECONDS = 6 * 3600
# A restart that installs updates takes minutes.
SILENT_SECONDS = 30 * 60
FIRST_PAUSE, LONGEST_PAUSE, PAUSE_GROWS = 1.0, 30.0, 1.5
# A server that has just restarted may refuse its domain's accounts for a moment. More logons could lock the account.
REFUSED_LOGONS, REFUSED_PAUSE = 3, 60.0


async def install_exchange(document: Mapping[str, Any], progress: Progress) -> None:
    """Returns when Exchange is installed. Raises NotInstalledError."""
    installer = ServerInstaller(document, progress)
    loop = asyncio.get_running_loop()
    begins = loop.time()
    last, pause = None, FIRST_PAUSE
    while not ((answer := await installer.ask()) and answer.complete):
        if loop.time() - begins >= TOTAL_SECONDS:
            raise NotInstalledError(
                f"{installer.server} is not installed after {TOTAL_SECONDS / 3600:g} hours; the last phase was "
                f"{installer.phase or 'not reached'}. The server goes on by itself. Look at {LOG} there."
            )
        pause = FIRST_PAUSE if answer and answer != last else min(pause * PAUSE_GROWS, LONGEST_PAUSE)
        last = answer or last
        await asyncio.sleep(max(pause, installer.least_pause))


class ServerInstaller:
    """The conversation with one server."""

    def __init__(self, document: Mapping[str, Any], progress: Progress) -> None:
        self._document, self._progress = document, progress
        self.server: str = document["request"]["server"]
        self._folder = powershell.scripts_folder(document["machineId"])
        self._copied = self._answered = self._silent = False
        self._refused = 0
        self._last_answer = asyncio.get_running_loop().time()
        self.phase = ""

    @property
    def least_pause(self) -> float:
        """How long to wait at least before the next `ask`, in seconds."""
        return REFUSED_PAUSE if self._refused else 0.0

    async def ask(self) -> InstallationState | None:
        """Starts the installation, or asks how far it is; None without an answer. Raises NotInstalledError."""
        try:
            completed = await self._run_script()
        except asyncssh.HostKeyNotVerifiable as error:
            raise NotInstalledError(
                f"{self.server} was not installed: {explain_ssh_error(error)}. If its machine was rebuilt by hand, "
                "run `pulumi refresh`; else find out what answers at its address."
            ) from None
        except asyncssh.PermissionDenied as error:
            self._refused += 1
            if not self._answered or self._refused >= REFUSED_LOGONS:
                raise NotInstalledError(
                    f"{self.server} was not installed: {explain_ssh_error(error)}. Look at operator and "
                    "operatorPassword, at whether the server has joined the domain, and whether the account is locked."
                ) from None
            self._pass_over(error)
            return None
        except (OSError, asyncssh.Error) as error:
            self._pass_over(error)
            return None
        answer = read_installation_state(self.server, completed)
        if answer is None:
            self._pass_over(OSError("the script was interrupted"))
            return None
        self._take(answer)
        return answer

    async def _run_script(self) -> asyncssh.SSHCompletedProcess:
        async with AsyncExitStack() as connections:
            # The time includes the connection to a jump host.
            async with asyncio.timeout(DIAL_SECONDS):
                connection = await connect_to_server(self._document, connections)
            self._refused = 0
            return await finish_in_time(connection, self._call(connection), SCRIPT_SECONDS)
        raise AssertionError("AsyncExitStack suppressed an error")

    async def _call(self, connection: asyncssh.SSHClientConnection) -> asyncssh.SSHCompletedProcess:
        if not self._copied:
            await copy_scripts(connection, self._folder)
            self._copied = True
        credential = {"userName": self._document["user"], "password": self._document["password"]}
        # `begin` discards the result of an earlier run, so it ends with the first answer.
        request = {"begin": not self._answered, **self._document["request"]}
        stdin = powershell.write_document(request, credential)
        return await connection.run(powershell.command_line(self._folder, SCRIPT), input=stdin, errors="replace")

    def _pass_over(self, error: BaseException) -> None:
        """A server that restarts does not answer for a while. Raises NotInstalledError if it is too long."""
        reason = explain_ssh_error(error)
        if asyncio.get_running_loop().time() - self._last_answer >= SILENT_SECONDS:
            raise NotInstalledError(
                f"{self.server} has not answered for {SILENT_SECONDS / 60:g} minutes: {reason}. Look at its boot "
                "diagnostics in the portal and start the machine."
            )
        if not self._silent:
            self._progress.say(f"{reason}; trying for {SILENT_SECONDS / 60:g} minutes")
        self._silent = True

    def _take(self, answer: InstallationState) -> None:
        if self._silent:
            self._progress.say("answers again")
        self._answered, self._silent, self.phase = True, False, answer.phase
        self._last_answer = asyncio.get_running_loop().time()
        self._progress.show(answer.state, answer.phase, answer.lines)
