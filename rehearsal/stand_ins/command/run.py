"""One command on a server: environment, input, output, and the words in which a failure is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import asyncssh
from asyncssh.channel import SSHClientChannel
from asyncssh.packet import String

from rehearsal.stand_ins.command.errors import OperationError
from rehearsal.stand_ins.command.log import EngineLog

_LONGEST_LINE = 64 * 1024
_WINDOW, _LARGEST_PACKET = 2 * 1024 * 1024, 32 * 1024
_NOT_SET = (
    "Unable to set '{name}'. This only works if your SSH server is configured to accept\n"
    "\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host,"
    " you could\n\tprefix the command itself with the variables in the form 'VAR=value command'"
)


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """What to run: `environment` must be accepted, `offered` may be refused; `logged`: streams shown to people."""

    text: str
    stdin: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    offered: dict[str, str] = field(default_factory=dict)
    logged: frozenset[str] = frozenset({"stdout", "stderr"})


async def run(connection: asyncssh.SSHClientConnection, line: CommandLine, log: EngineLog) -> tuple[str, str]:
    """Output and error output, one newline at the end cut; OperationError where the provider fails.

    Never returns once a logged line is longer than 64 KiB, as the provider does not.
    """
    loop = asyncio.get_running_loop()
    session = _Session(line.logged, log)

    async def announce_variables(channel: _CommandChannel) -> None:
        for name, value in line.environment.items():
            if not await channel.set_variable(name, value):
                log.error(_NOT_SET.format(name=name))
                quoted = json.dumps(name, ensure_ascii=False)
                raise OperationError(f"could not set environment variable {quoted}: ssh: setenv failed")
        for name, value in line.offered.items():
            if not await channel.set_variable(name, value):
                log.warning(_NOT_SET.format(name=name))

    channel = _CommandChannel(connection, loop, "strict", None, "strict", _WINDOW, _LARGEST_PACKET)
    channel.before_start = announce_variables
    try:
        await channel.create(
            lambda: session, line.text, None, {}, False, None, None, {}, False, None, None, False, False
        )
        with contextlib.suppress(BrokenPipeError):  # a command may end without reading its input
            channel.write(line.stdin.encode())
            channel.write_eof()
        await session.ended.wait()
    except asyncssh.ChannelOpenError as error:
        raise OperationError(f"ssh: command {line.text} failed") from error
    finally:
        channel.close()
    if session.failure is not None:
        quoted = json.dumps(line.text, ensure_ascii=False)
        raise OperationError(f"{session.failure}: running {quoted}:\n{_text(session.both)}")
    return _text(session.stdout).removesuffix("\n"), _text(session.stderr).removesuffix("\n")


def _text(output: bytearray) -> str:
    return output.decode(errors="replace")


class _CommandChannel(SSHClientChannel[bytes]):
    """asyncssh sends variables without asking for an answer; the provider needs it before the command starts."""

    before_start: Callable[[_CommandChannel], Awaitable[None]]

    async def set_variable(self, name: str, value: str) -> bool:
        """Whether the server accepted it."""
        return bool(await super()._make_request(b"env", String(name), String(value)))

    async def _make_request(self, request: bytes, *args: bytes) -> bool | None:
        if request == b"exec":
            await self.before_start(self)
        return await super()._make_request(request, *args)


class _Session(asyncssh.SSHClientSession[bytes]):
    """Collects what a command writes, and shows it line by line."""

    def __init__(self, logged: frozenset[str], log: EngineLog) -> None:
        self.ended = asyncio.Event()
        self.failure: str | None = "wait: remote command exited without exit status or exit signal"
        self.stdout, self.stderr, self.both = bytearray(), bytearray(), bytearray()
        self._logged = logged
        self._log = log
        self._line = bytearray()
        self._stuck = False

    def connection_made(self, chan: SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        name = "stderr" if datatype == asyncssh.EXTENDED_DATA_STDERR else "stdout"
        collected = self.stderr if name == "stderr" else self.stdout
        collected += data
        self.both += data
        if name in self._logged:
            self._show(data)

    def _show(self, data: bytes) -> None:
        self._line += data
        while (end := self._line.find(b"\n", 0, _LONGEST_LINE)) >= 0:
            self._log.status(_text(self._line[:end].removesuffix(b"\r")))
            del self._line[: end + 1]
        if len(self._line) > _LONGEST_LINE:
            # The provider's reader gives up on such a line while its writer goes on waiting for a reader.
            self._stuck = True
            self._channel.pause_reading()

    def exit_status_received(self, status: int) -> None:
        self.failure = f"Process exited with status {status}" if status else None

    def exit_signal_received(self, name: str, _core_dumped: bool, message: str, _lang: str) -> None:
        status = 128 + signal.Signals[f"SIG{name}"].value
        reason = f". Reason was: {message}" if message else ""
        self.failure = f"Process exited with status {status} from signal {name}{reason}"

    def connection_lost(self, _error: Exception | None) -> None:
        if self._stuck:
            return
        if self._line:
            self._log.status(_text(self._line))
        self.ended.set()
