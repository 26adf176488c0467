"""Shows the state of a rehearsal from its files, while it runs or after it was kept."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from operations.terminal import build_table
from rehearsal import limits
from rehearsal.rehearsal import SCRIPTS_RUN
from rehearsal.stand_ins.azure_native import AzureSubscription
from rehearsal.stand_ins.exchange import Organisation


def show(folder: Path, console: Console) -> None:
    scripts_run = (folder / SCRIPTS_RUN).exists()
    limits.say(console, scripts_run=scripts_run)
    subscription = AzureSubscription(folder / "azure.json")
    table = build_table("type", "name", title="Azure subscription")
    for body in subscription.resources.values():
        table.add_row(str(body.get("type", "")), str(body.get("name", "")))
    console.print(table)
    table = build_table("zone", "name", "TTL", "addresses", title="Azure DNS")
    for row in subscription.record_sets():
        table.add_row(row.zone, row.name, str(row.ttl), ", ".join(row.values))
    console.print(table)
    organisation = Organisation(folder / "exchange")
    table = build_table("server", "setting", "value", title="Exchange organisation")
    for server in sorted(file.stem for file in (folder / "exchange" / "servers").glob("*.json")):
        for service, settings in organisation.settings(server).items():
            for name, value in settings.items():
                table.add_row(server, f"{service}.{name}", str(value))
    console.print(table)
    if scripts_run:
        console.print(f"{len(organisation.calls())} Exchange cmdlet calls")
    console.print(f"The files: {folder}", soft_wrap=True)
    limits.say(console, scripts_run=scripts_run)
