"""`python -m operations adopt`: what of the stack exists in Azure, and the file with which it becomes the stack's."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from operations.adopt.adoption import Search
from operations.adopt.scratch import Scratch
from operations.result import exit_code
from operations.terminal import Cwd, StackName, open_console, report_errors, stop


def adopt(
    stack: StackName = None,
    cwd: Cwd = None,
    output: Annotated[Path, typer.Option("--output", help="The file to write, for `pulumi import --file`.")] = Path(
        "adopt.json"
    ),
) -> None:
    """Finds what the stack would create and Azure has already, and writes the file for `pulumi import`.

    Says, too, what is in the way of its names: records of other types, zones and links of others.

    Shows what the next `up` would then change, found out on a copy of the stack; neither the stack nor Azure is
    changed. Exit code: 0 the file is written, or nothing exists; 1 something exists that the next `up` would replace,
    which is left out of the file, or is in the way of it; 2 something could not be looked at.
    """
    # What shows it brings a third of a second that no other command needs.
    from operations.adopt import page

    if not output.parent.is_dir():
        stop(f"--output {output}: {output.parent} is not a folder. Name a file in one that exists.")
    with report_errors():
        try:
            with (
                tempfile.TemporaryDirectory(prefix="adopt-") as folder,
                Console(stderr=True).status("looking into Azure"),
            ):
                copy = Scratch(stack, Path(folder), cwd)
                adoption = Search(copy).run()
            if adoption.adopted:
                output.write_text(json.dumps(adoption.file, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            stop(f"--output {output}: {error.strerror or error}. Name a file that can be written.")
    page.show(adoption, output, copy.name, open_console())
    raise typer.Exit(exit_code(adoption.findings))
