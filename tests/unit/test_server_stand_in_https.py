"""A server stand-in's web site over real TLS connections: health pages, host names, certificates, logon."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx
import pytest

from rehearsal.stand_ins.server import ServerStandIn
from tests.unit.browser import Browser
from tests.unit.browser import browser as browser
from tests.unit.browser import server as server
from tests.unit.servers import AUTODISCOVER, OWA, PASSWORD, USER, Farm

pytestmark = pytest.mark.unit


PATHS = ["owa", "ecp", "ews", "oab", "autodiscover", "rpc", "mapi", "Microsoft-Server-ActiveSync"]


@pytest.mark.parametrize("path", PATHS)
def test_the_health_page_of_each_service_names_the_server(browser: Browser, path: str) -> None:
    reply = browser.ask(f"/{path}/healthcheck.htm")
    assert (reply.status_code, reply.text) == (200, "200 OK<br/>EX01.corp.example")
    assert reply.headers["X-FEServer"] == "EX01"


@pytest.mark.parametrize("name", [AUTODISCOVER, "ex01.corp.example"])
def test_the_site_answers_each_client_name_and_the_servers_fqdn(browser: Browser, name: str) -> None:
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
    connected = Browser(server, farm.certificates)
    yield connected
    connected.close()


@pytest.mark.parametrize("host", ["owa.mail-domain.com", "OWA.Mail-Domain.com", "mail.named.example"])
def test_a_wildcard_certificate_covers_hosts_with_one_more_label(with_wildcard: Browser, host: str) -> None:
    assert with_wildcard.ask("/owa/healthcheck.htm", name=host).status_code == 200


@pytest.mark.parametrize("host", ["mail-domain.com", "owa.lab.mail-domain.com", "owa.other-domain.com"])
def test_a_wildcard_certificate_covers_no_other_host_in_tls_or_on_the_site(with_wildcard: Browser, host: str) -> None:
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        with_wildcard.ask("/owa/healthcheck.htm", name=host)
    for asked in (host, ".mail-domain.com"):
        reply = with_wildcard._client.get(
            f"https://127.40.0.11:{with_wildcard._port}/owa/healthcheck.htm",
            headers={"Host": asked},
            extensions={"sni_hostname": OWA},
        )
        assert reply.status_code == 400


def test_an_inactive_component_answers_503_for_its_path_only(farm: Farm, browser: Browser) -> None:
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


def test_an_unknown_path_is_not_found(browser: Browser) -> None:
    assert browser.ask("/healthcheck.htm").status_code == 404


def test_a_server_without_exchange_has_no_page(farm: Farm, browser: Browser) -> None:
    farm.organisation.remove_server("EX01")
    assert browser.ask("/owa/healthcheck.htm").status_code == 404


def test_the_certificate_has_the_client_names_only(browser: Browser) -> None:
    with pytest.raises(httpx.ConnectError, match=r"certificate is not valid for 'ex01\.corp\.example'"):
        browser.ask("/owa/healthcheck.htm", name="ex01.corp.example")


def test_all_servers_have_the_same_certificate(farm: Farm, server: ServerStandIn) -> None:
    other = farm.server("ex02", address="127.40.0.12")
    one, two = (
        ssl.get_server_certificate((address, port or 0))
        for address, port in (("127.40.0.11", server.https.port), ("127.40.0.12", other.https.port))
    )
    assert one == two


def test_a_connection_is_reused_for_further_requests(server: ServerStandIn, browser: Browser) -> None:
    streams = {
        id(browser.ask("/owa/healthcheck.htm").extensions["network_stream"].get_extra_info("socket")) for _ in range(3)
    }
    assert len(streams) == 1
    assert [row.path for row in server.https.requests] == ["/owa/healthcheck.htm"] * 3


def test_a_stopped_site_answers_after_the_next_start(farm: Farm, server: ServerStandIn) -> None:
    server.stop_https()
    server.start_https()
    browser = Browser(server, farm.certificates)
    assert browser.ask("/owa/healthcheck.htm").status_code == 200
    browser.close()
