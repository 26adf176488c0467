"""The Outlook-like client against two servers and Azure DNS, all stand-ins on real sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from operations.drill.outlook import (
    CertificateError,
    HttpError,
    NameNotResolvedError,
    NoAddressAnswersError,
    OutlookClient,
    OutlookError,
    Timers,
)
from rehearsal.stand_ins.dns import AzureDns
from rehearsal.stand_ins.server import ServerStandIn
from rehearsal.stand_ins.tls import Certificates
from tests.unit.servers import AUTODISCOVER, DOMAIN, OWA, PASSWORD, USER, Farm, namespace_settings
from tests.unit.test_dns_stand_in import Row

pytestmark = pytest.mark.unit

EX01, EX02, NOBODY = "127.40.0.11", "127.40.0.12", "127.40.0.99"
PATIENCE = 0.4  # seconds that a test's client waits for a silent address


@dataclass(kw_only=True)
class Namespace:
    """Two servers under one namespace, and clients for it."""

    farm: Farm
    dns: AzureDns
    rows: list[Row]
    servers: dict[str, ServerStandIn]
    clients: list[OutlookClient] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.servers["EX01"].https.port or 0

    def addresses(self, *addresses: str, ttl: int = 300) -> None:
        self.rows[:] = [Row(name=name, values=addresses, ttl=ttl) for name in ("owa", "autodiscover")]

    def client(
        self, *, password: str = PASSWORD, inside: bool = True, certificates: Certificates | None = None
    ) -> OutlookClient:
        made = OutlookClient(
            mailbox=f"user@{DOMAIN}",
            user=USER,
            password=password,
            dns=(self.dns.address, self.dns.port),
            authority_pem=(certificates or self.farm.certificates).authority_pem,
            ports={443: self.port},
            inside=inside,
            timers=Timers(connect=PATIENCE, answer=PATIENCE),
        )
        self.clients.append(made)
        return made

    def questions(self, name: str = OWA) -> int:
        return sum(row.name == name for row in self.dns.queries)


@pytest.fixture
def namespace(farm: Farm) -> Iterator[Namespace]:
    first = farm.server("ex01", address=EX01)
    second = farm.server("ex02", address=EX02, https_port=first.https.port or 0)
    rows: list[Row] = []
    with AzureDns(lambda: rows) as dns:
        made = Namespace(farm=farm, dns=dns, rows=rows, servers={"EX01": first, "EX02": second})
        made.addresses(EX01, EX02)
        yield made
        for client in made.clients:
            client.close()


@pytest.fixture
def listener(namespace: Namespace) -> Iterator[Callable[[int], None]]:
    """Binds the address NOBODY with a backlog, and never accepts."""
    bound = socket.socket()
    bound.bind((NOBODY, namespace.port))
    waiting: list[socket.socket] = []

    def listen(backlog: int) -> None:
        bound.listen(backlog)
        if backlog == 0:
            # This one fills the queue: from now on the kernel answers no SYN, as if the server were gone.
            waiting.append(socket.create_connection((NOBODY, namespace.port)))

    yield listen
    for made in (bound, *waiting):
        made.close()


def test_a_client_finds_its_server_through_autodiscover_and_stays_with_mapi_over_http(namespace: Namespace) -> None:
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


def test_the_host_name_is_taken_from_the_servers_own_answer(namespace: Namespace) -> None:
    namespace.farm.organisation.tell("EX01", namespace_settings("ex01.corp.example"))
    with pytest.raises(NameNotResolvedError) as caught:
        namespace.client().connect()
    assert caught.value.host == "ex01.corp.example"


def test_a_client_outside_takes_the_external_url(namespace: Namespace) -> None:
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
        namespace = Namespace(farm=farm, dns=dns, rows=rows, servers={"EX01": server})
        with namespace.client(inside=inside) as client:
            connection = client.connect()
    assert (connection.protocol, connection.host) == ("rpc", host)


def test_an_answer_without_an_endpoint_is_an_error_that_says_so(farm: Farm, namespace: Namespace) -> None:
    farm.organisation.tell("EX01", {"mapi": dict.fromkeys(("InternalUrl", "ExternalUrl"))})
    farm.organisation.tell("EX01", {"outlookAnywhere": dict.fromkeys(("InternalHostname", "ExternalHostname"))})
    with pytest.raises(OutlookError, match="names no internal URL"):
        namespace.client().connect()


def test_a_lost_connection_is_made_anew_only_through_dns(namespace: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    client = namespace.client()
    client.connect()
    asked: list[object] = []

    def look_up(*where: object, **_options: object) -> list[object]:
        asked.append(where)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert client._link is not None
    client._link.http.close()
    moved = client.request().moved
    assert (moved and moved.server, asked) == ("EX01", [])


def test_requests_go_over_the_kept_connection_and_log_on_once(namespace: Namespace) -> None:
    client = namespace.client()
    client.connect()
    before = len(namespace.servers["EX01"].https.requests)
    replies = [client.request() for _ in range(3)]
    assert [(reply.server, reply.moved) for reply in replies] == [("EX01", None)] * 3
    assert [row.status for row in namespace.servers["EX01"].https.requests[before:]] == [200] * 3


def test_clients_begin_with_the_address_that_dns_puts_first(namespace: Namespace) -> None:
    assert [namespace.client().connect().server for _ in range(4)] == ["EX01", "EX02", "EX01", "EX02"]


def test_a_client_goes_on_with_the_other_server_when_its_own_stops(namespace: Namespace) -> None:
    client = namespace.client()
    client.connect()
    namespace.servers["EX01"].stop()
    reply = client.request()
    assert reply.server == "EX02"
    assert reply.moved is not None
    assert [(row.address, row.step) for row in reply.moved.attempts] == [(EX01, "connect")]
    assert reply.seconds >= reply.moved.seconds - 0.1
    assert client.request().moved is None


def test_a_refused_address_costs_next_to_nothing(namespace: Namespace) -> None:
    namespace.addresses(NOBODY, EX02)
    connection = namespace.client().connect()
    refused = connection.attempts[0]
    assert (connection.server, refused.host, refused.address) == ("EX02", AUTODISCOVER, NOBODY)
    assert "refused" in refused.reason
    assert refused.seconds < PATIENCE / 2


def test_a_silent_address_costs_the_whole_connect_timer(namespace: Namespace, listener: Callable[[int], None]) -> None:
    listener(0)
    namespace.addresses(NOBODY, EX02)
    connection = namespace.client().connect()
    silent = connection.attempts[0]
    assert (connection.server, silent.address, silent.step, silent.reason) == ("EX02", NOBODY, "connect", "no answer")
    assert PATIENCE <= silent.seconds < PATIENCE + 2
    assert connection.seconds >= sum(row.seconds for row in connection.attempts)


def test_a_server_that_accepts_and_stays_silent_costs_the_answer_timer(
    namespace: Namespace, listener: Callable[[int], None]
) -> None:
    listener(10)
    namespace.addresses(NOBODY, EX02)
    connection = namespace.client().connect()
    assert (connection.server, connection.attempts[0].step) == ("EX02", "tls")


def test_a_connection_that_is_reset_before_an_answer_leads_on_to_the_next_address(namespace: Namespace) -> None:
    namespace.addresses(NOBODY, EX02)
    with socket.create_server((NOBODY, namespace.port)) as bound, ThreadPoolExecutor(1) as pool:
        dropping = pool.submit(shake_hands_and_drop, bound, namespace.farm.certificates)
        connection = namespace.client().connect()
        dropping.result()
    assert (connection.server, connection.attempts[0].step) == ("EX02", "http")


def shake_hands_and_drop(bound: socket.socket, certificates: Certificates) -> None:
    accepted, _ = bound.accept()
    with certificates.server_context.wrap_socket(accepted, server_side=True) as secured:
        secured.recv(1)


def test_no_address_left_names_every_address_with_its_step(namespace: Namespace) -> None:
    namespace.addresses(NOBODY, EX02)
    client = namespace.client()
    namespace.servers["EX02"].stop()
    with pytest.raises(NoAddressAnswersError) as caught:
        client.connect()
    assert [(row.address, row.step) for row in caught.value.attempts] == [(NOBODY, "connect"), (EX02, "connect")]
    assert NOBODY in str(caught.value)


def test_an_http_error_is_shown_and_no_other_server_is_asked(namespace: Namespace) -> None:
    client = namespace.client()
    client.connect()
    namespace.farm.organisation.set_component("EX01", "MapiProxy", "Inactive", "HealthAPI")
    with pytest.raises(HttpError) as caught:
        client.request()
    assert (caught.value.status, caught.value.address, caught.value.host) == (503, EX01, OWA)
    assert namespace.servers["EX02"].https.requests == []
    namespace.farm.organisation.set_component("EX01", "MapiProxy", "Active", "HealthAPI")
    assert client.request().moved is None


def test_a_wrong_password_ends_after_one_challenge(namespace: Namespace) -> None:
    with pytest.raises(HttpError) as caught:
        namespace.client(password="wrong").connect()  # noqa: S106
    assert caught.value.status == 401
    assert len(namespace.servers["EX01"].https.requests) == 2


def test_a_certificate_of_another_authority_is_refused(namespace: Namespace) -> None:
    with pytest.raises(CertificateError) as caught:
        namespace.client(certificates=Certificates([OWA, AUTODISCOVER])).connect()
    assert (caught.value.host, caught.value.address) == (AUTODISCOVER, EX01)
    assert namespace.servers["EX02"].https.requests == []


def test_a_name_that_is_not_in_the_certificate_is_refused(namespace: Namespace) -> None:
    namespace.rows.append(Row(name="mail", values=(EX01,)))
    namespace.farm.organisation.tell("EX01", namespace_settings(f"mail.{DOMAIN}"))
    with pytest.raises(CertificateError, match=rf"mail\.{DOMAIN}"):
        namespace.client().connect()


def test_a_wildcard_certificate_is_taken_for_one_label_and_no_more(namespace: Namespace) -> None:
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


def test_dns_is_not_asked_again_within_the_ttl(namespace: Namespace) -> None:
    client = namespace.client()
    client.connect()
    namespace.addresses(EX02)
    assert client.reconnect().server == "EX01"
    assert namespace.questions() == 1


def test_a_client_sees_a_changed_record_set_once_the_ttl_has_run_out(namespace: Namespace) -> None:
    namespace.addresses(EX01, ttl=0)
    client = namespace.client()
    client.connect()
    namespace.addresses(EX02, ttl=0)
    assert client.reconnect().server == "EX02"
    assert namespace.questions() == 2


def test_a_name_server_that_is_gone_is_a_name_that_does_not_resolve(namespace: Namespace) -> None:
    namespace.dns.stop()
    client = namespace.client()
    client._transport._resolver.lifetime = PATIENCE
    with pytest.raises(NameNotResolvedError):
        client.connect()


def test_there_is_nothing_to_reconnect_to_before_a_connect(namespace: Namespace) -> None:
    with pytest.raises(RuntimeError, match="connect"):
        namespace.client().reconnect()
