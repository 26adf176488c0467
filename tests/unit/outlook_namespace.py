"""Two servers behind one namespace, and Outlook-like clients for it, all on real sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from operations.drill.outlook import (
    OutlookClient,
    Timers,
)
from rehearsal.ports import find_free_ports
from rehearsal.stand_ins.dns import AzureDns
from rehearsal.stand_ins.server import ServerStandIn
from rehearsal.stand_ins.tls import Certificates
from tests.unit.servers import DOMAIN, OWA, PASSWORD, USER, Farm
from tests.unit.test_dns_stand_in import Row

EX01, EX02, UNUSED = "127.40.0.11", "127.40.0.12", "127.40.0.99"


PATIENCE = 0.4  # seconds that a test's client waits for a silent address


@dataclass(kw_only=True)
class OutlookNamespace:
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
def namespace(farm: Farm) -> Iterator[OutlookNamespace]:
    [port] = find_free_ports([EX01, EX02, UNUSED], 1)
    first = farm.server("ex01", address=EX01, https_port=port)
    second = farm.server("ex02", address=EX02, https_port=port)
    rows: list[Row] = []
    with AzureDns(lambda: rows) as dns:
        made = OutlookNamespace(farm=farm, dns=dns, rows=rows, servers={"EX01": first, "EX02": second})
        made.addresses(EX01, EX02)
        yield made
        for client in made.clients:
            client.close()


@pytest.fixture
def listener(namespace: OutlookNamespace) -> Iterator[Callable[[int], None]]:
    """Listens on the address UNUSED with a backlog and never accepts."""
    bound = socket.socket()
    bound.bind((UNUSED, namespace.port))
    waiting: list[socket.socket] = []

    def listen(backlog: int) -> None:
        bound.listen(backlog)
        if backlog == 0:
            # This connection fills the queue: from now on the kernel answers no SYN, as if the server were gone.
            waiting.append(socket.create_connection((UNUSED, namespace.port)))

    yield listen
    for made in (bound, *waiting):
        made.close()
