"""Compare the servers and DNS with a deployed stack: health, certificates, DNS and settings. Read-only."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from operations.check.dns import Answer, check_dns
from operations.check.https import SiteFinding, check_https, https_findings
from operations.check.settings import ServerSettings, check_settings, settings_findings
from operations.connections import Connections
from operations.dns_server import DnsServer
from operations.result import Finding
from operations.stack import DeployedStack
from operations.stack_file import StackFileComparison


@dataclass(frozen=True, kw_only=True)
class Verification:
    stack: str
    file: StackFileComparison
    sites: Sequence[SiteFinding]
    dns: Sequence[Answer]
    settings: Sequence[ServerSettings]

    def findings(self) -> list[Finding]:
        return [self.file, *https_findings(self.sites), *self.dns, *settings_findings(self.settings)]


async def verify_stack(
    stack: DeployedStack,
    trusted: ssl.SSLContext,
    resolver: DnsServer | None = None,
    name_servers: Sequence[DnsServer] = (),
) -> Verification:
    """Run all checks in parallel, each with its own timeout. An unreachable server is a finding, not an error."""
    async with Connections(stack) as connections:
        sites, answers, settings = await asyncio.gather(
            check_https(stack, connections, trusted),
            check_dns(stack, resolver, name_servers),
            check_settings(stack, connections),
        )
    return Verification(stack=stack.name, file=stack.file, sites=sites, dns=answers, settings=settings)


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The settings only. `heal`: the command that corrects all servers that drifted, or None if there are none."""

    stack: str
    file: StackFileComparison
    settings: Sequence[ServerSettings]
    heal: str | None

    def findings(self) -> list[Finding]:
        return [self.file, *settings_findings(self.settings)]


async def find_drift(stack: DeployedStack, cwd: Path | None = None) -> Drift:
    """`cwd`: the project's folder for the heal command; None if the command is run there."""
    async with Connections(stack) as connections:
        settings = await check_settings(stack, connections)
    keys = [server.key for server in settings if server.drifted]
    heal = stack.heal_command(keys, cwd) if keys else None
    return Drift(stack=stack.name, file=stack.file, settings=settings, heal=heal)
