"""Two servers behind one namespace, clients of a drill that use it, and a loss between them."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from operations.drill import Clients, Observation, Profile, Way
from operations.outlook import Timers
from rehearsal.stand_ins.autodiscover import Settings
from rehearsal.stand_ins.dns import AzureDns
from rehearsal.stand_ins.server import Server
from tests.unit.servers import DOMAIN, PASSWORD, USER, Farm
from tests.unit.test_dns_stand_in import Row

EX01, EX02 = "127.40.0.11", "127.40.0.12"
BEAT, SILENT = 0.2, 1.5  # seconds; the SYN timer is short here, and longer than all else
NUMBER = 6


class Namespace:
    def __init__(self, farm: Farm) -> None:
        self.farm = farm
        self.lost = farm.server("ex01", address=EX01)
        self.other = farm.server("ex02", address=EX02, https_port=self.lost.https.port or 0)
        self.lost._https_port = self.port = self.lost.https.port or 0
        self.rows: list[Row] = []
        self.addresses(EX01, EX02)
        self.dns = AzureDns(lambda: self.rows)

    def addresses(self, *addresses: str, ttl: int = 300) -> None:
        self.rows[:] = [Row(name=name, values=addresses, ttl=ttl) for name in ("owa", "autodiscover")]

    def slow_once(self, seconds: float) -> None:
        """The next answer of the server to be lost comes so much later."""
        site, late = self.lost.https._site, iter([seconds])

        def settings() -> Settings | None:
            threading.Event().wait(next(late, 0))
            return site.settings()

        self.lost.https._site = replace(site, settings=settings)

    def clients(self, number: int = NUMBER, *, tls: ssl.SSLContext | None = None) -> Clients:
        trusting = ssl.create_default_context(cadata=self.farm.certificates.authority_pem)
        way = Way(tls=tls or trusting, dns=("127.0.0.1", self.dns.port), port=self.port, timers=Timers(connect=SILENT))
        profile = Profile(mailbox=f"user@{DOMAIN}", user=USER, password=PASSWORD)
        return Clients(number, profile, way, beat=BEAT)

    def lose(self, make: Callable[[Server], None], *, number: int = NUMBER, seconds: float = 8) -> Observation:
        """All clients served, the loss, and all served again or `seconds` over."""
        with self.clients(number) as clients:
            assert clients.wait(10, 0.0), clients.errors()
            since = time.monotonic()
            make(self.lost)
            clients.wait(seconds, since)
            return clients.observe("a loss", since)
