"""The output of a command on a server or on this computer: collected, and logged line by line."""

from __future__ import annotations

from rehearsal.stand_ins.command.log import EngineLog

_LONGEST_LINE = 64 * 1024


class CommandOutput:
    """A logged line of 64 KiB sets `stuck`: the provider's reader gives up on it while its writer waits for the reader,
    so that the operation never ends.
    """

    def __init__(self, logged: frozenset[str], log: EngineLog) -> None:
        """`logged`: which of stdout and stderr are logged."""
        self._written = {"stdout": bytearray(), "stderr": bytearray()}
        self._both = bytearray()
        self._logged = logged
        self._log = log
        self._line = bytearray()
        self.stuck = False

    def add(self, name: str, data: bytes) -> None:
        self._written[name] += data
        self._both += data
        if name not in self._logged or self.stuck:
            return
        self._line += data
        while (end := self._line.find(b"\n", 0, _LONGEST_LINE)) >= 0:
            self._show(self._line[:end].removesuffix(b"\r"))
            del self._line[: end + 1]
        self.stuck = len(self._line) >= _LONGEST_LINE

    def end(self) -> None:
        if self._line:
            self._show(self._line)

    def _show(self, line: bytearray) -> None:
        try:
            self._log.status(line.decode())
        except UnicodeDecodeError:
            return  # the provider cannot send such a line to the engine, and ignores that

    def results(self) -> tuple[str, str]:
        """Output and error output, without one final newline; bytes that are not UTF-8 as lone surrogates."""
        stdout, stderr = (written.decode(errors="surrogateescape") for written in self._written.values())
        return stdout.removesuffix("\n"), stderr.removesuffix("\n")

    def both(self) -> str:
        """Output and error output in the order of arrival, for the message of a failure."""
        return self._both.decode(errors="replace")
