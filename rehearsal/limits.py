"""What a rehearsal cannot show on a computer without PowerShell; said at its start, and again at its end."""

from __future__ import annotations

from rich.console import Console

NOT_SHOWN = (
    "Not shown: the scripts that go to servers, and what they do in Exchange. There is no PowerShell here, so the "
    "server stand-ins answer in their place. `make setup` brings PowerShell where it can download it; or install it: "
    "https://aka.ms/powershell"
)


def print_limits(console: Console, *, scripts_run: bool) -> None:
    """Nothing where the scripts run: all is shown then."""
    if not scripts_run:
        console.print(NOT_SHOWN, style="bold red", markup=False)
