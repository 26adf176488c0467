"""HTTP over an open connection, where the other end may never come to an end: answers are bounded in time and size."""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Mapping
from typing import Any

# Of one answer with its headers; that of Autodiscover has some ten KiB.
LARGEST = 2**20


class TooLargeError(http.client.HTTPException):
    """An answer is larger than any of Exchange."""


class BoundedConnection(http.client.HTTPSConnection):
    """Its answers are bounded as `exchange` is told; `sock` is put in by whoever dialled."""

    _until = 0.0

    def exchange(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """One request, and the whole of its answer within `seconds` (TimeoutError) and LARGEST (TooLargeError)."""
        self._until = time.monotonic() + seconds
        if self.sock:
            self.sock.settimeout(seconds)
        self.request(method, path, body, headers)
        response = self.getresponse()
        return response, response.read()

    def response_class(self, sock: socket.socket, *args: Any, **options: Any) -> http.client.HTTPResponse:  # type: ignore[override]
        response = http.client.HTTPResponse(sock, *args, **options)
        response.fp = io.BufferedReader(_Bounded(response.fp.detach(), sock, self._until))
        return response


class _Bounded(io.RawIOBase):
    """What comes over the socket until a time, however little comes at once, and up to LARGEST."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, until: float) -> None:
        self._raw, self._sock, self._until, self._left = raw, sock, until, LARGEST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = self._until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        self._sock.settimeout(seconds)
        count = self._raw.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise TooLargeError(f"answers with more than {LARGEST // 2**20} MiB")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
