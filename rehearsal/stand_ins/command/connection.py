"""How the provider connects to a server: dials, retries, and a proxy."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncssh
import grpc  # type: ignore[import-untyped]

from rehearsal.stand_ins.command.go_text import format_error
from rehearsal.stand_ins.command.interruption import Interruption
from rehearsal.stand_ins.command.log import EngineLog
from rehearsal.stand_ins.command.logon import LogonClient, SshEndpoint, SshRoute, prepare_route
from rehearsal.stand_ins.provider.servicer import ProviderError
from rehearsal.stand_ins.provider.values import Properties

_FIRST_PAUSE, _BACK_OFF, _LONGEST_PAUSE = 0.1, 1.5, 5.0
_UNLIMITED = -1
# The names of Go's SSH library for the reasons of a refused channel.
_REFUSALS = {1: "administratively prohibited", 2: "connect failed", 3: "unknown channel type", 4: "resource shortage"}
_DialResult = TypeVar("_DialResult")


async def open_connection(
    connection: Properties, log: EngineLog, interruption: Interruption, held: contextlib.AsyncExitStack
) -> asyncssh.SSHClientConnection:
    """A logged-on connection from checked inputs without secret marks; ProviderError with the provider's messages.

    Closing `held` closes this connection, and the proxy's.
    """
    route = await prepare_route(connection, held)
    limit = route.endpoint.dialErrorLimit
    if not connection.get("proxy"):
        return await _dial_until_limit("Dial", limit, lambda: _dial(route, held), log, interruption)
    try:
        proxy = await prepare_route(connection["proxy"], held)
        through = await _dial_until_limit(
            "Dial proxy", proxy.endpoint.dialErrorLimit, lambda: _dial(proxy, held), log, interruption
        )
        first = await _dial_until_limit(
            "Dial from proxy", limit, lambda: _shake_hands_behind_proxy(route, held, through), log, interruption
        )
        return await _dial_until_limit("Dial", limit, _retry_handshake(first), log, interruption)
    except ProviderError as error:
        raise ProviderError(f"proxy: {error}", error.code) from error


class _HandshakeError(ProviderError):
    """The server accepted the connection, but the handshake or the logon failed."""


async def _shake_hands_behind_proxy(
    route: SshRoute, held: contextlib.AsyncExitStack, through: asyncssh.SSHClientConnection
) -> asyncssh.SSHClientConnection | _HandshakeError:
    """The result of the first handshake behind a proxy; ProviderError while the proxy cannot reach the server."""
    try:
        return await _log_on(route, held, tunnel=through)
    except _HandshakeError as error:
        return error


def _retry_handshake(
    first: asyncssh.SSHClientConnection | _HandshakeError,
) -> Callable[[], Awaitable[asyncssh.SSHClientConnection]]:
    """After a failed handshake each dial fails with EOF: the provider reuses the connection, which is closed."""
    outcomes = itertools.chain([first], itertools.repeat(_HandshakeError("ssh: handshake failed: EOF")))

    async def dial() -> asyncssh.SSHClientConnection:
        outcome = next(outcomes)
        if isinstance(outcome, _HandshakeError):
            raise outcome
        return outcome

    return dial


async def _dial_until_limit(
    what: str,
    limit: float,
    dial: Callable[[], Awaitable[_DialResult]],
    log: EngineLog,
    interruption: Interruption,
) -> _DialResult:
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
    opened = await _open_socket(route.endpoint)
    with contextlib.ExitStack() as unless_used:
        unless_used.callback(opened.close)
        connection = await _log_on(route, held, sock=opened)
        unless_used.pop_all()
        return connection


async def _open_socket(endpoint: SshEndpoint) -> socket.socket:
    """The time limit of a dial covers this part only: the provider waits without limit for a server that accepts and is
    then silent."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(endpoint.perDialTimeout or None):
            addresses = await loop.getaddrinfo(
                endpoint.host or "localhost", int(endpoint.port), type=socket.SOCK_STREAM
            )
            family, kind, protocol, _, address = addresses[0]
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
        raise ProviderError(f"dial tcp {endpoint.dialled}: connect: {format_error(error)}") from error


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
        raise _HandshakeError(f"ssh: handshake failed: {format_error(error)}") from error
    held.push_async_callback(connection.wait_closed)
    held.callback(connection.abort)
    return connection
