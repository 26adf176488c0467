"""Azure DNS on loopback: authoritative answers from record sets, over UDP and TCP on one port."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dnslib import CLASS, QTYPE, RCODE, RR, DNSRecord  # type: ignore[import-untyped]
from dnslib.server import DNSHandler, DNSLogger, DNSServer  # type: ignore[import-untyped]

NEGATIVE_TTL = 300
TOP_LEVEL_DOMAINS = ("com", "net", "org", "info")  # one for each of a zone's name servers
ADDRESS = "127.0.0.1"
POLL_SECONDS = 0.02  # how long stop() may take


@dataclass(frozen=True, kw_only=True)
class RecordSet:
    """`name` is relative to `zone`, "@" for the zone itself; `ttl` in seconds; `values` are the records as text."""

    zone: str
    name: str
    type: str
    ttl: int
    values: tuple[str, ...]
    private: bool


@dataclass(frozen=True, kw_only=True)
class Query:
    """One question and its answer; `at` is `time.monotonic()`, `values` are in the order sent."""

    at: float
    name: str
    type: str
    status: str
    values: tuple[str, ...]


class AzureDns:
    """The public name servers, or with `private=True` what a virtual network's resolver answers.

    The private view answers a private zone before the public zone of the same name, and public zones otherwise.
    Use it as a context manager, or call `start` and `stop`.
    """

    def __init__(self, source: Callable[[], Iterable[RecordSet]], *, private: bool = False) -> None:
        self._source = source
        self._private = private
        self._turns: dict[tuple[str, str], itertools.count[int]] = {}
        self._lock = threading.Lock()
        self._listeners: list[DNSServer] = []
        self.address = ADDRESS
        self.port = 0
        self.queries: list[Query] = []

    def __enter__(self) -> AzureDns:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen on a free port; OSError if no port is free for both TCP and UDP."""
        # TCP first: the system lets two UDP sockets with SO_REUSEADDR share a port, but not two TCP listeners.
        for is_last_attempt in (False,) * 19 + (True,):
            tcp = self._open_listener(0, tcp=True)
            self.port = tcp.server.server_address[1]
            try:
                self._listeners = [tcp, self._open_listener(self.port, tcp=False)]
                break
            except OSError:
                tcp.server.server_close()
                if is_last_attempt:
                    raise
        for listener in self._listeners:
            threading.Thread(target=listener.server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()

    def stop(self) -> None:
        for listener in self._listeners:
            listener.server.shutdown()
            listener.server.server_close()
        self._listeners = []

    def names(self) -> list[str]:
        """The names with an A record in this view, which servers can resolve."""
        return sorted({_full_name(row) for row in self._visible_records() if row.type == "A" and row.values})

    def resolve(self, request: DNSRecord, _handler: DNSHandler) -> DNSRecord:
        """Answers one request, and logs it in `queries`."""
        reply = request.reply(ra=int(self._private), aa=1)
        name, kind = str(request.q.qname).rstrip(".").lower(), str(QTYPE[request.q.qtype])
        rows = self._visible_records()
        zone = max((row.zone.lower() for row in rows if _is_within(name, row.zone.lower())), key=len, default=None)
        if zone is None or request.q.qclass != CLASS.IN:
            reply.header.aa, reply.header.rcode = 0, RCODE.REFUSED
        else:
            self._answer_from(reply, zone, [row for row in rows if row.zone.lower() == zone], name, kind)
        values = tuple(str(record.rdata) for record in reply.rr)
        status = str(RCODE[reply.header.rcode])
        self.queries.append(Query(at=time.monotonic(), name=name, type=kind, status=status, values=values))
        return reply

    def _answer_from(self, reply: DNSRecord, zone: str, rows: Sequence[RecordSet], name: str, kind: str) -> None:
        authority = _soa_records(zone, private=rows[0].private)
        matching = [row for row in rows if _full_name(row) == name and row.type == kind]
        for row in matching:
            for value in self._rotate(name, kind, row.values):
                # In the spelling of the question: resolvers that vary the case compare it.
                reply.add_answer(*RR.fromZone(f"{reply.q.qname} {int(row.ttl)} IN {kind} {value}"))
        if name == zone and kind == "SOA":
            reply.add_answer(*authority)
        if name == zone and kind == "NS" and not rows[0].private:
            reply.add_answer(*_name_server_records(zone))
        if not reply.rr:
            known = name == zone or any(_is_within(_full_name(row), name) for row in rows)
            reply.header.rcode = RCODE.NOERROR if known else RCODE.NXDOMAIN
            reply.add_auth(*authority)

    def _rotate(self, name: str, kind: str, values: Sequence[str]) -> list[str]:
        if not values:
            return []
        with self._lock:
            start = next(self._turns.setdefault((name, kind), itertools.count())) % len(values)
        return [*values[start:], *values[:start]]

    def _visible_records(self) -> list[RecordSet]:
        rows = list(self._source())
        if not self._private:
            return [row for row in rows if not row.private]
        private_zones = {row.zone.lower() for row in rows if row.private}
        return [row for row in rows if row.private or row.zone.lower() not in private_zones]

    def _open_listener(self, port: int, *, tcp: bool) -> DNSServer:
        return DNSServer(self, address=self.address, port=port, tcp=tcp, logger=DNSLogger(log="-", logf=_print_nothing))


def _print_nothing(_line: str) -> None:
    """`queries` is the log."""


def _full_name(row: RecordSet) -> str:
    return (row.zone if row.name == "@" else f"{row.name}.{row.zone}").lower()


def _is_within(name: str, zone: str) -> bool:
    return name == zone or name.endswith("." + zone)


def _name_server_records(zone: str) -> list[RR]:
    """The NS records of a public zone; private zones have none."""
    lines = (f"{zone}. 172800 IN NS ns{n}-01.azure-dns.{top}." for n, top in enumerate(TOP_LEVEL_DOMAINS, start=1))
    return [record for line in lines for record in RR.fromZone(line)]


def _soa_records(zone: str, *, private: bool) -> list[RR]:
    source = (
        "azureprivatedns.net. azureprivatedns-host.microsoft.com."
        if private
        else "ns1-01.azure-dns.com. azuredns-hostmaster.microsoft.com."
    )
    records: list[RR] = RR.fromZone(f"{zone}. 3600 IN SOA {source} 1 3600 300 2419200 {NEGATIVE_TTL}")
    return records
