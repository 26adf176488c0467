"""The commands of the rehearsal: `python -m rehearsal run`, `parts`, `look`, `drill`, `bench`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from operations.terminal import open_console
from rehearsal import limits, tools
from rehearsal.tools import REPOSITORY

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
StackName = Annotated[str, typer.Option("--stack", help="The stack file to rehearse: stacks/Pulumi.STACK.yaml.")]


def folder_of(stack: str) -> Path:
    return REPOSITORY / ".rehearsal" / stack


@app.command()
def run(
    stack: StackName = "lab",
    keep: Annotated[bool, typer.Option("--keep", help="Destroy nothing at the end; state stays readable.")] = False,
    picture: Annotated[Path | None, typer.Option(help="Write what was told as a picture (SVG).")] = None,
) -> None:
    """The main job without Azure, told step by step."""
    from rehearsal.proof import NotAsShownError
    from rehearsal.rehearsal import Rehearsal
    from rehearsal.stack import CommandFailedError
    from rehearsal.story import Story, StoryFailedError, introduce, notice, show_proof
    from stacks.arguments import InvalidStackFileError
    from stacks.file import UnreadableStackFileError

    console = Console(highlight=False, record=picture is not None)
    try:
        found = tools.find()
        introduce(found, console)
        show_proof(found, console)
        with Rehearsal(stack, folder_of(stack), found) as rehearsal:
            notice(rehearsal, console)
            Story(rehearsal, console).tell(keep=keep)
    except (
        tools.ToolMissingError,
        InvalidStackFileError,
        UnreadableStackFileError,
        CommandFailedError,
        NotAsShownError,
        StoryFailedError,
    ) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    console.print("\n[green]The rehearsal came out as promised.[/green]")
    limits.say(console, scripts_run=found.powershell is not None)
    if picture:
        drawn = console.export_svg(title=f"make rehearse STACK={stack}")
        # A picture opens without a network: the fonts of this computer will do.
        picture.write_text(re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL), encoding="utf-8")


@app.command()
def parts(
    real: Annotated[
        bool, typer.Option("--real", help="Runs them; exit code 1 where a part of a Pulumi install is missing.")
    ] = False,
) -> None:
    """Which parts of a rehearsal are real on this computer, and which stand in."""
    from rehearsal.proof import NotAsShownError
    from rehearsal.stack import CommandFailedError
    from rehearsal.story import introduce, show_proof

    console = Console(highlight=False)
    try:
        found = tools.find()
        introduce(found, console)
        missing = found.missing_of_an_install() if real else []
        if real and not missing:
            show_proof(found, console)
    except (tools.ToolMissingError, CommandFailedError, NotAsShownError) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    if missing:
        console.print(f"Stand-ins play: {', '.join(missing)}. Install Pulumi, and the provider:", style="red")
        console.print(f"pulumi plugin install resource command {tools.COMMAND_VERSION}", style="red", soft_wrap=True)
        raise typer.Exit(1)


@app.command()
def look(stack: StackName = "lab") -> None:
    """What a running or kept rehearsal holds: the subscription, the record sets, the Exchange organisation."""
    from rehearsal.look import show

    if not folder_of(stack).is_dir():
        Console().print(f"No rehearsal of {stack} runs or was kept: make rehearse STACK={stack} OPTIONS=--keep")
        raise typer.Exit(1)
    show(folder_of(stack), Console(highlight=False))


@app.command()
def drill(
    stack: StackName = "lab",
    clients: Annotated[int, typer.Option(min=1, help="How many Outlook-like clients.")] = 20,
    budget: Annotated[float, typer.Option(min=0, help="Seconds that a client may be without an answer.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="The whole result as JSON on standard output.")] = False,
) -> None:
    """Every way to lose a server, under clients' load; exit code 1 when a promise is missed."""
    from rehearsal.drill import FOLDER, DrillFailedError, run_drill
    from rehearsal.stack import CommandFailedError
    from stacks.arguments import InvalidStackFileError
    from stacks.file import UnreadableStackFileError

    console = open_console(stderr=as_json)
    try:
        kept = run_drill(stack, tools.find(), console, clients=clients, budget=budget)
    except (
        tools.ToolMissingError,
        InvalidStackFileError,
        UnreadableStackFileError,
        CommandFailedError,
        DrillFailedError,
    ) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo((FOLDER / "report.json").read_text(encoding="utf-8"))
    raise typer.Exit(0 if kept else 1)


if __name__ == "__main__":
    app()
