"""Planned rotation while clients work: not one request fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from rich.console import Console

from operations.drill import DrillClients
from operations.drill.outlook import Timers
from rehearsal import losses
from rehearsal.drill import Drill
from rehearsal.rehearsal import Rehearsal
from tests.engine.conftest import SERVERS, Start, quick, rotate
from tests.engine.looks import resolve

pytestmark = pytest.mark.engine

CLIENTS = 12
TEN = 10


def drill_of(rehearsal: Rehearsal, key: str) -> Drill:
    server = rehearsal.datacentre.servers[key.upper()]
    return Drill(rehearsal=rehearsal, console=Console(quiet=True), number=CLIENTS, key=key, server=server)


def in_dns(rehearsal: Rehearsal) -> list[set[str]]:
    """The addresses of both names in DNS."""
    return [resolve(rehearsal.private_dns, name)[0] for name in (rehearsal.names.client, rehearsal.names.autodiscover)]


def offline(drill: Drill) -> str:
    return drill.rehearsal.organisation.component_states(drill.server.computer_name)["ServerWideOffline"]


class RotatingFarm:
    """A farm of `number` servers that are rotated one after the other."""

    def __init__(self, start: Start, number: int) -> None:
        def farm(config: dict[str, Any]) -> None:
            quick(config)
            for place in range(3, number + 1):
                config[SERVERS][f"ex0{place}"] = {"computerName": f"EX0{place}", "address": f"10.40.0.1{place}"}

        self.rehearsal = start("lab", farm)
        self.rehearsal.stack.up()
        self.drills = [drill_of(self.rehearsal, key) for key in sorted(self.rehearsal.file.farm.servers)]
        self.addresses = {drill.server.addresses[0] for drill in self.drills}

    def move(self, **keys: bool) -> None:
        """One run; checks that both names have the addresses of all servers except those that were taken out."""
        rotate(self.rehearsal, **keys)
        self.rehearsal.stack.up()
        out = {drill.server.addresses[0] for drill in self.drills if not keys.get(drill.key, True)}
        assert in_dns(self.rehearsal) == [self.addresses - out] * 2
        for drill in self.drills:
            assert offline(drill) == ("Active" if keys.get(drill.key, True) else "Inactive")


def out_and_in(servers: RotatingFarm, clients: DrillClients, turns: int) -> None:
    """One server at a time; all others serve."""
    for turn in range(turns):
        drill = servers.drills[turn % len(servers.drills)]
        with check_that_clients_leave(clients, drill):
            servers.move(**{drill.key: False})
        servers.move(**{drill.key: True})


def opposite(servers: RotatingFarm, clients: DrillClients, turns: int) -> None:
    """The next server out and the one before it in, in the same run."""
    before: dict[str, bool] = {}
    for turn in range(turns):
        drill = servers.drills[turn % len(servers.drills)]
        with check_that_clients_leave(clients, drill):
            servers.move(**before, **{drill.key: False})
        before = {drill.key: True}
    servers.move(**before)


@contextmanager
def check_that_clients_leave(clients: DrillClients, drill: Drill) -> Iterator[None]:
    """Checks that the server had clients before and has none afterwards."""
    began = time.monotonic()
    yield
    assert clients.wait(10, time.monotonic(), beats=1)
    fared = clients.observe("out", began).recoveries
    name = drill.server.computer_name
    assert name in {row.before for row in fared}, "clients used the server"
    assert name not in {row.after for row in fared}, "and use another one now"


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("number", "rotations", "turns"),
    [
        (2, out_and_in, 1),
        pytest.param(2, out_and_in, TEN, marks=pytest.mark.soak),
        pytest.param(4, opposite, TEN, marks=pytest.mark.soak),
    ],
)
def test_planned_rotations_out_and_in_lose_no_request(
    start: Start, number: int, rotations: Callable[[RotatingFarm, DrillClients, int], None], turns: int
) -> None:
    servers = RotatingFarm(start, number)
    with servers.drills[0].clients(Timers()) as clients:
        since = time.monotonic()
        rotations(servers, clients, turns)
        assert clients.wait(10, time.monotonic())
        seen = clients.observe("rotations", since)
        # Positive control: the same clients notice an error.
        for drill in servers.drills:
            losses.make_unavailable(drill.server, servers.rehearsal.organisation)
        broken = time.monotonic()
        assert not clients.wait(2, broken)
        assert clients.observe("an error", broken).figures.failed_requests > 0
    figures = seen.figures
    assert figures.failed_requests == 0
    assert figures.unserved == 0
    if turns < TEN:
        return  # `make soak` measures the speed of a quiet computer
    assert figures.worst < 2, "no client waited"
    answered = [sum(beat.at > since for beat in client.beats) for client in seen.clients]
    assert min(answered) > 0.8 * (seen.until - since) / seen.beat, "every client kept its rhythm all the time"
