"""What is run between two `pulumi up`s, by a person or a workflow: `python -m operations --help`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from operations.adopt.command import adopt
from operations.check.dns import DnsServer
from operations.check.result import exit_code
from operations.drill.command import drill
from operations.github.command import app as github
from operations.labs.command import app as lab
from operations.review.command import review
from operations.terminal import INTERRUPTED, dns_server, stop, unexpected, wide

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

app.command()(adopt)
app.command()(drill)
app.command()(review)
app.add_typer(github, name="github")
app.add_typer(lab, name="lab")

T = TypeVar("T")


StackName = Annotated[
    str | None, typer.Option("--stack", envvar="PULUMI_STACK", help="The stack; the selected one if left out.")
]
Cwd = Annotated[Path | None, typer.Option("--cwd", help="The project's folder, as of pulumi; else this one.")]
Json = Annotated[bool, typer.Option("--json", help="The whole result as JSON on standard output.")]
Authority = Annotated[
    Path | None,
    typer.Option("--ca", envvar="OPERATIONS_CA", help="A PEM file: authorities to trust beside the system's."),
]
Resolver = Annotated[
    DnsServer | None,
    typer.Option(
        parser=dns_server,
        envvar="OPERATIONS_RESOLVER",
        metavar="HOST[:PORT]",
        help="Ask this resolver, not the system's.",
    ),
]
NameServers = Annotated[
    list[DnsServer] | None,
    typer.Option(
        "--name-server",
        parser=dns_server,
        metavar="HOST[:PORT]",
        help="Ask these for the public zone, not those that a look-up of the zone names; repeatable.",
    ),
]


@app.command()
def verify(
    stack: StackName = None,
    cwd: Cwd = None,
    ca: Authority = None,
    resolver: Resolver = None,
    name_server: NameServers = None,
    as_json: Json = False,
) -> None:
    """Looks at everything the stack promises: health, certificates, DNS and settings. Never writes, never asks.

    Exit code: 0 all is fine; 1 differences (a certificate with less than 30 days left is one); 2 something could not
    be looked at. Servers out of rotation are shown, and judged by their settings alone.
    """
    from operations.check import https, report, verify
    from operations.stack import read

    trusted = readable(lambda: https.trust(ca), f"--ca {ca}")
    deployed = readable(lambda: read(stack, cwd))
    if name_server and not deployed.public_names:
        stop("--name-server: the stack has no public zone, and a private one has no name servers; use --resolver.")
    result = run(verify.verify(deployed, trusted, resolver, name_server or []), deployed.name)
    if as_json:
        typer.echo(report.as_json(result))
    else:
        report.show(result, wide())
    raise typer.Exit(exit_code(result.findings()))


@app.command()
def drift(stack: StackName = None, cwd: Cwd = None, as_json: Json = False) -> None:
    """Names each setting that a server holds otherwise than the stack says, and the one command that heals them all.

    Exit code: 0 no difference; 1 differences; 2 a server could not be looked at.
    """
    from operations.check import report, verify
    from operations.stack import read

    deployed = readable(lambda: read(stack, cwd))
    result = run(verify.find_drift(deployed, cwd), deployed.name)
    if as_json:
        typer.echo(report.as_json(result))
    else:
        report.show_drift(result, wide())
    raise typer.Exit(exit_code(result.findings()))


def readable(read: Callable[[], T], what: str = "") -> T:
    """What `read` gives; where it cannot be had, one clear line and the exit code of "could not look"."""
    from operations.stack import StackError

    try:
        return read()
    except StackError as error:
        stop(str(error))
    except (OSError, ssl.SSLError) as error:
        stop(f"{what}: {error.strerror or error}. Name a readable file with certificates in PEM.")
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001 - it would end with 1, which means differences
        unexpected(error)


def run(looking: Coroutine[Any, Any, T], stack: str) -> T:
    """What came of it; at a terminal with a sign that it goes on, and quiet when it is interrupted."""
    try:
        with Console(stderr=True).status(f"looking at {stack}"):
            return asyncio.run(looking)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001 - as above
        unexpected(error)


if __name__ == "__main__":
    app()
