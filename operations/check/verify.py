"""Everything that a stack promises, looked at from outside: health, certificates, DNS and settings. Never writes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from operations.check.dns import Answer, DnsServer, check_dns
from operations.check.https import Site, check_https, https_findings
from operations.check.result import Finding
from operations.check.settings import ServerSettings, check_settings, settings_findings
from operations.connections import Way
from operations.stack import Stack
from operations.stack_file import StackFile


@dataclass(frozen=True, kw_only=True)
class Verification:
    stack: str
    file: StackFile
    sites: Sequence[Site]
    dns: Sequence[Answer]
    settings: Sequence[ServerSettings]

    def findings(self) -> list[Finding]:
        return [self.file, *https_findings(self.sites), *self.dns, *settings_findings(self.settings)]


async def verify(
    stack: Stack, trusted: ssl.SSLContext, resolver: DnsServer | None = None, name_servers: Sequence[DnsServer] = ()
) -> Verification:
    """Everything at the same time, each step bounded: what does not answer is a finding, never an error."""
    async with Way(stack) as way:
        sites, answers, settings = await asyncio.gather(
            check_https(stack, way, trusted),
            check_dns(stack, resolver, name_servers),
            check_settings(stack, way),
        )
    return Verification(stack=stack.name, file=stack.file, sites=sites, dns=answers, settings=settings)


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The settings alone; `heal` is the one command for all servers that drifted."""

    stack: str
    file: StackFile
    settings: Sequence[ServerSettings]
    heal: str | None

    def findings(self) -> list[Finding]:
        return [self.file, *settings_findings(self.settings)]


async def find_drift(stack: Stack, cwd: Path | None = None) -> Drift:
    """`cwd` is the project's folder as the command has to name it; None where it is run there."""
    async with Way(stack) as way:
        settings = await check_settings(stack, way)
    keys = [server.key for server in settings if server.drifted]
    heal = stack.healing(keys, cwd) if keys else None
    return Drift(stack=stack.name, file=stack.file, settings=settings, heal=heal)
