"""`python -m operations drill`: watches while the administrator stops a server. It stops nothing itself."""

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
from operations.drill.clients import ClientFaultError, DrillClients, Route
from operations.drill.outlook import SYN_SECONDS, Timers
from operations.drill.outlook.url import check_host_name
from operations.drill.page import build_report_page
from operations.drill.report import DrillResult, build_result_table, describe_load, judge_observation, results_as_json
from operations.terminal import INTERRUPTED, open_console, parse_dns_server, stop, stop_unexpected, trust_authorities

PASSWORD = "EXCHANGE_DRILL_PASSWORD"  # noqa: S105 - the variable's name
QUIET_BEATS = 10
START_SECONDS = 60.0


def drill(
    mailbox: Annotated[str, typer.Option(help="The mailbox that Autodiscover looks up: user@mail-domain.com.")],
    user: Annotated[str, typer.Option(help="The account for Autodiscover (Basic): CORP\\user or user@domain.")],
    clients: Annotated[int, typer.Option(min=1, max=1000, help="How many clients.")] = 20,
    beat: Annotated[float, typer.Option(min=0.1, max=10, help="Seconds between two requests of a client.")] = 0.5,
    seconds: Annotated[float, typer.Option(min=1, help="How long to watch at most.")] = 120,
    budget: Annotated[float, typer.Option(min=0, help="Seconds in which every client must be served again.")] = 20,
    max_syn_retransmissions: Annotated[int, typer.Option(help="As Windows is set: 2 (7 s), 4 (21 s), 6 (123 s).")] = 4,
    autodiscover: Annotated[
        str | None, typer.Option(metavar="NAME", help="Autodiscover's host name, if not autodiscover.MAIL-DOMAIN.")
    ] = None,
    outside: Annotated[bool, typer.Option("--outside", help="Use the external URLs.")] = False,
    ca: Annotated[
        Path | None, typer.Option(help="A PEM file of authorities to trust in addition to the system's.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port for URLs without one.")] = 443,
    resolver: Annotated[
        DnsServer | None,
        typer.Option(parser=parse_dns_server, metavar="HOST[:PORT]", help="Ask this resolver, not the system's."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a report with pictures to this HTML file.")] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
) -> None:
    """Outlook-like clients measure how long they get no answer while you stop a server. The drill itself stops none.

    The account's password comes from EXCHANGE_DRILL_PASSWORD, or is asked for at a terminal. Exit code: 0 every client
    was served again within the budget; 1 a client was not; 2 nothing was measured (clients found no server, no server
    was lost, or an option is wrong); 130 Ctrl-C before clients were served.
    """
    if max_syn_retransmissions not in SYN_SECONDS:
        stop("--max-syn-retransmissions: only 2, 4 and 6 were measured on Windows; choose one of them.")
    if "@" not in mailbox.strip("@"):
        stop(f"--mailbox: {mailbox} is not a mail address; write user@mail-domain.com.")
    if resolver and not resolver.is_address:
        stop(f"--resolver {resolver.host}: write its IP address; looking up its name would need another resolver.")
    if report:
        _check_writable(report)
    route = Route(
        tls=trust_authorities(ca), dns=resolver, port=port, timers=Timers(connect=SYN_SECONDS[max_syn_retransmissions])
    )
    host = _check_autodiscover_host(mailbox, autodiscover)
    profile = Profile(mailbox=mailbox, user=user, password=_read_password(), inside=not outside, autodiscover=host)
    console = Console(stderr=True, highlight=False)
    try:
        with DrillClients(clients, profile, route, beat=beat) as all_clients:
            result = _watch(all_clients, clients, seconds, budget, console)
            lost = all_clients.last_disturbance(result.observation.since) is not None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except ClientFaultError as error:
        stop_unexpected(error.fault)
    except dns.resolver.NoResolverConfiguration as error:
        stop(f"The name servers of this computer are not known: {error} Name one: --resolver.")
    if report:
        report.write_text(build_report_page([result], _heading(mailbox), budget), encoding="utf-8")
        console.print(f"report: {report}")
    if as_json_:
        typer.echo(results_as_json([result], budget))
    else:
        open_console().print(build_result_table([result], budget))
        console.print(describe_load([result]))
    if result.kept and not lost:
        stop("No client lost its server during the watch: nothing was measured.")
    raise typer.Exit(0 if result.kept else 1)


def _watch(clients: DrillClients, number: int, seconds: float, budget: float, console: Console) -> DrillResult:
    """Until a loss is over, the time is up, or Ctrl-C ends the watch."""
    if not clients.wait(START_SECONDS, 0.0):
        stop("Not every client found a server:\n" + "\n".join(clients.last_errors() or ["no answer yet"]))
    since = time.monotonic()
    try:
        console.print(f"[bold]All {number} clients are served. Stop a server now.[/bold] (Ctrl-C ends the watch.)")
        with Progress(TextColumn("{task.description}"), console=console, transient=True) as progress:
            task = progress.add_task("")
            while time.monotonic() - since < seconds:
                served, disturbed = clients.served(since, beats=2), clients.last_disturbance(since)
                sign = "no loss yet" if disturbed is None else "a server was lost"
                passed = time.monotonic() - since
                progress.update(task, description=f"{passed:4.0f} s  {served} of {number} clients served, {sign}")
                if disturbed is not None and clients.served(disturbed, beats=QUIET_BEATS) == number:
                    break
                time.sleep(0.2)
    except KeyboardInterrupt:
        console.print("ended by hand")
    return judge_observation(clients.observe("as observed", since), budget)


def _read_password() -> str:
    given = os.environ.get(PASSWORD)
    if not given and sys.stdin.isatty():
        try:
            given = str(typer.prompt("Password", hide_input=True, err=True))
        except typer.Abort:
            raise typer.Exit(INTERRUPTED) from None
    if not given:
        stop(f"{PASSWORD}: set this variable to the account's password, or run the drill at a terminal.")
    return given


def _check_autodiscover_host(mailbox: str, given: str | None) -> str:
    option = "--autodiscover" if given else "--mailbox"
    try:
        return check_host_name(given or f"autodiscover.{mailbox.rpartition('@')[2]}")
    except ValueError as error:
        stop(f"{option}: {error}. Write a host name, such as autodiscover.mail-domain.com.")


def _check_writable(report: Path) -> None:
    """Before the drill, because a loss cannot be measured a second time."""
    there = report.exists()
    try:
        report.open("a").close()
        if not there:
            report.unlink()
    except OSError as error:
        stop(f"--report {report}: {error.strerror}. Name a file in a folder that can be written.")


def _heading(mailbox: str) -> str:
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{mailbox.split('@')[-1]}, {when}. A server was stopped by hand: seconds count from the prompt."
