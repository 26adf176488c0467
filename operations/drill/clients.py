"""All clients of a drill: started together, watched, and their outcome taken."""

from __future__ import annotations

import os
import ssl
import time
from dataclasses import dataclass, field

import psutil

from operations.drill.client import Client, Profile
from operations.drill.figures import Beats, Machine, Observation
from operations.drill.outlook import Timers
from operations.drill.outlook.transport import Transport

# So many good answers in a row are an end of the matter.
FEW_BEATS = 4
LOOK_SECONDS = 0.05


class ClientFaultError(Exception):
    """A client died of an error of this program, so nothing that is measured would be true any more."""

    def __init__(self, fault: Exception) -> None:
        super().__init__(f"Unexpected {type(fault).__name__} in a client: {fault}")
        self.fault = fault


@dataclass(frozen=True, kw_only=True)
class Route:
    """How clients reach the namespace; with `dns` None they ask the name servers of this computer.

    `port` is dialled where a URL names none.
    """

    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    dns: tuple[str, int] | None = None
    port: int = 443
    timers: Timers = field(default_factory=Timers)


class Clients:
    """`number` clients, each with a DNS cache of its own; `beat` is their rhythm in seconds. A context manager.

    Whatever waits for them, and what takes their outcome, raises ClientFaultError when one of them has died.
    """

    def __init__(self, number: int, profile: Profile, route: Route, *, beat: float = 0.5) -> None:
        self.beat, self.timers = beat, route.timers
        self._clients = [self._client(profile, route, beat * place / number) for place in range(number)]
        self._started = self._cpu = 0.0

    def _client(self, profile: Profile, route: Route, delay: float) -> Client:
        transport = Transport(
            user=profile.user,
            password=profile.password,
            dns=route.dns,
            tls=route.tls,
            port=route.port,
            timers=route.timers,
        )
        return Client(profile, transport, self.beat, delay)

    def __enter__(self) -> Clients:
        self._started, self._cpu = time.monotonic(), time.process_time()
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        """One tries the account for all: twenty wrong logons would lock it."""
        first, *others = self._clients
        first.start()
        while not first.beats:
            self._living()
            time.sleep(LOOK_SECONDS)
        for client in others if not first.hopeless else ():
            client.start()

    def _living(self) -> list[Client]:
        for client in self._clients:
            if client.fault:
                raise ClientFaultError(client.fault) from client.fault
        return self._clients

    def __exit__(self, *exc_info: object) -> None:
        for client in self._clients:
            client.give_up()
        for client in self._clients:
            client.join()

    def served(self, since: float, *, beats: int = FEW_BEATS) -> int:
        """How many clients have had so many good answers in a row to what they asked since then."""
        return sum(
            len(last) == beats and all(beat.server and beat.asked >= since for beat in last)
            for last in (client.beats[-beats:] for client in self._living())
        )

    def disturbed(self, since: float) -> float | None:
        """When a client last failed, or lost its connection, since then; a slow answer is no loss."""
        times = [move.at for client in self._clients for move in tuple(client.moves) if not move.impatient]
        times += [beat.at for client in self._clients for beat in tuple(client.beats) if not beat.server]
        return max((at for at in times if at >= since), default=None)

    def wait(self, seconds: float, since: float, *, beats: int = FEW_BEATS) -> bool:
        """Until every client is served, and has been for a few beats; False when `seconds` were not enough."""
        end = time.monotonic() + seconds
        while self.served(since, beats=beats) < len(self._clients):
            if time.monotonic() > end or any(client.hopeless for client in self._clients):
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def errors(self) -> list[str]:
        """What clients last failed with, each text once."""
        last = (client.beats[-1].error for client in self._clients if client.beats)
        return sorted({error for error in last if error})

    def observe(self, title: str, since: float) -> Observation:
        """What came of the loss at `since` until now."""
        now = time.monotonic()
        requests = sum(len(client.beats) for client in self._clients)
        machine = Machine(
            requests_per_second=requests / (now - self._started),
            memory_mib=psutil.Process().memory_info().rss / 2**20,
            cpu_share=(time.process_time() - self._cpu) / (now - self._started),
            processors=os.cpu_count() or 1,
        )
        rows = [Beats(beats=tuple(client.beats), moves=tuple(client.moves)) for client in self._living()]
        return Observation(
            title=title,
            beat=self.beat,
            since=since,
            until=now,
            clients=tuple(rows),
            machine=machine,
            timers=self.timers,
        )
