"""A server stand-in, and an HTTPS client of it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from xml.etree import ElementTree as Xml

import httpx
import pytest

from rehearsal.stand_ins.server import ServerStandIn
from rehearsal.stand_ins.tls import Certificates
from tests.unit.servers import AUTODISCOVER, OWA, PASSWORD, USER, Farm

REQUEST = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
  <Request>
    <EMailAddress>user@mail-domain.com</EMailAddress>
    <AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>
  </Request>
</Autodiscover>"""


class Browser:
    """Talks to one server at its address, under a client name, and trusts the rehearsal's authority only."""

    def __init__(self, server: ServerStandIn, certificates: Certificates) -> None:
        context = ssl.create_default_context(cadata=certificates.authority_pem)
        self._port = server.https.port
        self._client = httpx.Client(verify=context, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def ask(
        self,
        path: str,
        *,
        name: str = OWA,
        method: str = "GET",
        auth: tuple[str, str] | None = None,
        content: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        return self._client.request(
            method,
            f"https://127.40.0.11:{self._port}{path}",
            headers={"Host": f"{name}:{self._port}", **(headers or {})},
            auth=auth,
            content=content,
            extensions={"sni_hostname": name},
        )

    def discover(self, **headers: str) -> Xml.Element:
        reply = self.ask(
            "/autodiscover/autodiscover.xml",
            name=AUTODISCOVER,
            method="POST",
            auth=(USER, PASSWORD),
            content=REQUEST,
            headers=headers,
        )
        assert reply.status_code == 200
        return Xml.fromstring(reply.content)  # noqa: S314 - our own server's


@pytest.fixture
def server(farm: Farm) -> ServerStandIn:
    return farm.server()


@pytest.fixture
def browser(farm: Farm, server: ServerStandIn) -> Iterator[Browser]:
    connected = Browser(server, farm.certificates)
    yield connected
    connected.close()
