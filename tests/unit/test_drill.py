"""Clients of a drill against two servers that are lost on real sockets, with the stand-in of Azure DNS."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from operations.drill import Observation
from operations.drill.outlook import SYN_SECONDS, Timers
from operations.drill.page import build_report_page
from operations.drill.report import judge_observation, results_as_json
from rehearsal import losses
from rehearsal.stand_ins.server import ServerStandIn
from tests.unit.drill_namespace import BEAT, EX01, EX02, NUMBER, PATIENCE, SILENT, DrillNamespace, wait_until
from tests.unit.servers import OWA
from tests.unit.test_dns_stand_in import Row

pytestmark = pytest.mark.unit

# No test waits for these timers.
ENDLESS = Timers(connect=10 * PATIENCE, answer=10 * PATIENCE)


def test_clients_spread_over_the_servers_and_ask_health_pages_over_kept_connections(namespace: DrillNamespace) -> None:
    with namespace.clients() as clients:
        assert clients.wait(PATIENCE, 0.0)
        seen = clients.observe("nothing", time.monotonic())
    assert {row.before for row in seen.recoveries} == {"EX01", "EX02"}
    assert all(len(client.moves) == 1 for client in seen.clients)
    asked = {row.path for server in (namespace.lost, namespace.other) for row in server.https.requests}
    assert asked == {"/autodiscover/autodiscover.xml", "/mapi/healthcheck.htm"}


def served_by(seen: Observation) -> list[str]:
    """The server of each client's last answer, however old (`Recovery.after` would be empty for an old one)."""
    return [client.beats[-1].server for client in seen.clients]


def failed(seen: Observation, client: int) -> list[tuple[str, str]]:
    """Address and reason of each attempt of a client that failed after the loss, in order."""
    moves = [move for move in seen.clients[client].moves if move.at > seen.since]
    return [(attempt.address, attempt.reason) for move in moves for attempt in move.failed]


@pytest.mark.parametrize("make", [losses.stop_server, losses.crash_web_site])
def test_a_hard_loss_moves_every_client_at_once_and_fails_no_request(
    namespace: DrillNamespace, make: Callable[[ServerStandIn], None]
) -> None:
    seen = namespace.lose(make)
    assert seen.figures.failed_requests == 0
    assert [row.before for row in seen.recoveries].count("EX01") == NUMBER // 2
    assert set(served_by(seen)) == {"EX02"}
    reasons = [reason for client in range(NUMBER) for _, reason in failed(seen, client)]
    assert "no answer" not in reasons, "no timer ran out"


@pytest.mark.parametrize("make", [losses.silence_server, losses.stop_web_site])
def test_a_client_that_tries_a_silent_address_first_waits_the_syn_timer_once(
    namespace: DrillNamespace, make: Callable[[ServerStandIn], None]
) -> None:
    seen = namespace.lose(make)
    assert seen.figures.failed_requests == 0
    assert set(served_by(seen)) == {"EX02"}
    for client, row in enumerate(seen.recoveries):
        hit = row.before == "EX01"
        assert (row.dead_first, row.tried) == (hit, (EX01,) if hit else ())
        assert failed(seen, client) == ([(EX01, "no answer")] if hit else []), "the timer runs out once, and not twice"
        assert row.gap > SILENT or not hit
    assert seen.figures.dead_first == NUMBER // 2


def test_a_lost_server_disturbs_clients_and_a_slow_answer_does_not(namespace: DrillNamespace) -> None:
    with namespace.clients() as clients:
        assert clients.wait(PATIENCE, 0.0)
        since = time.monotonic()
        namespace.slow_once(0.7)
        wait_until(lambda: sum(len(client.moves) for client in clients._clients) > NUMBER)  # the request was sent again
        assert clients.wait(PATIENCE, time.monotonic())
        assert clients.last_disturbance(since) is None
        losses.silence_server(namespace.lost)
        assert clients.wait(PATIENCE, time.monotonic())
        assert clients.last_disturbance(since) is not None


def test_clients_stay_on_a_server_that_answers_503_while_dns_has_its_address(namespace: DrillNamespace) -> None:
    ended = namespace.lose(partial(losses.make_unavailable, organisation=namespace.farm.organisation), healed=False)
    stuck = [row.beats[-1].error for row in ended.clients if not row.beats[-1].server]
    assert len(stuck) == NUMBER // 2 <= ended.figures.unserved
    assert all(f"{EX01} answered 503" in error for error in stuck)
    assert ended.figures.failed_requests > NUMBER // 2
    assert not ended.figures.within(20)


def test_clients_leave_a_server_that_answers_503_when_their_cached_address_expires(namespace: DrillNamespace) -> None:
    namespace.addresses(EX01, ttl=1)
    with namespace.clients() as clients:
        assert clients.wait(PATIENCE, 0.0)
        losses.make_unavailable(namespace.lost, namespace.farm.organisation)
        since = time.monotonic()
        namespace.addresses(EX02, ttl=1)
        assert clients.wait(PATIENCE, since)
        seen = clients.observe("503", since)
    assert set(served_by(seen)) == {"EX02"}
    assert sum(row.name == OWA for row in namespace.dns.queries) > NUMBER, "DNS was asked again"
    assert seen.figures.failed_requests > 0


def test_a_server_that_is_restored_serves_again_after_every_loss(namespace: DrillNamespace) -> None:
    organisation = namespace.farm.organisation
    unavailable = partial(losses.make_unavailable, organisation=organisation)
    namespace.addresses(EX01)
    with namespace.clients(1) as clients:
        assert clients.wait(PATIENCE, 0.0)
        for make in (
            losses.stop_server,
            losses.stop_web_site,
            losses.crash_web_site,
            losses.silence_server,
            unavailable,
        ):
            make(namespace.lost)
            losses.restore_server(namespace.lost, organisation)
            assert clients.wait(PATIENCE, time.monotonic()), make


def discoveries(namespace: DrillNamespace, status: int) -> list[float]:
    """The times of the answers of Autodiscover with this status."""
    servers = (namespace.lost, namespace.other)
    rows = [row for server in servers for row in tuple(server.https.requests) if "autodiscover" in row.path]
    return sorted(row.at for row in rows if row.status == status)


def test_a_connection_failure_makes_a_client_run_autodiscover_again(namespace: DrillNamespace) -> None:
    with namespace.clients() as clients:
        assert clients.wait(PATIENCE, 0.0)
        before = len(discoveries(namespace, 200))
        since = time.monotonic()
        losses.crash_web_site(namespace.lost)
        wait_until(lambda: len(discoveries(namespace, 200)) - before >= NUMBER // 2)
        assert clients.wait(PATIENCE, since)
    assert len(discoveries(namespace, 200)) - before == NUMBER // 2, "one for each that lost its connection"


def test_autodiscover_runs_again_after_an_hour_without_a_new_connection_for_requests(
    namespace: DrillNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = 2 * BEAT
    monkeypatch.setattr("operations.drill.client.REDISCOVER", hour)
    with namespace.clients(1) as clients:
        wait_until(lambda: len(discoveries(namespace, 200)) > 2)
        seen = clients.observe("nothing", time.monotonic())
    gaps = [later - earlier for earlier, later in pairwise(discoveries(namespace, 200))]
    assert min(gaps) >= hour
    assert len(seen.clients[0].moves) == 1


def test_after_a_failed_autodiscover_failing_connections_do_not_run_it_before_its_retry_time(
    namespace: DrillNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = 10 * BEAT
    monkeypatch.setattr("operations.drill.client.DISCOVER_RETRY", pause)
    namespace.rows[:] = [Row(name="owa", values=(EX01,)), Row(name="autodiscover", values=(EX02,))]
    with namespace.clients(1) as clients:
        assert clients.wait(PATIENCE, 0.0)
        namespace.farm.organisation.set_component("ex02", "AutoDiscoverProxy", "Inactive", "HealthAPI")
        losses.crash_web_site(namespace.lost)
        wait_until(lambda: len(discoveries(namespace, 503)) >= 3)
        seen = clients.observe("refused", 0.0)
    gaps = [later - earlier for earlier, later in pairwise(discoveries(namespace, 503))]
    assert min(gaps) > pause / 2
    assert seen.figures.failed_requests > 2 * len(gaps)


def test_each_client_has_a_separate_dns_cache(namespace: DrillNamespace) -> None:
    with namespace.clients() as clients:
        assert clients.wait(PATIENCE, 0.0)
    assert sum(row.name == OWA for row in namespace.dns.queries) == NUMBER


def test_the_report_needs_no_network_and_shows_every_client(namespace: DrillNamespace) -> None:
    seen = replace(namespace.lose(losses.crash_web_site), title="refused <&>", beat=PATIENCE)
    html = build_report_page([judge_observation(seen, 20)], "here & now", 20)
    assert all(word not in html for word in ("<script", "src=", "href=", "url(", "<&>"))
    picture = Xml.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])  # noqa: S314 - our own
    rows = [row.text for row in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert [str(number + 1) for number in range(NUMBER)] == rows[:NUMBER]
    (plain,) = json.loads(results_as_json([judge_observation(seen, 20)], 20))
    assert (plain["kept"], plain["figures"]["clients"], len(plain["clients"])) == (True, NUMBER, NUMBER)


def test_clients_end_at_once_whatever_they_wait_for(namespace: DrillNamespace) -> None:
    with namespace.clients(timers=ENDLESS) as clients:
        assert clients.wait(PATIENCE, 0.0)
        losses.silence_server(namespace.lost)
        losses.silence_server(namespace.other)
        wait_until(lambda: all(client._transport._trying for client in clients._clients))
        ending = time.monotonic()
    assert time.monotonic() - ending < PATIENCE


def test_clients_end_at_once_during_a_handshake_without_an_answer(namespace: DrillNamespace) -> None:
    with ExitStack() as deaf:
        with namespace.clients(timers=ENDLESS) as clients:
            assert clients.wait(PATIENCE, 0.0)
            losses.crash_web_site(namespace.lost)
            losses.crash_web_site(namespace.other)
            ports = [deaf.enter_context(socket.create_server((own, namespace.port))) for own in (EX01, EX02)]
            ports[0].settimeout(PATIENCE)
            connection, _ = ports[0].accept()
            deaf.enter_context(connection)
            assert connection.recv(1) == b"\x16", "a handshake has begun"
            ending = time.monotonic()
        assert time.monotonic() - ending < PATIENCE


class PausingTls(ssl.SSLContext):
    """Stops between the plain socket and its TLS socket until `go` is set."""

    def __init__(self, *_: object) -> None:
        self.wrapped, self.go = threading.Event(), threading.Event()

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        secured = super().wrap_socket(*args, **options)
        self.wrapped.set()
        assert self.go.wait(10)
        return secured


def test_a_client_that_is_ended_between_two_steps_ends_at_once(namespace: DrillNamespace) -> None:
    namespace.addresses(EX01)
    losses.crash_web_site(namespace.lost)
    tls = PausingTls(ssl.PROTOCOL_TLS_CLIENT)
    with socket.create_server((EX01, namespace.port)):
        client = namespace.clients(1, tls=tls, timers=ENDLESS)._clients[0]
        client.start()
        assert tls.wrapped.wait(10)
        client.give_up()
        tls.go.set()
        ending = time.monotonic()
        client.join()
        assert time.monotonic() - ending < PATIENCE


def test_the_timers_are_those_measured_on_windows() -> None:
    assert SYN_SECONDS == {2: 7.0, 4: 21.0, 6: 123.0}
    assert Timers().connect == 21.0
