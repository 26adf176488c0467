"""Two servers behind one namespace, clients of a drill that use it, and a loss."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from operations.drill import DrillClients, Observation, Profile, Route
from operations.drill.clients import FEW_BEATS
from operations.drill.outlook import Timers
from rehearsal.ports import find_free_ports
from rehearsal.stand_ins.autodiscover import Settings
from rehearsal.stand_ins.dns import AzureDns
from rehearsal.stand_ins.server import ServerStandIn
from tests.unit.servers import DOMAIN, PASSWORD, USER, Farm
from tests.unit.test_dns_stand_in import Row

EX01, EX02 = "127.40.0.11", "127.40.0.12"
BEAT, SILENT = 0.1, 0.8  # seconds; the SYN timer is short here, but longer than everything else
NUMBER = 6
PATIENCE = 60  # seconds after which a test counts as hanging


class DrillNamespace:
    def __init__(self, farm: Farm) -> None:
        self.farm = farm
        [self.port] = find_free_ports([EX01, EX02], 1)
        self.lost = farm.server("ex01", address=EX01, https_port=self.port)
        self.other = farm.server("ex02", address=EX02, https_port=self.port)
        self.rows: list[Row] = []
        self.addresses(EX01, EX02)
        self.dns = AzureDns(lambda: self.rows)

    def addresses(self, *addresses: str, ttl: int = 300) -> None:
        self.rows[:] = [Row(name=name, values=addresses, ttl=ttl) for name in ("owa", "autodiscover")]

    def slow_once(self, seconds: float) -> None:
        """Delays the next answer of the server that will be lost."""
        site, late = self.lost.https._site, iter([seconds])

        def settings() -> Settings | None:
            threading.Event().wait(next(late, 0))
            return site.settings()

        self.lost.https._site = replace(site, settings=settings)

    def clients(
        self, number: int = NUMBER, *, tls: ssl.SSLContext | None = None, timers: Timers | None = None
    ) -> DrillClients:
        trusting = ssl.create_default_context(cadata=self.farm.certificates.authority_pem)
        timers = timers or Timers(connect=SILENT)
        route = Route(tls=tls or trusting, dns=("127.0.0.1", self.dns.port), port=self.port, timers=timers)
        profile = Profile(mailbox=f"user@{DOMAIN}", user=USER, password=PASSWORD)
        return DrillClients(number, profile, route, beat=BEAT)

    def lose(self, make: Callable[[ServerStandIn], None], *, healed: bool = True) -> Observation:
        """Waits for all clients, makes the loss, and waits until all are served again, or until half keep failing."""
        with self.clients() as clients:
            assert clients.wait(PATIENCE, 0.0), clients.last_errors()
            since = time.monotonic()
            make(self.lost)
            if healed:
                assert clients.wait(PATIENCE, since), clients.last_errors()
            else:
                wait_until(lambda: self._stuck(clients, since) == NUMBER // 2)
            return clients.observe("a loss", since)

    def _stuck(self, clients: DrillClients, since: float) -> int:
        """DrillClients whose last few requests all failed."""
        last = [client.beats[-FEW_BEATS:] for client in clients._clients]
        return sum(all(beat.asked >= since and not beat.server for beat in beats) for beats in last)


def wait_until(so: Callable[[], bool]) -> None:
    """Fails when `so` is not true within PATIENCE."""
    end = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.02)
