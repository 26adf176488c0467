"""The steps of one rehearsal, in the order in which a user takes them: each is shown on the screen and checked."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.padding import Padding

from operations.check.settings import format_setting_value
from operations.check.verify import Drift, find_drift
from operations.drill.outlook import OutlookClient
from operations.result import State
from operations.stack import read_stack
from rehearsal.rehearsal import MAILBOX, Rehearsal
from rehearsal.tables import build_record_table, build_service_table

PROMISE_SECONDS = 20


class StoryFailedError(Exception):
    """A step did not end as promised."""


class Story:
    """Takes each step, shows it and checks it; raises StoryFailedError at the first that fails.

    `picture` is a second console, which gets the results without the times.
    """

    def __init__(self, rehearsal: Rehearsal, console: Console, picture: Console | None = None) -> None:
        self._rehearsal, self._console = rehearsal, console
        self._consoles = [console, *([picture] if picture else [])]
        self._scripts_run = rehearsal.tools.powershell is not None
        self._step = 0

    def run(self, *, keep: bool) -> None:
        """All steps; with `keep` without the last one, destroy."""
        with self._chapter("pulumi preview: what would be created"):
            self._preview()
        with self._chapter("pulumi up: servers, records, namespace"):
            self._up()
        with self._chapter("The result: one namespace on every server"):
            self._show_records()
            self._show_servers()
        with self._chapter("pulumi up again: nothing to do"):
            self._up_again()
        with self._chapter("A client finds a server, loses it and goes on with another"):
            self._lose_a_server()
        with self._chapter("A setting is changed by hand: found and repaired"):
            self._repair_drift()
        if keep:
            self._console.print(f"\nKept in {self._rehearsal.folder}. [bold]make look[/bold] shows it.")
            return
        with self._chapter("pulumi destroy: nothing is left"):
            self._destroy()

    @contextmanager
    def _chapter(self, title: str) -> Iterator[None]:
        self._step += 1
        self._console.print()
        self._print(f"[bold]{self._step}  {title}[/bold]")
        started = time.monotonic()
        yield
        self._console.print(f"   [dim]{time.monotonic() - started:.1f} s[/dim]")

    def _print_result(self, text: str) -> None:
        self._print(Padding(text, (0, 0, 0, 3)))

    def _print(self, content: RenderableType) -> None:
        for console in self._consoles:
            console.print(content)

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise StoryFailedError(otherwise)

    def _preview(self) -> None:
        summary = self._rehearsal.stack.preview()["changeSummary"]
        self._print_result(", ".join(f"{count} to {operation}" for operation, count in summary.items()))
        self._expect(self._rehearsal.datacentre.connections() == 0, "the preview connected to a server")

    def _up(self) -> None:
        update = self._rehearsal.stack.up(show=True)
        self._print_result(f"{len(update.changes)} resources created")

    def _show_records(self) -> None:
        self._print(build_record_table(self._rehearsal.azure.subscription.record_sets()))

    def _show_servers(self) -> None:
        servers = [server for server in self._find_drift().settings if server.settings]
        values: dict[str, dict[str, dict[str, str]]] = {}
        for server in servers:
            for row in server.settings:
                services = values.setdefault(server.server, {})
                services.setdefault(row.service, {})[row.setting] = format_setting_value(row.actual)
        self._print(build_service_table(values))
        drifted = sum(len(server.drifted) for server in servers)
        self._expect(drifted == 0, f"{drifted} settings differ from the stack")

    def _up_again(self) -> None:
        connections = self._rehearsal.datacentre.connections()
        calls = len(self._rehearsal.organisation.calls())
        update = self._rehearsal.stack.up()
        connections = self._rehearsal.datacentre.connections() - connections
        calls = len(self._rehearsal.organisation.calls()) - calls
        cmdlets = f", {calls} Exchange cmdlets" if self._scripts_run else ""
        self._print_result(f"{len(update.changes)} changes, {connections} SSH connections{cmdlets}")
        self._expect(not update.changes and connections == calls == 0, "the second run changed or connected")

    def _lose_a_server(self) -> None:
        with self._client() as client:
            first = client.connect()
            self._print_result(
                f"Autodiscover at [bold]{self._rehearsal.names.autodiscover}[/bold] → {first.host} → {first.address} "
                f"([bold]{first.server}[/bold], /{first.protocol}), certificate valid, {first.seconds:.2f} s"
            )
            lost = self._rehearsal.datacentre.server_at(first.address)
            lost.stop()
            self._print_result(f"{first.server} stops and refuses new connections, as with rejectClosedPorts")
            reply = client.request()
            self._expect(reply.moved is not None and reply.server != first.server, "the client did not move")
            self._print_result(
                f"the client goes on with [bold]{reply.server}[/bold] after [bold]{reply.seconds:.2f} s[/bold] "
                f"(promise: {PROMISE_SECONDS} s). A silent server costs 21 s, Windows' TCP timer."
            )
            self._expect(reply.seconds <= PROMISE_SECONDS, "the promise was not kept")
            lost.start()

    def _client(self) -> OutlookClient:
        rehearsal = self._rehearsal
        inside = rehearsal.file.farm.dns.private_zone is not None
        server = rehearsal.private_dns if inside else rehearsal.public_dns
        names = rehearsal.names
        return OutlookClient(
            mailbox=f"user@{names.client.partition('.')[2]}",
            user=MAILBOX,
            password=rehearsal.password,
            dns=(server.address, server.port),
            authority_pem=rehearsal.certificates.authority_pem,
            ports={443: rehearsal.datacentre.https_port},
            autodiscover_host=names.autodiscover if inside else names.external_autodiscover,
            inside=inside,
        )

    def _repair_drift(self) -> None:
        stack, organisation = self._rehearsal.stack, self._rehearsal.organisation
        _, server = sorted(stack.outputs()["servers"].items())[-1]
        name = server["computerName"]
        organisation.change(name, "owa", "InternalUrl", f"https://{name}.corp.example/owa")
        drift = self._find_drift()
        for server_drift in drift.settings:
            for row in server_drift.drifted:
                self._print_result(f"[red]{row.subject}[/red]: {row.detail}")
        self._expect(drift.heal is not None, "the drift was not found")
        self._print_result(f"repaired by: {drift.heal}")
        before = len(organisation.calls())
        stack.up(*shlex.split(drift.heal or "")[2:])
        self._expect(self._find_drift().heal is None, "the drift was not repaired")
        if self._scripts_run:
            written = [call for call in organisation.calls()[before:] if call.cmdlet.startswith("Set-")]
            names = ", ".join(f"{call.cmdlet} on {call.server}" for call in written)
            self._print_result(f"{len(written)} cmdlet wrote: {names}")
            self._expect(len(written) == 1, "the run wrote more than the drifted setting")

    def _find_drift(self) -> Drift:
        """The same check as `python -m operations drift`."""
        stack = self._rehearsal.stack
        drift = asyncio.run(find_drift(read_stack(stack.name, stack.project, stack.environment)))
        unread = [row for row in drift.findings() if row.state is State.UNSEEN]
        self._expect(not unread, "; ".join(f"{row.subject}: {row.detail}" for row in unread))
        return drift

    def _destroy(self) -> None:
        stack = self._rehearsal.stack
        protected = self._rehearsal.file.farm.protect
        if protected:
            self._print_result("the stack is protected: it is unprotected first, as you would do")
            stack.run("state", "unprotect", "--all", "--yes", "--stack", stack.name)
        update = stack.destroy(show=True)
        left = self._rehearsal.left_over()
        self._print_result(f"{len(update.changes)} resources deleted, {len(left)} left")
        self._expect(not left, f"left in the subscription: {', '.join(left)}")
