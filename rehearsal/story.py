"""The story of one rehearsal, in the order in which a user meets it, shown on the screen."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding

from operations.check.settings import format_setting
from operations.check.verify import Drift, find_drift
from operations.drill.outlook import OutlookClient
from operations.result import State
from operations.stack import read_stack
from operations.terminal import build_table
from rehearsal import limits
from rehearsal.elsewhere import hosts_elsewhere
from rehearsal.proof import prove
from rehearsal.rehearsal import MAILBOX, Rehearsal
from rehearsal.tools import Tools, relative

PROMISE_SECONDS = 20


class StoryFailedError(Exception):
    """A step did not come out as promised."""


class Story:
    """Tells each step and checks it; the first that fails ends the story with StoryFailedError."""

    def __init__(self, rehearsal: Rehearsal, console: Console) -> None:
        self._rehearsal, self._console = rehearsal, console
        self._scripts_run = rehearsal.tools.powershell is not None
        self._step = 0

    def tell(self, *, keep: bool) -> None:
        """All steps; with `keep` the last one, destroy, is left out."""
        with self._chapter("pulumi preview: what would be made"):
            self._preview()
        with self._chapter("pulumi up: servers, records, namespace"):
            self._up()
        with self._chapter("The outcome: one namespace on every server"):
            self._show_records()
            self._show_servers()
        with self._chapter("pulumi up once more: nothing to do"):
            self._up_again()
        with self._chapter("A client finds its server, and goes on when that is lost"):
            self._lose_a_server()
        with self._chapter("Somebody changes a server by hand: found, and healed"):
            self._drift()
        if keep:
            self._console.print(f"\nKept in {self._rehearsal.folder}. Look at it with [bold]make look[/bold].")
            return
        with self._chapter("pulumi destroy: nothing is left"):
            self._destroy()

    @contextmanager
    def _chapter(self, title: str) -> Iterator[None]:
        self._step += 1
        self._console.print(f"\n[bold]{self._step}  {title}[/bold]")
        started = time.monotonic()
        yield
        self._console.print(f"   [dim]{time.monotonic() - started:.1f} s[/dim]")

    def _say(self, text: str) -> None:
        self._console.print(Padding(text, (0, 0, 0, 3)))

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise StoryFailedError(otherwise)

    def _preview(self) -> None:
        summary = self._rehearsal.stack.preview()["changeSummary"]
        self._say(", ".join(f"{count} to {operation}" for operation, count in summary.items()))
        self._expect(self._rehearsal.datacentre.connections() == 0, "the preview connected to a server")

    def _up(self) -> None:
        update = self._rehearsal.stack.up(show=True)
        self._say(f"{len(update.changes)} resources made in {update.seconds:.1f} s")

    def _show_records(self) -> None:
        table = build_table("zone", "name", "TTL", "addresses", title="Record sets")
        for row in self._rehearsal.azure.subscription.record_sets():
            view = "private" if row.private else "public"
            table.add_row(f"{row.zone} ({view})", row.name, f"{row.ttl} s", ", ".join(row.values))
        self._console.print(table)

    def _show_servers(self) -> None:
        servers = [server for server in self._look_for_drift().settings if server.settings]
        table = build_table("setting", "expected", *(server.server for server in servers), title="Settings")
        for row in zip(*(server.settings for server in servers), strict=True):
            cells = ("[green]✓[/green]" if cell.state is State.FINE else f"[red]{cell.actual}[/red]" for cell in row)
            table.add_row(f"{row[0].service}.{row[0].setting}", format_setting(row[0].expected), *cells)
        self._console.print(table)
        drifted = sum(len(server.drifted) for server in servers)
        self._expect(drifted == 0, f"{drifted} settings differ from the stack")

    def _up_again(self) -> None:
        connections = self._rehearsal.datacentre.connections()
        calls = len(self._rehearsal.organisation.calls())
        update = self._rehearsal.stack.up()
        connections = self._rehearsal.datacentre.connections() - connections
        calls = len(self._rehearsal.organisation.calls()) - calls
        cmdlets = f", {calls} Exchange cmdlets" if self._scripts_run else ""
        self._say(f"{len(update.changes)} changes, {connections} SSH connections{cmdlets}")
        self._expect(not update.changes and connections == calls == 0, "the second run was not quiet")

    def _lose_a_server(self) -> None:
        with self._client() as client:
            first = client.connect()
            self._say(
                f"Autodiscover on [bold]{self._rehearsal.names.autodiscover}[/bold] → {first.host} → {first.address} "
                f"([bold]{first.server}[/bold], /{first.protocol}), certificate checked, {first.seconds:.2f} s"
            )
            lost = self._rehearsal.datacentre.server_at(first.address)
            lost.stop()
            self._say(f"{first.server} stops, and refuses new connections as with rejectClosedPorts")
            reply = client.request()
            self._expect(reply.moved is not None and reply.server != first.server, "the client did not move")
            self._say(
                f"the client goes on with [bold]{reply.server}[/bold] after [bold]{reply.seconds:.2f} s[/bold] "
                f"(promise: {PROMISE_SECONDS} s). A server that falls silent instead of refusing costs 21 s on Windows "
                "as it comes, 7 s tuned: that is TCP's own timer."
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

    def _drift(self) -> None:
        stack, organisation = self._rehearsal.stack, self._rehearsal.organisation
        _, server = sorted(stack.outputs()["servers"].items())[-1]
        name = server["computerName"]
        organisation.change(name, "owa", "InternalUrl", f"https://{name}.corp.example/owa")
        found = self._look_for_drift()
        for row in (row for server in found.settings for row in server.drifted):
            self._say(f"[red]{row.subject}[/red]: {row.detail}")
        self._expect(found.heal is not None, "the drift was not found")
        self._say(f"healed by: {found.heal}")
        before = len(organisation.calls())
        stack.up(*shlex.split(found.heal or "")[2:])
        self._expect(self._look_for_drift().heal is None, "the drift was not healed")
        if self._scripts_run:
            written = [call for call in organisation.calls()[before:] if call.cmdlet.startswith("Set-")]
            names = ", ".join(f"{call.cmdlet} on {call.server}" for call in written)
            self._say(f"{len(written)} cmdlet wrote: {names}")
            self._expect(len(written) == 1, "more than the drifted setting was written")

    def _look_for_drift(self) -> Drift:
        """As `python -m operations drift` looks."""
        stack = self._rehearsal.stack
        found = asyncio.run(find_drift(read_stack(stack.name, stack.project, stack.environment)))
        unseen = [row for row in found.findings() if row.state is State.UNSEEN]
        self._expect(not unseen, "; ".join(f"{row.subject}: {row.detail}" for row in unseen))
        return found

    def _destroy(self) -> None:
        stack = self._rehearsal.stack
        protected = self._rehearsal.file.farm.protect
        if protected:
            self._say("the stack is protected: unprotected first, as you would")
            stack.run("state", "unprotect", "--all", "--yes", "--stack", stack.name)
        update = stack.destroy(show=True)
        left = self._rehearsal.left_over()
        self._say(f"{len(update.changes)} resources gone in {update.seconds:.1f} s, {len(left)} left")
        self._expect(not left, f"left in the subscription: {', '.join(left)}")


def introduce(tools: Tools, console: Console) -> None:
    """What is real and what stands in."""
    table = build_table("part", "played by", title="A rehearsal on this computer: no Azure, no Exchange")
    for part, by in tools.rows():
        table.add_row(part, by)
    console.print(table)
    limits.say(console, scripts_run=tools.powershell is not None)


def show_proof(tools: Tools, console: Console) -> None:
    """That what runs is what the table shows, or NotAsShownError."""
    for text in prove(tools):
        console.print(f"• {text}", soft_wrap=True, markup=False)
    console.print("• the parts were run and asked: what runs is what the table shows")


def notice(rehearsal: Rehearsal, console: Console) -> None:
    """What was changed in the stack file, and what is not as it would be in Azure."""
    for text in rehearsal.file.notices:
        console.print(f"• {text}")
    for host in hosts_elsewhere(rehearsal.file.farm.namespace):
        console.print(f"• {host}: the stack makes no record of it; here it leads to the servers, in Azure you make one")
    console.print("• each new virtual machine boots with Exchange installed; in Azure you install it")
    console.print(f"• state while it runs: {relative(rehearsal.folder)} (make look)")
