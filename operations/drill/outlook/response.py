"""HTTP over an open connection with answers limited in time and size: the other end may never stop sending."""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Mapping
from typing import Any

# Bytes of one answer with its headers; an answer of Autodiscover has about ten KiB.
LARGEST = 2**20


class TooLargeError(http.client.HTTPException):
    """An answer is larger than Exchange sends."""


class BoundedConnection(http.client.HTTPSConnection):
    """Limits each answer by the seconds that `exchange` gets; the code that connects sets `sock`."""

    _until = 0.0

    def exchange(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """One request and its whole answer, within `seconds` (else TimeoutError) and LARGEST (else TooLargeError)."""
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
    """Reads from the socket until a time, however small the pieces, and up to LARGEST bytes."""

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
