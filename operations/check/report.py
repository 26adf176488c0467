"""Print results: tables and sentences for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from operations.check.dns import Answer
from operations.check.https import Health, SiteFinding
from operations.check.settings import ServerSettings
from operations.check.verify import Drift, Verification
from operations.result import Finding, State, exit_code
from operations.terminal import STYLES, build_table, style_text
from stacks.reading import to_camel_case

VERDICTS = {0: "fine", 1: "differences", 2: "could not look"}


def format_json(result: Verification | Drift) -> str:
    """The whole result, with `verdict` and `exitCode`."""
    code = exit_code(result.findings())
    return json.dumps({"verdict": VERDICTS[code], "exitCode": code, **to_document(result)}, indent=2)


def to_document(value: Verification | Drift) -> dict[str, object]:
    """The fields of the dataclasses under camelCase keys."""
    return dataclasses.asdict(value, dict_factory=lambda pairs: {to_camel_case(name): part for name, part in pairs})


def print_verification(result: Verification, console: Console) -> None:
    console.print(build_sites_table(result.sites))
    console.print(build_dns_table(result.dns))
    console.print(build_drift_table(result.settings))
    print_problems(result.findings(), console)


def print_drift(result: Drift, console: Console) -> None:
    console.print(build_drift_table(result.settings))
    print_problems(result.findings(), console)
    if result.heal:
        first = " (undo or deploy the edit of the stack file first: the command uses the edited file)"
        console.print(f"\nheal with{first if result.file.detail else ''}:", soft_wrap=True)
        # One line without markup, ready to copy.
        console.print(result.heal, markup=False, soft_wrap=True)


def build_sites_table(sites: Sequence[SiteFinding]) -> Table:
    services = list(dict.fromkeys(page.service for site in sites for page in site.services))
    table = build_table("server", "name", "certificate", *services, title="Health, at each server's own address")
    for site in sites:
        days = site.certificate.days_left
        pages = {page.service: page for page in site.services}
        table.add_row(
            site.server,
            site.name,
            style_text(site.certificate, "?" if days is None else f"{days} days"),
            *(style_text(page, format_health(page)) if (page := pages.get(service)) else "" for service in services),
        )
    return table


def format_health(page: Health) -> str:
    if page.state is State.FINE:
        return "ok"
    return str(page.status or "?")


def build_dns_table(answers: Sequence[Answer]) -> Table:
    table = build_table("asked", "name", "TTL", "addresses", title="DNS")
    for row in answers:
        ttl = "" if row.ttl is None else f"{row.ttl} s"
        table.add_row(row.source, row.name, ttl, style_text(row, ", ".join(row.addresses) or "?"))
    return table


def build_drift_table(servers: Sequence[ServerSettings]) -> Table:
    table = build_table("server", "settings as deployed", title="Settings")
    for server in servers:
        judged = [row for row in server.settings if row.state is not State.SHOWN]
        correct = sum(row.state is State.FINE for row in judged)
        text = f"{correct} of {len(judged)}" if server.settings else "?"
        table.add_row(server.server, Text(text, "red" if server.drifted else STYLES[server.state]))
    return table


def print_problems(findings: Sequence[Finding], console: Console) -> None:
    """A line for each finding with a detail, then the verdict."""
    for finding in findings:
        if finding.detail:
            line = f"{finding.state}: {finding.subject}: {finding.detail}"
            console.print(Text(line, STYLES[finding.state]), soft_wrap=True)
    console.print(Text(f"verdict: {VERDICTS[exit_code(findings)]}", "bold"))
