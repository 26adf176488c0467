"""SSH and HTTPS connections to the servers of a stack, direct or through its jump host."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

import asyncssh

from connections.logon import Logon
from connections.ssh import DIAL_SECONDS, log_on
from operations.stack import DeployedStack

HTTPS_LOCAL = "127.0.0.1"


class Connections:
    """A context manager; leaving it closes every connection. All servers share one connection to the jump host.

    Methods raise OSError (TimeoutError after DIAL_SECONDS) or asyncssh.Error if a server or jump host is unreachable.
    """

    def __init__(self, stack: DeployedStack) -> None:
        self._stack = stack
        self._open = AsyncExitStack()
        self._jump: asyncio.Task[asyncssh.SSHClientConnection] | None = None

    async def __aenter__(self) -> Connections:
        jump, logon = self._stack.ssh.jump_host, self._stack.jump_host
        if jump and logon:
            self._jump = asyncio.create_task(self._connect(jump.host, jump.port, jump.host_key, logon, None))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._jump:
            self._jump.cancel()
            await asyncio.gather(self._jump, return_exceptions=True)
        await self._open.aclose()

    def address(self, server: Mapping[str, Any]) -> str:
        """The address that `pulumi up` connects to, too."""
        public = self._stack.ssh.address == "public"
        return str((public and server["publicAddress"]) or server["address"])

    async def open_shell(self, server: Mapping[str, Any]) -> asyncssh.SSHClientConnection:
        """Log on as the operator over SSH; the server must present the host key of the stack's outputs."""
        async with asyncio.timeout(DIAL_SECONDS):
            return await self._connect(
                self.address(server),
                self._stack.ssh.port,
                server["hostKey"],
                self._stack.operator,
                await self._jump_connection(),
            )

    async def find_web_site(self, server: Mapping[str, Any]) -> tuple[str, int]:
        """Address and port of the server's web site: its own, or a local port that the jump host forwards."""
        address, port = self.address(server), self._stack.https_port
        async with asyncio.timeout(DIAL_SECONDS):
            jump = await self._jump_connection()
            if jump is None:
                return address, port
            listener = await jump.forward_local_port(HTTPS_LOCAL, 0, address, port)
        self._open.callback(listener.close)
        return HTTPS_LOCAL, listener.get_port()

    async def _jump_connection(self) -> asyncssh.SSHClientConnection | None:
        # Shielded: when one server times out, the shared connection must stay open.
        return await asyncio.shield(self._jump) if self._jump else None

    async def _connect(
        self, host: str, port: int, host_key: str, logon: Logon, tunnel: asyncssh.SSHClientConnection | None
    ) -> asyncssh.SSHClientConnection:
        async with asyncio.timeout(DIAL_SECONDS):
            connection = await log_on(host, port, host_key, logon, tunnel)
        return await self._open.enter_async_context(connection)
