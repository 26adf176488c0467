"""Check the certificate that a server presents for a name."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from operations.result import Finding, State

# For one handshake or one page; half the time of an SSH logon, because a server takes both, one after the other.
SECONDS = 5
# A certificate with fewer days left counts as a difference: a renewal needs a request and an import on every server.
DAYS_LEFT = 30
# OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH.
HOSTNAME_MISMATCH = 62
# What cryptography raises for malformed certificates.
UNPARSABLE = (ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


@dataclass(frozen=True, kw_only=True)
class Certificate(Finding):
    """The certificate that a server presents for one name; without `days_left` there is none, or it is unreadable."""

    server: str
    name: str
    names: tuple[str, ...] = ()
    days_left: int | None = None

    @property
    def subject(self) -> str:
        return f"{self.server} certificate for {self.name}"


@cache
def trust_any() -> ssl.SSLContext:
    """Accept every certificate: it has a finding of its own, and a request for a health page sends no secret."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def check_certificate(
    server: str, name: str, address: str, port: int, trusted: ssl.SSLContext, *, thumbprint: str | None
) -> Certificate:
    """Verify the certificate as clients do. If that fails, a second handshake reads what the server presents.

    `thumbprint`: of the certificate that the stack has set, if it has.
    """
    problem = ""
    try:
        presented = await handshake(name, address, port, trusted)
    except ssl.SSLCertVerificationError as error:
        problem = "not for this name" if error.verify_code == HOSTNAME_MISMATCH else error.verify_message
        presented = await handshake(name, address, port, trust_any())
    certificate = Certificate(server=server, name=name, state=State.DIFFERENT, detail=problem)
    try:
        parsed = x509.load_der_x509_certificate(presented)
        names = read_dns_names(parsed)
    except UNPARSABLE as error:
        return replace(certificate, detail="; ".join(filter(None, (problem, f"it cannot be parsed: {error}"))))
    days = (parsed.not_valid_after_utc - datetime.now(UTC)).days
    certificate = replace(certificate, names=names, days_left=days)
    if not problem and days < DAYS_LEFT:
        problem = f"ends in {days} days, fewer than {DAYS_LEFT}"
    presents = parsed.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - Windows names certificates by it
    if not problem and thumbprint not in (None, presents):
        problem = f"is {presents}, but the last `pulumi up` set {thumbprint}"
    if not problem:
        return replace(certificate, state=State.FINE)
    return replace(certificate, detail=f"{problem} (its names: {', '.join(names) or 'none'})")


async def handshake(name: str, address: str, port: int, context: ssl.SSLContext) -> bytes:
    """The certificate that the server presents for the name, in DER. Raises OSError or ssl.SSLError."""
    async with asyncio.timeout(SECONDS):
        _, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname=name)
    presented: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(SECONDS):
            await writer.wait_closed()
    return presented


def read_dns_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Raises one of UNPARSABLE if an extension is malformed."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.get_values_for_type(x509.DNSName))
