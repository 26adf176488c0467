"""An SSH server on loopback whose commands say what to do, with a log of what clients did.

Commands, by their first word: `echo` prints the rest, `cat` prints its input, `fail N TEXT` prints TEXT on stderr and
exits with N, `both A B` prints A and B on stdout and stderr, `long N` prints one line of N letters, `bytes HEX` prints
these bytes, `signal NAME TEXT` ends by a signal, `drop` ends the connection without an exit status. All but `drop` read
their input to its end first; `hasty COMMAND` reads none. Like OpenSSH on Windows it refuses every environment variable.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import cast

import asyncssh
from asyncssh.channel import SSHChannel
from asyncssh.packet import SSHPacket

PASSWORD = "right"  # noqa: S105
_WINDOW, _LARGEST_PACKET = 2**21, 2**15


class ScriptedSshServer:
    """Runs in its own thread. `log` lists what clients did, in order; uploaded files are under `root`.

    `questions`: asked instead of accepting a password directly. `authorized`: a public key that may log on.
    `dropped`: how many connections are dropped before the handshake. `breaks`: a host whose first forwarded
    connection is closed.
    """

    def __init__(
        self,
        root: Path,
        *,
        questions: tuple[str, ...] = (),
        authorized: asyncssh.SSHKey | None = None,
        dropped: int = 0,
        breaks: str | None = None,
    ) -> None:
        self.root, self.questions, self.authorized = root, questions, authorized
        self.dropped, self.breaks = dropped, breaks
        self.log: list[str] = []
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.left = threading.Semaphore(0)  # released at the end of each connection
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self.host_key = self._key.export_public_key().decode().strip()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> ScriptedSshServer:
        self._thread.start()
        self._acceptor = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port = self._acceptor.get_port()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(lambda: _Connection(self), "127.0.0.1", 0, server_host_keys=[self._key])

    async def _close(self) -> None:
        self._acceptor.close()
        for connection in tuple(self.connections):
            connection.abort()
            await connection.wait_closed()
        await self._acceptor.wait_closed()


class _Connection(asyncssh.SSHServer):
    def __init__(self, server: ScriptedSshServer) -> None:
        self._server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._server.connections.add(conn)
        self._server.log.append("connect")
        if self._server.log.count("connect") <= self._server.dropped:
            conn.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        self._server.connections.discard(self._connection)
        self._server.left.release()

    def _log_attempt(self, what: str, *, accepted: bool) -> bool:
        self._server.log.append(f"{what} {'accepted' if accepted else 'refused'}")
        return accepted

    def public_key_auth_supported(self) -> bool:
        return self._server.authorized is not None

    def validate_public_key(self, _username: str, key: asyncssh.SSHKey) -> bool:
        return self._log_attempt("key", accepted=key == self._server.authorized)

    def password_auth_supported(self) -> bool:
        return not self._server.questions

    def validate_password(self, _username: str, password: str) -> bool:
        return self._log_attempt("password", accepted=password == PASSWORD)

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(
        self, _username: str, _lang: str, _submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        return "", "", "", [(question, False) for question in self._questions()]

    def validate_kbdint_response(self, _username: str, responses: Sequence[str]) -> bool:
        # The log does not tell the two ways of giving a password apart.
        what = "answers" if self._server.questions else "password"
        return self._log_attempt(what, accepted=list(responses) == [PASSWORD for _ in self._questions()])

    def _questions(self) -> tuple[str, ...]:
        return self._server.questions or ("Password:",)

    def connection_requested(
        self, dest_host: str, dest_port: int, _orig_host: str, _orig_port: int
    ) -> bool | Callable[[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]], None]:
        self._server.log.append(f"forward {dest_host}")
        if dest_host == self._server.breaks:
            self._server.breaks = None
            return lambda _reader, writer: writer.close()
        return bool(dest_port)

    def session_requested(self) -> tuple[asyncssh.SSHServerChannel[bytes], asyncssh.SSHServerProcess[bytes]]:
        loop = asyncio.get_running_loop()
        channel = _Channel(self._connection, loop, False, False, False, 0, 0, None, "strict", _WINDOW, _LARGEST_PACKET)
        return channel, asyncssh.SSHServerProcess[bytes](self._run, self._sftp, 3, False)

    def _sftp(self, channel: SSHChannel[bytes]) -> asyncssh.SFTPServer:
        return _Sftp(channel, self._server)

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        command = process.command or ""
        self._server.log.append(f"exec {command}")
        word, _, rest = command.partition(" ")
        if word == "drop":
            self._connection.abort()
            return
        given = b""
        if word == "hasty":
            word, _, rest = rest.partition(" ")
        else:
            given = await process.stdin.read()
        status = 0
        if word == "cat":
            process.stdout.write(given)
        elif word == "both":
            first, second = rest.split(" ", 1)
            process.stdout.write(f"{first}\n".encode())
            process.stderr.write(f"{second}\n".encode())
        elif word == "bytes":
            process.stdout.write(bytes.fromhex(rest))
        elif word == "fail":
            number, text = rest.split(" ", 1)
            process.stderr.write(f"{text}\n".encode())
            status = int(number)
        elif word == "signal":
            name, _, text = rest.partition(" ")
            process.exit_with_signal(name, msg=text)
            return
        else:
            process.stdout.write((rest if word == "echo" else "x" * int(rest)).encode() + b"\n")
        process.exit(status)


class _Channel(asyncssh.SSHServerChannel[bytes]):
    """Refuses environment variables; asyncssh would accept them."""

    def _process_env_request(self, _packet: SSHPacket) -> bool:
        return False


class _Sftp(asyncssh.SFTPServer):
    def __init__(self, channel: SSHChannel[bytes], server: ScriptedSshServer) -> None:
        super().__init__(cast("asyncssh.SSHServerChannel[bytes]", channel), chroot=str(server.root).encode())
        self._log = server.log

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        self._log.append(f"sftp open {path.decode()}")
        return super().open(path, pflags, attrs)
