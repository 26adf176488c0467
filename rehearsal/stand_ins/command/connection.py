"""How the provider reaches a server: dials, retries, the proxy in between."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncssh
import grpc  # type: ignore[import-untyped]

from rehearsal.stand_ins.command.go_text import describe_error
from rehearsal.stand_ins.command.interruption import Interruption
from rehearsal.stand_ins.command.log import EngineLog
from rehearsal.stand_ins.command.logon import LogonClient, SshEndpoint, SshRoute, route_to
from rehearsal.stand_ins.provider.servicer import ProviderError
from rehearsal.stand_ins.provider.values import Properties

_FIRST_PAUSE, _BACK_OFF, _LONGEST_PAUSE = 0.1, 1.5, 5.0
_UNLIMITED = -1
# How Go's SSH library calls the reasons for which a channel is refused.
_REFUSALS = {1: "administratively prohibited", 2: "connect failed", 3: "unknown channel type", 4: "resource shortage"}
_Dialled = TypeVar("_Dialled")


async def connect(
    connection: Properties, log: EngineLog, interruption: Interruption, held: contextlib.AsyncExitStack
) -> asyncssh.SSHClientConnection:
    """A logged-on connection by checked inputs without secret marks; ProviderError in the provider's words.

    Closing `held` ends this connection and what it needs.
    """
    route = await route_to(connection, held)
    limit = route.endpoint.dialErrorLimit
    if not connection.get("proxy"):
        return await _until_limit("Dial", limit, lambda: _dial(route, held), log, interruption)
    try:
        proxy = await route_to(connection["proxy"], held)
        through = await _until_limit(
            "Dial proxy", proxy.endpoint.dialErrorLimit, lambda: _dial(proxy, held), log, interruption
        )
        met = await _until_limit("Dial from proxy", limit, lambda: _meet(route, held, through), log, interruption)
        return await _until_limit("Dial", limit, _retried(met), log, interruption)
    except ProviderError as error:
        raise ProviderError(f"proxy: {error}", error.code) from error


class _HandshakeError(ProviderError):
    """The server was reached, and no logged-on connection came of it."""


async def _meet(
    route: SshRoute, held: contextlib.AsyncExitStack, through: asyncssh.SSHClientConnection
) -> asyncssh.SSHClientConnection | _HandshakeError:
    """What comes of the first handshake behind a proxy; ProviderError while the proxy cannot reach the server."""
    try:
        return await _log_on(route, held, tunnel=through)
    except _HandshakeError as error:
        return error


def _retried(
    met: asyncssh.SSHClientConnection | _HandshakeError,
) -> Callable[[], Awaitable[asyncssh.SSHClientConnection]]:
    """Each dial after a failed handshake: the provider shakes hands on the connection that the first one has closed."""
    outcomes = itertools.chain([met], itertools.repeat(_HandshakeError("ssh: handshake failed: EOF")))

    async def dial() -> asyncssh.SSHClientConnection:
        outcome = next(outcomes)
        if isinstance(outcome, _HandshakeError):
            raise outcome
        return outcome

    return dial


async def _until_limit(
    what: str,
    limit: float,
    dial: Callable[[], Awaitable[_Dialled]],
    log: EngineLog,
    interruption: Interruption,
) -> _Dialled:
    pause = _FIRST_PAUSE
    for attempt in itertools.count():
        try:
            return await dial()
        except ProviderError as error:
            if _UNLIMITED < limit <= attempt:
                raise ProviderError(f"after {attempt} failed attempts: {error}", error.code) from error
        most = "inf" if limit == _UNLIMITED else f"{limit:.0f}"
        log.status(f"{what} {attempt + 1}/{most} failed: retrying")
        await interruption.pause(pause)
        pause = min(pause * _BACK_OFF, _LONGEST_PAUSE)
    raise AssertionError


async def _dial(route: SshRoute, held: contextlib.AsyncExitStack) -> asyncssh.SSHClientConnection:
    opened = await _tcp(route.endpoint)
    with contextlib.ExitStack() as unless_used:
        unless_used.callback(opened.close)
        connection = await _log_on(route, held, sock=opened)
        unless_used.pop_all()
        return connection


async def _tcp(endpoint: SshEndpoint) -> socket.socket:
    """The time limit of a dial covers this part only: a server that accepts and stays silent is waited for."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(endpoint.perDialTimeout or None):
            found = await loop.getaddrinfo(endpoint.host or "localhost", int(endpoint.port), type=socket.SOCK_STREAM)
            family, kind, protocol, _, address = found[0]
            opened = socket.socket(family, kind, protocol)
            try:
                opened.setblocking(False)
                await loop.sock_connect(opened, address)
            except BaseException:
                opened.close()
                raise
            return opened
    except TimeoutError as error:
        message = f"dial tcp {endpoint.dialled}: i/o timeout"
        raise ProviderError(message, grpc.StatusCode.DEADLINE_EXCEEDED) from error
    except socket.gaierror as error:
        raise ProviderError(f"dial tcp: lookup {endpoint.host}: no such host") from error
    except OSError as error:
        raise ProviderError(f"dial tcp {endpoint.dialled}: connect: {describe_error(error)}") from error


async def _log_on(route: SshRoute, held: contextlib.AsyncExitStack, **transport: Any) -> asyncssh.SSHClientConnection:
    endpoint = route.endpoint
    logon = LogonClient(route.keys, endpoint.password)
    host = endpoint.host or "localhost"
    try:
        connection = await asyncssh.connect(host, int(endpoint.port), **route.options(logon), **transport)
    except asyncssh.HostKeyNotVerifiable as error:
        raise _HandshakeError("ssh: handshake failed: ssh: host key mismatch") from error
    except asyncssh.PermissionDenied as error:
        message = f"ssh: unable to authenticate, attempted methods [{' '.join(logon.tried)}]"
        raise _HandshakeError(f"ssh: handshake failed: {message}, no supported methods remain") from error
    except asyncssh.ChannelOpenError as error:
        raise ProviderError(f"ssh: rejected: {_REFUSALS.get(error.code, error.code)} ({error.reason})") from error
    except asyncssh.ConnectionLost as error:
        raise _HandshakeError("ssh: handshake failed: EOF") from error
    except (asyncssh.Error, OSError) as error:
        raise _HandshakeError(f"ssh: handshake failed: {describe_error(error)}") from error
    held.push_async_callback(connection.wait_closed)
    held.callback(connection.abort)
    return connection
