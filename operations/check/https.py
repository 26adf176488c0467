"""Check each server at its own address as a client would: the certificate for each name, each service's health page."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import asyncssh
import httpx

from components import namespace
from connections.ssh import explain_ssh_error
from operations.check.certificate import SECONDS, Certificate, check_certificate, trust_any
from operations.connections import Connections
from operations.result import Finding, State
from operations.stack import DeployedStack

FOLDERS = {
    **{service: path.split("/")[1] for service, path in namespace.PATHS.items()},
    "autodiscover": "autodiscover",
    "outlookAnywhere": "rpc",
}
# The page of Managed Availability: 200 OK and the server's FQDN.
ANSWERED_BY = re.compile(r"200 OK\s*<br\s*/?>\s*([\w.-]+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Health(Finding):
    """The health page of one service under one name; `answered_by` is the server's FQDN in its body."""

    server: str
    name: str
    service: str
    status: int | None = None
    answered_by: str | None = None

    @property
    def subject(self) -> str:
        return f"{self.server} {self.service} on {self.name}"


@dataclass(frozen=True, kw_only=True)
class SiteFinding:
    """One server under one name."""

    server: str
    name: str
    certificate: Certificate
    services: tuple[Health, ...]


def services_by_name(stack: DeployedStack) -> dict[str, list[str]]:
    """Each name that clients use -> the services whose URLs have it."""
    names = stack.names
    found: dict[str, list[str]] = {name: [] for name in names.list_all()}
    hosts = namespace.client_hosts(stack.settings)
    if "autodiscover" in hosts:
        # External clients cannot read the service connection point; they derive the name from the mail domain.
        hosts["autodiscover"] += [names.autodiscover, names.external_autodiscover]
    for service, used in hosts.items():
        for host in dict.fromkeys(host.lower() for host in used):
            found.setdefault(host, []).append(service)
    return found


async def check_https(stack: DeployedStack, connections: Connections, trusted: ssl.SSLContext) -> list[SiteFinding]:
    """Check all servers under all names in parallel; the results are in the order of the servers' keys."""
    return list(
        await asyncio.gather(
            *(
                check_site(connections, stack.servers[key], name, services, trusted)
                for key in sorted(stack.servers)
                for name, services in services_by_name(stack).items()
            )
        )
    )


async def check_site(
    connections: Connections, server: Mapping[str, Any], name: str, services: Sequence[str], trusted: ssl.SSLContext
) -> SiteFinding:
    """The result of a server out of rotation is shown only; it does not count."""
    computer_name = str(server["computerName"])
    reached = False
    try:
        address, port = await connections.find_web_site(server)
        reached = True
        certificate = await check_certificate(
            computer_name, name, address, port, trusted, thumbprint=read_thumbprint(server)
        )
    except (OSError, asyncssh.Error) as error:
        # An error of the jump host is not a fault of the server.
        state, detail = judge_failure(error) if reached else (State.UNSEEN, f"jump host: {explain_ssh_error(error)}")
        certificate = Certificate(server=computer_name, name=name, state=state, detail=detail)
        pages = [Health(server=computer_name, name=name, service=service, state=state) for service in services]
    else:
        pages = await asyncio.gather(*(check_health(computer_name, name, row, address, port) for row in services))
    if not server["inRotation"]:
        certificate = replace(certificate, state=State.SHOWN)
        pages = [replace(page, state=State.SHOWN) for page in pages]
    return SiteFinding(server=computer_name, name=name, certificate=certificate, services=tuple(pages))


def read_thumbprint(server: Mapping[str, Any]) -> str | None:
    """Of the certificate that the stack has set; None if it has none, or if the script's report was unreadable."""
    certificate = server.get("certificate")
    return str(certificate["thumbprint"]) if isinstance(certificate, Mapping) else None


async def check_health(server: str, name: str, service: str, address: str, port: int) -> Health:
    page = Health(server=server, name=name, service=service, state=State.UNSEEN)
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpx.AsyncClient(verify=trust_any(), trust_env=False, timeout=SECONDS) as client,
        ):
            answer = await client.get(
                f"https://{address}:{port}/{FOLDERS[service]}/healthcheck.htm",
                headers={"Host": name},
                extensions={"sni_hostname": name},
            )
    except (OSError, httpx.HTTPError) as error:
        state, detail = judge_failure(error)
        return replace(page, state=state, detail=detail)
    found = ANSWERED_BY.search(answer.text)
    page = replace(page, status=answer.status_code, answered_by=found[1] if found else None, state=State.DIFFERENT)
    if answer.status_code != httpx.codes.OK:
        return replace(page, detail=f"{answer.status_code} {answer.reason_phrase}")
    if page.answered_by is None:
        return replace(page, detail="the page names no server")
    if page.answered_by.partition(".")[0].lower() != server.lower():
        return replace(page, detail=f"answered by {page.answered_by}")
    return replace(page, state=State.FINE)


def judge_failure(error: Exception) -> tuple[State, str]:
    """A refused or reset connection is a finding. A timeout is "could not look": the fault may be the network's."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return State.UNSEEN, f"no answer within {SECONDS} s"
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    if isinstance(cause, ConnectionRefusedError):
        return State.DIFFERENT, "the connection is refused"
    if isinstance(cause, ConnectionResetError | ssl.SSLError) or isinstance(error, httpx.RemoteProtocolError):
        return State.DIFFERENT, "the connection is closed early"
    return State.UNSEEN, explain_ssh_error(cause)


def https_findings(sites: Sequence[SiteFinding]) -> list[Finding]:
    return [finding for site in sites for finding in (site.certificate, *site.services)]
