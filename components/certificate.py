"""The certificate of the servers: the document of its script, and what its report says. No Pulumi resources here."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components import powershell
from components.args import CertificateArgs, ServerArgs

THUMBPRINT = re.compile(r"[0-9A-F]{40}")
UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
NOT_A_PFX = (
    "certificatePfx is not a PFX in base64. Set it with: python -m operations certificate FILE.pfx, which checks it."
)


@dataclass(frozen=True, kw_only=True)
class ServerCertificate:
    """The stack file's certificate: a thumbprint in `args`, or a PFX in base64 and its password."""

    args: CertificateArgs
    pfx: pulumi.Input[str] | None
    password: pulumi.Input[str] | None

    @property
    def source(self) -> pulumi.Output[dict[str, str]]:
        """The part `certificate` of the document; a secret if it is a PFX."""
        if self.pfx is None:
            return pulumi.Output.from_input({"thumbprint": (self.args.thumbprint or "").upper()})
        pfx, password = pulumi.Output.secret(self.pfx), pulumi.Output.secret(self.password or "")
        return pulumi.Output.all(pfx, password).apply(lambda both: {"pfx": refuse_damage(both[0]), "password": both[1]})

    @property
    def trigger(self) -> pulumi.Output[str]:
        """Changes with the certificate: the thumbprint, or a hash of the PFX."""
        return self.source.apply(
            lambda source: source.get("thumbprint") or hashlib.sha256(source["pfx"].encode()).hexdigest()
        )


def refuse_damage(pfx: str) -> str:
    """The same text. Raises RunError, without showing it, if it is not base64 of an ASN.1 sequence."""
    try:
        content = base64.b64decode("".join(pfx.split()), validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content.startswith(b"\x30"):
        raise pulumi.RunError(NOT_A_PFX)
    return pfx


def certificate_document(
    *, server: ServerArgs, exchange_version: str, args: CertificateArgs, source: Mapping[str, str], names: list[str]
) -> dict[str, Any]:
    """The document of Set-ClientAccessCertificate.ps1, with its keys in the order of the script's help."""
    return {
        "server": server.computer_name,
        "exchangeVersion": exchange_version,
        "certificate": dict(source),
        "services": ["IIS", "SMTP"] if args.smtp else ["IIS"],
        "names": names,
        # A server out of rotation is offline already, and stays so.
        "drain": args.drain and server.in_rotation,
    }


def read_certificate(output: str | None) -> dict[str, str] | str:
    """Thumbprint and expiry (UTC) from a report; without them a sentence. Nothing else of the report is returned."""
    try:
        report = powershell.read_report(output, "thumbprint")
    except powershell.NoReportError as error:
        return f"not known: {error}"
    thumbprint, not_after = str(report["thumbprint"]), str(report.get("notAfter"))
    if not THUMBPRINT.fullmatch(thumbprint) or not UTC_TIME.fullmatch(not_after):
        return f"not known: {powershell.NO_REPORT}"
    return {"thumbprint": thumbprint, "notAfter": not_after}
