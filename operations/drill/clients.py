"""All clients of a drill: started together, watched and observed."""

from __future__ import annotations

import os
import ssl
import time
from dataclasses import dataclass, field

import psutil

from operations.drill.client import DrillClient, Profile
from operations.drill.figures import ClientRecord, DrillLoad, Mark, Observation
from operations.drill.outlook import Timers
from operations.drill.outlook.transport import Transport

# A client with so many good answers in a row counts as served.
FEW_BEATS = 4
POLL_SECONDS = 0.05


class ClientFaultError(Exception):
    """An error of this program ended a client, so the measurements are not valid any more."""

    def __init__(self, fault: Exception) -> None:
        super().__init__(f"Unexpected {type(fault).__name__} in a client: {fault}")
        self.fault = fault


@dataclass(frozen=True, kw_only=True)
class Route:
    """How clients reach the namespace. `dns` is (address, port) of a name server; None: those of this computer.

    `port` is for URLs without one.
    """

    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    dns: tuple[str, int] | None = None
    port: int = 443
    timers: Timers = field(default_factory=Timers)


class DrillClients:
    """`number` clients with separate DNS caches; each sends a request every `beat` seconds. A context manager.

    `served`, `wait` and `observe` raise ClientFaultError after an error of this program in a client.
    """

    def __init__(self, number: int, profile: Profile, route: Route, *, beat: float = 0.5) -> None:
        self.beat, self.timers = beat, route.timers
        self._clients = [self._create_client(profile, route, beat * place / number) for place in range(number)]
        self._started = self._cpu = 0.0

    def _create_client(self, profile: Profile, route: Route, delay: float) -> DrillClient:
        transport = Transport(
            user=profile.user,
            password=profile.password,
            dns=route.dns,
            tls=route.tls,
            port=route.port,
            timers=route.timers,
        )
        return DrillClient(profile, transport, self.beat, delay)

    def __enter__(self) -> DrillClients:
        self._started, self._cpu = time.monotonic(), time.process_time()
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        """One client tries the account first: a wrong password that all clients send would lock it."""
        first, *others = self._clients
        first.start()
        while not first.beats:
            self._healthy_clients()
            time.sleep(POLL_SECONDS)
        for client in others if not first.hopeless else ():
            client.start()

    def _healthy_clients(self) -> list[DrillClient]:
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
        """How many clients got good answers to their last `beats` requests, all sent since `since`."""
        return sum(
            len(last) == beats and all(beat.server and beat.asked >= since for beat in last)
            for last in (client.beats[-beats:] for client in self._healthy_clients())
        )

    def last_disturbance(self, since: float) -> float | None:
        """When a client last failed or lost its connection since `since`; a slow answer does not count. None: never."""
        times = [move.at for client in self._clients for move in tuple(client.moves) if not move.impatient]
        times += [beat.at for client in self._clients for beat in tuple(client.beats) if not beat.server]
        return max((at for at in times if at >= since), default=None)

    def wait(self, seconds: float, since: float, *, beats: int = FEW_BEATS) -> bool:
        """Until every client got `beats` good answers in a row; False when that takes more than `seconds`."""
        end = time.monotonic() + seconds
        while self.served(since, beats=beats) < len(self._clients):
            if time.monotonic() > end or any(client.hopeless for client in self._clients):
                return False
            time.sleep(POLL_SECONDS)
        return True

    def last_errors(self) -> list[str]:
        """The last error of each client, each text once."""
        last = (client.beats[-1].error for client in self._clients if client.beats)
        return sorted({error for error in last if error})

    def observe(self, title: str, since: float, marks: tuple[Mark, ...] = ()) -> Observation:
        """The loss at `since`, from then until now."""
        now = time.monotonic()
        requests = sum(len(client.beats) for client in self._clients)
        load = DrillLoad(
            requests_per_second=requests / (now - self._started),
            memory_mib=psutil.Process().memory_info().rss / 2**20,
            cpu_share=(time.process_time() - self._cpu) / (now - self._started),
            processors=os.cpu_count() or 1,
        )
        rows = [
            ClientRecord(beats=tuple(client.beats), moves=tuple(client.moves)) for client in self._healthy_clients()
        ]
        return Observation(
            title=title,
            beat=self.beat,
            since=since,
            until=now,
            clients=tuple(rows),
            load=load,
            timers=self.timers,
            marks=marks,
        )
