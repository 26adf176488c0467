"""The figures of an observation. A gap is the longest time between two good answers of one client after a loss."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from operations.drill.beats import Beat, Move
from operations.drill.client import SHORTEST_PATIENCE
from operations.drill.outlook import Timers


@dataclass(frozen=True, kw_only=True)
class DrillLoad:
    """What the drill itself used on this computer; a `cpu_share` of 1.0 is one processor."""

    requests_per_second: float
    memory_mib: float
    cpu_share: float
    processors: int


@dataclass(frozen=True, kw_only=True)
class ClientRecord:
    """Every request and every new connection of one client."""

    beats: tuple[Beat, ...]
    moves: tuple[Move, ...]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What happened to a server, and when; `until` is the end of what takes time. Both are time.monotonic()."""

    text: str
    at: float
    until: float | None = None


@dataclass(frozen=True, kw_only=True)
class Wait:
    """A client without a good answer, in seconds from the loss."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """How one client recovered. `before` and `after` are servers ("": none); `tried` are the addresses that failed."""

    gap: float
    failed: int
    noticed: bool
    before: str
    after: str
    dead_first: bool
    tried: tuple[str, ...]

    @property
    def moved(self) -> bool:
        return self.after not in ("", self.before)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Counts of clients, and gaps in seconds. `unserved` clients had no good answer at the end."""

    clients: int
    noticed: int
    moved: int
    dead_first: int
    unserved: int
    median: float
    p95: float
    worst: float
    failed_requests: int

    def within(self, budget: float) -> bool:
        """Whether there are clients, and each was served again within `budget` seconds."""
        return self.clients > 0 and not self.unserved and self.worst <= budget


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One loss from `since` until `until` (time.monotonic(), like the clients' times); `beat` is in seconds.

    `marks` say what happened to servers meanwhile, where that is more than the loss at `since`.
    """

    title: str
    beat: float
    since: float
    until: float
    clients: tuple[ClientRecord, ...]
    load: DrillLoad
    timers: Timers
    marks: tuple[Mark, ...] = ()

    @cached_property
    def recoveries(self) -> tuple[Recovery, ...]:
        return tuple(measure_recovery(client, self.since, self.until, self.beat) for client in self.clients)

    @cached_property
    def figures(self) -> Figures:
        rows = self.recoveries
        gaps = sorted(row.gap for row in rows)
        return Figures(
            clients=len(rows),
            noticed=sum(row.noticed for row in rows),
            moved=sum(row.moved for row in rows),
            dead_first=sum(row.dead_first for row in rows),
            unserved=sum(not row.after for row in rows),
            median=statistics.median(gaps) if gaps else 0.0,
            p95=percentile(gaps, 95),
            worst=max(gaps, default=0.0),
            failed_requests=sum(row.failed for row in rows),
        )


def measure_recovery(client: ClientRecord, since: float, until: float, beat: float) -> Recovery:
    good = [row for row in client.beats if row.server]
    before = [row for row in good if row.at <= since]
    after = [row for row in good if row.at > since]
    times = [before[-1].at if before else since, *(row.at for row in after), until]
    gap = max(later - earlier for earlier, later in pairwise(times))
    failed = sum(not row.server and row.at > since for row in client.beats)
    # A client whose next answer is not overdue counts as served.
    waits = beat + max(beat, SHORTEST_PATIENCE)
    served = bool(client.beats and client.beats[-1].server) and until - times[-2] <= waits
    # A request that was sent up to one beat before the loss can be the one that the loss ended.
    moves = [row for row in client.moves if row.at > since - beat and not row.impatient]
    return Recovery(
        gap=gap,
        failed=failed,
        noticed=gap > 2 * beat or failed > 0,
        before=before[-1].server if before else "",
        after=good[-1].server if served else "",
        dead_first=bool(moves and moves[0].failed),
        tried=tuple(dict.fromkeys(attempt.address for move in moves for attempt in move.failed)),
    )


def find_waits(client: ClientRecord, seen: Observation) -> list[Wait]:
    """Each time without a good answer that a user notices: over two beats, after the loss."""
    good = [beat.at - seen.since for beat in client.beats if beat.server]
    end = seen.until - seen.since
    pairs = pairwise([*good, end] if good else [0.0, end])
    return [Wait(start=first, end=last) for first, last in pairs if last > 0 and last - first > 2 * seen.beat]


def longest_wait(seen: Observation) -> Wait | None:
    waits = (wait for client in seen.clients for wait in find_waits(client, seen))
    return max(waits, key=lambda wait: wait.seconds, default=None)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` per cent of the values do not exceed (nearest rank); 0 without values."""
    return ordered[math.ceil(share / 100 * len(ordered)) - 1] if ordered else 0.0
