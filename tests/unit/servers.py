"""Server stand-ins for the tests: on loopback, with an organisation whose "PowerShell" is this Python."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal

from rehearsal.stand_ins.accounts import Accounts
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.server import ServerStandIn
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
    settings["outlookAnywhere"]["SSLOffloading"] = False
    settings["mapi"]["IISAuthenticationMethods"] = ["Ntlm", "OAuth", "Negotiate"]
    return settings


class PythonOrganisation(Organisation):
    """A ".ps1" holds Python, so that these tests need no PowerShell."""

    def prepare(self, script: Path, args: Sequence[str], **options: Any) -> tuple[list[str], dict[str, str]]:
        argv, environment = super().prepare(script, args, **options)
        return [options["pwsh"], *argv[argv.index(str(script)) :]], environment

    def tell(self, computer_name: str, settings: Mapping[str, Mapping[str, object]]) -> None:
        """Change several settings of a server at once."""
        for service, values in settings.items():
            for setting, value in values.items():
                self.change(computer_name, service, setting, value)


@dataclass(kw_only=True)
class Farm:
    """Servers of one run: one loop, one organisation, one set of accounts, one certificate."""

    portal: BlockingPortal
    folder: Path
    accounts: Accounts = field(default_factory=Accounts)
    certificates: Certificates = field(default_factory=lambda: Certificates([OWA, AUTODISCOVER]))
    servers: list[ServerStandIn] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.accounts.put(USER, PASSWORD)
        self.organisation = PythonOrganisation(self.folder / "exchange")

    def server(
        self,
        computer_name: str = "ex01",
        *,
        address: str = "127.40.0.11",
        ssh_port: int | None = 0,
        https_port: int = 0,
        pwsh: str | None = sys.executable,
        mapi_http: bool = True,
        client_name: str = OWA,
    ) -> ServerStandIn:
        """A running server whose URLs have the client name; ports that are 0 are free ones."""
        self.organisation.add_server(computer_name)
        self.organisation.tell(computer_name, namespace_settings(client_name))
        server = ServerStandIn(
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
