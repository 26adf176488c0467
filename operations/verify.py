"""Everything that a stack promises, looked at from outside: health, certificates, DNS and settings. Never writes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from operations import drift, probes, resolution
from operations.finding import Finding
from operations.resolution import DnsServer
from operations.stack import Stack
from operations.stack_file import StackFile
from operations.way import Way


@dataclass(frozen=True, kw_only=True)
class Verification:
    stack: str
    file: StackFile
    sites: Sequence[probes.Site]
    dns: Sequence[resolution.Answer]
    settings: Sequence[drift.ServerSettings]

    def findings(self) -> list[Finding]:
        return [self.file, *probes.flat(self.sites), *self.dns, *drift.flat(self.settings)]


async def verify(
    stack: Stack, trusted: ssl.SSLContext, resolver: DnsServer | None = None, name_servers: Sequence[DnsServer] = ()
) -> Verification:
    """Everything at the same time, each step bounded: what does not answer is a finding, never an error."""
    async with Way(stack) as way:
        sites, answers, settings = await asyncio.gather(
            probes.look_at_all(stack, way, trusted),
            resolution.look_at_all(stack, resolver, name_servers),
            drift.look_at_all(stack, way),
        )
    return Verification(stack=stack.name, file=stack.file, sites=sites, dns=answers, settings=settings)


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The settings alone; `heal` is the one command for all servers that drifted."""

    stack: str
    file: StackFile
    settings: Sequence[drift.ServerSettings]
    heal: str | None

    def findings(self) -> list[Finding]:
        return [self.file, *drift.flat(self.settings)]


async def find_drift(stack: Stack, cwd: Path | None = None) -> Drift:
    """`cwd` is the project's folder as the command has to name it; None where it is run there."""
    async with Way(stack) as way:
        settings = await drift.look_at_all(stack, way)
    keys = [server.key for server in settings if server.drifted]
    heal = stack.healing(keys, cwd) if keys else None
    return Drift(stack=stack.name, file=stack.file, settings=settings, heal=heal)
