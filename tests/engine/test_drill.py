"""The drill as `make drill` holds it: each loss really made, each held against what a client may expect."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as Xml

import pytest
from rich.console import Console

from rehearsal import tools
from rehearsal.drill import TTL, run_drill

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

CLIENTS = 20


class Held(NamedTuple):
    """What came of it: the exit's truth, the screen, the report, and its figures by loss."""

    kept: bool
    screen: str
    page: str
    losses: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory, found: tools.Tools) -> Held:
    folder = tmp_path_factory.mktemp("drill") / "drill"
    console = Console(file=io.StringIO(), width=200)
    kept = run_drill("lab", found, console, clients=CLIENTS, folder=folder)
    assert isinstance(console.file, io.StringIO)
    rows = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    page = Path(folder / "report.html").read_text(encoding="utf-8")
    return Held(kept, console.file.getvalue(), page, {row["loss"]: row for row in rows})


def test_every_promise_is_kept(held: Held) -> None:
    assert held.kept, held.screen
    assert len(held.losses) == 7


@pytest.mark.parametrize("loss", ["orderly stop", "crash (reset)"])
def test_after_a_hard_loss_every_client_is_on_the_other_server_within_two_seconds(held: Held, loss: str) -> None:
    figures = held.losses[loss]["figures"]
    assert figures["worst"] <= 2
    assert figures["unserved"] == figures["failed_requests"] == 0
    assert figures["moved"] == CLIENTS / 2


@pytest.mark.parametrize(("loss", "timer"), [("silence, as Windows comes", 21), ("silence, tuned", 7)])
def test_silence_costs_half_of_the_clients_the_syn_timer_and_nobody_more_than_two_seconds_on_top(
    held: Held, loss: str, timer: float
) -> None:
    figures = held.losses[loss]["figures"]
    assert timer < figures["worst"] <= timer + 2
    assert figures["dead_first"] == figures["noticed"] == CLIENTS / 2
    assert figures["unserved"] == 0


def test_a_server_that_answers_503_is_left_only_when_it_has_left_dns(held: Held) -> None:
    row = held.losses["503, then taken out"]
    assert row["figures"]["failed_requests"] > 0
    assert row["figures"]["unserved"] == 0
    assert row["kept"], f"healed within the TTL of {TTL} s"


@pytest.mark.parametrize("loss", ["rotation: out", "rotation: in"])
def test_a_planned_rotation_costs_no_request(held: Held, loss: str) -> None:
    figures = held.losses[loss]["figures"]
    assert figures["failed_requests"] == figures["unserved"] == figures["noticed"] == 0


def test_a_budget_of_twenty_seconds_is_missed_by_silence_alone(held: Held) -> None:
    rows = [line for line in held.screen.splitlines() if "kept" in line and "│" in line]
    missed = [line for line in rows if "│ no " in line]
    assert len(rows) == 7
    assert [line.split("│")[1].strip() for line in missed] == ["silence, as Windows comes"]


def test_the_report_is_one_page_that_opens_without_a_network(held: Held) -> None:
    assert not re.search(r"(src|href)=|@import|<script|url\(", held.page)
    texts = re.findall(r"<svg.*?</svg>", held.page, flags=re.DOTALL)
    pictures = [Xml.fromstring(text) for text in texts]  # noqa: S314 - our own page
    assert len(pictures) == 7
    for title in held.losses:
        assert title in held.page
