"""A web site over TLS that answers each request with the bytes that a test chooses."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rehearsal.stand_ins.tls import Certificates

PATIENCE = 60  # seconds after which a test counts as hanging


@dataclass(frozen=True)
class RawRequest:
    """One request; `host` is the Host header, with its port."""

    host: str
    path: str
    body: bytes
    logged_on: bool


# The pieces of an answer in the order of sending; the connection is closed after the last.
Answers = Callable[[RawRequest], Iterator[bytes]]


@dataclass(kw_only=True)
class RawSite:
    """A context manager that listens; `requests` has all requests in order."""

    address: str
    certificates: Certificates
    answers: Answers
    port: int = 0
    requests: list[RawRequest] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> RawSite:
        self._listening = socket.create_server((self.address, self.port))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.over.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._listening.close()
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while not self.over.is_set():
            try:
                accepted, _ = self._listening.accept()
            except OSError:
                return
            # The client may have closed the connection.
            with contextlib.suppress(OSError), self.certificates.server_context.wrap_socket(accepted, True) as secured:
                secured.settimeout(PATIENCE)
                self._answer(secured)

    def _answer(self, secured: socket.socket) -> None:
        with secured.makefile("rb") as coming:
            path = coming.readline().split()[1].decode("ascii")
            rows = [row.decode("ascii").strip() for row in iter(coming.readline, b"\r\n")]
            headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in rows)}
            body = coming.read(int(headers.get("content-length", "0")))
        asked = RawRequest(headers["host"], path, body, "authorization" in headers)
        self.requests.append(asked)
        for piece in self.answers(asked):
            if self.over.is_set():
                return
            secured.sendall(piece)


def http_answer(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    """An HTTP answer with its headers."""
    rows = [f"HTTP/1.1 {status}", "Content-Type: text/xml", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(rows).encode() + body
