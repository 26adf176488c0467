"""`python -m operations drill`: only watches; the administrator is the one who stops a server."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import dns.resolver
import typer
from rich.console import Console
from rich.progress import Progress, TextColumn

from operations.dns_server import DnsServer
from operations.drill.client import Profile
from operations.drill.clients import ClientFaultError, Clients, Route
from operations.drill.outlook import SYN_SECONDS, Timers
from operations.drill.outlook.url import host_name
from operations.drill.page import page
from operations.drill.report import Result, as_json, judged, machine, table
from operations.terminal import INTERRUPTED, open_console, parse_dns_server, stop, stop_unexpected, trust_authorities

PASSWORD = "EXCHANGE_DRILL_PASSWORD"  # noqa: S105 - the variable's name
QUIET_BEATS = 10
START_SECONDS = 60.0


def drill(
    mailbox: Annotated[str, typer.Option(help="Whose mailbox is looked up: user@mail-domain.com.")],
    user: Annotated[str, typer.Option(help="The account for Autodiscover (Basic): CORP\\user or user@domain.")],
    clients: Annotated[int, typer.Option(min=1, max=1000, help="How many clients.")] = 20,
    beat: Annotated[float, typer.Option(min=0.1, max=10, help="Seconds between two requests of a client.")] = 0.5,
    seconds: Annotated[float, typer.Option(min=1, help="How long to watch at most.")] = 120,
    budget: Annotated[float, typer.Option(min=0, help="Seconds in which every client must be served again.")] = 20,
    max_syn_retransmissions: Annotated[int, typer.Option(help="As Windows is set: 2 (7 s), 4 (21 s), 6 (123 s).")] = 4,
    autodiscover: Annotated[
        str | None, typer.Option(metavar="NAME", help="Autodiscover's host name, if not autodiscover.MAIL-DOMAIN.")
    ] = None,
    outside: Annotated[bool, typer.Option("--outside", help="Take the external URLs.")] = False,
    ca: Annotated[Path | None, typer.Option(help="A PEM file: authorities to trust beside the system's.")] = None,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="The port of the web site, where a URL names none.")
    ] = 443,
    resolver: Annotated[
        DnsServer | None,
        typer.Option(parser=parse_dns_server, metavar="HOST[:PORT]", help="Ask this resolver, not the system's."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report with its pictures here (HTML).")] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="The whole result as JSON on standard output.")] = False,
) -> None:
    """Outlook-like clients measure how long they are without an answer while you stop a server. Never stops one.

    The account's password comes from EXCHANGE_DRILL_PASSWORD, or is asked for at a terminal. Exit code: 0 every client
    was served again within the budget; 1 one was not; 2 no drill (clients found no server, nothing was lost, or an
    option is wrong); 130 Ctrl-C before clients were served.
    """
    if max_syn_retransmissions not in SYN_SECONDS:
        stop("--max-syn-retransmissions: only 2, 4 and 6 were measured on Windows; choose one of them.")
    if "@" not in mailbox.strip("@"):
        stop(f"--mailbox: {mailbox} is no address; write user@mail-domain.com.")
    if resolver and not resolver.is_address:
        stop(f"--resolver {resolver.host}: write its IP address; another resolver would have to look its name up.")
    if report:
        _writable(report)
    route = Route(
        tls=trust_authorities(ca), dns=resolver, port=port, timers=Timers(connect=SYN_SECONDS[max_syn_retransmissions])
    )
    host = _autodiscover_host(mailbox, autodiscover)
    profile = Profile(mailbox=mailbox, user=user, password=_password(), inside=not outside, autodiscover=host)
    console = Console(stderr=True, highlight=False)
    try:
        with Clients(clients, profile, route, beat=beat) as all_clients:
            result = _watch(all_clients, clients, seconds, budget, console)
            seen = all_clients.disturbed(result.observation.since) is not None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except ClientFaultError as error:
        stop_unexpected(error.fault)
    except dns.resolver.NoResolverConfiguration as error:
        stop(f"The name servers of this computer are not known: {error} Name one: --resolver.")
    if report:
        report.write_text(page([result], _heading(mailbox), budget), encoding="utf-8")
        console.print(f"report: {report}")
    if as_json_:
        typer.echo(as_json([result], budget))
    else:
        # A log has no width of its own, and a table must not be cut there.
        open_console().print(table([result], budget))
        console.print(machine([result]))
    if result.kept and not seen:
        stop("No client lost its server while it was watched: nothing was measured.")
    raise typer.Exit(0 if result.kept else 1)


def _watch(clients: Clients, number: int, seconds: float, budget: float, console: Console) -> Result:
    """Until a loss is over, the time is up, or Ctrl-C, which is a way to say that it is enough."""
    if not clients.wait(START_SECONDS, 0.0):
        stop("Not every client found a server:\n" + "\n".join(clients.errors() or ["no answer yet"]))
    since = time.monotonic()
    try:
        console.print(f"[bold]All {number} clients are served. Stop a server now.[/bold] (Ctrl-C ends the watch.)")
        with Progress(TextColumn("{task.description}"), console=console, transient=True) as progress:
            task = progress.add_task("")
            while time.monotonic() - since < seconds:
                served, disturbed = clients.served(since, beats=2), clients.disturbed(since)
                sign = "no loss yet" if disturbed is None else "a loss was noticed"
                passed = time.monotonic() - since
                progress.update(task, description=f"{passed:4.0f} s  {served} of {number} clients served, {sign}")
                if disturbed is not None and clients.served(disturbed, beats=QUIET_BEATS) == number:
                    break
                time.sleep(0.2)
    except KeyboardInterrupt:
        console.print("ended by hand")
    return judged(clients.observe("as observed", since), budget)


def _password() -> str:
    given = os.environ.get(PASSWORD)
    if not given and sys.stdin.isatty():
        try:
            given = str(typer.prompt("Password", hide_input=True, err=True))
        except typer.Abort:
            raise typer.Exit(INTERRUPTED) from None
    if not given:
        stop(f"{PASSWORD}: set this variable to the account's password, or run the drill at a terminal.")
    return given


def _autodiscover_host(mailbox: str, given: str | None) -> str:
    option = "--autodiscover" if given else "--mailbox"
    try:
        return host_name(given or f"autodiscover.{mailbox.rpartition('@')[2]}")
    except ValueError as error:
        stop(f"{option}: {error}. Write a host name, such as autodiscover.mail-domain.com.")


def _writable(report: Path) -> None:
    """Before the drill: what was measured could not be measured again."""
    there = report.exists()
    try:
        report.open("a").close()
        if not there:
            report.unlink()
    except OSError as error:
        stop(f"--report {report}: {error.strerror}. Name a file in a folder that can be written.")


def _heading(mailbox: str) -> str:
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{mailbox.split('@')[-1]}, {when}. The loss was made by hand: seconds count from the prompt."
