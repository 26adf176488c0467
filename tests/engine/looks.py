"""What tests read after a run: the servers' settings, DNS answers, the calls and scripts of each server."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import dns.message
import dns.query
import dns.rdatatype

from rehearsal.rehearsal import Rehearsal
from rehearsal.stand_ins.dns import AzureDns

PROJECT = "exchange-cas"


def promised_settings(domain: str) -> dict[str, dict[str, Any]]:
    """The settings that the README promises for a domain, written independently of the program."""
    owa = f"https://owa.{domain}"
    paths = {
        "owa": "/owa",
        "ecp": "/ecp",
        "ews": "/EWS/Exchange.asmx",
        "oab": "/OAB",
        "activesync": "/Microsoft-Server-ActiveSync",
        "mapi": "/mapi",
    }
    urls = {service: {"InternalUrl": owa + path, "ExternalUrl": owa + path} for service, path in paths.items()}
    return {
        **urls,
        "autodiscover": {
            "AutoDiscoverServiceInternalUri": f"https://autodiscover.{domain}/autodiscover/autodiscover.xml"
        },
        "outlookAnywhere": {
            "InternalHostname": f"owa.{domain}",
            "ExternalHostname": f"owa.{domain}",
            "InternalClientsRequireSsl": True,
            "ExternalClientsRequireSsl": True,
            "InternalClientAuthenticationMethod": "Ntlm",
            "ExternalClientAuthenticationMethod": "Ntlm",
            "SSLOffloading": False,
        },
    }


def differences(rehearsal: Rehearsal, computer_name: str, expected: dict[str, dict[str, Any]]) -> dict[str, object]:
    """service.setting -> value in the Exchange stand-in, for each setting that differs from `expected`."""
    present = rehearsal.organisation.settings(computer_name)
    return {
        f"{service}.{setting}": present[service].get(setting)
        for service, settings in expected.items()
        for setting, value in settings.items()
        if present[service].get(setting) != value
    }


def resolve(server: AzureDns, name: str) -> tuple[set[str], int]:
    """Addresses and TTL that a name server answers; the client library is not the one the server uses."""
    answer = dns.query.udp(dns.message.make_query(name, "A"), server.address, port=server.port, timeout=60)
    records = [record for rrset in answer.answer for record in rrset if record.rdtype == dns.rdatatype.A]
    return {record.address for record in records}, answer.answer[0].ttl if answer.answer else 0


def cmdlets(rehearsal: Rehearsal, since: int = 0, verb: str = "") -> list[tuple[str, str]]:
    """(server, cmdlet) of every Exchange call after the first `since`; `verb` ("Set-") filters them."""
    calls = rehearsal.organisation.calls()[since:]
    return [(call.server.upper(), call.cmdlet) for call in calls if call.cmdlet.startswith(verb)]


def servers_in(calls: Iterable[tuple[str, str]]) -> set[str]:
    return {server for server, _ in calls}


def scripts_run(rehearsal: Rehearsal) -> list[tuple[str, str]]:
    """(server, script) of every command over SSH since the rehearsal started."""
    return [
        (server.computer_name.upper(), re.findall(r"([\w-]+)\.ps1", command)[0])
        for server in rehearsal.datacentre.servers.values()
        for connection in server.ssh.connections
        for command in connection.commands
    ]


def servers_dialled(rehearsal: Rehearsal) -> set[str]:
    """The servers that received an SSH connection since the rehearsal started."""
    servers = rehearsal.datacentre.servers.values()
    return {server.computer_name.upper() for server in servers if server.ssh.connections}
