"""Speed and memory of the program on the real engine, measured side by side in one run: `make bench`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import psutil
import typer
import yaml
from rich.console import Console
from rich.table import Table

from rehearsal import stack_file, tools
from rehearsal.rehearsal import Rehearsal
from rehearsal.stack import EngineStack
from rehearsal.tools import REPOSITORY, Tools
from stacks.arguments import PROJECT

# What the lab stack's preview imports, and nothing else: the floor of any program with these resources.
BARE_PROGRAM = """\
import pulumi
import pulumi_azure_native as azure
from pulumi_command import remote

used = [
    azure.resources.ResourceGroup, azure.network.VirtualNetwork, azure.compute.VirtualMachine,
    azure.privatedns.PrivateZone, azure.devtestlab.GlobalSchedule, remote.Command,
]
"""
BARE_PROJECT = {"name": "bare", "runtime": {"name": "python", "options": {"toolchain": "pip"}}}
SAMPLE_SECONDS = 0.05
# What is aimed at: previews against the bare imports at two servers, and seconds for each further server.
MOST_RATIO, MOST_SECONDS_PER_SERVER = 1.3, 0.05
MOST_SECONDS_OF_REVIEW = 1


def measure(tools: Tools, folder: Path, console: Console, rounds: int, counts: list[int]) -> None:
    with ExitStack() as opened:
        labs = {
            count: opened.enter_context(Rehearsal("lab", folder / str(count), tools, source=lab_of(count, folder)))
            for count in sorted(counts)
        }
        first, last = min(labs), max(labs)
        bare, *previews = previews_of(labs, bare_stack(labs[first].folder / "bare", tools), rounds, console)
        review, started = review_of(labs[last], rounds)
        table = Table("servers", "preview", "ratio to bare imports", "up", "per server", "peak memory of up")
        for (count, lab), preview in zip(labs.items(), previews, strict=True):
            console.print(f"up of {count} servers …")
            with peak_memory() as peak:
                up = seconds_of(lab.stack.up)
            table.add_row(
                str(count),
                f"{preview:.2f} s",
                f"{preview / bare:.2f}",
                f"{up:.1f} s",
                f"{up / count:.1f} s",
                f"{max(peak) / 2**20:.0f} MiB",
            )
    console.print(table)
    console.print(f"aim: ratio ≤ {MOST_RATIO} at two servers; the least of {rounds} rounds, {os.cpu_count()} cores")
    if last > first:
        each = (previews[-1] - previews[0]) / (last - first)
        console.print(f"preview per further server: {each:.3f} s (aim: ≤ {MOST_SECONDS_PER_SERVER} s)")
    console.print(
        f"review of the preview with {last} servers: {review:.2f} s (aim: < {MOST_SECONDS_OF_REVIEW} s), "
        f"{review / started:.2f} times the command's bare start"
    )


def previews_of(labs: Mapping[int, Rehearsal], bare: EngineStack, rounds: int, console: Console) -> list[float]:
    """Least seconds of the bare imports, and of a preview of each lab.

    In turn, so that all meet the same load of this computer, and the least, because other load only ever adds.
    """
    stacks = [bare, *(lab.stack for lab in labs.values())]
    measured = []
    for number in range(1, rounds + 1):
        console.print(f"previews, round {number} of {rounds} …")
        measured.append([seconds_of(stack.preview) for stack in stacks])
    return [min(column) for column in zip(*measured, strict=True)]


def review_of(rehearsal: Rehearsal, rounds: int) -> tuple[float, float]:
    """Least seconds of a review as it is typed, of the preview that makes the stack, and of the command's help."""
    file = rehearsal.folder / "preview.json"
    file.write_text(json.dumps(rehearsal.stack.preview()), encoding="utf-8")

    def seconds(*words: str) -> float:
        command = [sys.executable, "-m", "operations", *words]
        return seconds_of(lambda: subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True))

    pairs = [(seconds("review", str(file)), seconds("--help")) for _ in range(rounds)]
    review, started = (min(column) for column in zip(*pairs, strict=True))
    return review, started


def lab_of(count: int, folder: Path) -> Path:
    content = yaml.safe_load(stack_file.find_stack_file("lab").read_text(encoding="utf-8"))
    content["config"][f"{PROJECT}:servers"] = {
        f"ex{n:02}": {"computerName": f"EX{n:02}", "address": f"10.40.0.{n + 10}"} for n in range(1, count + 1)
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"Pulumi.lab-{count}.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def bare_stack(folder: Path, tools: Tools) -> EngineStack:
    program = folder / "program"
    program.mkdir(parents=True, exist_ok=True)
    (program / "__main__.py").write_text(BARE_PROGRAM, encoding="utf-8")
    (program / "Pulumi.yaml").write_text(yaml.safe_dump(BARE_PROJECT), encoding="utf-8")
    stack = EngineStack("bare", folder / "pulumi", tools, {}, stack_file.create_password(), program)
    stack.write({}, {})
    return stack


def seconds_of(run: Callable[[], object]) -> float:
    started = time.monotonic()
    run()
    return time.monotonic() - started


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Bytes in use by the engine and all it starts; stand-ins of providers run in this process and do not count."""
    seen, ended = [0], threading.Event()

    def sample() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            with suppress(psutil.NoSuchProcess):  # one that ends while it is looked at; the next sample sees the rest
                seen.append(sum(process.memory_info().rss for process in engine_processes()))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield seen
    finally:
        ended.set()
        sampler.join()


def engine_processes() -> Iterator[psutil.Process]:
    for child in psutil.Process().children():
        if child.name().startswith("pulumi"):
            yield child
            yield from child.children(recursive=True)


def main(
    rounds: Annotated[int, typer.Option(help="How often each preview is measured.")] = 8,
    servers: Annotated[list[int] | None, typer.Option(help="For which numbers of servers.")] = None,
) -> None:
    """Speed and memory, as ratios measured side by side in one run."""
    folder, console = REPOSITORY / ".rehearsal" / "bench", Console(highlight=False)
    measure(tools.find_tools(), folder, console, rounds, servers or [2, 4, 8, 20])


if __name__ == "__main__":
    typer.run(main)
