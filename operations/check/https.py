"""What a client meets on each server's own address: the certificate it shows for a name, each service's health page."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import asyncssh
import httpx
from cryptography import x509

from components import namespace
from operations.connections import Connections
from operations.result import Finding, State
from operations.stack import DeployedStack
from restoration.ssh import why

# Of one step, a handshake or a page; half of what a logon over SSH may take, as there are two.
SECONDS = 5
# Less is a difference: a renewal takes a request, an import on every server, and people.
DAYS_LEFT = 30
FOLDERS = {
    **{service: path.split("/")[1] for service, path in namespace.PATHS.items()},
    "autodiscover": "autodiscover",
    "outlookAnywhere": "rpc",
}
# Managed Availability's page: 200 OK, and the server's own name.
ANSWERED_BY = re.compile(r"200 OK\s*<br\s*/?>\s*([\w.-]+)", re.IGNORECASE)
# OpenSSL's code for a certificate that is not for the name asked.
HOSTNAME_MISMATCH = 62


@dataclass(frozen=True, kw_only=True)
class Certificate(Finding):
    """What a server shows for one name; without `days_left` it showed none."""

    server: str
    name: str
    names: tuple[str, ...] = ()
    days_left: int | None = None

    @property
    def subject(self) -> str:
        return f"{self.server} certificate for {self.name}"


@dataclass(frozen=True, kw_only=True)
class Health(Finding):
    """One service's health page under one name; `answered_by` is the server's name in its body."""

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


@cache
def blind() -> ssl.SSLContext:
    """Trusts anybody: the certificate is judged on its own, and a health page asks for no secret."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def services_by_name(stack: DeployedStack) -> dict[str, list[str]]:
    """Each name that clients use -> the services they are sent to there."""
    names = stack.names
    found: dict[str, list[str]] = {name: [] for name in names.every()}
    told = namespace.hosts(stack.settings)
    if "autodiscover" in told:
        # Clients outside read no service URI; they take the name from the mail domain.
        told["autodiscover"] += [names.autodiscover, names.external_autodiscover]
    for service, hosts in told.items():
        for host in dict.fromkeys(host.lower() for host in hosts):
            found.setdefault(host, []).append(service)
    return found


async def check_https(stack: DeployedStack, connections: Connections, trusted: ssl.SSLContext) -> list[SiteFinding]:
    """Every server under every name at the same time, in the order of the servers' keys."""
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
    """A server out of rotation is shown, not judged: nothing is promised of it."""
    computer_name = str(server["computerName"])
    met = False
    try:
        address, port = await connections.web(server)
        met = True
        certificate = await certificate_of(computer_name, name, address, port, trusted)
    except (OSError, asyncssh.Error) as error:
        # What a jump host refuses says nothing of the server.
        state, detail = failure(error) if met else (State.UNSEEN, f"jump host: {why(error)}")
        certificate = Certificate(server=computer_name, name=name, state=state, detail=detail)
        pages = [Health(server=computer_name, name=name, service=service, state=state) for service in services]
    else:
        pages = await asyncio.gather(*(health_of(computer_name, name, row, address, port) for row in services))
    if not server["inRotation"]:
        certificate = replace(certificate, state=State.SHOWN)
        pages = [replace(page, state=State.SHOWN) for page in pages]
    return SiteFinding(server=computer_name, name=name, certificate=certificate, services=tuple(pages))


async def certificate_of(server: str, name: str, address: str, port: int, trusted: ssl.SSLContext) -> Certificate:
    """One handshake that trusts as clients do; where that fails, another one to see what was shown."""
    problem = ""
    try:
        shown = await handshake(name, address, port, trusted)
    except ssl.SSLCertVerificationError as error:
        problem = "not for this name" if error.verify_code == HOSTNAME_MISMATCH else error.verify_message
        shown = await handshake(name, address, port, blind())
    days = (shown.not_valid_after_utc - datetime.now(UTC)).days
    if not problem and days < DAYS_LEFT:
        problem = f"ends in {days} days, fewer than {DAYS_LEFT}"
    return Certificate(
        server=server,
        name=name,
        names=names_in(shown),
        days_left=days,
        state=State.DIFFERENT if problem else State.FINE,
        detail=problem and f"{problem} (it names {', '.join(names_in(shown)) or 'nothing'})",
    )


async def handshake(name: str, address: str, port: int, context: ssl.SSLContext) -> x509.Certificate:
    async with asyncio.timeout(SECONDS):
        _, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname=name)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(SECONDS):
            await writer.wait_closed()
    return x509.load_der_x509_certificate(shown)


def names_in(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.get_values_for_type(x509.DNSName))


async def health_of(server: str, name: str, service: str, address: str, port: int) -> Health:
    page = Health(server=server, name=name, service=service, state=State.UNSEEN)
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpx.AsyncClient(verify=blind(), trust_env=False, timeout=SECONDS) as client,
        ):
            answer = await client.get(
                f"https://{address}:{port}/{FOLDERS[service]}/healthcheck.htm",
                headers={"Host": name},
                extensions={"sni_hostname": name},
            )
    except (OSError, httpx.HTTPError) as error:
        state, detail = failure(error)
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


def failure(error: Exception) -> tuple[State, str]:
    """What a client would meet is a difference; with silence, nobody can tell the server from the way to it."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return State.UNSEEN, f"no answer within {SECONDS} s"
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    if isinstance(cause, ConnectionRefusedError):
        return State.DIFFERENT, "the connection is refused"
    if isinstance(cause, ConnectionResetError | ssl.SSLError) or isinstance(error, httpx.RemoteProtocolError):
        return State.DIFFERENT, "the connection is closed in the middle"
    return State.UNSEEN, why(cause)


def https_findings(sites: Sequence[SiteFinding]) -> list[Finding]:
    return [finding for site in sites for finding in (site.certificate, *site.services)]
