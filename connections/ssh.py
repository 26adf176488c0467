"""SSH to a server with a pinned host key, and messages for its errors."""

from __future__ import annotations

import asyncssh

from connections.logon import Logon

# A server that works answers within a second; ten seconds allow for lost packets.
DIAL_SECONDS = 10
# If a server stops answering while its script runs, asyncssh gives up after four of these.
KEEPALIVE_SECONDS = 3
# On a busy server it takes a minute to open an Exchange session and to read eight virtual directories.
SCRIPT_SECONDS = 180


async def log_on(
    host: str, port: int, host_key: str, logon: Logon, tunnel: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    """A connection to the server with this host key, without a time limit. Raises OSError or asyncssh.Error."""
    try:
        key = asyncssh.import_private_key(logon.private_key) if logon.private_key else None
        pinned = asyncssh.import_public_key(host_key)
    except ValueError as error:  # asyncssh does not derive its key errors from asyncssh.Error
        raise OSError(f"the private key of {logon.user}, or the pinned host key of {host}: {error}") from None
    return await asyncssh.connect(
        host,
        port=port,
        tunnel=tunnel or (),
        username=logon.user,
        password=None if key else logon.password,
        client_keys=[key] if key else None,
        known_hosts=([pinned], [], []),
        agent_path=None,
        config=None,
        keepalive_interval=KEEPALIVE_SECONDS,
    )


def explain_ssh_error(error: BaseException) -> str:
    """The error as the end of a sentence, for people."""
    if isinstance(error, TimeoutError):
        return f"no answer over SSH within {DIAL_SECONDS} s"
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused"
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return "its SSH host key is not the one that the stack expects"
    if isinstance(error, asyncssh.PermissionDenied):
        return "it refuses the logon over SSH"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)
