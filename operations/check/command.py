"""`python -m operations verify` and `drift`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from operations.dns_server import DnsServer
from operations.result import exit_code
from operations.stack import read_stack
from operations.terminal import (
    Authority,
    Cwd,
    Json,
    Resolver,
    StackName,
    open_console,
    parse_dns_server,
    report_errors,
    stop,
    trust_authorities,
)

NameServers = Annotated[
    list[DnsServer] | None,
    typer.Option(
        "--name-server",
        parser=parse_dns_server,
        metavar="HOST[:PORT]",
        help="Ask this name server for the public zone instead of those in its NS records; repeatable.",
    ),
]


def verify(
    stack: StackName = None,
    cwd: Cwd = None,
    ca: Authority = None,
    resolver: Resolver = None,
    name_server: NameServers = None,
    as_json: Json = False,
) -> None:
    """Check all servers of a stack: health pages, certificates, DNS and settings. Changes nothing, asks no questions.

    Exit code: 0 everything is as deployed; 1 differences, also a certificate with less than 30 days left; 2 something
    could not be checked. The health and certificates of servers out of rotation are shown, but do not count.
    """
    from operations.check import report, verify

    trusted = trust_authorities(ca)
    with report_errors():
        deployed = read_stack(stack, cwd)
        if name_server and not deployed.public_names:
            stop("--name-server: the stack has no public zone, and a private one has no name servers; use --resolver.")
        with Console(stderr=True).status(f"checking {deployed.name}"):
            result = asyncio.run(verify.verify_stack(deployed, trusted, resolver, name_server or []))
    if as_json:
        typer.echo(report.format_json(result))
    else:
        report.print_verification(result, open_console())
    raise typer.Exit(exit_code(result.findings()))


def drift(stack: StackName = None, cwd: Cwd = None, as_json: Json = False) -> None:
    """List each setting that differs between a server and the stack, and print the one command that corrects them all.

    Exit code: 0 no difference; 1 differences; 2 a server could not be checked.
    """
    from operations.check import report, verify

    with report_errors():
        deployed = read_stack(stack, cwd)
        with Console(stderr=True).status(f"checking {deployed.name}"):
            result = asyncio.run(verify.find_drift(deployed, cwd))
    if as_json:
        typer.echo(report.format_json(result))
    else:
        report.print_drift(result, open_console())
    raise typer.Exit(exit_code(result.findings()))
