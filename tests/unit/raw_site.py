"""A web site somewhere on the Internet: over TLS it answers each request with whatever bytes a test says."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rehearsal.stand_ins.tls import Certificates

PATIENCE = 60  # seconds; what takes longer hangs


@dataclass(frozen=True)
class Asked:
    """One request, as it came; `host` with the port that it names."""

    host: str
    path: str
    body: bytes
    logged_on: bool


# The bytes of an answer, in the pieces in which they are sent; the connection is closed after the last.
Answers = Callable[[Asked], Iterator[bytes]]


@dataclass(kw_only=True)
class RawSite:
    """Listens while it is a context; `requests` has what was asked, in order."""

    address: str
    certificates: Certificates
    answers: Answers
    port: int = 0
    requests: list[Asked] = field(default_factory=list)
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
            # The client may have gone, which is its right.
            with contextlib.suppress(OSError), self.certificates.server_context.wrap_socket(accepted, True) as secured:
                secured.settimeout(PATIENCE)
                self._answer(secured)

    def _answer(self, secured: socket.socket) -> None:
        with secured.makefile("rb") as coming:
            path = coming.readline().split()[1].decode("ascii")
            rows = [row.decode("ascii").strip() for row in iter(coming.readline, b"\r\n")]
            headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in rows)}
            body = coming.read(int(headers.get("content-length", "0")))
        asked = Asked(headers["host"], path, body, "authorization" in headers)
        self.requests.append(asked)
        for piece in self.answers(asked):
            if self.over.is_set():
                return
            secured.sendall(piece)


def page(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer."""
    rows = [f"HTTP/1.1 {status}", "Content-Type: text/xml", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(rows).encode() + body
