"""The keys of the stack file about the Active Directory domain that new virtual machines join. No Pulumi here."""

from __future__ import annotations

import re

from components.forms import ACCOUNT, DOMAIN, Form, explain_dns_name
from components.keys import args, key

# Active Directory takes no longer domain name (Microsoft: naming conventions in Active Directory).
LONGEST_NAME = 64
NETBIOS_NAME = r"[A-Za-z0-9_-]{1,15}"
UPN_SUFFIX = r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
# A value of a distinguished name, without the characters that need a backslash there.
DN_VALUE = r'[^\s,+"\\<>;=#]+'
OU = rf"[Oo][Uu]={DN_VALUE}"


def explain_name_of_domain(text: str) -> str | None:
    """Recognises a NetBIOS name, and a name that is not in its DNS form."""
    if re.fullmatch(NETBIOS_NAME, text):
        return f"is a NetBIOS name. Write the domain's full DNS name, such as {text.lower()}.mail-domain.com."
    return explain_dns_name(text)


def explain_local_account(text: str) -> str | None:
    if re.fullmatch(rf"\.?\\{ACCOUNT}", text):
        return "is a local account. Write a domain account: CORP\\NAME, or NAME@corp.mail-domain.com."
    return None


def explain_refused_ou(text: str) -> str | None:
    """Recognises paths that look right and fail in the extension or in Windows."""
    if text.lower().startswith("cn=computers,"):
        return (
            "is a container, not an organisational unit, and the join would fail. Remove ouPath: Windows then creates "
            "the computer account in Computers."
        )
    if text.lower().startswith("cn="):
        return "is a container, not an organisational unit, and the join would fail. Write a path that begins with OU=."
    joined = ",".join(part.strip() for part in text.split(","))
    if joined != text:
        return f"has spaces beside a comma, and the join would fail. Write {joined}."
    if re.search(r"\s", text):
        return (
            "has a space in a name, and the join would fail. Write an organisational unit without one. Or remove "
            "ouPath, and let the account that joins create the computer accounts there beforehand."
        )
    return None


@args
class DomainArgs:
    """The Active Directory domain that new virtual machines join, before SSH is switched on."""

    name: str = key(
        "The domain's full DNS name (corp.mail-domain.com).",
        form=Form(
            DOMAIN, "Write the domain's full DNS name, such as corp.mail-domain.com.", explain=explain_name_of_domain
        ),
        maxLength=LONGEST_NAME,
    )
    account: str = key(
        "The domain account that joins the machines: CORP\\name or name@domain. It needs the right to create computer "
        "accounts.",
        form=Form(
            rf"[A-Za-z0-9][A-Za-z0-9.-]*\\{ACCOUNT}|{ACCOUNT}@{UPN_SUFFIX}",
            "Write the domain account as CORP\\NAME, with one backslash, or as NAME@corp.mail-domain.com; without "
            "spaces.",
            explain=explain_local_account,
        ),
    )
    ou_path: str | None = key(
        "The organisational unit of the new computer accounts (OU=Exchange,DC=corp,DC=mail-domain,DC=com). If left "
        "out, Windows creates them in the domain's default container.",
        default=None,
        form=Form(
            rf"{OU}(,{OU})*(,[Dd][Cc]=[A-Za-z0-9-]+)+",
            "Write organisational units, then the domain: OU=Exchange,DC=corp,DC=mail-domain,DC=com.",
            explain=explain_refused_ou,
        ),
    )
