"""The commands of the rehearsal: `python -m rehearsal run`, `parts`, `look`, `drill`."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from operations.terminal import open_console
from rehearsal import limits, tools
from rehearsal.tools import REPOSITORY

PICTURE_WIDTH = 110  # columns: legible at the 880 pixels of a page, and at most 700 pixels high

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
StackName = Annotated[str, typer.Option("--stack", help="The stack file to rehearse: stacks/Pulumi.STACK.yaml.")]


def rehearsal_folder(stack: str) -> Path:
    return REPOSITORY / ".rehearsal" / stack


@app.command("run")
def run_rehearsal(
    stack: StackName = "lab",
    keep: Annotated[bool, typer.Option("--keep", help="Do not destroy the stack at the end.")] = False,
    picture: Annotated[Path | None, typer.Option(help="Write the results as a picture (SVG).")] = None,
) -> None:
    """The main job without Azure: each step is run, shown and checked."""
    from rehearsal.introduction import introduce, print_differences, show_proof
    from rehearsal.proof import NotAsShownError
    from rehearsal.rehearsal import Rehearsal
    from rehearsal.stack import CommandFailedError
    from rehearsal.story import Story, StoryFailedError
    from stacks.arguments import InvalidStackFileError
    from stacks.file import UnreadableStackFileError

    console = Console(highlight=False)
    recording = Console(highlight=False, record=True, width=PICTURE_WIDTH, file=io.StringIO()) if picture else None
    try:
        found = tools.find_tools()
        introduce(found, console)
        show_proof(found, console)
        with Rehearsal(stack, rehearsal_folder(stack), found) as rehearsal:
            print_differences(rehearsal, console)
            Story(rehearsal, console, recording).run(keep=keep)
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
    console.print("\n[green]The rehearsal kept every promise.[/green]")
    limits.print_limits(console, scripts_run=found.powershell is not None)
    if picture and recording:
        drawn = recording.export_svg(title=f"make rehearse STACK={stack}", unique_id="rehearsal")
        # Without Rich's web fonts the picture needs no network.
        picture.write_text(re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL), encoding="utf-8")


@app.command("parts")
def show_parts(
    real: Annotated[
        bool, typer.Option("--real", help="Run the parts; exit code 1 where a part of a Pulumi install is missing.")
    ] = False,
) -> None:
    """Which parts of a rehearsal are real on this computer, and which are stand-ins."""
    from rehearsal.introduction import introduce, show_proof
    from rehearsal.proof import NotAsShownError
    from rehearsal.stack import CommandFailedError

    console = Console(highlight=False)
    try:
        found = tools.find_tools()
        introduce(found, console)
        missing = found.missing_install_parts() if real else []
        if real and not missing:
            show_proof(found, console)
    except (tools.ToolMissingError, CommandFailedError, NotAsShownError) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    if missing:
        console.print(f"Stand-ins replace: {', '.join(missing)}. Install Pulumi, and the provider:", style="red")
        console.print(f"pulumi plugin install resource command {tools.COMMAND_VERSION}", style="red", soft_wrap=True)
        raise typer.Exit(1)


@app.command("look")
def look_at_rehearsal(stack: StackName = "lab") -> None:
    """What a running or kept rehearsal holds: the subscription, the record sets, the settings of Exchange."""
    from rehearsal.look import show_state

    if not rehearsal_folder(stack).is_dir():
        Console().print(
            f"No rehearsal of {stack} is running or was kept. Keep one: make rehearse STACK={stack} OPTIONS=--keep"
        )
        raise typer.Exit(1)
    show_state(rehearsal_folder(stack), Console(highlight=False))


@app.command("drill")
def drill_rehearsal(
    stack: StackName = "lab",
    clients: Annotated[int, typer.Option(min=1, help="How many Outlook-like clients.")] = 20,
    budget: Annotated[float, typer.Option(min=0, help="Seconds that a client may wait for an answer.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
) -> None:
    """Every way to lose a server while clients work; exit code 1 when a promise is missed."""
    from rehearsal.drill import DrillFailedError
    from rehearsal.drill_run import FOLDER, run_drill
    from rehearsal.stack import CommandFailedError
    from stacks.arguments import InvalidStackFileError
    from stacks.file import UnreadableStackFileError

    console = open_console(stderr=as_json)
    try:
        kept = run_drill(stack, tools.find_tools(), console, clients=clients, budget=budget)
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
