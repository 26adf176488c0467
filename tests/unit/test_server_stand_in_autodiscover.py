"""Autodiscover answers of a server stand-in's web site."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

import pytest

from rehearsal.stand_ins import autodiscover, windows_state
from rehearsal.stand_ins.server import ServerStandIn
from tests.unit.browser import REQUEST, Browser
from tests.unit.browser import browser as browser
from tests.unit.browser import server as server
from tests.unit.servers import AUTODISCOVER, OWA, PASSWORD, USER, Farm, namespace_settings

pytestmark = pytest.mark.unit


A = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"


def protocol(answer: Xml.Element, kind: str, number: int = 0) -> dict[str, str | None]:
    """The number-th protocol section of a kind, as {element: text}."""
    found = [row for row in answer.iter(f"{A}Protocol") if row.findtext(f"{A}Type") == kind]
    return {element.tag.removeprefix(A): element.text for element in found[number]}


def test_autodiscover_asks_for_a_password(browser: Browser) -> None:
    reply = browser.ask("/autodiscover/autodiscover.xml", name=AUTODISCOVER, method="POST", content=REQUEST)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith("Basic ")


def test_autodiscover_returns_this_servers_outlook_anywhere(farm: Farm, browser: Browser) -> None:
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


def test_autodiscover_returns_this_servers_urls(farm: Farm, browser: Browser) -> None:
    farm.organisation.tell("EX01", namespace_settings("ex01.corp.example"))
    section = protocol(browser.discover(), "EXCH")
    assert section["EwsUrl"] == "https://ex01.corp.example/EWS/Exchange.asmx"
    assert section["OABUrl"] == "https://ex01.corp.example/OAB"
    assert section["EcpUrl"] == "https://ex01.corp.example/ecp"


def test_autodiscover_returns_cached_settings_until_its_application_pool_is_recycled(
    farm: Farm, server: ServerStandIn, browser: Browser
) -> None:
    def ews_url() -> str | None:
        return protocol(browser.discover(), "EXCH")["EwsUrl"]

    browser.ask("/autodiscover/healthcheck.htm", name=AUTODISCOVER)
    farm.organisation.change("EX01", "ews", "InternalUrl", "https://new.mail-domain.com/EWS")
    assert ews_url() == f"https://{OWA}/EWS/Exchange.asmx"
    windows_state.recycle_pool(server.drive.root, "MSExchangeServicesAppPool")
    assert ews_url() == f"https://{OWA}/EWS/Exchange.asmx"
    windows_state.recycle_pool(server.drive.root, autodiscover.POOL)
    assert ews_url() == "https://new.mail-domain.com/EWS"


def test_autodiscover_of_a_restarted_site_returns_current_settings(
    farm: Farm, server: ServerStandIn, browser: Browser
) -> None:
    browser.discover()
    farm.organisation.change("EX01", "ews", "InternalUrl", "https://new.mail-domain.com/EWS")
    server.stop_https()
    server.start_https()
    again = Browser(server, farm.certificates)
    assert protocol(again.discover(), "EXCH")["EwsUrl"] == "https://new.mail-domain.com/EWS"
    again.close()


def test_autodiscover_of_a_reinstalled_server_returns_its_new_settings(farm: Farm, browser: Browser) -> None:
    browser.discover()
    farm.organisation.remove_server("EX01")
    assert browser.ask("/autodiscover/autodiscover.xml", name=AUTODISCOVER).status_code == 404
    farm.organisation.add_server("EX01")
    assert protocol(browser.discover(), "EXCH")["EwsUrl"] == "https://ex01.corp.example/EWS/Exchange.asmx"


def test_autodiscover_without_an_external_host_name_has_no_external_section(farm: Farm, browser: Browser) -> None:
    farm.organisation.change("EX01", "outlookAnywhere", "ExternalHostname", None)
    answer = browser.discover()
    kinds = [row.findtext(f"{A}Type") for row in answer.iter(f"{A}Protocol")]
    assert kinds == ["EXCH", "EXHTTP"]


def mapi_url(answer: Xml.Element) -> str | None:
    return answer.findtext(f".//{A}Protocol[@Type='mapiHttp']/{A}MailStore/{A}ExternalUrl")


def test_autodiscover_returns_mapi_over_http_to_clients_that_support_it(browser: Browser) -> None:
    assert str(mapi_url(browser.discover(**{"X-MapiHttpCapability": "1"}))).startswith(f"https://{OWA}/mapi/emsmdb/?")
    assert mapi_url(browser.discover()) is None


def test_without_mapi_over_http_in_the_organisation_autodiscover_never_returns_it(farm: Farm) -> None:
    browser = Browser(farm.server(mapi_http=False), farm.certificates)
    assert mapi_url(browser.discover(**{"X-MapiHttpCapability": "1"})) is None
    browser.close()


@pytest.mark.parametrize(("method", "content"), [("GET", None), ("POST", "<not-xml"), ("POST", "<Autodiscover/>")])
def test_an_invalid_autodiscover_request_gets_error_600(browser: Browser, method: str, content: str | None) -> None:
    reply = browser.ask(
        "/autodiscover/autodiscover.xml", name=AUTODISCOVER, method=method, auth=(USER, PASSWORD), content=content
    )
    assert "<ErrorCode>600</ErrorCode>" in reply.text
