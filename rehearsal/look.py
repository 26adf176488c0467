"""`make look`: the state of a rehearsal, read from its files while it runs or after it was kept."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from operations.check.settings import format_setting_value
from operations.terminal import build_table
from rehearsal import limits
from rehearsal.rehearsal import SCRIPTS_RUN
from rehearsal.stand_ins.azure_native import AzureSubscription
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.tables import build_record_table, build_service_table


def show_state(folder: Path, console: Console) -> None:
    """The subscription, the record sets and the settings of every server."""
    scripts_run = (folder / SCRIPTS_RUN).exists()
    limits.print_limits(console, scripts_run=scripts_run)
    subscription = AzureSubscription(folder / "azure.json")
    table = build_table("type", "name", title="Azure subscription")
    for body in subscription.resources.values():
        table.add_row(str(body.get("type", "")), str(body.get("name", "")))
    console.print(table)
    console.print(build_record_table(subscription.record_sets()))
    organisation = Organisation(folder / "exchange")
    servers = sorted(file.stem for file in (folder / "exchange" / "servers").glob("*.json"))
    console.print(build_service_table({server: _format_settings(organisation, server) for server in servers}))
    if scripts_run:
        console.print(f"{len(organisation.calls())} calls of Exchange cmdlets")
    console.print(f"The files: {folder}", soft_wrap=True)
    limits.print_limits(console, scripts_run=scripts_run)


def _format_settings(organisation: Organisation, server: str) -> dict[str, dict[str, str]]:
    return {
        service: {name: format_setting_value(value) for name, value in settings.items()}
        for service, settings in organisation.settings(server).items()
    }
