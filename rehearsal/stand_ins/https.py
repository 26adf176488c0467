"""A server's web site: health pages, Autodiscover, and the endpoints clients connect to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from aiohttp import web

from rehearsal.stand_ins import autodiscover
from rehearsal.stand_ins.accounts import Accounts
from rehearsal.stand_ins.autodiscover import Settings
from rehearsal.stand_ins.tls import Certificates

# First part of the path -> service, whose component answers there.
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
class Site:
    """What the web site shows, read again at every request.

    `settings` are this server's own; None as long as Exchange is not installed, when there is no page at all.
    """

    fqdn: str
    accounts: Accounts
    certificates: Certificates
    settings: Callable[[], Settings | None]
    is_active: Callable[[str], bool]
    mapi_http: bool


class HttpsListener:
    """Listens on all addresses of a server; `requests` has every request since it was made, in order."""

    def __init__(self, *, addresses: Iterable[str], site: Site) -> None:
        self._addresses = tuple(addresses)
        self._site = site
        self._runner: web.ServerRunner | None = None
        self.port: int | None = None
        self.requests: list[WebRequest] = []

    async def start(self, port: int) -> None:
        """Port 0 asks for a free one (with one address only). OSError when the port is taken."""
        if self._runner:
            return
        runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0)
        await runner.setup()
        context = self._site.certificates.server_context
        for address in self._addresses:
            await web.TCPSite(runner, address, port, ssl_context=context).start()
            self.port = runner.addresses[0][1]
        self._runner = runner

    async def stop(self) -> None:
        """As IIS stops in order: nothing listens any more, and every open connection is closed."""
        if self._runner:
            await self._runner.cleanup()
        self._runner, self.port = None, None

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        response = await self._route(request)
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
        if request.host.rsplit(":", 1)[0].lower() not in {*self._site.certificates.names, self._site.fqdn.lower()}:
            return _page(HTTPStatus.BAD_REQUEST, "Bad Request - Invalid Hostname")
        first, _, rest = request.path.lstrip("/").lower().partition("/")
        service = SERVICES.get(first)
        settings = await asyncio.to_thread(self._site.settings)
        if service is None or settings is None:
            return _page(HTTPStatus.NOT_FOUND)
        if not self._site.is_active(service):
            return _page(HTTPStatus.SERVICE_UNAVAILABLE)
        if rest == "healthcheck.htm":
            return _page(HTTPStatus.OK, f"200 OK<br/>{self._site.fqdn}")
        if not self._logged_on(request):
            refusal = _page(HTTPStatus.UNAUTHORIZED)
            refusal.headers["WWW-Authenticate"] = f'Basic realm="{request.host}"'
            return refusal
        if service == "autodiscover":
            return await self._autodiscover(request, settings)
        return _page(HTTPStatus.OK)

    def _logged_on(self, request: web.BaseRequest) -> bool:
        try:
            given = aiohttp.BasicAuth.decode(request.headers.get("Authorization", ""))
        except ValueError:
            return False
        return self._site.accounts.knows_password(given.login, given.password)

    async def _autodiscover(self, request: web.BaseRequest, settings: Settings) -> web.Response:
        address = autodiscover.address_of(await request.read())
        if address is None:
            return web.Response(body=autodiscover.invalid_request(), content_type="text/xml")
        capable = request.headers.get("X-MapiHttpCapability", "") >= "1"
        body = autodiscover.answer(address, settings, mapi_http=self._site.mapi_http and capable)
        return web.Response(body=body, content_type="text/xml", charset="utf-8")


def _page(status: HTTPStatus, text: str = "") -> web.Response:
    return web.Response(status=status, text=text or status.phrase, content_type="text/html")
