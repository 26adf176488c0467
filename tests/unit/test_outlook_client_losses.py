"""How the Outlook-like client goes on when a server is lost, refuses, is silent or answers with errors."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from operations.drill.outlook import (
    HttpError,
    NoAddressAnswersError,
)
from rehearsal.stand_ins.tls import Certificates
from tests.unit.outlook_namespace import EX01, EX02, PATIENCE, UNUSED, OutlookNamespace
from tests.unit.outlook_namespace import listener as listener
from tests.unit.outlook_namespace import namespace as namespace
from tests.unit.servers import AUTODISCOVER, OWA

pytestmark = pytest.mark.unit


def test_after_a_lost_connection_a_client_reconnects_only_through_dns(
    namespace: OutlookNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_client_continues_with_the_other_server_when_its_server_stops(namespace: OutlookNamespace) -> None:
    client = namespace.client()
    client.connect()
    namespace.servers["EX01"].stop()
    reply = client.request()
    assert reply.server == "EX02"
    assert reply.moved is not None
    assert [(row.address, row.step) for row in reply.moved.attempts] == [(EX01, "connect")]
    assert reply.seconds >= reply.moved.seconds - 0.1
    assert client.request().moved is None


def test_a_refused_address_costs_next_to_nothing(namespace: OutlookNamespace) -> None:
    namespace.addresses(UNUSED, EX02)
    connection = namespace.client().connect()
    refused = connection.attempts[0]
    assert (connection.server, refused.host, refused.address) == ("EX02", AUTODISCOVER, UNUSED)
    assert "refused" in refused.reason
    assert refused.seconds < PATIENCE / 2


def test_a_silent_address_costs_the_whole_connect_timer(
    namespace: OutlookNamespace, listener: Callable[[int], None]
) -> None:
    listener(0)
    namespace.addresses(UNUSED, EX02)
    connection = namespace.client().connect()
    silent = connection.attempts[0]
    assert (connection.server, silent.address, silent.step, silent.reason) == ("EX02", UNUSED, "connect", "no answer")
    assert PATIENCE <= silent.seconds < PATIENCE + 2
    assert connection.seconds >= sum(row.seconds for row in connection.attempts)


def test_a_server_that_accepts_and_stays_silent_costs_the_answer_timer(
    namespace: OutlookNamespace, listener: Callable[[int], None]
) -> None:
    listener(10)
    namespace.addresses(UNUSED, EX02)
    connection = namespace.client().connect()
    assert (connection.server, connection.attempts[0].step) == ("EX02", "tls")


def test_after_a_reset_before_an_answer_the_client_tries_the_next_address(namespace: OutlookNamespace) -> None:
    namespace.addresses(UNUSED, EX02)
    with socket.create_server((UNUSED, namespace.port)) as bound, ThreadPoolExecutor(1) as pool:
        dropping = pool.submit(shake_hands_and_drop, bound, namespace.farm.certificates)
        connection = namespace.client().connect()
        dropping.result()
    assert (connection.server, connection.attempts[0].step) == ("EX02", "http")


def shake_hands_and_drop(bound: socket.socket, certificates: Certificates) -> None:
    accepted, _ = bound.accept()
    with certificates.server_context.wrap_socket(accepted, server_side=True) as secured:
        secured.recv(1)


def test_without_an_answering_address_the_error_names_each_address_and_its_step(namespace: OutlookNamespace) -> None:
    namespace.addresses(UNUSED, EX02)
    client = namespace.client()
    namespace.servers["EX02"].stop()
    with pytest.raises(NoAddressAnswersError) as caught:
        client.connect()
    assert [(row.address, row.step) for row in caught.value.attempts] == [(UNUSED, "connect"), (EX02, "connect")]
    assert UNUSED in str(caught.value)


def test_after_an_http_error_the_client_stays_and_asks_no_other_server(namespace: OutlookNamespace) -> None:
    client = namespace.client()
    client.connect()
    namespace.farm.organisation.set_component("EX01", "MapiProxy", "Inactive", "HealthAPI")
    with pytest.raises(HttpError) as caught:
        client.request()
    assert (caught.value.status, caught.value.address, caught.value.host) == (503, EX01, OWA)
    assert namespace.servers["EX02"].https.requests == []
    namespace.farm.organisation.set_component("EX01", "MapiProxy", "Active", "HealthAPI")
    assert client.request().moved is None
