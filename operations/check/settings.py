"""What servers hold that the stack does not say, read as an operator would: over SSH, by the read-only script."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncssh

from components import powershell
from operations.connections import Connections
from operations.result import Finding, State
from operations.stack import DeployedStack
from restoration.ssh import SCRIPT_SECONDS, why

DEFAULT_PORTS = {"https": ":443", "http": ":80"}


@dataclass(frozen=True, kw_only=True)
class Setting(Finding):
    """One setting of one server; `expected` is what the stack promised, `actual` what the server holds."""

    server: str
    service: str
    setting: str
    expected: object
    actual: object

    @property
    def subject(self) -> str:
        return f"{self.server} {self.service}.{self.setting}"


@dataclass(frozen=True, kw_only=True)
class ServerSettings(Finding):
    """One server's settings; `key` is its key in the stack file. Its own state says whether they could be read."""

    key: str
    server: str
    settings: tuple[Setting, ...] = ()

    @property
    def subject(self) -> str:
        return f"{self.server} settings"

    @property
    def drifted(self) -> list[Setting]:
        return [setting for setting in self.settings if setting.state is State.DIFFERENT]


class UnreadableError(Exception):
    """The script on the server did not answer with a report; the text is what it said."""


async def check_settings(stack: DeployedStack, connections: Connections) -> list[ServerSettings]:
    """Every server at the same time, in the order of their keys."""
    return list(await asyncio.gather(*(check_server(stack, connections, key) for key in sorted(stack.servers))))


async def check_server(stack: DeployedStack, connections: Connections, key: str) -> ServerSettings:
    server = stack.servers[key]
    name = str(server["computerName"])
    if "namespaceUrn" not in server or not stack.settings:
        because = "every service is opted out" if "namespaceUrn" in server else "configureNamespace is false"
        return ServerSettings(
            key=key, server=name, state=State.SHOWN, detail=f"{because}: Exchange is not this stack's"
        )
    try:
        report, unread = await read(stack, connections, server)
    except (OSError, asyncssh.Error, UnreadableError) as error:
        return ServerSettings(key=key, server=name, state=State.UNSEEN, detail=why(error))
    state = State.UNSEEN if unread else State.FINE
    return ServerSettings(
        key=key, server=name, state=state, detail=unread, settings=tuple(compare(stack, name, report))
    )


async def read(
    stack: DeployedStack, connections: Connections, server: Mapping[str, Any]
) -> tuple[Mapping[str, Any], str]:
    """The report of Get-ClientAccessNamespace.ps1 on this server, and what it said of services that it cannot read."""
    document = powershell.namespace_document(
        server=server["computerName"],
        exchange_version=stack.exchange_version,
        recycle_app_pools=False,
        settings=stack.settings,
        credential=stack.operator.credential,
    )
    connection = await connections.shell(server)
    command = powershell.run_file(server["scripts"], "Get-ClientAccessNamespace")
    try:
        answer = await connection.run(command, input=document, errors="replace", timeout=SCRIPT_SECONDS)
    except asyncssh.TimeoutError:
        raise UnreadableError(f"the script did not end within {SCRIPT_SECONDS} s") from None
    if answer.exit_status is None:
        raise UnreadableError("the connection was lost")
    failure = ""
    if answer.exit_status != 0:
        said = " ".join(str(answer.stderr).split())
        failure = said or f"the script ended with {answer.exit_status} and said nothing"
    try:
        report = powershell.report(str(answer.stdout), "settings")
    except powershell.NoReportError as error:
        raise UnreadableError(failure or str(error)) from None
    if failure and not report["settings"]:
        raise UnreadableError(failure)
    return report, failure


def compare(stack: DeployedStack, server: str, report: Mapping[str, Any]) -> list[Setting]:
    """Each setting that the stack promised against what the server reported."""
    return [
        judged(server, service, setting, value, report)
        for service, values in stack.settings.items()
        for setting, value in values.items()
    ]


def judged(server: str, service: str, setting: str, expected: object, report: Mapping[str, Any]) -> Setting:
    skipped = report.get("skipped", {}).get(service)
    actual = report["settings"].get(service, {}).get(setting)
    if service not in report["settings"]:
        # Why it could not be read is said of the server.
        state, detail = (State.SHOWN, str(skipped)) if skipped else (State.UNSEEN, "")
    elif is_same_setting(expected, actual):
        state, detail = State.FINE, ""
    else:
        state, detail = State.DIFFERENT, f"expected {format_setting(expected)}, found {format_setting(actual)}"
    return Setting(
        server=server, service=service, setting=setting, expected=expected, actual=actual, state=state, detail=detail
    )


def format_setting(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value is None or value == "" else str(value)


def is_same_setting(one: object, other: object) -> bool:
    """Decide as ClientAccess.Values.ps1 does: in any case, as DNS and IIS do; lists in any order, without repeats."""
    return normalize(one) == normalize(other)


def normalize(value: object) -> object:
    if isinstance(value, list):
        return {normalize(part) for part in value}
    if value is None or value == "":
        return None
    text = str(value).lower()
    return normalize_url(text) if "://" in text else text


def normalize_url(text: str) -> str:
    """As .NET, and so Exchange, writes it. A slash at the end of a path counts: it is another request."""
    parts = urlsplit(text)
    host = parts.netloc.removesuffix(DEFAULT_PORTS.get(parts.scheme, ""))
    return parts._replace(netloc=host, path=parts.path or "/").geturl()


def settings_findings(servers: Sequence[ServerSettings]) -> list[Finding]:
    return [finding for server in servers for finding in (server, *server.settings)]
