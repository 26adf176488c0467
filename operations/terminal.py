"""What commands share at the terminal: options, widths of tables, and how a command ends."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from rich.console import Console
from rich.table import Column, Table

from operations.check.dns import DnsServer

# Exit codes. The first: nothing was looked at, or not everything.
COULD_NOT_LOOK, INTERRUPTED = 2, 130


def dns_server(text: str) -> DnsServer:
    try:
        return DnsServer.parse(text)
    except ValueError:
        raise typer.BadParameter(f"{text}: write HOST or HOST:PORT, such as 10.40.0.4 or 127.0.0.1:5353.") from None


def wide(*, stderr: bool = False) -> Console:
    """A log has no width of its own, and a table must not be cut there."""
    console = Console(highlight=False, stderr=stderr)
    return console if console.is_terminal else Console(highlight=False, stderr=stderr, width=200)


def unexpected(error: Exception) -> NoReturn:
    """An error of this program; Python's development mode shows where it is."""
    if sys.flags.dev_mode:
        raise error
    stop(f"Unexpected {type(error).__name__}: {error}. To see where, run it again as: python -X dev -m operations")


def stop(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(COULD_NOT_LOOK)


def table_of(*heads: str, title: str) -> Table:
    """An empty table whose long words go on in the next line: a path, a URL or an address that is cut says nothing."""
    return Table(*(Column(head, overflow="fold") for head in heads), title=title)
