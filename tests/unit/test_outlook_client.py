"""How the Outlook-like client finds its server, logs on, checks certificates and asks DNS."""

from __future__ import annotations

import pytest

from operations.drill.outlook import (
    CertificateError,
    HttpError,
    NameNotResolvedError,
    OutlookError,
)
from rehearsal.stand_ins.dns import AzureDns
from rehearsal.stand_ins.tls import Certificates
from tests.unit.outlook_namespace import EX01, EX02, PATIENCE, OutlookNamespace
from tests.unit.outlook_namespace import listener as listener
from tests.unit.outlook_namespace import namespace as namespace
from tests.unit.servers import AUTODISCOVER, DOMAIN, OWA, Farm, namespace_settings
from tests.unit.test_dns_stand_in import Row

pytestmark = pytest.mark.unit


def test_a_client_finds_its_server_through_autodiscover_and_uses_mapi_over_http(
    namespace: OutlookNamespace,
) -> None:
    connection = namespace.client().connect()
    assert (connection.server, connection.address) == ("EX01", EX01)
    assert (connection.host, connection.protocol, connection.attempts) == (OWA, "mapi", ())
    paths = [(row.host, row.path, row.status) for row in namespace.servers["EX01"].https.requests]
    assert paths == [
        (AUTODISCOVER, "/autodiscover/autodiscover.xml", 401),
        (AUTODISCOVER, "/autodiscover/autodiscover.xml", 200),
        (OWA, "/mapi/emsmdb/", 401),
        (OWA, "/mapi/emsmdb/", 200),
    ]


def test_a_client_takes_the_host_name_from_the_servers_answer(namespace: OutlookNamespace) -> None:
    namespace.farm.organisation.tell("EX01", namespace_settings("ex01.corp.example"))
    with pytest.raises(NameNotResolvedError) as caught:
        namespace.client().connect()
    assert caught.value.host == "ex01.corp.example"


def test_a_client_outside_takes_the_external_url(namespace: OutlookNamespace) -> None:
    namespace.addresses(EX01)
    namespace.farm.organisation.change("EX01", "mapi", "InternalUrl", "https://inside.mail-domain.com/mapi")
    assert namespace.client(inside=False).connect().host == OWA
    with pytest.raises(NameNotResolvedError, match=r"inside\.mail-domain\.com"):
        namespace.client().connect()


@pytest.mark.parametrize(("inside", "host"), [(True, OWA), (False, AUTODISCOVER)])
def test_without_mapi_over_http_a_client_uses_outlook_anywhere(farm: Farm, inside: bool, host: str) -> None:
    server = farm.server(mapi_http=False)
    farm.organisation.change("EX01", "outlookAnywhere", "ExternalHostname", AUTODISCOVER)
    rows = [Row(name=name, values=(EX01,)) for name in ("owa", "autodiscover")]
    with AzureDns(lambda: rows) as dns:
        namespace = OutlookNamespace(farm=farm, dns=dns, rows=rows, servers={"EX01": server})
        with namespace.client(inside=inside) as client:
            connection = client.connect()
    assert (connection.protocol, connection.host) == ("rpc", host)


def test_an_answer_without_an_endpoint_is_an_error(farm: Farm, namespace: OutlookNamespace) -> None:
    farm.organisation.tell("EX01", {"mapi": dict.fromkeys(("InternalUrl", "ExternalUrl"))})
    farm.organisation.tell("EX01", {"outlookAnywhere": dict.fromkeys(("InternalHostname", "ExternalHostname"))})
    with pytest.raises(OutlookError, match="names no internal URL"):
        namespace.client().connect()


def test_requests_go_over_the_kept_connection_and_log_on_once(namespace: OutlookNamespace) -> None:
    client = namespace.client()
    client.connect()
    before = len(namespace.servers["EX01"].https.requests)
    replies = [client.request() for _ in range(3)]
    assert [(reply.server, reply.moved) for reply in replies] == [("EX01", None)] * 3
    assert [row.status for row in namespace.servers["EX01"].https.requests[before:]] == [200] * 3


def test_clients_begin_with_the_address_that_dns_puts_first(namespace: OutlookNamespace) -> None:
    assert [namespace.client().connect().server for _ in range(4)] == ["EX01", "EX02", "EX01", "EX02"]


def test_a_wrong_password_ends_after_one_challenge(namespace: OutlookNamespace) -> None:
    with pytest.raises(HttpError) as caught:
        namespace.client(password="wrong").connect()  # noqa: S106
    assert caught.value.status == 401
    assert len(namespace.servers["EX01"].https.requests) == 2


def test_a_certificate_of_another_authority_is_refused(namespace: OutlookNamespace) -> None:
    with pytest.raises(CertificateError) as caught:
        namespace.client(certificates=Certificates([OWA, AUTODISCOVER])).connect()
    assert (caught.value.host, caught.value.address) == (AUTODISCOVER, EX01)
    assert namespace.servers["EX02"].https.requests == []


def test_a_name_that_is_not_in_the_certificate_is_refused(namespace: OutlookNamespace) -> None:
    namespace.rows.append(Row(name="mail", values=(EX01,)))
    namespace.farm.organisation.tell("EX01", namespace_settings(f"mail.{DOMAIN}"))
    with pytest.raises(CertificateError, match=rf"mail\.{DOMAIN}"):
        namespace.client().connect()


def test_a_wildcard_certificate_is_valid_for_exactly_one_label(namespace: OutlookNamespace) -> None:
    namespace.farm.certificates.renew([f"*.{DOMAIN}"])
    assert namespace.client().connect().host == OWA
    namespace.rows.append(Row(name="mail.lab", values=(EX01, EX02)))
    for server in ("EX01", "EX02"):
        namespace.farm.organisation.tell(server, namespace_settings(f"mail.lab.{DOMAIN}"))
    for running in namespace.servers.values():
        running.stop_https()
        running.start_https()
    with pytest.raises(CertificateError, match=rf"mail\.lab\.{DOMAIN}"):
        namespace.client().connect()


def test_dns_is_not_asked_again_within_the_ttl(namespace: OutlookNamespace) -> None:
    client = namespace.client()
    client.connect()
    namespace.addresses(EX02)
    assert client.reconnect().server == "EX01"
    assert namespace.questions() == 1


def test_a_client_sees_a_changed_record_set_once_the_ttl_has_run_out(namespace: OutlookNamespace) -> None:
    namespace.addresses(EX01, ttl=0)
    client = namespace.client()
    client.connect()
    namespace.addresses(EX02, ttl=0)
    assert client.reconnect().server == "EX02"
    assert namespace.questions() == 2


def test_a_name_server_that_does_not_answer_is_a_name_that_does_not_resolve(namespace: OutlookNamespace) -> None:
    namespace.dns.stop()
    client = namespace.client()
    client._transport._resolver.lifetime = PATIENCE
    with pytest.raises(NameNotResolvedError):
        client.connect()


def test_reconnect_needs_a_connect_first(namespace: OutlookNamespace) -> None:
    with pytest.raises(RuntimeError, match="connect"):
        namespace.client().reconnect()
