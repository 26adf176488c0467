"""OpenSSH on Windows: commands through cmd.exe, files by SFTP; all connections are logged."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.trsock import TransportSocket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import asyncssh
from asyncssh.channel import SSHChannel
from asyncssh.packet import SSHPacket

from rehearsal.stand_ins import windows_state
from rehearsal.stand_ins.accounts import Accounts
from rehearsal.stand_ins.network import Port, drop_packets, reset_when_closed
from rehearsal.stand_ins.sftp import DriveSftp
from rehearsal.stand_ins.windows import Windows
from rehearsal.stand_ins.windows_process import InputLeftError

# sshd_config's defaults: MaxSessions, LoginGraceTime
MAX_SESSIONS = 10
LOGIN_GRACE_SECONDS = 120
# Longer than any script of the project may take.
COMMAND_SECONDS = 900
WINDOW = 2**21
MAX_PACKET = 2**15


@dataclass(kw_only=True)
class SshConnection:
    """One TCP connection; `user` and `logon` ("password" or "key") are None until a logon succeeds."""

    user: str | None = None
    logon: str | None = None
    commands: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


class SshListener:
    """Listens on all addresses of a server; `connections` has all connections since it was created, in order.

    `disconnected` is called in the loop after the end of each connection.
    """

    def __init__(
        self,
        *,
        addresses: Iterable[str],
        host_key: Path,
        accounts: Accounts,
        windows: Windows,
        disconnected: Callable[[], None],
    ) -> None:
        self.disconnected = disconnected
        self._network = Port(addresses)
        self._host_key = host_key
        self.accounts = accounts
        self.windows = windows
        self._acceptors: list[asyncssh.SSHAcceptor] = []
        self.open: set[asyncssh.SSHServerConnection] = set()
        self.running: set[asyncio.Future[int]] = set()
        self.silent = False
        self.port: int | None = None
        self.connections: list[SshConnection] = []

    async def start(self, port: int) -> None:
        """Port 0 asks for a free one (with one address only). OSError when the port is taken."""
        if self.silent:
            await self.stop()
        if self._acceptors:
            return
        for accepting in self._network.open(port):
            acceptor = await asyncssh.create_server(
                partial(_ServerConnection, self),
                sock=accepting,
                server_host_keys=[str(self._host_key)],
                login_timeout=LOGIN_GRACE_SECONDS,
                server_version="OpenSSH_for_Windows_9.5",
                allow_pty=False,
                agent_forwarding=False,
                allow_scp=False,
                encoding=None,
            )
            self._acceptors.append(acceptor)
            self.port = acceptor.get_port()

    async def stop(self) -> None:
        await self._network.stop_accepting()
        self._network.close()
        for acceptor in self._acceptors:
            acceptor.close()
        if self.silent:
            for open_socket in self._sockets():
                reset_when_closed(open_socket)
        for connection in tuple(self.open):
            connection.abort()
        for acceptor in self._acceptors:
            await acceptor.wait_closed()
        self._acceptors, self.port, self.silent = [], None, False

    def silence(self) -> None:
        """Answer nothing until `start`, and end running commands."""
        self.silent = True
        self._network.silence()
        for open_socket in self._sockets():
            drop_packets(open_socket)
        for command in self.running:
            command.cancel()

    def _sockets(self) -> list[TransportSocket]:
        sockets = (connection.get_extra_info("socket") for connection in self.open)
        return [open_socket for open_socket in sockets if open_socket]  # an ending connection has no socket


class _ServerConnection(asyncssh.SSHServer):
    def __init__(self, listener: SshListener) -> None:
        self._listener = listener
        self._log = SshConnection()
        self._sessions = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn
        self._listener.open.add(conn)
        self._listener.connections.append(self._log)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._listener.open.discard(self._conn)
        self._listener.disconnected()

    def password_auth_supported(self) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return self._logon(username, "password", self._listener.accounts.knows_password(username, password))

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._logon(username, "key", self._listener.accounts.knows_key(username, key))

    def _logon(self, user: str, kind: str, accepted: bool) -> bool:
        accepted = accepted and windows_state.trusts_domain_accounts(self._listener.windows.drive.root)
        if accepted:
            self._log.user, self._log.logon = user, kind
        return accepted

    def session_requested(self) -> tuple[asyncssh.SSHServerChannel[bytes], asyncssh.SSHServerSession[bytes]] | bool:
        if self._sessions >= MAX_SESSIONS:
            return False
        self._sessions += 1
        return _ServerChannel.create(self._conn), _ServerSession(self)

    def session_ended(self) -> None:
        self._sessions -= 1

    async def run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        line = process.command or ""
        self._log.commands.append(line)
        running = asyncio.ensure_future(
            self._listener.windows.cmd(
                line,
                logon=self._log.logon or "password",
                stdin=process.stdin,
                stdout=process.stdout.write,
                stderr=process.stderr.write,
            )
        )
        self._listener.running.add(running)
        running.add_done_callback(self._listener.running.discard)
        closed = asyncio.ensure_future(process.wait_closed())
        await asyncio.wait({running, closed}, timeout=COMMAND_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if self._listener.silent:
            await closed
        closed.cancel()
        if running.done():
            try:
                status = running.result()
            except InputLeftError:
                cast(_ServerChannel, process.channel).report_unread_input()
                status = 0
            # asyncssh sends one byte; only 0 may be read as success
            process.exit(min(status & 0xFFFFFFFF, 255))
            return
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        process.close()

    def sftp(self, channel: SSHChannel[bytes]) -> asyncssh.SFTPServer:
        return DriveSftp(channel, self._listener.windows.drive, self._log.files)


class _ServerChannel(asyncssh.SSHServerChannel[bytes]):
    """Refuses environment variables, which asyncssh accepts: sshd_config on Windows has no AcceptEnv."""

    @classmethod
    def create(cls, conn: asyncssh.SSHServerConnection) -> _ServerChannel:
        return cls(conn, asyncio.get_running_loop(), False, False, False, 0, 0, None, "strict", WINDOW, MAX_PACKET)

    def _process_env_request(self, packet: SSHPacket) -> bool:  # noqa: ARG002
        return False

    def report_unread_input(self) -> None:
        """Sends a request to the command provider's stand-in, which then fails the run; other clients ignore it."""
        self._send_request(b"input-left@exchange-cas")


class _ServerSession(asyncssh.SSHServerProcess[bytes]):
    """Runs commands and SFTP, but no interactive shell."""

    def __init__(self, connection: _ServerConnection) -> None:
        super().__init__(connection.run, connection.sftp, 3, False)
        self._connection = connection

    def shell_requested(self) -> bool:
        return False

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp"

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.session_ended()
        super().connection_lost(exc)
