"""Server stand-ins for the tests: on loopback, with an organisation whose "PowerShell" is this Python."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from anyio.from_thread import BlockingPortal

from rehearsal.stand_ins.accounts import Accounts
from rehearsal.stand_ins.server import Server
from rehearsal.stand_ins.tls import Certificates

DOMAIN = "mail-domain.com"
OWA, AUTODISCOVER = f"owa.{DOMAIN}", f"autodiscover.{DOMAIN}"
USER, PASSWORD = "CORP\\exchange-operator", "right-Password-1"


def namespace_settings(client_name: str = OWA) -> dict[str, dict[str, object]]:
    """A server's settings, with the client name in every URL."""
    paths = {
        "owa": "owa",
        "ecp": "ecp",
        "ews": "EWS/Exchange.asmx",
        "oab": "OAB",
        "activesync": "Microsoft-Server-ActiveSync",
        "mapi": "mapi",
    }
    settings: dict[str, dict[str, object]] = {
        service: {f"{side}Url": f"https://{client_name}/{path}" for side in ("Internal", "External")}
        for service, path in paths.items()
    }
    settings["autodiscover"] = {
        "AutoDiscoverServiceInternalUri": f"https://{AUTODISCOVER}/autodiscover/autodiscover.xml"
    }
    settings["outlookAnywhere"] = {
        f"{side}{name}": value
        for side in ("Internal", "External")
        for name, value in (
            ("Hostname", client_name),
            ("ClientsRequireSsl", True),
            ("ClientAuthenticationMethod", "Ntlm"),
        )
    }
    return settings


class PythonOrganisation:
    """Settings in memory; a ".ps1" holds Python, so that these tests need no PowerShell."""

    def __init__(self) -> None:
        self.servers: dict[str, dict[str, dict[str, object]]] = {}

    def settings(self, computer_name: str) -> dict[str, dict[str, object]]:
        return {service: dict(values) for service, values in self.servers[computer_name.upper()].items()}

    def change(self, computer_name: str, service: str, setting: str, value: object) -> None:
        self.servers[computer_name.upper()][service][setting] = value

    def prepare(
        self,
        script: Path,
        args: Sequence[str],
        *,
        pwsh: str,
        root: Path,
        computer_name: str,
        logon: str,
        names: Path,
    ) -> tuple[list[str], dict[str, str]]:
        environment = {
            **os.environ,
            "COMPUTERNAME": computer_name,
            "EXCHANGE_STANDIN_ROOT": str(root),
            "EXCHANGE_STANDIN_LOGON": logon,
            "EXCHANGE_STANDIN_NAMES": str(names),
        }
        return [pwsh, str(script), *args], environment


@dataclass(kw_only=True)
class Farm:
    """Servers of one run: one loop, one organisation, one set of accounts, one certificate."""

    portal: BlockingPortal
    folder: Path
    organisation: PythonOrganisation = field(default_factory=PythonOrganisation)
    accounts: Accounts = field(default_factory=Accounts)
    certificates: Certificates = field(default_factory=lambda: Certificates([OWA, AUTODISCOVER]))
    servers: list[Server] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.accounts.put(USER, PASSWORD)

    def server(
        self,
        computer_name: str = "ex01",
        *,
        address: str = "127.40.0.11",
        ssh_port: int | None = 0,
        https_port: int = 0,
        pwsh: str | None = sys.executable,
        mapi_http: bool = True,
    ) -> Server:
        """A running server; ports that are 0 are free ones."""
        self.organisation.servers.setdefault(computer_name.upper(), namespace_settings())
        server = Server(
            computer_name,
            portal=self.portal,
            root=self.folder / computer_name,
            addresses=[address],
            organisation=self.organisation,
            accounts=self.accounts,
            certificates=self.certificates,
            https_port=https_port,
            ssh_port=ssh_port,
            pwsh=pwsh,
            names=lambda: [AUTODISCOVER, OWA],
            mapi_http=mapi_http,
        )
        server.start()
        self.servers.append(server)
        return server

    def stop(self) -> None:
        for server in self.servers:
            server.stop()
