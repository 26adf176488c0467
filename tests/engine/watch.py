"""What clients could see while the engine works: who is in DNS, and whose health page answers, moment by moment."""

from __future__ import annotations

import contextlib
import threading
import time
from types import TracebackType
from typing import NamedTuple

import dns.exception
import httpx

from rehearsal.rehearsal import Rehearsal
from tests.engine.looks import ask


class Moment(NamedTuple):
    """From `at` (time.monotonic) on it was so."""

    at: float
    what: str
    is_so: bool


class Watch:
    """Asks both names and every server's health page, many times a second, until the block ends.

    `moments` has each change in its order: "EX01 in owa", "EX01 in autodiscover", "EX01 healthy", and
    "owa has addresses".
    """

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._last: dict[str, bool] = {}
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

    def at(self, what: str, is_so: bool) -> float:
        """When this came to be, exactly once."""
        (moment,) = [row for row in self.moments if row.what == what and row.is_so is is_so]
        return moment.at

    def of(self, computer_name: str) -> list[Moment]:
        return [row for row in self.moments if row.what.startswith(f"{computer_name} ")]

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            self._look()

    def _look(self) -> None:
        names = self._rehearsal.names
        servers = list(self._rehearsal.datacentre.servers.values())
        for label, name in (("owa", names.client), ("autodiscover", names.autodiscover)):
            with contextlib.suppress(dns.exception.Timeout):
                addresses, _ = ask(self._rehearsal.private_dns, name)
                self._note(f"{label} has addresses", bool(addresses))
                for server in servers:
                    self._note(f"{server.computer_name} in {label}", not addresses.isdisjoint(server.addresses))
        for server in servers:
            self._note(f"{server.computer_name} healthy", self._healthy(server.addresses[0]))

    def _healthy(self, address: str) -> bool:
        url = f"https://{address}:{self._rehearsal.datacentre.https_port}/owa/healthcheck.htm"
        try:
            return httpx.get(url, headers={"Host": self._rehearsal.names.client}, verify=False).status_code == 200  # noqa: S501
        except httpx.TransportError:
            return False

    def _note(self, what: str, is_so: bool) -> None:
        if self._last.get(what) is not is_so:
            self._last[what] = is_so
            self.moments.append(Moment(time.monotonic(), what, is_so))
