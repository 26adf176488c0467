"""A server's web site: health pages, Autodiscover, and the endpoints of clients."""

from __future__ import annotations

import asyncio
import time
from asyncio.trsock import TransportSocket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from aiohttp import web

from rehearsal.stand_ins import autodiscover
from rehearsal.stand_ins.accounts import Accounts
from rehearsal.stand_ins.autodiscover import Settings
from rehearsal.stand_ins.network import Port, drop_packets, reset_when_closed
from rehearsal.stand_ins.tls import Certificates

ANSWER_SECONDS = 5  # how long a stopping web site waits for requests that are being answered
RESTART_SECONDS = 0.2
# Folder of the web site -> service.
SERVICES = {
    "owa": "owa",
    "ecp": "ecp",
    "ews": "ews",
    "oab": "oab",
    "autodiscover": "autodiscover",
    "rpc": "outlookAnywhere",
    "mapi": "mapi",
    "microsoft-server-activesync": "activesync",
}


@dataclass(frozen=True, kw_only=True)
class WebRequest:
    """One request and its answer; `at` is `time.monotonic()`."""

    at: float
    method: str
    host: str
    path: str
    status: int


@dataclass(frozen=True, kw_only=True)
class WebSite:
    """What the web site shows. It is read at each request; only Autodiscover caches settings.

    `settings` returns this server's settings; without Exchange None, and the site has no page. `count_recycles` returns
    how often Autodiscover's application pool was recycled.
    """

    fqdn: str
    accounts: Accounts
    certificates: Certificates
    settings: Callable[[], Settings | None]
    is_active: Callable[[str], bool]
    count_recycles: Callable[[], int]
    mapi_http: bool


class HttpsListener:
    """Listens on all addresses of a server; `requests` has all answered requests, in order."""

    def __init__(self, *, addresses: Iterable[str], site: WebSite) -> None:
        self._network = Port(addresses)
        self._site = site
        self._server: web.Server | None = None
        self._runner: web.ServerRunner | None = None
        self._silence: asyncio.Future[None] | None = None
        self.port: int | None = None
        self.requests: list[WebRequest] = []

    async def start(self, port: int) -> None:
        """Port 0 asks for a free one (with one address only). OSError when the port is taken."""
        if self._silence:
            await self.stop()
        if self._runner:
            return
        self._server = web.Server(self._answer)
        self._application = autodiscover.AutodiscoverApplication(self._site.count_recycles)
        runner = web.ServerRunner(self._server, shutdown_timeout=ANSWER_SECONDS)
        await runner.setup()
        for accepting in self._network.open(port):
            await web.SockSite(runner, accepting, ssl_context=self._site.certificates.server_context).start()
            self.port = runner.addresses[0][1]
        self._runner = runner

    async def stop(self, *, silent: bool = False) -> None:
        """Stop as IIS does: answer open requests, close connections, close the port.

        The closed port refuses connections, or with `silent` does not answer.
        """
        await self._network.stop_accepting()
        if silent:
            self._network.silence()
        else:
            self._network.close()
        if self._silence:
            self._reset_connections()
        if self._runner:
            connections = self._connections()
            await self._runner.cleanup()
            for _, transport in connections:
                transport.abort()  # TLS is closed; asyncio would wait for the client to close it, too
            await asyncio.sleep(0)
        self._server, self._runner, self._silence, self.port = None, None, None, None

    async def restart(self, *, silent: bool) -> None:
        """Restart as W3SVC does: close connections in order, and listen again after RESTART_SECONDS."""
        port = self.port
        if port is not None and not self._silence:
            await self.stop(silent=silent)
            await asyncio.sleep(RESTART_SECONDS)
            await self.start(port)

    async def reset(self) -> None:
        """Send an RST on each open connection; the port then refuses connections."""
        await self._network.stop_accepting()
        self._reset_connections()
        await self.stop()

    def silence(self) -> None:
        """Answer on no open or new connection until `start`."""
        self._network.silence()
        self._silence = self._silence or asyncio.get_running_loop().create_future()
        for open_socket, _ in self._connections():
            drop_packets(open_socket)

    def _reset_connections(self) -> None:
        for open_socket, transport in self._connections():
            reset_when_closed(open_socket)
            transport.abort()
        if self._silence:
            self._silence.cancel()

    def _connections(self) -> list[tuple[TransportSocket, asyncio.Transport]]:
        transports = [row.transport for row in self._server.connections] if self._server else []
        pairs = [(row.get_extra_info("socket"), row) for row in transports if row is not None]
        return [(open_socket, row) for open_socket, row in pairs if open_socket]  # an ending connection has no socket

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        response = await self._route(request)
        if self._silence:
            await self._silence  # cancelled by _reset_connections, and this answer with it
        response.headers["Server"] = "Microsoft-IIS/10.0"
        response.headers["X-FEServer"] = self._site.fqdn.split(".")[0].upper()
        self.requests.append(
            WebRequest(
                at=time.monotonic(),
                method=request.method,
                host=request.host,
                path=request.path,
                status=response.status,
            )
        )
        return response

    async def _route(self, request: web.BaseRequest) -> web.Response:
        host = request.host.rsplit(":", 1)[0]
        if not self._site.certificates.covers(host) and host.lower() != self._site.fqdn.lower():
            return _build_page(HTTPStatus.BAD_REQUEST, "Bad Request - Invalid Hostname")
        folder, _, page = request.path.lstrip("/").lower().partition("/")
        service = SERVICES.get(folder)
        settings = await asyncio.to_thread(self._site.settings)
        if service == "autodiscover":
            settings = self._application.current_settings(settings)
        if service is None or settings is None:
            return _build_page(HTTPStatus.NOT_FOUND)
        if not self._site.is_active(service):
            return _build_page(HTTPStatus.SERVICE_UNAVAILABLE)
        if page == "healthcheck.htm":
            return _build_page(HTTPStatus.OK, f"200 OK<br/>{self._site.fqdn}")
        if not self._is_logged_on(request):
            refusal = _build_page(HTTPStatus.UNAUTHORIZED)
            refusal.headers["WWW-Authenticate"] = f'Basic realm="{request.host}"'
            return refusal
        if service == "autodiscover":
            return await self._answer_autodiscover(request, settings)
        return _build_page(HTTPStatus.OK)

    def _is_logged_on(self, request: web.BaseRequest) -> bool:
        try:
            logon = aiohttp.BasicAuth.decode(request.headers.get("Authorization", ""))
        except ValueError:
            return False
        return self._site.accounts.knows_password(logon.login, logon.password)

    async def _answer_autodiscover(self, request: web.BaseRequest, settings: Settings) -> web.Response:
        address = autodiscover.read_mailbox_address(await request.read())
        if address is None:
            return web.Response(body=autodiscover.write_invalid_request(), content_type="text/xml")
        knows_mapi_http = request.headers.get("X-MapiHttpCapability", "") >= "1"
        body = autodiscover.write_settings(address, settings, mapi_http=self._site.mapi_http and knows_mapi_http)
        return web.Response(body=body, content_type="text/xml", charset="utf-8")


def _build_page(status: HTTPStatus, text: str = "") -> web.Response:
    return web.Response(status=status, text=text or status.phrase, content_type="text/html")
