"""A server's web site, asked over real TLS connections by httpx."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from xml.etree import ElementTree as Xml

import httpx
import pytest

from rehearsal.stand_ins import autodiscover, windows_state
from rehearsal.stand_ins.server import ServerStandIn
from rehearsal.stand_ins.tls import Certificates
from tests.unit.servers import AUTODISCOVER, OWA, PASSWORD, USER, Farm, namespace_settings

pytestmark = pytest.mark.unit

PATHS = ["owa", "ecp", "ews", "oab", "autodiscover", "rpc", "mapi", "Microsoft-Server-ActiveSync"]
REQUEST = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
  <Request>
    <EMailAddress>user@mail-domain.com</EMailAddress>
    <AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>
  </Request>
</Autodiscover>"""
A = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"


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
    made = Browser(server, farm.certificates)
    yield made
    made.close()


def protocol(answer: Xml.Element, kind: str, number: int = 0) -> dict[str, str | None]:
    """The number-th protocol section of a kind, as {element: text}."""
    found = [row for row in answer.iter(f"{A}Protocol") if row.findtext(f"{A}Type") == kind]
    return {element.tag.removeprefix(A): element.text for element in found[number]}


@pytest.mark.parametrize("path", PATHS)
def test_the_health_page_of_each_service_names_the_server(browser: Browser, path: str) -> None:
    reply = browser.ask(f"/{path}/healthcheck.htm")
    assert (reply.status_code, reply.text) == (200, "200 OK<br/>EX01.corp.example")
    assert reply.headers["X-FEServer"] == "EX01"


@pytest.mark.parametrize("name", [AUTODISCOVER, "ex01.corp.example"])
def test_the_site_answers_every_client_name_and_the_servers_own(browser: Browser, name: str) -> None:
    with_right_sni = browser._client.get(
        f"https://127.40.0.11:{browser._port}/owa/healthcheck.htm",
        headers={"Host": name},
        extensions={"sni_hostname": OWA},
    )
    assert with_right_sni.status_code == 200


@pytest.mark.parametrize("name", ["127.40.0.11", "owa.elsewhere.example", "mail-domain.com"])
def test_another_host_name_is_refused_as_http_sys_does(browser: Browser, name: str) -> None:
    reply = browser._client.get(
        f"https://127.40.0.11:{browser._port}/owa/healthcheck.htm",
        headers={"Host": name},
        extensions={"sni_hostname": OWA},
    )
    assert (reply.status_code, reply.text) == (400, "Bad Request - Invalid Hostname")


@pytest.fixture
def with_wildcard(farm: Farm, server: ServerStandIn) -> Iterator[Browser]:
    farm.certificates.renew(["*.mail-domain.com", "mail.named.example"])
    made = Browser(server, farm.certificates)
    yield made
    made.close()


@pytest.mark.parametrize("host", ["owa.mail-domain.com", "OWA.Mail-Domain.com", "mail.named.example"])
def test_a_wildcard_certificate_is_for_every_host_of_one_label_more(with_wildcard: Browser, host: str) -> None:
    assert with_wildcard.ask("/owa/healthcheck.htm", name=host).status_code == 200


@pytest.mark.parametrize("host", ["mail-domain.com", "owa.lab.mail-domain.com", "owa.other-domain.com"])
def test_a_wildcard_certificate_is_for_no_other_host_in_tls_and_for_the_site(with_wildcard: Browser, host: str) -> None:
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        with_wildcard.ask("/owa/healthcheck.htm", name=host)
    for asked in (host, ".mail-domain.com"):
        reply = with_wildcard._client.get(
            f"https://127.40.0.11:{with_wildcard._port}/owa/healthcheck.htm",
            headers={"Host": asked},
            extensions={"sni_hostname": OWA},
        )
        assert reply.status_code == 400


def test_an_inactive_component_answers_503_for_its_whole_path_and_no_other(farm: Farm, browser: Browser) -> None:
    farm.organisation.set_component("EX01", "EwsProxy", "Inactive", "HealthAPI")
    assert browser.ask("/EWS/healthcheck.htm").status_code == 503
    assert browser.ask("/EWS/Exchange.asmx", auth=(USER, PASSWORD)).status_code == 503
    assert browser.ask("/owa/healthcheck.htm").status_code == 200
    farm.organisation.set_component("EX01", "EwsProxy", "Active", "HealthAPI")
    assert browser.ask("/EWS/healthcheck.htm").status_code == 200


@pytest.mark.parametrize("path", ["/mapi/emsmdb/", "/rpc/rpcproxy.dll", "/EWS/Exchange.asmx"])
def test_clients_connect_with_a_password_only(browser: Browser, path: str) -> None:
    assert browser.ask(path).status_code == 401
    assert browser.ask(path, auth=(USER, "wrong")).status_code == 401
    assert browser.ask(path, headers={"Authorization": "Negotiate x"}).status_code == 401
    reply = browser.ask(path, auth=("exchange-operator@corp.example", PASSWORD))
    assert (reply.status_code, reply.headers["X-FEServer"]) == (200, "EX01")


def test_a_path_that_exchange_does_not_have_is_not_found(browser: Browser) -> None:
    assert browser.ask("/healthcheck.htm").status_code == 404


def test_a_server_without_exchange_has_no_page(farm: Farm, browser: Browser) -> None:
    farm.organisation.remove_server("EX01")
    assert browser.ask("/owa/healthcheck.htm").status_code == 404


def test_the_certificate_names_the_clients_names_and_no_other(browser: Browser) -> None:
    with pytest.raises(httpx.ConnectError, match=r"certificate is not valid for 'ex01\.corp\.example'"):
        browser.ask("/owa/healthcheck.htm", name="ex01.corp.example")


def test_every_server_carries_the_same_certificate(farm: Farm, server: ServerStandIn) -> None:
    other = farm.server("ex02", address="127.40.0.12")
    one, two = (
        ssl.get_server_certificate((address, port or 0))
        for address, port in (("127.40.0.11", server.https.port), ("127.40.0.12", other.https.port))
    )
    assert one == two


def test_a_connection_is_kept_for_further_requests(server: ServerStandIn, browser: Browser) -> None:
    streams = {
        id(browser.ask("/owa/healthcheck.htm").extensions["network_stream"].get_extra_info("socket")) for _ in range(3)
    }
    assert len(streams) == 1
    assert [row.path for row in server.https.requests] == ["/owa/healthcheck.htm"] * 3


def test_autodiscover_challenges_first(browser: Browser) -> None:
    reply = browser.ask("/autodiscover/autodiscover.xml", name=AUTODISCOVER, method="POST", content=REQUEST)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith("Basic ")


def test_autodiscover_tells_this_servers_outlook_anywhere(farm: Farm, browser: Browser) -> None:
    settings = namespace_settings()
    settings["outlookAnywhere"] |= {
        "ExternalHostname": "mail.outside.example",
        "ExternalClientsRequireSsl": False,
        "ExternalClientAuthenticationMethod": "Basic",
    }
    farm.organisation.tell("EX01", settings)
    answer = browser.discover()
    assert {key: protocol(answer, "EXPR")[key] for key in ("Server", "SSL", "AuthPackage")} == {
        "Server": "mail.outside.example",
        "SSL": "Off",
        "AuthPackage": "Basic",
    }
    inside = protocol(answer, "EXHTTP", 1)
    assert (inside["Server"], inside["SSL"], inside["AuthPackage"]) == (OWA, "On", "Ntlm")


def test_autodiscover_tells_this_servers_urls(farm: Farm, browser: Browser) -> None:
    farm.organisation.tell("EX01", namespace_settings("ex01.corp.example"))
    section = protocol(browser.discover(), "EXCH")
    assert section["EwsUrl"] == "https://ex01.corp.example/EWS/Exchange.asmx"
    assert section["OABUrl"] == "https://ex01.corp.example/OAB"
    assert section["EcpUrl"] == "https://ex01.corp.example/ecp"


def test_autodiscover_tells_what_it_knew_until_its_application_pool_is_recycled(
    farm: Farm, server: ServerStandIn, browser: Browser
) -> None:
    def told() -> str | None:
        return protocol(browser.discover(), "EXCH")["EwsUrl"]

    browser.ask("/autodiscover/healthcheck.htm", name=AUTODISCOVER)
    farm.organisation.change("EX01", "ews", "InternalUrl", "https://new.mail-domain.com/EWS")
    assert told() == f"https://{OWA}/EWS/Exchange.asmx"
    windows_state.recycle(server.drive.root, "MSExchangeServicesAppPool")
    assert told() == f"https://{OWA}/EWS/Exchange.asmx"
    windows_state.recycle(server.drive.root, autodiscover.POOL)
    assert told() == "https://new.mail-domain.com/EWS"


def test_a_web_site_that_starts_again_tells_what_is_so_now(farm: Farm, server: ServerStandIn, browser: Browser) -> None:
    browser.discover()
    farm.organisation.change("EX01", "ews", "InternalUrl", "https://new.mail-domain.com/EWS")
    server.stop_https()
    server.start_https()
    again = Browser(server, farm.certificates)
    assert protocol(again.discover(), "EXCH")["EwsUrl"] == "https://new.mail-domain.com/EWS"
    again.close()


def test_autodiscover_of_a_server_that_is_installed_anew_tells_the_new_ones_settings(
    farm: Farm, browser: Browser
) -> None:
    browser.discover()
    farm.organisation.remove_server("EX01")
    assert browser.ask("/autodiscover/autodiscover.xml", name=AUTODISCOVER).status_code == 404
    farm.organisation.add_server("EX01")
    assert protocol(browser.discover(), "EXCH")["EwsUrl"] == "https://ex01.corp.example/EWS/Exchange.asmx"


def test_a_server_without_an_external_name_offers_nothing_outside(farm: Farm, browser: Browser) -> None:
    farm.organisation.change("EX01", "outlookAnywhere", "ExternalHostname", None)
    answer = browser.discover()
    kinds = [row.findtext(f"{A}Type") for row in answer.iter(f"{A}Protocol")]
    assert kinds == ["EXCH", "EXHTTP"]


def mapi_url(answer: Xml.Element) -> str | None:
    return answer.findtext(f".//{A}Protocol[@Type='mapiHttp']/{A}MailStore/{A}ExternalUrl")


def test_mapi_over_http_is_told_to_clients_that_can_use_it(browser: Browser) -> None:
    assert str(mapi_url(browser.discover(**{"X-MapiHttpCapability": "1"}))).startswith(f"https://{OWA}/mapi/emsmdb/?")
    assert mapi_url(browser.discover()) is None


def test_an_organisation_without_mapi_over_http_never_tells_it(farm: Farm) -> None:
    browser = Browser(farm.server(mapi_http=False), farm.certificates)
    assert mapi_url(browser.discover(**{"X-MapiHttpCapability": "1"})) is None
    browser.close()


@pytest.mark.parametrize(("method", "content"), [("GET", None), ("POST", "<not-xml"), ("POST", "<Autodiscover/>")])
def test_what_is_no_autodiscover_request_gets_error_600(browser: Browser, method: str, content: str | None) -> None:
    reply = browser.ask(
        "/autodiscover/autodiscover.xml", name=AUTODISCOVER, method=method, auth=(USER, PASSWORD), content=content
    )
    assert "<ErrorCode>600</ErrorCode>" in reply.text


def test_a_site_that_was_stopped_comes_back(farm: Farm, server: ServerStandIn) -> None:
    server.stop_https()
    server.start_https()
    browser = Browser(server, farm.certificates)
    assert browser.ask("/owa/healthcheck.htm").status_code == 200
    browser.close()
