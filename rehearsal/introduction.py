"""The first lines of a rehearsal: which parts are real, and how it differs from a deployment to Azure."""

from __future__ import annotations

from rich.console import Console

from operations.terminal import build_table
from rehearsal import limits
from rehearsal.elsewhere import list_hosts_elsewhere
from rehearsal.proof import prove
from rehearsal.rehearsal import Rehearsal
from rehearsal.tools import Tools, relative_to_here


def introduce(tools: Tools, console: Console) -> None:
    """A table of the parts, and what a computer without PowerShell cannot show."""
    table = build_table("part", "here", title="A rehearsal on this computer, without Azure and Exchange")
    for part, by in tools.describe_parts():
        table.add_row(part, by)
    console.print(table)
    limits.print_limits(console, scripts_run=tools.powershell is not None)


def show_proof(tools: Tools, console: Console) -> None:
    """Checks that the parts that run are those in the table. Raises NotAsShownError."""
    for text in prove(tools):
        console.print(f"• {text}", soft_wrap=True, markup=False)
    console.print("• checked: the parts that run are those in the table")


def print_differences(rehearsal: Rehearsal, console: Console) -> None:
    """What the rehearsal changes in the stack file, and what differs from Azure."""
    for text in rehearsal.file.notices:
        console.print(f"• {text}")
    for host in list_hosts_elsewhere(rehearsal.file.farm.namespace):
        console.print(
            f"• {host}: the stack makes no record for it. Here it leads to the servers; in Azure you make one"
        )
    if rehearsal.file.farm.installed_servers:
        console.print("• new virtual machines boot without Exchange, and the stack installs it, here in a moment")
        if rehearsal.tools.powershell:
            console.print("• with PowerShell the installation stops at the media, which a rehearsal does not have")
    else:
        console.print("• each new virtual machine boots with Exchange installed; in Azure you install it")
    console.print(f"• `make look` shows the state while it runs: {relative_to_here(rehearsal.folder)}")
