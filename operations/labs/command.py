"""`python -m operations lab`: labs that come and go."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from operations.github import outputs
from operations.labs.names import Lab, LabError, expired, lab_of

if TYPE_CHECKING:
    from operations.labs.project import Project

REFUSED, COULD_NOT, INTERRUPTED = 1, 2, 130
HOURS = 72

app = typer.Typer(
    no_args_is_help=True, help="Labs that come and go, each with a stack and a resource group of its own."
)


def network(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text}: {error}; write a prefix such as 10.41.0.0/16.") from None


Name = Annotated[str, typer.Argument(help="The lab's name: its stack is lab-NAME.")]
Cwd = Annotated[Path | None, typer.Option("--cwd", help="The project's folder, as of pulumi; else this one.")]
Owner = Annotated[
    str | None, typer.Option("--owner", envvar="LAB_OWNER", help="Who you are; your account's name if left out.")
]


@app.command()
def up(
    name: Name,
    hours: Annotated[float, typer.Option(min=1, max=24 * 90, help="Until when it is wanted, from now on.")] = HOURS,
    network: Annotated[
        IPv4Network | None,
        typer.Option(parser=network, metavar="PREFIX", help="An address space of its own, where labs are connected."),
    ] = None,
    owner: Owner = None,
    cwd: Cwd = None,
) -> None:
    """Makes the lab NAME from stacks/Pulumi.lab.yaml, or brings it up to date and renews its time.

    Exit code: 0 it is up; 1 refused, nothing was touched; 2 a step failed (run it again, or `lab down`).
    """
    from operations.labs.up import up

    done(
        lambda project: up(project, Lab(name), me=who(owner), hours=hours, network=network, now=datetime.now(UTC)),
        cwd,
    )


@app.command()
def down(
    name: Name,
    break_lock: Annotated[
        bool, typer.Option("--break-lock", help="A run that held the stack on another computer was killed.")
    ] = False,
    owner: Owner = None,
    cwd: Cwd = None,
) -> None:
    """Destroys the lab NAME and removes its stack, also after a run that was killed; a second time it does nothing.

    Exit code: 0 nothing of it is left; 1 refused, nothing was touched; 2 a step failed: run it again.
    """
    from operations.labs.down import down

    done(lambda project: down(project, Lab(name), me=who(owner), break_lock=break_lock, now=datetime.now(UTC)), cwd)


@app.command("expired")
def list_expired(cwd: Cwd = None) -> None:
    """Prints the names of labs whose time is over, one per line; anyone may take them down.

    Exit code: 0 all of them are named; 2 a lab could not be read, so that the names may be too few.
    """
    done(forgotten, cwd)


def forgotten(project: Project) -> None:
    """Raises StackError at the end where a stack could not be read: all others are told before."""
    from operations.stack import StackError

    now, unread = datetime.now(UTC), []
    for stack, changed in project.stacks().items():
        name = lab_of(stack)
        if name is None:
            continue
        try:
            if is_over(project, stack, changed, now):
                typer.echo(name)
        except StackError as error:
            typer.echo(str(error), err=True)
            unread.append(name)
    if unread:
        raise StackError(f"Nobody knows whether the time of {', '.join(unread)} is over: look at what is said above.")


def is_over(project: Project, stack: str, changed: datetime | None, now: datetime) -> bool:
    known = project.state(stack)
    tags = known.group.tags if known.group else project.config(stack).get("exchange-cas:tags") or {}
    # One that was killed before it made anything has no tags.
    idle = not tags and changed is not None and (now - changed).total_seconds() > HOURS * 3600
    return expired(tags, now) or idle


def who(owner: str | None) -> str:
    return owner or getpass.getuser()


def done(work: Callable[[Project], None], cwd: Path | None) -> None:
    from operations.labs.project import Project
    from operations.stack import StackError

    try:
        work(Project(folder=cwd or Path(), environment=os.environ))
    except LabError as error:
        typer.echo(str(error), err=True)
        # So that the workflow `lab` leaves a lab alone that it did not make.
        outputs.tell("refused=true\n")
        raise typer.Exit(REFUSED) from None
    except StackError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(COULD_NOT) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
