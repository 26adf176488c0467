"""What commands share at the terminal: how an option is read, how wide a table may be, and that none is cut."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Column, Table

from operations.resolution import DnsServer


def dns_server(text: str) -> DnsServer:
    try:
        return DnsServer.parse(text)
    except ValueError:
        raise typer.BadParameter(f"{text}: write HOST or HOST:PORT, such as 10.40.0.4 or 127.0.0.1:5353.") from None


def wide(*, stderr: bool = False) -> Console:
    """A log has no width of its own, and a table must not be cut there."""
    console = Console(highlight=False, stderr=stderr)
    return console if console.is_terminal else Console(highlight=False, stderr=stderr, width=200)


def table_of(*heads: str, title: str) -> Table:
    """An empty table whose long words go on in the next line: a path, a URL or an address that is cut says nothing."""
    return Table(*(Column(head, overflow="fold") for head in heads), title=title)
