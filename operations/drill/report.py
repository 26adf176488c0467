"""The results of a drill: a table for the terminal, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

from operations.drill.figures import Observation
from operations.terminal import build_table

COLUMNS = ("loss", "clients", "noticed", "moved", "dead first", "median", "p95", "worst", "failed")


@dataclass(frozen=True, kw_only=True)
class DrillResult:
    """An observation, the promise it is measured against (a sentence), and whether that promise was kept."""

    observation: Observation
    promise: str
    kept: bool


def judge_observation(observation: Observation, budget: float) -> DrillResult:
    """The promise is kept where every client is served again within `budget` seconds."""
    kept = observation.figures.within(budget)
    return DrillResult(observation=observation, promise=f"every client served again within {budget:g} s", kept=kept)


def result_cells(result: DrillResult) -> list[str]:
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


def column_heads(budget: float) -> tuple[str, ...]:
    """The heads of `result_cells`, of `within_budget` and of the promise."""
    return (*COLUMNS, f"within {budget:g} s", "promise")


def within_budget(result: DrillResult, budget: float) -> str:
    return "yes" if result.observation.figures.within(budget) else "no"


def build_result_table(results: Sequence[DrillResult], budget: float) -> Table:
    """For a terminal, which is too narrow for the promises' sentences: the page has those."""
    title = "Gaps: the longest time between two good answers, per client"
    table = build_table(*column_heads(budget), title=title)
    for result in results:
        verdict = within_budget(result, budget)
        kept = "[green]kept[/green]" if result.kept else "[red]missed[/red]"
        table.add_row(*result_cells(result), verdict if verdict == "yes" else f"[red]{verdict}[/red]", kept)
    return table


def describe_load(results: Sequence[DrillResult]) -> str:
    """What the drill itself used, in one line."""
    rows = [result.observation.load for result in results]
    if not rows:
        return ""
    return (
        f"the drill itself: {max(row.requests_per_second for row in rows):.0f} requests/s, "
        f"{max(row.memory_mib for row in rows):.0f} MiB, {max(row.cpu_share for row in rows):.0%} of one of "
        f"{rows[0].processors} processors"
    )


def results_as_json(results: Sequence[DrillResult], budget: float) -> str:
    """Every figure and every answer; times are seconds from the loss."""
    return json.dumps([_result_document(result, budget) for result in results], indent=2)


def _result_document(result: DrillResult, budget: float) -> dict[str, object]:
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
        "machine": asdict(observation.load),
        "clients": clients,
    }
