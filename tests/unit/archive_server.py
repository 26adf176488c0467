"""A server on loopback for the tests of the download: it can break off, fall silent, refuse, and be a proxy."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class ArchiveServer:
    """What it gives for any path, and what it was asked: (method, target, the Range header)."""

    content: bytes = b""
    status: int = 200
    parts: bool = True  # whether a Range is answered with that part
    breaks_after: int | None = None  # bytes of a body, once
    breaks_always: bool = False
    silent_after: int | None = None  # bytes of a body; 0 sends not even a head
    range_shift: int = 0  # how far the part that comes lies behind the part that was asked for
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    port: int = 0
    halfway: threading.Event = field(default_factory=threading.Event)  # it has fallen silent
    released: threading.Event = field(default_factory=threading.Event)  # the silence ends

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def ranges(self) -> list[str | None]:
        return [asked for _, _, asked in self.requests]


@contextmanager
def serving(server: ArchiveServer) -> Iterator[ArchiveServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # Some tests give a download up in the middle.
            with suppress(ConnectionError):
                answer(self, server)

        def do_CONNECT(self) -> None:
            answer(self, server)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            http.shutdown()
            thread.join()


def answer(handler: BaseHTTPRequestHandler, server: ArchiveServer) -> None:
    asked = handler.headers.get("Range")
    server.requests.append((handler.command, handler.path, asked))
    if server.silent_after == 0:
        server.halfway.set()
        server.released.wait()
        return
    if server.status != 200:
        handler.send_error(server.status)
        return
    begins = 0
    if asked and server.parts:
        begins = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) + server.range_shift  # type: ignore[index]
        if begins >= len(server.content):
            handler.send_error(416)
            return
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {begins}-{len(server.content) - 1}/{len(server.content)}")
    else:
        handler.send_response(200)
    body = server.content[begins:]
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    send(handler, server, body)


def send(handler: BaseHTTPRequestHandler, server: ArchiveServer, body: bytes) -> None:
    if server.breaks_after is not None:
        handler.wfile.write(body[: server.breaks_after])
        if not server.breaks_always:
            server.breaks_after = None
        return
    if server.silent_after is not None:
        handler.wfile.write(body[: server.silent_after])
        server.halfway.set()
        server.released.wait()
        return
    handler.wfile.write(body)
