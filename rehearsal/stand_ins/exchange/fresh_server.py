"""A server after Exchange setup: version, URLs with the server's own name, application pools."""

from __future__ import annotations

import copy
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from rehearsal.stand_ins.exchange import components

# AdminDisplayVersion of Get-ExchangeServer: one build for each version.
DISPLAY_VERSIONS = {
    "2013RTM": "Version 15.0 (Build 516.32)",
    "2013": "Version 15.0 (Build 1497.2)",
    "2016": "Version 15.1 (Build 2507.6)",
    "2019": "Version 15.2 (Build 1748.10)",
    "SE": "Version 15.2 (Build 2562.17)",
}
PATHS = {
    "owa": "owa",
    "ecp": "ecp",
    "ews": "EWS/Exchange.asmx",
    "oab": "OAB",
    "activesync": "Microsoft-Server-ActiveSync",
    "mapi": "mapi",
}
# The settings in the scripts' documents; the state has more (for example the Autodiscover virtual directory).
SETTINGS = {
    **dict.fromkeys(("owa", "ecp", "ews", "oab", "activesync"), ("InternalUrl", "ExternalUrl")),
    "mapi": ("InternalUrl", "ExternalUrl", "IISAuthenticationMethods"),
    "autodiscover": ("AutoDiscoverServiceInternalUri",),
    "outlookAnywhere": (
        "InternalHostname",
        "ExternalHostname",
        "InternalClientsRequireSsl",
        "ExternalClientsRequireSsl",
        "InternalClientAuthenticationMethod",
        "ExternalClientAuthenticationMethod",
        "SSLOffloading",
    ),
}
FRONT_END_POOLS = ("OWA", "ECP", "Services", "OAB", "Sync", "MapiFrontEnd", "Autodiscover", "RpcProxyFrontEnd")
BACK_END_POOLS = ("MapiMailbox", "RpcProxy")


def new_server_state(*, name: str, version: str, domain: str, domain_controllers: list[str]) -> dict[str, Any]:
    """The state file of a server: one copy of its objects on each domain controller.

    A 2013 server has only the Client Access role, so no back-end application pools. KeyError for a version that is
    not in DISPLAY_VERSIONS.
    """
    fqdn = f"{name.lower()}.{domain}"
    objects = _new_objects(fqdn, has_mapi=version != "2013RTM")
    pools = FRONT_END_POOLS if version.startswith("2013") else FRONT_END_POOLS + BACK_END_POOLS
    return {
        "name": name.upper(),
        "fqdn": fqdn,
        "domain": domain,
        "version": version,
        "adminDisplayVersion": DISPLAY_VERSIONS[version],
        "appPools": {f"MSExchange{pool}AppPool": "Started" for pool in pools},
        "components": components.new_components(version),
        **_new_certificates(name, fqdn, has_mailbox_role=not version.startswith("2013")),
        "copies": {controller: copy.deepcopy(objects) for controller in domain_controllers},
        "pending": [],
        "faults": {},
    }


def _new_certificates(name: str, fqdn: str, *, has_mailbox_role: bool) -> dict[str, Any]:
    """The self-signed certificate that setup makes, on both web sites; only the Mailbox role has the second one."""
    thumbprint = hashlib.sha1(fqdn.encode(), usedforsecurity=False).hexdigest().upper()
    now = datetime.now(UTC)
    own = {
        "subject": f"CN={name.upper()}",
        "names": [name.upper(), fqdn],
        "notBefore": now.isoformat(),
        "notAfter": (now + timedelta(days=5 * 365)).isoformat(),
        "hasPrivateKey": True,
        "isSelfSigned": True,
        "status": "Valid",
        "services": ["IIS", "SMTP", "POP", "IMAP"],
    }
    bindings = {"Default Web Site": {"*:443:": thumbprint, "127.0.0.1:443:": thumbprint}}
    if has_mailbox_role:
        bindings["Exchange Back End"] = {"*:444:": thumbprint}
    return {"certificates": {thumbprint: own}, "bindings": bindings}


def _new_objects(fqdn: str, *, has_mapi: bool) -> dict[str, dict[str, Any]]:
    objects: dict[str, dict[str, Any]] = {
        service: {"InternalUrl": f"https://{fqdn}/{path}", "ExternalUrl": None} for service, path in PATHS.items()
    }
    objects["mapi"]["IISAuthenticationMethods"] = ["Ntlm", "OAuth", "Negotiate"]
    objects["autodiscover"] = {"AutoDiscoverServiceInternalUri": f"https://{fqdn}/Autodiscover/Autodiscover.xml"}
    objects["autodiscoverVirtualDirectory"] = {"BasicAuthentication": True, "WindowsAuthentication": True}
    objects["outlookAnywhere"] = {
        "InternalHostname": fqdn,
        "ExternalHostname": None,
        "InternalClientsRequireSsl": False,
        "ExternalClientsRequireSsl": False,
        "InternalClientAuthenticationMethod": "Ntlm",
        "ExternalClientAuthenticationMethod": "Negotiate",
        "SSLOffloading": True,
    }
    if not has_mapi:
        del objects["mapi"]
    return objects
