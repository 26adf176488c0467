"""A web site over real TLS, for the gate's tests: not the stand-in's, so that the two measure each other."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

PAGE = "200 OK<br/>EX1.corp.example"


@dataclass(kw_only=True)
class GateSite:
    """`pages`: path -> (status, body) of what does not answer 200 with `PAGE`; `asked`: (SNI, Host, path) in order."""

    port: int
    authority: Path
    pages: dict[str, tuple[int, str]] = field(default_factory=dict)
    asked: list[tuple[str | None, str, str]] = field(default_factory=list)


@contextmanager
def serving(folder: Path, *, address: str, names: tuple[str, ...]) -> Iterator[GateSite]:
    """A site on a free port whose certificate has these names."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    shown: dict[int, str | None] = {}
    context.sni_callback = lambda connection, name, _context: shown.update({id(connection): name})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((shown.get(id(self.connection)), self.headers["Host"], self.path))
            status, body = site.pages.get(self.path, (200, PAGE))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Do not log requests."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that does not like the certificate goes away."""

    server = Server((address, 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    site = GateSite(port=server.server_port, authority=folder / "authority.pem")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
