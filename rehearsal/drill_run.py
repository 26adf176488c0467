"""`make drill`: a rehearsal of one stack with short waits, every loss in it, and the reports."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from operations.drill.failover import Panel, draw_failover
from operations.drill.figures import Observation
from operations.drill.outlook import SYN_SECONDS
from operations.drill.page import build_report_page
from operations.drill.report import DrillResult, build_result_table, describe_load, results_as_json
from rehearsal import limits, stack_file
from rehearsal.drill import ROTATION_IN, ROTATION_OUT, Drill, Pace
from rehearsal.losses import SILENCE
from rehearsal.rehearsal import Rehearsal
from rehearsal.tools import REPOSITORY, Tools, relative_to_here
from stacks.arguments import PROJECT
from stacks.file import dump_stack_file, read_stack_file

HEALTH = 60  # seconds; a stack's default is 300
FOLDER = REPOSITORY / ".rehearsal" / "drill"


def run_drill(
    stack: str,
    tools: Tools,
    console: Console,
    *,
    clients: int = 20,
    budget: float = 20,
    folder: Path = FOLDER,
    pace: Pace | None = None,
) -> bool:
    """Whether every promise was kept. Writes report.html, report.json and failover.svg into `folder`.

    After an interruption the reports have the losses until then. `budget` (seconds) is reported beside the promises: a
    silent server cannot keep 20 s, and the table shows that.
    """
    pace = pace or Pace()
    timers = "as long as those of Windows" if pace.syn == SYN_SECONDS else "shortened, too"
    console.print(
        f"A drill of {clients} clients on this computer. Waits are shortened: dns.ttlSeconds {pace.ttl}, "
        f"rotation.drainSeconds {pace.drain}; the TCP timers of clients are {timers}."
    )
    limits.print_limits(console, scripts_run=tools.powershell is not None)
    heading = f"A rehearsal of stack {stack}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {clients} clients"
    results: list[DrillResult] = []
    try:
        _run_losses(stack, tools, console, clients, folder, results, pace)
    except BaseException:
        heading += ", interrupted"
        raise
    finally:
        if results:
            _write_reports(results, f"{heading}.", budget, folder, pace, console)
    limits.print_limits(console, scripts_run=tools.powershell is not None)
    return all(result.kept for result in results)


def _run_losses(
    stack: str, tools: Tools, console: Console, clients: int, folder: Path, results: list[DrillResult], pace: Pace
) -> None:
    """Appends to `results`, loss by loss. Every loss is one of the last server of the stack file."""
    with tempfile.TemporaryDirectory() as scratch:
        source = _write_quick_file(stack, Path(scratch, f"Pulumi.{stack}.yaml"), pace)
        with Rehearsal(stack, folder, tools, source=source) as rehearsal:
            rehearsal.stack.up()
            key = sorted(rehearsal.file.farm.servers)[-1]
            server = rehearsal.datacentre.servers[rehearsal.file.farm.servers[key].computer_name]
            drill = Drill(rehearsal=rehearsal, console=console, number=clients, key=key, server=server, pace=pace)
            for result in drill.run_losses():
                kept = "kept" if result.kept else "missed"
                worst = result.observation.figures.worst
                console.print(f"  {result.observation.title}: longest gap {worst:.2f} s, promise {kept}")
                results.append(result)
            rehearsal.stack.destroy()


def _write_reports(
    results: list[DrillResult], heading: str, budget: float, folder: Path, pace: Pace, console: Console
) -> None:
    console.print(build_result_table(results, budget))
    console.print(describe_load(results))
    (folder / "report.html").write_text(build_report_page(results, heading, budget), encoding="utf-8")
    (folder / "report.json").write_text(results_as_json(results, budget), encoding="utf-8")
    console.print(f"Report: {relative_to_here(folder / 'report.html')}")
    if picture := draw_silence_and_rotation(results, pace, budget):
        (folder / "failover.svg").write_text(picture, encoding="utf-8")
        console.print(f"Picture: {relative_to_here(folder / 'failover.svg')}")


def draw_silence_and_rotation(results: list[DrillResult], pace: Pace, budget: float) -> str | None:
    """The failover picture (SVG), or None where the drill did not get as far as the rotations."""
    seen = {result.observation.title: result.observation for result in results}
    if not {SILENCE.title, ROTATION_OUT, ROTATION_IN} <= seen.keys():
        return None
    silence, out, back = seen[SILENCE.title], seen[ROTATION_OUT], seen[ROTATION_IN]
    # The same clients live through both rotations, and the second observation has all their requests.
    rotation = replace(back, title="rotation", since=out.since, marks=out.marks + back.marks)
    panels = [
        Panel(title="A server falls silent", sentence=describe_silence(silence, budget), observation=silence),
        Panel(title="A planned rotation, out and back", sentence=describe_rotation(rotation), observation=rotation),
    ]
    title = f"{len(silence.clients)} clients: one server is lost, then one is taken out as planned"
    timers = "wait as long as Windows does" if pace.syn == SYN_SECONDS else "have shortened timers"
    caption = (
        f"Measured by `make drill`: TCP and DNS are real, clients {timers}, servers are stand-ins; "
        f"TTL {pace.ttl} s, drain {pace.drain} s."
    )
    return draw_failover(panels, title, caption, budget)


def describe_silence(seen: Observation, budget: float) -> str:
    figures = seen.figures
    verdict = "within" if figures.within(budget) else "over"
    return (
        f"{figures.dead_first} of {figures.clients} clients try the silent server first and wait, at most "
        f"{figures.worst:.1f} s: {verdict} the promise of {budget:g} s, because TCP waits {seen.timers.connect:g} s "
        f"for an address that does not answer. {_failed_requests(seen)}."
    )


def describe_rotation(seen: Observation) -> str:
    return (
        "The server leaves DNS, serves clients that still know its address, closes their connections, goes offline. "
        f"{_failed_requests(seen)}; the longest time between two answers is {seen.figures.worst:.1f} s."
    )


def _failed_requests(seen: Observation) -> str:
    failed = seen.figures.failed_requests
    return f"{failed} request{'s fail' if failed > 1 else ' fails'}" if failed else "No request fails"


def _write_quick_file(stack: str, target: Path, pace: Pace) -> Path:
    """A copy of the stack file with short waits that allows to take one of two servers out of rotation."""
    config = read_stack_file(stack_file.find_stack_file(stack), PROJECT).config
    config[f"{PROJECT}:dns"] = {**config.get(f"{PROJECT}:dns", {}), "ttlSeconds": pace.ttl}
    config[f"{PROJECT}:rotation"] = {"drainSeconds": pace.drain, "healthSeconds": HEALTH}
    config[f"{PROJECT}:allowSingleServer"] = True
    target.write_text(dump_stack_file({"config": config}), encoding="utf-8")
    return target
