"""What a rehearsal cannot show on a computer without PowerShell; printed at its start and at its end."""

from __future__ import annotations

from rich.console import Console

NOT_SHOWN = (
    "Not shown: the scripts that go to servers, and what they do in Exchange. There is no PowerShell here, so the "
    "server stand-ins answer in their place. `make setup` installs PowerShell if it can download it; or install it "
    "yourself: https://aka.ms/powershell"
)


def print_limits(console: Console, *, scripts_run: bool) -> None:
    """Prints nothing where PowerShell runs the scripts: then everything is shown."""
    if not scripts_run:
        console.print(NOT_SHOWN, style="bold red", markup=False)
