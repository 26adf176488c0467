"""Rules for the Active Directory domain that new virtual machines join."""

from __future__ import annotations

import re

from components.args import FarmArgs, ServerArgs
from stacks.problems import MISSING, Report

# Azure's own name server, which no domain registers its records with.
AZURE_NAME_SERVER = "168.63.129.16"


def check_domain_has_machines(farm: FarmArgs, report: Report) -> None:
    if farm.domain and not farm.creates_servers:
        remedy = "is only for virtual machines that this stack creates, and every server has existing: true. Remove it."
        report("domain", MISSING, remedy)


def check_name_servers_of_domain(farm: FarmArgs, report: Report) -> None:
    """A machine keeps the name servers of its first boot until it boots again."""
    if not farm.domain or not farm.creates_servers:
        return
    if not farm.network.dns_servers:
        remedy = "is missing. A new machine finds its domain through the domain controllers. Write their addresses."
        report("network.dnsServers", MISSING, remedy)
    elif AZURE_NAME_SERVER in farm.network.dns_servers:
        remedy = (
            f"contains Azure's own name server {AZURE_NAME_SERVER}, which does not know the domain: the join would "
            "fail at times. Write domain controllers only, and let them forward other names."
        )
        report("network.dnsServers", list(farm.network.dns_servers), remedy)


def check_domain_password(farm: FarmArgs, report: Report) -> None:
    if farm.domain and farm.domain_password is None:
        remedy = "is missing. Set the password of domain.account: pulumi config set --secret domainPassword"
        report("domainPassword", MISSING, remedy)
    elif farm.domain is None and farm.domain_password is not None:
        remedy = "has no effect without domain. Write domain, or remove it: pulumi config rm domainPassword"
        report("domainPassword", MISSING, remedy)


def check_domain_of_ou(farm: FarmArgs, report: Report) -> None:
    if not farm.domain or not farm.domain.ou_path:
        return
    domain = ".".join(re.findall(r",DC=([^,]+)", farm.domain.ou_path, re.IGNORECASE)).lower()
    if domain != farm.domain.name:
        end = "".join(f",DC={label}" for label in farm.domain.name.split("."))
        report("domain.ouPath", farm.domain.ou_path, f"is not in domain.name = {farm.domain.name}. End it with {end}.")


def check_account_of_domain(farm: FarmArgs, report: Report) -> None:
    if not farm.domain:
        return
    place, backslash, _ = farm.domain.account.partition("\\")
    if backslash and any(place.lower() == server.computer_name.lower() for server in farm.servers.values()):
        remedy = f"is an account of the server {place}, which exists on no domain controller. Write a domain account."
        report("domain.account", farm.domain.account, remedy)


def check_join_needs_domain(farm: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if server.join_domain is None:
        return
    if server.existing:
        remedy = "is only for virtual machines that this stack creates. Remove it, or remove existing: true."
    elif farm.domain is None:
        remedy = "has no effect without domain. Write domain, or remove it."
    else:
        return
    report(f"servers.{name}.joinDomain", server.join_domain, remedy)


RULES = (
    check_domain_has_machines,
    check_name_servers_of_domain,
    check_domain_password,
    check_domain_of_ou,
    check_account_of_domain,
)
RULES_OF_EACH_SERVER = (check_join_needs_domain,)
