"""One command on a server: environment, input, output, and the message of a failure."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import asyncssh
from asyncssh.channel import SSHClientChannel
from asyncssh.packet import SSHPacket, String

from rehearsal.stand_ins.command import go_text
from rehearsal.stand_ins.command.log import EngineLog
from rehearsal.stand_ins.command.output import CommandOutput
from rehearsal.stand_ins.provider.servicer import ProviderError

_WINDOW, _LARGEST_PACKET = 2 * 1024 * 1024, 32 * 1024
_NOT_SET = (
    "Unable to set '{name}'. This only works if your SSH server is configured to accept\n"
    "\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host,"
    " you could\n\tprefix the command itself with the variables in the form 'VAR=value command'"
)


# The signals that have a number in Go's SSH library.
_SIGNALS = {
    "HUP": 1,
    "INT": 2,
    "QUIT": 3,
    "ILL": 4,
    "ABRT": 6,
    "FPE": 8,
    "KILL": 9,
    "SEGV": 11,
    "PIPE": 13,
    "ALRM": 14,
    "TERM": 15,
}


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """environment: the server must accept it. offered: variables that it may refuse. logged: streams to log."""

    text: str
    stdin: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    offered: dict[str, str] = field(default_factory=dict)
    logged: frozenset[str] = frozenset({"stdout", "stderr"})


async def run_on_server(connection: asyncssh.SSHClientConnection, line: CommandLine, log: EngineLog) -> tuple[str, str]:
    """Output and error output, without one final newline; ProviderError where the provider fails.

    As the provider, never returns after a logged line that is too long.
    """
    loop = asyncio.get_running_loop()
    session = _CommandSession(CommandOutput(line.logged, log))

    async def announce_variables(channel: _CommandChannel) -> None:
        for name, value in line.environment.items():
            if not await channel.set_variable(name, value):
                log.error(_NOT_SET.format(name=name))
                raise ProviderError(f"could not set environment variable {go_text.quote(name)}: ssh: setenv failed")
        for name, value in line.offered.items():
            if not await channel.set_variable(name, value):
                log.warning(_NOT_SET.format(name=name))

    channel = _CommandChannel(connection, loop, "strict", None, "strict", _WINDOW, _LARGEST_PACKET)
    channel.before_start = announce_variables
    try:
        await channel.create(
            lambda: session, line.text, None, {}, False, None, None, {}, False, None, None, False, False
        )
        input_taken = await _send_input(channel, line.stdin.encode())
        await session.ended.wait()
    except asyncssh.ChannelOpenError as error:
        raise ProviderError(f"ssh: command {line.text} failed") from error
    finally:
        channel.close()
    if session.failure is None and not (input_taken and channel.input_was_read):
        session.failure = "EOF"
    if session.failure is not None:
        raise ProviderError(f"{session.failure}: running {go_text.quote(line.text)}:\n{session.output.both()}")
    return session.output.results()


async def _send_input(channel: _CommandChannel, content: bytes) -> bool:
    """Whether the channel accepted all input while it was open.

    The provider sends input while a command that does not read it may already end, so it fails such a command
    sometimes. Here the command runs for one round trip first, so that it always fails.
    """
    if not content:
        channel.write_eof()
        return True
    await channel.round_trip()
    try:
        channel.write(content)
    except BrokenPipeError:
        return False
    channel.write_eof()
    return True


class _CommandChannel(SSHClientChannel[bytes]):
    """Waits for the server's answer to each variable before the command starts, as the provider; asyncssh does not."""

    before_start: Callable[[_CommandChannel], Awaitable[None]]
    input_was_read = True

    async def set_variable(self, name: str, value: str) -> bool:
        """Whether the server accepted it."""
        return bool(await super()._make_request(b"env", String(name), String(value)))

    async def round_trip(self) -> None:
        """Wait until the server has answered a request that it refuses: earlier messages have arrived by then."""
        with contextlib.suppress(asyncssh.Error, OSError):
            await super()._make_request(b"keepalive@openssh.com")

    async def _make_request(self, request: bytes, *args: bytes) -> bool | None:
        if request == b"exec":
            await self.before_start(self)
        return await super()._make_request(request, *args)

    def _process_close(self, pkttype: int, pktid: int, packet: SSHPacket) -> None:
        # Data still in the buffer did not fit into the window and was never sent.
        self.input_was_read = self.input_was_read and not self._send_buf
        super()._process_close(pkttype, pktid, packet)

    def _process_input_left_at_exchange_cas_request(self, packet: SSHPacket) -> bool:
        """Sent by the rehearsal's servers only; other clients ignore it."""
        packet.check_end()
        self.input_was_read = False
        return True


class _CommandSession(asyncssh.SSHClientSession[bytes]):
    """Collects a command's output and the way it ended."""

    def __init__(self, output: CommandOutput) -> None:
        self.ended = asyncio.Event()
        self.failure: str | None = "wait: remote command exited without exit status or exit signal"
        self.output = output

    def connection_made(self, chan: SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self.output.add("stderr" if datatype == asyncssh.EXTENDED_DATA_STDERR else "stdout", data)
        if self.output.stuck:
            self._channel.pause_reading()

    def exit_status_received(self, status: int) -> None:
        self.failure = f"Process exited with status {status}" if status else None

    def exit_signal_received(self, name: str, _core_dumped: bool, message: str, _lang: str) -> None:
        reason = f". Reason was: {message}" if message else ""
        self.failure = f"Process exited with status {128 + _SIGNALS.get(name, 0)} from signal {name}{reason}"

    def connection_lost(self, _error: Exception | None) -> None:
        if self.output.stuck:
            return
        self.output.end()
        self.ended.set()
