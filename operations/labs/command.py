"""`python -m operations lab`: creates, renews, lists and destroys labs."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from operations.github.command import write_outputs
from operations.labs.names import Lab, LabError, is_expired, lab_name
from operations.stack import StackError
from operations.terminal import REFUSED, Cwd, report_errors

if TYPE_CHECKING:
    from operations.labs.project import LabProject

HOURS = 72

app = typer.Typer(no_args_is_help=True, help="Temporary labs, each with its own stack and resource group.")


def parse_network(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text}: {error}; write a prefix such as 10.41.0.0/16.") from None


Name = Annotated[str, typer.Argument(help="The lab's name: its stack is lab-NAME.")]
Hours = Annotated[float, typer.Option(min=1, max=24 * 90, help="Hours from now until the lab expires.")]
Network = Annotated[
    IPv4Network | None,
    typer.Option(parser=parse_network, metavar="PREFIX", help="The lab's own address space, where labs are connected."),
]
BreakLock = Annotated[bool, typer.Option("--break-lock", help="Remove the lock of a killed run on another computer.")]
Owner = Annotated[
    str | None, typer.Option("--owner", envvar="LAB_OWNER", help="Your name; the default is your account's name.")
]


@app.command("up")
def lab_up(name: Name, hours: Hours = HOURS, network: Network = None, owner: Owner = None, cwd: Cwd = None) -> None:
    """Creates the lab NAME from stacks/Pulumi.lab.yaml, or updates it and renews its time.

    Exit code: 0 it is up; 1 refused, nothing was changed; 2 a step failed (run it again, or `lab down`).
    """
    from operations.labs.up import bring_up

    me, now = owner or getpass.getuser(), datetime.now(UTC)
    run_lab_command(lambda project: bring_up(project, Lab(name), owner=me, hours=hours, network=network, now=now), cwd)


@app.command("down")
def lab_down(name: Name, break_lock: BreakLock = False, owner: Owner = None, cwd: Cwd = None) -> None:
    """Destroys the lab NAME and removes its stack, also after a killed run; a second time it does nothing.

    Exit code: 0 nothing is left; 1 refused, nothing was changed; 2 a step failed: run it again.
    """
    from operations.labs.down import take_down

    me, now = owner or getpass.getuser(), datetime.now(UTC)
    run_lab_command(lambda project: take_down(project, Lab(name), owner=me, break_lock=break_lock, now=now), cwd)


@app.command("expired")
def lab_expired(cwd: Cwd = None) -> None:
    """Prints the names of expired labs, one per line; everybody may take them down.

    Exit code: 0 the list is complete; 2 a lab could not be read, so some may be missing.
    """
    run_lab_command(list_expired, cwd)


def list_expired(project: LabProject) -> None:
    """Raises StackError after the list where a stack could not be read."""
    now, unread = datetime.now(UTC), []
    for stack, updated in project.list_stacks().items():
        name = lab_name(stack)
        if name is None:
            continue
        try:
            if is_over(project, stack, updated, now):
                typer.echo(name)
        except StackError as error:
            typer.echo(str(error), err=True)
            unread.append(name)
    if unread:
        raise StackError(f"Could not tell whether {', '.join(unread)} expired: see the errors above.")


def is_over(project: LabProject, stack: str, updated: datetime | None, now: datetime) -> bool:
    group = project.read_state(stack).group
    tags = group.tags if group else project.read_config(stack).get("exchange-cas:tags") or {}
    # A lab whose `up` was killed before the first resource has no tags.
    is_idle = not tags and updated is not None and (now - updated).total_seconds() > HOURS * 3600
    return is_expired(tags, now) or is_idle


def run_lab_command(work: Callable[[LabProject], None], cwd: Path | None) -> None:
    from operations.labs.project import LabProject

    with report_errors():
        try:
            work(LabProject(folder=cwd or Path(), environment=os.environ))
        except LabError as error:
            typer.echo(str(error), err=True)
            # The workflow `lab` must not destroy a lab that it did not create.
            write_outputs("refused=true\n")
            raise typer.Exit(REFUSED) from None
