"""`python -m operations adopt`: finds what exists in Azure already, and writes a file for `pulumi import`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from operations.adopt.search import Search
from operations.adopt.stack_copy import StackCopy
from operations.result import exit_code
from operations.terminal import Cwd, StackName, open_console, report_errors, stop


def adopt(
    stack: StackName = None,
    cwd: Cwd = None,
    output: Annotated[Path, typer.Option("--output", help="The file to write, for `pulumi import --file`.")] = Path(
        "adopt.json"
    ),
) -> None:
    """Finds what the stack would create and Azure has already, and writes a file for `pulumi import`.

    Also finds conflicts: records of other types under the same name, other zones of the name, links to them, and
    addresses in use. Shows what the next `up` would change after the import, which it tries on a copy of the stack; it
    changes neither the stack nor Azure. Exit code: 0 the file is written, or nothing exists; 1 the next `up` would
    replace something, which is not in the file, or there is a conflict; 2 something could not be looked up.
    """
    # Rich's tables take a third of a second to import, which no other command needs.
    from operations.adopt import report

    if not output.parent.is_dir():
        stop(f"--output {output}: {output.parent} is not a folder. Name a file in one that exists.")
    with report_errors():
        try:
            with (
                tempfile.TemporaryDirectory(prefix="adopt-") as folder,
                Console(stderr=True).status("looking into Azure"),
            ):
                copy = StackCopy(stack, Path(folder), cwd)
                adoption = Search(copy).run()
            if adoption.adopted:
                output.write_text(json.dumps(adoption.file, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            stop(f"--output {output}: {error.strerror or error}. Name a file that can be written.")
    report.print_adoption(adoption, output, copy.name, open_console())
    raise typer.Exit(exit_code(adoption.findings))
