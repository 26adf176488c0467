"""The failover drill of a rehearsal: every loss in turn under the clients' load, each held against its promise."""

from __future__ import annotations

import ssl
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from operations.drill import ClientFaultError, Clients, Observation, Profile, Route
from operations.drill.outlook import SYN_SECONDS, Timers
from operations.drill.page import page
from operations.drill.report import Result, as_json, machine, table
from rehearsal import limits, losses, stack_file
from rehearsal.rehearsal import MAILBOX, Rehearsal
from rehearsal.stand_ins.dns import AzureDns
from rehearsal.stand_ins.server import ServerStandIn
from rehearsal.tools import REPOSITORY, Tools, relative
from stacks.arguments import PROJECT
from stacks.file import dump_stack_file, read_stack_file

HEALTH = 60  # seconds; a stack's own are 300
FOLDER = REPOSITORY / ".rehearsal" / "drill"
BEAT = 0.5
FEW_BEATS = 4
STUCK_SECONDS = 3.0  # how long a server that answers 503 is watched before it is taken out


class DrillFailedError(Exception):
    """The drill could not be held; a promise that is missed is a result, not an error."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Waits in seconds. `ttl` and `drain` are short (a stack's own: 300 and TTL + 60).

    `syn` is how long a silent server is waited for, by the number of retransmissions: what Windows was measured to
    wait. `slack` is what a hard loss may take, and what may come on top of a timer.
    """

    ttl: int = 4
    drain: int = 6
    slack: float = 2.0
    syn: Mapping[int, float] = field(default_factory=lambda: SYN_SECONDS)


@dataclass(kw_only=True)
class Drill:
    """Every loss takes the second server of the stack file; `number` clients live through each."""

    rehearsal: Rehearsal
    console: Console
    number: int
    key: str
    server: ServerStandIn
    pace: Pace = Pace()

    def all(self) -> Iterator[Result]:
        """Each loss, made and healed again."""
        yield self.hard("orderly stop, every port refuses", losses.stop)
        yield self.hard("crash (reset), port refuses", losses.refuse)
        yield self.silent("web site stopped, as Windows comes", losses.stop_web_site, 4)
        yield self.silent("silence, as Windows comes", losses.silence, 4)
        yield self.silent("silence, tuned", losses.silence, 2)
        yield self.unavailable()
        yield from self.rotation()

    def hard(self, title: str, make: Callable[[ServerStandIn], None]) -> Result:
        return self._lost(title, make, self.pace.slack, Timers())

    def silent(self, title: str, make: Callable[[ServerStandIn], None], retransmissions: int) -> Result:
        seconds = self.pace.syn[retransmissions]
        return self._lost(title, make, seconds + self.pace.slack, Timers(connect=seconds))

    def unavailable(self) -> Result:
        """Watched while nothing heals it, then taken out of DNS, which does."""
        ttl, slack = self.pace.ttl, self.pace.slack
        with self.clients(Timers()) as clients:
            since = time.monotonic()
            losses.unavailable(self.server, self.rehearsal.organisation)
            stuck = not clients.wait(STUCK_SECONDS, since)
            self.console.print(f"  503: {self.number - clients.served(since)} clients not served, and no end to it")
            self.rotate(False)
            left = self._left()
            clients.wait(ttl + slack, left)
            seen = clients.observe("503, then taken out", since)
        losses.restore(self.server, self.rehearsal.organisation)
        self.rotate(True)
        healed = max((_last_failure(seen, since) - left), 0.0)
        return Result(
            observation=seen,
            promise=f"does not heal by itself; healed within the TTL ({ttl} s) + {slack:g} s of leaving DNS",
            kept=stuck and not seen.figures.unserved and healed <= ttl + slack,
        )

    def rotation(self) -> Iterator[Result]:
        with self.clients(Timers()) as clients:
            for title, in_rotation in (("rotation: out", False), ("rotation: in", True)):
                since = time.monotonic()
                self.rotate(in_rotation)
                clients.wait(self.pace.ttl + self.pace.slack, time.monotonic(), beats=2 * FEW_BEATS)
                seen = clients.observe(title, since)
                figures = seen.figures
                kept = not figures.failed_requests and not figures.unserved and figures.worst <= self.pace.slack
                yield Result(observation=seen, promise="no failed request", kept=kept)

    def _lost(self, title: str, make: Callable[[ServerStandIn], None], promise: float, timers: Timers) -> Result:
        with self.clients(timers) as clients:
            since = time.monotonic()
            make(self.server)
            clients.wait(promise + self.pace.slack, since)
            seen = clients.observe(title, since)
        losses.restore(self.server, self.rehearsal.organisation)
        figures = seen.figures
        kept = figures.within(promise) and not figures.failed_requests
        return Result(observation=seen, promise=f"every client served again within {promise:g} s", kept=kept)

    @contextmanager
    def clients(self, timers: Timers) -> Iterator[Clients]:
        """All of them, served since a few beats."""
        rehearsal = self.rehearsal
        dns, names = self._dns, rehearsal.names
        route = Route(
            tls=ssl.create_default_context(cadata=rehearsal.certificates.authority_pem),
            dns=(dns.address, dns.port),
            port=rehearsal.datacentre.https_port,
            timers=timers,
        )
        profile = Profile(
            mailbox=f"user@{names.client.partition('.')[2]}",
            user=MAILBOX,
            password=rehearsal.password,
            inside=self._inside,
            autodiscover=names.autodiscover if self._inside else names.external_autodiscover,
        )
        try:
            with Clients(self.number, profile, route, beat=BEAT) as clients:
                if not clients.wait(30, 0.0):
                    raise DrillFailedError("Not every client found a server:\n" + "\n".join(clients.errors()))
                yield clients
        except ClientFaultError as error:
            raise DrillFailedError(str(error)) from error

    @property
    def _inside(self) -> bool:
        return self.rehearsal.file.farm.dns.private_zone is not None

    @property
    def _dns(self) -> AzureDns:
        return self.rehearsal.private_dns if self._inside else self.rehearsal.public_dns

    def rotate(self, in_rotation: bool) -> None:
        """The server in or out, through the engine."""

        def edit(config: dict[str, Any]) -> None:
            config[f"{PROJECT}:servers"][self.key]["inRotation"] = in_rotation

        self.rehearsal.stack.change(edit)
        self.rehearsal.stack.up()

    def _left(self) -> float:
        """When DNS last named the server: the time of its last answer with that address."""
        named = [row.at for row in self._dns.queries if self.server.addresses[0] in row.values]
        return max(named)


def _last_failure(seen: Observation, since: float) -> float:
    failures = (row.at for client in seen.clients for row in client.beats if not row.server and row.at > since)
    return max(failures, default=since)


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
    """Whether every promise was kept. report.html and report.json are written into `folder`, of what there is.

    `budget` (seconds) is shown beside the promises: a silent server cannot keep one of 20 s, and the table says so.
    """
    pace = pace or Pace()
    timers = "those of Windows" if pace.syn == SYN_SECONDS else "shortened, too"
    console.print(
        f"A drill of {clients} clients on this computer. Waits are short here: dns.ttlSeconds {pace.ttl}, "
        f"rotation.drainSeconds {pace.drain}; TCP's timers are {timers}."
    )
    limits.say(console, scripts_run=tools.powershell is not None)
    heading = f"A rehearsal of stack {stack}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {clients} clients"
    results: list[Result] = []
    try:
        _hold(stack, tools, console, clients, folder, results, pace)
    except BaseException:
        heading += ", broken off"
        raise
    finally:
        if results:
            _report(results, f"{heading}.", budget, folder, console)
    limits.say(console, scripts_run=tools.powershell is not None)
    return all(result.kept for result in results)


def _hold(
    stack: str, tools: Tools, console: Console, clients: int, folder: Path, results: list[Result], pace: Pace
) -> None:
    """Fills `results`, loss by loss."""
    with tempfile.TemporaryDirectory() as made:
        source = _quick(stack, Path(made, f"Pulumi.{stack}.yaml"), pace)
        with Rehearsal(stack, folder, tools, source=source) as rehearsal:
            rehearsal.stack.up()
            key = sorted(rehearsal.file.farm.servers)[-1]
            server = rehearsal.datacentre.servers[rehearsal.file.farm.servers[key].computer_name]
            drill = Drill(rehearsal=rehearsal, console=console, number=clients, key=key, server=server, pace=pace)
            for result in drill.all():
                kept = "kept" if result.kept else "missed"
                worst = result.observation.figures.worst
                console.print(f"  {result.observation.title}: worst gap {worst:.2f} s, promise {kept}")
                results.append(result)
            rehearsal.stack.destroy()


def _report(results: list[Result], heading: str, budget: float, folder: Path, console: Console) -> None:
    console.print(table(results, budget))
    console.print(machine(results))
    (folder / "report.html").write_text(page(results, heading, budget), encoding="utf-8")
    (folder / "report.json").write_text(as_json(results, budget), encoding="utf-8")
    console.print(f"Report: {relative(folder / 'report.html')}")


def _quick(stack: str, target: Path, pace: Pace) -> Path:
    """The stack file with short waits, in which one server may be taken out of two."""
    config = read_stack_file(stack_file.path_of(stack), PROJECT).config
    config[f"{PROJECT}:dns"] = {**config.get(f"{PROJECT}:dns", {}), "ttlSeconds": pace.ttl}
    config[f"{PROJECT}:rotation"] = {"drainSeconds": pace.drain, "healthSeconds": HEALTH}
    config[f"{PROJECT}:allowSingleServer"] = True
    target.write_text(dump_stack_file({"config": config}), encoding="utf-8")
    return target
