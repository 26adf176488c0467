"""Compare the settings of each server with the stack's, read over SSH with the read-only script."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncssh

from components import powershell
from components.namespace import namespace_document
from connections.ssh import SCRIPT_SECONDS, explain_ssh_error
from operations.connections import Connections
from operations.result import Finding, State
from operations.stack import DeployedStack

DEFAULT_PORTS = {"https": ":443", "http": ":80"}


@dataclass(frozen=True, kw_only=True)
class Setting(Finding):
    """One setting of one server; `expected` is the stack's value, `actual` the server's."""

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
    """The settings of one server. `key` is its key in the stack file; `state` says whether they could be read."""

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
    """The script on the server printed no report. The message is its error text."""


async def check_settings(stack: DeployedStack, connections: Connections) -> list[ServerSettings]:
    """Check all servers in parallel; the results are in the order of the servers' keys."""
    return list(await asyncio.gather(*(check_server(stack, connections, key) for key in sorted(stack.servers))))


async def check_server(stack: DeployedStack, connections: Connections, key: str) -> ServerSettings:
    server = stack.servers[key]
    name = str(server["computerName"])
    if "namespaceUrn" not in server or not stack.settings:
        because = "every service is opted out" if "namespaceUrn" in server else "configureNamespace is false"
        detail = f"{because}: this stack does not configure Exchange here"
        return ServerSettings(key=key, server=name, state=State.SHOWN, detail=detail)
    try:
        report, unread = await run_read_script(stack, connections, server)
    except (OSError, asyncssh.Error, UnreadableError) as error:
        return ServerSettings(key=key, server=name, state=State.UNSEEN, detail=explain_ssh_error(error))
    state = State.UNSEEN if unread else State.FINE
    return ServerSettings(
        key=key, server=name, state=state, detail=unread, settings=tuple(compare_settings(stack, name, report))
    )


async def run_read_script(
    stack: DeployedStack, connections: Connections, server: Mapping[str, Any]
) -> tuple[Mapping[str, Any], str]:
    """The report of Get-ClientAccessNamespace.ps1 on this server, and its error text about services it could not read.

    Raises OSError, asyncssh.Error or UnreadableError.
    """
    document = namespace_document(
        server=server["computerName"],
        exchange_version=stack.exchange_version,
        recycle_app_pools=False,
        settings=stack.settings,
    )
    text = powershell.write_document(document, stack.operator.credential)
    connection = await connections.open_shell(server)
    command = powershell.command_line(server["scripts"], "Get-ClientAccessNamespace")
    try:
        answer = await connection.run(command, input=text, errors="replace", timeout=SCRIPT_SECONDS)
    except asyncssh.TimeoutError:
        raise UnreadableError(f"the script did not end within {SCRIPT_SECONDS} s") from None
    if answer.exit_status is None:
        raise UnreadableError("the connection was lost")
    failure = ""
    if answer.exit_status != 0:
        printed = " ".join(str(answer.stderr).split())
        failure = printed or f"the script ended with {answer.exit_status} and printed no error"
    try:
        report = powershell.read_report(str(answer.stdout), "settings")
    except powershell.NoReportError as error:
        raise UnreadableError(failure or str(error)) from None
    if failure and not report["settings"]:
        raise UnreadableError(failure)
    return report, failure


def compare_settings(stack: DeployedStack, server: str, report: Mapping[str, Any]) -> list[Setting]:
    """Compare each setting of the stack with the server's report."""
    return [
        compare_setting(server, service, setting, value, report)
        for service, values in stack.settings.items()
        for setting, value in values.items()
    ]


def compare_setting(server: str, service: str, setting: str, expected: object, report: Mapping[str, Any]) -> Setting:
    skipped = report.get("skipped", {}).get(service)
    actual = report["settings"].get(service, {}).get(setting)
    if service not in report["settings"]:
        # The finding of the server gives the reason.
        state, detail = (State.SHOWN, str(skipped)) if skipped else (State.UNSEEN, "")
    elif is_same_setting(expected, actual):
        state, detail = State.FINE, ""
    else:
        state, detail = (
            State.DIFFERENT,
            f"expected {format_setting_value(expected)}, found {format_setting_value(actual)}",
        )
    return Setting(
        server=server, service=service, setting=setting, expected=expected, actual=actual, state=state, detail=detail
    )


def format_setting_value(value: object) -> str:
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
