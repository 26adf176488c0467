"""The figures of an observation, from beats and moves written out here."""

from __future__ import annotations

import pytest

from operations.drill.beats import Beat, Move
from operations.drill.figures import ClientRecord, DrillLoad, Observation, measure_recovery, percentile
from operations.drill.outlook import Attempt, Timers

pytestmark = pytest.mark.unit

SINCE, BEAT = 100.0, 0.5
LOAD = DrillLoad(requests_per_second=1, memory_mib=1, cpu_share=0, processors=1)


def beats(*rows: tuple[float, str], moves: tuple[Move, ...] = ()) -> ClientRecord:
    """(when, server) of each answer; "" where there was none."""
    return ClientRecord(beats=tuple(Beat(asked=at - 0.1, at=at, server=server) for at, server in rows), moves=moves)


def move(at: float, *failed: str, to: str = "10.0.0.2", slow: str = "") -> Move:
    attempts = [Attempt(host="owa", address=one, step="connect", reason="no answer", seconds=21) for one in failed]
    return Move(at=at, failed=tuple(attempts), address=to, slow=slow)


STEADY = beats((99.8, "EX02"), (100.3, "EX02"), (100.8, "EX02"), (101.3, "EX02"))
MOVED = beats((99.7, "EX01"), (101.2, "EX02"), (101.7, "EX02"), moves=(move(101.1, "10.0.0.1"),))
FAILED = beats((99.9, "EX01"), (100.4, ""), (100.9, "EX01"), (101.4, "EX01"))
LOST = beats((99.9, "EX01"), (100.4, ""), (100.9, ""))


@pytest.mark.parametrize(
    ("client", "until", "gap", "noticed"),
    [
        pytest.param(STEADY, 101.5, 0.5, False, id="one beat"),
        pytest.param(MOVED, 102.0, 1.5, True, id="more than two beats"),
        pytest.param(beats((100.0, "EX01"), (101.0, "EX01")), 101.2, 1.0, False, id="two beats"),
        pytest.param(FAILED, 101.5, 1.0, True, id="a request that failed"),
        pytest.param(STEADY, 104.0, 2.7, True, id="silent until the end"),
        pytest.param(LOST, 104.0, 4.1, True, id="never again"),
    ],
)
def test_a_gap_is_the_longest_time_between_good_answers_and_more_than_two_beats_or_a_failure_is_noticed(
    client: ClientRecord, until: float, gap: float, noticed: bool
) -> None:
    found = measure_recovery(client, SINCE, until, BEAT)
    assert (round(found.gap, 6), found.noticed) == (gap, noticed)


def test_a_client_is_served_as_long_as_its_last_answer_is_good_and_at_most_two_beats_old() -> None:
    assert [measure_recovery(STEADY, SINCE, until, BEAT).after for until in (102.2, 102.4)] == ["EX02", ""]
    assert measure_recovery(LOST, SINCE, 101.0, BEAT).after == ""


def test_a_client_with_a_short_beat_is_served_until_its_patience_with_the_next_answer_is_over() -> None:
    assert [measure_recovery(STEADY, SINCE, until, 0.1).after for until in (101.85, 101.95)] == ["EX02", ""]


def test_the_first_move_after_the_loss_says_whether_a_client_tried_the_dead_address_first() -> None:
    found = measure_recovery(MOVED, SINCE, 102.0, BEAT)
    assert (found.before, found.after, found.moved, found.dead_first) == ("EX01", "EX02", True, True)
    assert found.tried == ("10.0.0.1",)
    later = beats((99.7, "EX01"), (102.0, "EX02"), moves=(move(101.0), move(101.5, "10.0.0.1")))
    assert not measure_recovery(later, SINCE, 102.0, BEAT).dead_first
    slow = beats((99.7, "EX01"), (100.2, "EX01"), moves=(move(100.1, to="10.0.0.1", slow="10.0.0.1"),))
    assert (measure_recovery(slow, SINCE, 100.4, BEAT).moved, measure_recovery(slow, SINCE, 100.4, BEAT).tried) == (
        False,
        (),
    )
    before = beats((99.0, "EX01"), (100.2, "EX01"), moves=(move(98.0, "10.0.0.1"),))
    assert measure_recovery(before, SINCE, 100.4, BEAT).tried == (), "a move before the loss does not count"


def test_figures_count_clients_and_take_the_worst_of_them() -> None:
    clients = (STEADY, MOVED, FAILED, LOST)
    seen = Observation(title="x", beat=BEAT, since=SINCE, until=101.8, clients=clients, load=LOAD, timers=Timers())
    figures = seen.figures
    assert (figures.clients, figures.noticed, figures.moved, figures.dead_first, figures.unserved) == (4, 3, 1, 1, 1)
    assert (figures.failed_requests, round(figures.worst, 6), round(figures.median, 6)) == (3, 1.9, 1.25)
    assert not figures.within(20), "a client without an answer at the end was not served in time"


def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed() -> None:
    assert [percentile([1.0, 2.0, 3.0, 4.0], share) for share in (25, 26, 95, 100)] == [1.0, 2.0, 4.0, 4.0]
    assert percentile([], 95) == 0.0
