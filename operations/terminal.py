"""What the commands share at the terminal: options, tables, error messages and exit codes."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from operations.dns_server import DnsServer
from operations.result import Finding, State
from operations.stack import StackError

# Exit codes. COULD_NOT_LOOK: nothing was checked, or not everything.
REFUSED, COULD_NOT_LOOK, INTERRUPTED = 1, 2, 130
STYLES = {State.FINE: "green", State.DIFFERENT: "red", State.UNSEEN: "yellow", State.SHOWN: "dim"}


def parse_dns_server(text: str) -> DnsServer:
    try:
        return DnsServer.parse(text)
    except ValueError:
        raise typer.BadParameter(f"{text}: write HOST or HOST:PORT, such as 10.40.0.4 or 127.0.0.1:5353.") from None


StackName = Annotated[
    str | None, typer.Option("--stack", envvar="PULUMI_STACK", help="The stack; the selected one if left out.")
]
Cwd = Annotated[Path | None, typer.Option("--cwd", help="The project's folder, as in pulumi; this folder if left out.")]
Json = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON on standard output.")]
Authority = Annotated[
    Path | None,
    typer.Option("--ca", envvar="OPERATIONS_CA", help="A PEM file: authorities to trust beside the system's."),
]
Resolver = Annotated[
    DnsServer | None,
    typer.Option(
        parser=parse_dns_server,
        envvar="OPERATIONS_RESOLVER",
        metavar="HOST[:PORT]",
        help="Ask this resolver, not the system's.",
    ),
]


def trust_authorities(file: Path | None) -> ssl.SSLContext:
    """Trust the system's authorities and those of a PEM file (`--ca`). Stops if the file cannot be read."""
    context = ssl.create_default_context()
    try:
        if file:
            context.load_verify_locations(cafile=file)
    except (OSError, ssl.SSLError) as error:
        stop(f"--ca {file}: {error.strerror or error}. Name a readable file with certificates in PEM.")
    return context


def open_console(*, stderr: bool = False) -> Console:
    """Use 200 columns unless the output is a terminal: a log has no width, and Rich would cut tables at 80."""
    console = Console(highlight=False, stderr=stderr)
    return console if console.is_terminal else Console(highlight=False, stderr=stderr, width=200)


def build_table(*heads: str, title: str) -> Table:
    """An empty table that wraps long paths, URLs and addresses instead of cutting them."""
    return Table(*(Column(head, overflow="fold") for head in heads), title=title)


def style_text(finding: Finding, text: str) -> Text:
    return Text(text, STYLES[finding.state])


@contextmanager
def report_errors() -> Iterator[None]:
    """End the command with one line and its own exit code: after a traceback Python exits with 1, "differences"."""
    try:
        yield
    except typer.Exit:
        raise
    except StackError as error:
        stop(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001 - any bug
        stop_unexpected(error)


def stop_unexpected(error: Exception) -> NoReturn:
    """Report a bug of this program in one line; with Python's development mode raise it, so that its place is shown."""
    if sys.flags.dev_mode:
        raise error
    stop(f"Unexpected {type(error).__name__}: {error}. To see where, run it again as: python -X dev -m operations")


def stop(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(COULD_NOT_LOOK)
