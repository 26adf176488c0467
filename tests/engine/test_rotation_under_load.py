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

OWA = "owa.lab.mail-domain.com"
CLIENTS = 12
TURNS = 10


def drill_of(rehearsal: Rehearsal, key: str) -> Drill:
    server = rehearsal.datacentre.servers[key.upper()]
    return Drill(rehearsal=rehearsal, console=Console(quiet=True), number=CLIENTS, key=key, server=server)


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
            drill.rotate(False)
            assert ask(rehearsal.private_dns, OWA)[0] == everybody - {drill.server.addresses[0]}
            assert (
                rehearsal.organisation.component_states(drill.server.computer_name)["ServerWideOffline"] == "Inactive"
            )
            drill.rotate(True)
            assert ask(rehearsal.private_dns, OWA)[0] == everybody
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
    assert any(len({beat.server for beat in client.beats}) > 1 for client in seen.clients), "clients did move"
