"""The failover drill of a rehearsal: each loss in turn while clients work, each measured against its promise."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from operations.drill import ClientFaultError, DrillClients, Mark, Observation, Profile, Route
from operations.drill.outlook import SYN_SECONDS, Timers
from operations.drill.report import DrillResult
from rehearsal import losses
from rehearsal.losses import LOSSES, Loss
from rehearsal.rehearsal import MAILBOX, Rehearsal
from rehearsal.stand_ins.dns import AzureDns
from rehearsal.stand_ins.server import ServerStandIn
from stacks.arguments import PROJECT

BEAT = 0.5
FEW_BEATS = 4
STUCK_SECONDS = 3.0  # how long a server answers 503 before it is taken out of DNS
ROTATION_OUT, ROTATION_IN = "rotation: out", "rotation: in"


class DrillFailedError(Exception):
    """The drill could not be run. A missed promise is a result, not an error."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Waits in seconds. `ttl` and `drain` are shorter than a stack's defaults (300, TTL + 60).

    `syn` is how long clients wait for a silent server, by the number of retransmissions; the default was measured on
    Windows. `slack` is what a hard loss may take, and what is allowed on top of a timer.
    """

    ttl: int = 4
    drain: int = 6
    slack: float = 2.0
    syn: Mapping[int, float] = field(default_factory=lambda: SYN_SECONDS)


@dataclass(kw_only=True)
class Drill:
    """`number` clients work while `server`, which the stack file calls `key`, is lost and restored."""

    rehearsal: Rehearsal
    console: Console
    number: int
    key: str
    server: ServerStandIn
    pace: Pace = Pace()

    def run_losses(self) -> Iterator[DrillResult]:
        """Every loss, each followed by its repair."""
        for loss in LOSSES:
            yield self.lose(loss)
        yield self.answer_503()
        yield from self.rotate_out_and_in()

    def lose(self, loss: Loss) -> DrillResult:
        """A loss after which every client must be served again, without a failed request."""
        seconds = self.pace.syn[loss.retransmissions] if loss.retransmissions else 0.0
        promise = seconds + self.pace.slack
        with self.clients(Timers(connect=seconds) if seconds else Timers()) as clients:
            since = time.monotonic()
            loss.cause(self.server)
            clients.wait(promise + self.pace.slack, since)
            seen = clients.observe(loss.title, since, (self._mark(loss.event, since),))
        losses.restore_server(self.server, self.rehearsal.organisation)
        figures = seen.figures
        kept = figures.within(promise) and not figures.failed_requests
        return DrillResult(observation=seen, promise=f"every client served again within {promise:g} s", kept=kept)

    def answer_503(self) -> DrillResult:
        """The server answers 503: no client recovers until `inRotation: false` takes the server out of DNS."""
        ttl, slack = self.pace.ttl, self.pace.slack
        with self.clients(Timers()) as clients:
            since = time.monotonic()
            losses.make_unavailable(self.server, self.rehearsal.organisation)
            stuck = not clients.wait(STUCK_SECONDS, since)
            self.console.print(f"  503: {self.number - clients.served(since)} clients not served, and no end to it")
            taken_out = time.monotonic()
            self.rotate(False)
            left_dns = self._last_time_in_dns()
            clients.wait(ttl + slack, left_dns)
            marks = self._mark("answers 503", since), self._mark("is taken out", taken_out)
            seen = clients.observe("503, then taken out", since, marks)
        losses.restore_server(self.server, self.rehearsal.organisation)
        self.rotate(True)
        recovery_seconds = max((_last_failure(seen, since) - left_dns), 0.0)
        return DrillResult(
            observation=seen,
            promise=f"does not heal without help; heals within the TTL ({ttl} s) + {slack:g} s of leaving DNS",
            kept=stuck and not seen.figures.unserved and recovery_seconds <= ttl + slack,
        )

    def rotate_out_and_in(self) -> Iterator[DrillResult]:
        with self.clients(Timers()) as clients:
            for title, in_rotation in ((ROTATION_OUT, False), (ROTATION_IN, True)):
                since = time.monotonic()
                self.rotate(in_rotation)
                ended = time.monotonic()
                clients.wait(self.pace.ttl + self.pace.slack, ended, beats=2 * FEW_BEATS)
                event = "returns (pulumi up)" if in_rotation else "goes out (pulumi up)"
                seen = clients.observe(title, since, (self._mark(event, since, ended),))
                figures = seen.figures
                kept = not figures.failed_requests and not figures.unserved and figures.worst <= self.pace.slack
                yield DrillResult(observation=seen, promise="no failed request", kept=kept)

    def _mark(self, event: str, at: float, until: float | None = None) -> Mark:
        return Mark(text=f"{self.server.computer_name} {event}", at=at, until=until)

    @contextmanager
    def clients(self, timers: Timers) -> Iterator[DrillClients]:
        """All clients, once each has had a few good answers."""
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
            with DrillClients(self.number, profile, route, beat=BEAT) as clients:
                # No longer: once the TTL is over, clients look the name up again and try the servers in another order.
                if not clients.wait(30, 0.0):
                    raise DrillFailedError("Not every client found a server:\n" + "\n".join(clients.last_errors()))
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
        """Sets the server's `inRotation` and runs `pulumi up`."""

        def edit(config: dict[str, Any]) -> None:
            config[f"{PROJECT}:servers"][self.key]["inRotation"] = in_rotation

        self.rehearsal.stack.change(edit)
        self.rehearsal.stack.up()

    def _last_time_in_dns(self) -> float:
        """The time of the last DNS answer that had the server's address."""
        return max(row.at for row in self._dns.queries if self.server.addresses[0] in row.values)


def _last_failure(seen: Observation, since: float) -> float:
    failures = (row.at for client in seen.clients for row in client.beats if not row.server and row.at > since)
    return max(failures, default=since)
