"""Prints what can be adopted, what the next `up` would change of it, and the conflicts."""

from __future__ import annotations

import shlex
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from operations.adopt.import_file import build_import_command
from operations.adopt.search import Adoption, ExistingResource
from operations.result import State
from operations.terminal import STYLES, build_table, style_text

OPERATIONS = {"same": "leaves it as it is", "update": "updates it"}


def print_adoption(adoption: Adoption, file: Path, stack: str, console: Console) -> None:
    if not adoption.existing:
        console.print(f"Nothing that {stack} would create exists already: there is nothing to adopt.")
    else:
        print_existing(adoption, file, stack, console)
    for detail in dict.fromkeys(conflict.detail for conflict in adoption.conflicts):
        names = ", ".join(conflict.name for conflict in adoption.conflicts if conflict.detail == detail)
        console.print(f"{names}: {detail}", style=STYLES[State.DIFFERENT], markup=False, soft_wrap=True)


def print_existing(adoption: Adoption, file: Path, stack: str, console: Console) -> None:
    table = build_table("exists", "type", "the next up", "setting", "now", "then", title=f"What {stack} can adopt")
    for one in adoption.existing:
        add_rows(table, one)
    console.print(table)
    for one in adoption.existing:
        if one.detail:
            console.print(f"{one.name}: {one.detail}", style=STYLES[one.state], markup=False, soft_wrap=True)
    if adoption.adopted:
        console.print(f"\nNothing was changed. {file} is written; adopt with:", markup=False, soft_wrap=True)
        # On one line, so that it can be copied.
        console.print(shlex.join(build_import_command(file, stack)), markup=False, soft_wrap=True)
        console.print("After the import they belong to the stack: its `pulumi destroy` deletes them.")


def add_rows(table: Table, one: ExistingResource) -> None:
    word = "?" if one.state is State.UNSEEN else OPERATIONS.get(one.operation, f"would {one.operation} it")
    first = (one.name, one.type.removeprefix("azure-native:"), style_text(one, word))
    rows = [(change.setting, change.now, change.then) for change in one.changes] or [("", "", "")]
    for index, row in enumerate(rows):
        # As Text, so that Rich does not read values as markup.
        table.add_row(*(first if index == 0 else ("", "", "")), *map(Text, row))
