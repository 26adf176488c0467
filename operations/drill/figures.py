"""What an observation says in figures. A gap is the longest time between two good answers, once a server was lost."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from operations.drill.client import SHORTEST_PATIENCE, Beat, Move
from operations.drill.outlook import Timers


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the drill itself took on this computer; `cpu_share` 1.0 is one processor."""

    requests_per_second: float
    memory_mib: float
    cpu_share: float
    processors: int


@dataclass(frozen=True, kw_only=True)
class Beats:
    """All of one client."""

    beats: tuple[Beat, ...]
    moves: tuple[Move, ...]


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """How one client fared. `before` and `after` are servers ("" for none); `tried` the addresses that failed."""

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
    """Of all clients: counts, and gaps in seconds. `unserved` clients had no good answer at the end."""

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
        """Whether every client was served again in time; without clients nothing was."""
        return self.clients > 0 and not self.unserved and self.worst <= budget


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One loss: `since` and `until` are time.monotonic(), as the clients' times are; `beat` is in seconds."""

    title: str
    beat: float
    since: float
    until: float
    clients: tuple[Beats, ...]
    machine: Machine
    timers: Timers

    @cached_property
    def recoveries(self) -> tuple[Recovery, ...]:
        return tuple(recovery(client, self.since, self.until, self.beat) for client in self.clients)

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


def recovery(client: Beats, since: float, until: float, beat: float) -> Recovery:
    good = [row for row in client.beats if row.server]
    before = [row for row in good if row.at <= since]
    after = [row for row in good if row.at > since]
    times = [before[-1].at if before else since, *(row.at for row in after), until]
    gap = max(later - earlier for earlier, later in pairwise(times))
    failed = sum(not row.server and row.at > since for row in client.beats)
    # A client that still waits for its next answer, no longer than it waits for any, is served.
    waits = beat + max(beat, SHORTEST_PATIENCE)
    served = bool(client.beats and client.beats[-1].server) and until - times[-2] <= waits
    # asked before the loss, answered by it
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


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that so many per cent do not exceed (nearest rank); 0 without values."""
    return ordered[math.ceil(share / 100 * len(ordered)) - 1] if ordered else 0.0
