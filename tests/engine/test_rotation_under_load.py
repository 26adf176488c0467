"""Planned rotation while clients work: not one request fails."""

from __future__ import annotations

import time
from typing import Any

import pytest
from rich.console import Console

from operations.outlook import Timers
from rehearsal import losses
from rehearsal.drill import Drill
from rehearsal.rehearsal import Rehearsal
from tests.engine.conftest import Start, quick
from tests.engine.looks import PROJECT, ask

pytestmark = pytest.mark.engine

CLIENTS = 12
TURNS = 10


def drill_of(rehearsal: Rehearsal, key: str) -> Drill:
    server = rehearsal.datacentre.servers[key.upper()]
    return Drill(rehearsal=rehearsal, console=Console(quiet=True), number=CLIENTS, key=key, server=server)


def in_dns(rehearsal: Rehearsal) -> list[set[str]]:
    """The addresses of both names."""
    return [ask(rehearsal.private_dns, name)[0] for name in (rehearsal.names.client, rehearsal.names.autodiscover)]


def offline(drill: Drill) -> str:
    return drill.rehearsal.organisation.component_states(drill.server.computer_name)["ServerWideOffline"]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [2, 4])
def test_ten_planned_rotations_out_and_in_lose_no_request(start: Start, number: int) -> None:
    def farm(config: dict[str, Any]) -> None:
        quick(config)
        for place in range(3, number + 1):
            config[f"{PROJECT}:servers"][f"ex0{place}"] = {
                "computerName": f"EX0{place}",
                "address": f"10.40.0.1{place}",
            }

    rehearsal = start("lab", farm)
    rehearsal.stack.up()
    drills = [drill_of(rehearsal, key) for key in sorted(rehearsal.file.farm.servers)]
    everybody = {drill.server.addresses[0] for drill in drills}
    with drills[0].clients(Timers()) as clients:
        since = time.monotonic()
        for turn in range(TURNS):
            drill = drills[turn % number]
            began = time.monotonic()
            drill.rotate(False)
            assert in_dns(rehearsal) == [everybody - {drill.server.addresses[0]}] * 2
            assert offline(drill) == "Inactive"
            assert clients.wait(10, time.monotonic(), beats=1)
            fared = clients.observe("out", began).recoveries
            name = drill.server.computer_name
            assert name in {row.before for row in fared}, "somebody worked there"
            assert name not in {row.after for row in fared}, "and works elsewhere now"
            drill.rotate(True)
            assert in_dns(rehearsal) == [everybody] * 2
            assert offline(drill) == "Active"
        assert clients.wait(10, time.monotonic())
        seen = clients.observe("ten rotations", since)
        # The same clients do see an error when there is one.
        for drill in drills:
            losses.unavailable(drill.server, rehearsal.organisation)
        broken = time.monotonic()
        assert not clients.wait(2, broken)
        assert clients.observe("an error", broken).figures.failed_requests > 0
    figures = seen.figures
    assert figures.failed_requests == 0
    assert figures.unserved == 0
    assert figures.worst < 2, "nobody waited"
    answered = [sum(beat.at > since for beat in client.beats) for client in seen.clients]
    assert min(answered) > 0.8 * (seen.until - since) / seen.beat, "every client kept its rhythm all the time"
