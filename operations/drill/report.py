"""What a drill says: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

from operations.drill.figures import Observation
from operations.terminal import build_table

COLUMNS = ("loss", "clients", "noticed", "moved", "dead first", "median", "p95", "worst", "failed")


@dataclass(frozen=True, kw_only=True)
class Result:
    """An observation and the promise it is held against; `kept` and `promise` in words for people."""

    observation: Observation
    promise: str
    kept: bool


def judged(observation: Observation, budget: float) -> Result:
    """Against one budget, in seconds: every client is served again within it."""
    kept = observation.figures.within(budget)
    return Result(observation=observation, promise=f"every client served again within {budget:g} s", kept=kept)


def cells(result: Result) -> list[str]:
    """One row below COLUMNS."""
    row = result.observation.figures

    def share(part: int) -> str:
        return f"{part / row.clients:.0%}" if row.clients else "-"

    worst = f"{row.worst:.2f} s" if not row.unserved else f"over {row.worst:.2f} s ({row.unserved} not served)"
    return [
        result.observation.title,
        str(row.clients),
        share(row.noticed),
        share(row.moved),
        share(row.dead_first),
        f"{row.median:.2f} s",
        f"{row.p95:.2f} s",
        worst,
        str(row.failed_requests),
    ]


def heads(budget: float) -> tuple[str, ...]:
    """What stands above each row of `cells`, a verdict on the budget (in seconds), and the promise."""
    return (*COLUMNS, f"within {budget:g} s", "promise")


def within(result: Result, budget: float) -> str:
    return "yes" if result.observation.figures.within(budget) else "no"


def table(results: Sequence[Result], budget: float) -> Table:
    """Without the promises' words, which stand in the page: a terminal is narrow."""
    title = "Gaps: the longest time between two good answers, per client"
    made = build_table(*heads(budget), title=title)
    for result in results:
        verdict = within(result, budget)
        kept = "[green]kept[/green]" if result.kept else "[red]missed[/red]"
        made.add_row(*cells(result), verdict if verdict == "yes" else f"[red]{verdict}[/red]", kept)
    return made


def machine(results: Sequence[Result]) -> str:
    """The machine's own figures, in one line."""
    rows = [result.observation.machine for result in results]
    if not rows:
        return ""
    return (
        f"the drill itself: {max(row.requests_per_second for row in rows):.0f} requests/s, "
        f"{max(row.memory_mib for row in rows):.0f} MiB, {max(row.cpu_share for row in rows):.0%} of one of "
        f"{rows[0].processors} processors"
    )


def as_json(results: Sequence[Result], budget: float) -> str:
    """Everything; times are seconds from the loss."""
    return json.dumps([_plain(result, budget) for result in results], indent=2)


def _plain(result: Result, budget: float) -> dict[str, object]:
    observation = result.observation
    since = observation.since
    clients = [
        {
            **asdict(recovery),
            "moved": recovery.moved,
            "beats": [
                {
                    "at": round(beat.at - since, 3),
                    "server": beat.server,
                    **({"error": beat.error} if beat.error else {}),
                }
                for beat in client.beats
            ],
        }
        for client, recovery in zip(observation.clients, observation.recoveries, strict=True)
    ]
    return {
        "loss": observation.title,
        "kept": result.kept,
        "promise": result.promise,
        "budgetSeconds": budget,
        "withinBudget": observation.figures.within(budget),
        "seconds": round(observation.until - since, 3),
        "beatSeconds": observation.beat,
        "connectTimerSeconds": observation.timers.connect,
        "figures": asdict(observation.figures),
        "machine": asdict(observation.machine),
        "clients": clients,
    }
