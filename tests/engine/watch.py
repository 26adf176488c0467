"""Records what clients could see while the engine works: the addresses in DNS, and the health pages that answer."""

from __future__ import annotations

import ssl
import threading
import time
from types import TracebackType
from typing import NamedTuple

import dns.exception
import httpx

from rehearsal.rehearsal import Rehearsal
from tests.engine.looks import resolve

# Long, so that a busy computer does not look like a server that is down.
ANSWER_SECONDS = 60


class Moment(NamedTuple):
    """`fact` became true or false between `after` and `before` (time.monotonic); a busy computer widens it."""

    after: float
    before: float
    fact: str
    is_true: bool

    def can_precede(self, other: Moment, seconds: float = 0) -> bool:
        """Whether the intervals allow that `other` happened more than `seconds` after this."""
        return self.after + seconds < other.before


def open_fresh_connections(authority_pem: str) -> httpx.Client:
    """A client that makes a new connection for each request: a kept one would not show that a port is closed."""
    return httpx.Client(
        verify=ssl.create_default_context(cadata=authority_pem),
        trust_env=False,
        timeout=ANSWER_SECONDS,
        limits=httpx.Limits(max_keepalive_connections=0),
    )


class Watch:
    """Queries both names and every server's health page, many times a second, until the block ends.

    `moments` has each change of a fact, in order. The facts: "EX01 in owa", "EX01 in autodiscover", "EX01 healthy",
    and "owa has addresses".
    """

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._https = open_fresh_connections(rehearsal.certificates.authority_pem)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._last: dict[str, tuple[float, bool]] = {}
        self.moments: list[Moment] = []

    def __enter__(self) -> Watch:
        self._look()
        self.moments.clear()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._look()
        self._https.close()

    def find_moment(self, fact: str, is_true: bool) -> Moment:
        """The moment at which the fact became true or false. Raises ValueError unless there is exactly one."""
        (moment,) = [row for row in self.moments if row.fact == fact and row.is_true is is_true]
        return moment

    def list_moments(self, computer_name: str) -> list[Moment]:
        return [row for row in self.moments if row.fact.startswith(f"{computer_name} ")]

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            self._look()

    def _look(self) -> None:
        names = self._rehearsal.names
        servers = list(self._rehearsal.datacentre.servers.values())
        for label, name in (("owa", names.client), ("autodiscover", names.autodiscover)):
            began = time.monotonic()
            try:
                addresses, _ = resolve(self._rehearsal.private_dns, name)
            except dns.exception.Timeout:
                continue
            self._note(began, f"{label} has addresses", bool(addresses))
            for server in servers:
                self._note(began, f"{server.computer_name} in {label}", not addresses.isdisjoint(server.addresses))
        for server in servers:
            began = time.monotonic()
            self._note(began, f"{server.computer_name} healthy", self._is_healthy(server.addresses[0]))

    def _is_healthy(self, address: str) -> bool:
        host = self._rehearsal.names.client
        url = f"https://{address}:{self._rehearsal.datacentre.https_port}/owa/healthcheck.htm"
        try:
            answer = self._https.get(url, headers={"Host": host}, extensions={"sni_hostname": host})
            return answer.status_code == 200
        except httpx.TransportError:
            return False

    def _note(self, began: float, fact: str, is_true: bool) -> None:
        """Records the result of a query that was sent at `began`."""
        earlier, was_true = self._last.get(fact, (began, not is_true))
        if was_true is not is_true:
            self.moments.append(Moment(earlier, time.monotonic(), fact, is_true))
        self._last[fact] = (began, is_true)
