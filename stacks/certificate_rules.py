"""Rules for the certificate: a thumbprint or a PFX with its password."""

from __future__ import annotations

from components.args import FarmArgs
from stacks.problems import MISSING, Report

COMMAND = "python -m operations certificate FILE.pfx"


def check_certificate_source(farm: FarmArgs, report: Report) -> None:
    row, has_pfx = farm.certificate, farm.certificate_pfx is not None
    if row is None:
        return
    if row.thumbprint and has_pfx:
        remedy = "contradicts certificatePfx, which has one, too. Remove it, or run: pulumi config rm certificatePfx"
        report("certificate.thumbprint", row.thumbprint, remedy)
    if not row.thumbprint and not has_pfx:
        remedy = f"names no certificate. Write its thumbprint, or set the secrets of a PFX: {COMMAND}"
        report("certificate", MISSING, remedy)


def check_certificate_password(farm: FarmArgs, report: Report) -> None:
    has_pfx, has_password = farm.certificate_pfx is not None, farm.certificate_password is not None
    if has_pfx and not has_password:
        report("certificatePassword", MISSING, f"is missing, and certificatePfx needs it. Set both: {COMMAND}")
    if has_password and not has_pfx:
        remedy = f"belongs to certificatePfx, which is missing. Run: pulumi config rm certificatePassword; or {COMMAND}"
        report("certificatePassword", MISSING, remedy)


RULES = (check_certificate_source, check_certificate_password)
