"""SSH to a server: one dial that expects one host key, and what to tell people when it fails."""

from __future__ import annotations

import asyncssh

from restoration.logon import Logon

# A living server answers within a second; ten leave room for a lost packet or two.
SECONDS = 10
# A server that vanishes while its script runs is noticed after four of these.
KEEPALIVE_SECONDS = 3
# Opening an Exchange session and reading eight virtual directories takes a minute on a busy server.
SCRIPT_SECONDS = 180


async def connect(
    host: str, port: int, host_key: str, logon: Logon, tunnel: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    """Logged on to the server that shows this host key. Raises OSError or asyncssh.Error; waits as long as it takes."""
    try:
        key = asyncssh.import_private_key(logon.private_key) if logon.private_key else None
        pinned = asyncssh.import_public_key(host_key)
    except ValueError as error:  # asyncssh's errors of keys are no asyncssh.Error
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


def why(error: BaseException) -> str:
    """What a person needs to know of an error on the way."""
    if isinstance(error, TimeoutError):
        return f"no answer over SSH within {SECONDS} s"
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused"
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return "it shows another SSH host key than the stack holds"
    if isinstance(error, asyncssh.PermissionDenied):
        return "it refuses the logon over SSH"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)
