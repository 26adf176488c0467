"""The failover picture, drawn from answers that are written out here: each loss is a mark, each client a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from xml.etree import ElementTree as Xml

import pytest

from operations.drill.beats import Beat, Move
from operations.drill.failover import WIDTH, Panel, draw_failover
from operations.drill.figures import ClientRecord, DrillLoad, Mark, Observation, Wait, find_waits, longest_wait
from operations.drill.outlook import Attempt, Timers
from operations.drill.report import DrillResult
from rehearsal.drill import ROTATION_IN, ROTATION_OUT, Pace
from rehearsal.drill_run import draw_silence_and_rotation
from rehearsal.losses import SILENCE

pytestmark = pytest.mark.unit

SINCE, BEAT, WAITED = 1000.0, 0.5, 21.9
SVG = "{http://www.w3.org/2000/svg}"
LOAD = DrillLoad(requests_per_second=40, memory_mib=50, cpu_share=0.1, processors=2)


def answers(server: str, start: float, end: float) -> list[Beat]:
    """One answer per beat, in seconds from the loss."""
    count = round((end - start) / BEAT) + 1
    times = [SINCE + start + BEAT * number for number in range(count)]
    return [Beat(asked=at - 0.01, at=at, server=server) for at in times]


def on_ex01(end: float) -> ClientRecord:
    return ClientRecord(beats=tuple(answers("EX01", -5, end)), moves=())


def waiting(end: float, error: str = "") -> ClientRecord:
    """A client of EX02 that is without an answer from the loss on, and then on EX01."""
    failed = [Beat(asked=SINCE + 1, at=SINCE + 2, server="", error=error)] if error else []
    beats = (*answers("EX02", -5, 0), *failed, *answers("EX01", WAITED, end))
    attempt = Attempt(host="owa", address="10.0.0.2", step="connect", reason="no answer", seconds=21)
    return ClientRecord(beats=beats, moves=(Move(at=SINCE + 0.5, failed=(attempt,), address="10.0.0.1"),))


def moving(end: float) -> ClientRecord:
    return ClientRecord(beats=(*answers("EX02", -5, 8), *answers("EX01", 8.5, end)), moves=())


def observe(title: str, clients: Sequence[ClientRecord], until: float, *marks: Mark) -> Observation:
    return Observation(
        title=title,
        beat=BEAT,
        since=SINCE,
        until=SINCE + until,
        clients=tuple(clients),
        load=LOAD,
        timers=Timers(),
        marks=marks,
    )


def mark(text: str, at: float, until: float | None = None) -> Mark:
    return Mark(text=text, at=SINCE + at, until=None if until is None else SINCE + until)


def drill_of(number: int, error: str = "") -> list[DrillResult]:
    half = number // 2
    silence = observe(
        SILENCE.title,
        [client for _ in range(half) for client in (on_ex01(24), waiting(24, error))],
        24,
        mark("EX02 falls silent", 0),
    )
    turned = [*[on_ex01(50)] * half, *[moving(50)] * (number - half)]
    out = observe(ROTATION_OUT, turned, 24, mark("EX02 goes out", 0, 12))
    back = replace(out, title=ROTATION_IN, since=SINCE + 25, until=SINCE + 50, marks=(mark("EX02 <returns>", 25, 40),))
    return [DrillResult(observation=seen, promise="", kept=True) for seen in (silence, out, back)]


def draw(number: int = 20, error: str = "") -> str:
    picture = draw_silence_and_rotation(drill_of(number, error), Pace(), 20)
    assert picture
    return picture


def parse(picture: str) -> Xml.Element:
    return Xml.fromstring(picture)  # noqa: S314 - drawn here


def texts(picture: str) -> list[str]:
    return ["".join(text.itertext()) for text in parse(picture).iter(f"{SVG}text")]


def of_class(picture: str, name: str) -> list[Xml.Element]:
    return [part for part in parse(picture).iter() if name in part.get("class", "").split()]


@pytest.mark.parametrize("number", [2, 20, 200])
def test_each_client_is_one_row_of_each_loss_and_the_picture_stays_below_700_pixels(number: int) -> None:
    picture = draw(number)
    rows = ["".join(part.itertext()).strip() for part in of_class(picture, "client")]
    assert sorted(rows) == sorted([f"client {place + 1}" for place in range(number)] * 2)
    root = parse(picture)
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert (int(root.get("width", 0)), int(root.get("height", 0)) <= 700) == (880, True)


def test_each_event_of_a_server_is_one_mark_with_its_text() -> None:
    picture = draw()
    assert len(of_class(picture, "mark")) == 3
    assert len(of_class(picture, "span")) == 2, "what takes time is a span, too"
    assert {"EX02 falls silent", "EX02 goes out", "EX02 <returns>"} <= set(texts(picture))
    assert picture.count("promise: 20 s") == 1, "only where a client waited"


def test_the_longest_wait_is_written_beside_the_promise_that_it_misses() -> None:
    picture = draw()
    assert "longest wait 21.9 s" in texts(picture)
    sentence = " ".join(texts(picture))
    assert "10 of 20 clients try the silent server first and wait, at most 21.9 s: over the promise of 20 s" in sentence
    assert "TCP waits 21 s" in sentence
    assert "No request fails; the longest time between two answers is 0.5 s." in sentence
    assert len(of_class(picture, "wait")) == 10 + 1, "the clients of the silent server, and the key"


def test_a_failed_request_is_a_cross_and_is_counted() -> None:
    picture = draw(error="503 & <more>")
    assert len(of_class(picture, "failed")) == 10
    assert "10 requests fail." in " ".join(texts(picture))
    assert of_class(draw(), "failed") == []


@pytest.mark.parametrize("number", [1, 2, 20])
@pytest.mark.parametrize("long", [False, True])
def test_every_text_is_inside_the_view_box(number: int, long: bool) -> None:
    name = "EX02 " + "is taken out of rotation by pulumi up " * 2 if long else "lost"
    ends = mark(name, 0), mark(name, 23.9)
    panels = [Panel(title="T", sentence="word " * 60, observation=observe("x", [waiting(24)] * number, 24, *ends))] * 2
    root = parse(draw_failover(panels, "title", "caption", 20))
    for text in root.iter(f"{SVG}text"):
        x, y = float(text.get("x", -1)), float(text.get("y", -1))
        width = 0.52 * 13 * len("".join(text.itertext()))
        left = x - width / 2 if text.get("text-anchor") == "middle" else x
        assert 0 <= left <= left + width <= WIDTH, "".join(text.itertext())
        assert 12 <= y <= float(root.get("height", 0)) - 3


def test_the_picture_has_a_title_and_a_description_and_fits_a_light_and_a_dark_page() -> None:
    picture = draw()
    root = parse(picture)
    assert root.get("role") == "img"
    named = {part.get("id"): "".join(part.itertext()) for part in root if part.get("id") in ("title", "desc")}
    assert root.get("aria-labelledby") == "title desc"
    assert named["title"].startswith("20 clients: one server is lost")
    assert "21.9 s" in named["desc"]
    assert "prefers-color-scheme: dark" in picture
    assert not re.search(r"(src|href)=|@import|<script|url\((?!#)", picture)


def test_the_same_answers_give_the_same_picture() -> None:
    assert draw() == draw()


def test_a_drill_without_its_rotations_has_no_failover_picture() -> None:
    assert draw_silence_and_rotation(drill_of(20)[:2], Pace(), 20) is None


def test_a_wait_is_a_time_without_a_good_answer_of_more_than_two_beats() -> None:
    seen = observe("x", [], 24)
    assert find_waits(on_ex01(24), seen) == []
    assert find_waits(waiting(24), seen) == [Wait(start=0.0, end=SINCE + WAITED - SINCE)]
    assert find_waits(on_ex01(20), seen) == [Wait(start=20.0, end=24.0)], "not served until the end"
    assert find_waits(ClientRecord(beats=(), moves=()), seen) == [Wait(start=0.0, end=24.0)]
    assert longest_wait(observe("x", [on_ex01(20), waiting(24)], 24)) == find_waits(waiting(24), seen)[0]
    assert longest_wait(observe("x", [on_ex01(24)], 24)) is None
