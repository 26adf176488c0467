"""A deployed stack for the tests of operations: server and DNS stand-ins, and what `pulumi` would print about it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.outputs import stack_file_outputs
from operations.check.verify import Verification, verify_stack
from operations.dns_server import DnsServer
from operations.result import State
from operations.stack import DeployedStack, build_stack
from rehearsal.ports import find_free_ports
from rehearsal.stand_ins.dns import AzureDns, RecordSet
from rehearsal.stand_ins.server import ServerStandIn
from stacks import arguments
from tests.unit.servers import DOMAIN, PASSWORD, USER, Farm

SCRIPTS = "C:/ProgramData/ExchangeCas/made/"
PRIVATE: Mapping[str, Any] = {"private": {"existingResourceGroup": "dns"}}


@dataclass(frozen=True, kw_only=True)
class Record(RecordSet):
    zone: str = DOMAIN
    type: str = "A"
    ttl: int = 300
    private: bool = True


@dataclass(kw_only=True)
class Deployment:
    """`count` servers as deployed. Tests may change `rows` (DNS), `outputs` (of servers) and `values` (the stack file).

    With `deployed`, the stack was deployed from those values, and the file was edited since.
    """

    farm: Farm
    count: int = 2
    pwsh: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    deployed: dict[str, Any] | None = None
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        addresses = [f"127.40.1.{number}" for number in range(1, self.count + 1)]
        self.ssh_port, self.https_port = find_free_ports(addresses, 2)
        self.servers = [self._server(number, address) for number, address in enumerate(addresses, start=1)]
        self.rows += [Record(name=name, values=tuple(addresses)) for name in ("owa", "autodiscover")]
        self.values |= {
            "namespace": {"domain": DOMAIN},
            "exchangeVersion": "2016",
            "operator": USER,
            "operatorPassword": PASSWORD,
            "servers": {
                key: {"computerName": row["computerName"], "address": row["address"], "existing": True}
                | {"hostKey": row["hostKey"]}
                for key, row in self.outputs.items()
            },
            "dns": PRIVATE,
            "ssh": {"port": self.ssh_port},
            "httpsPort": self.https_port,
        }

    def _server(self, number: int, address: str) -> ServerStandIn:
        name = f"ex{number:02}"
        server = self.farm.server(
            name, address=address, ssh_port=self.ssh_port, https_port=self.https_port, pwsh=self.pwsh
        )
        script = server.drive.local(f"{SCRIPTS}Get-ClientAccessNamespace.ps1")
        script.parent.mkdir(parents=True)
        script.touch()
        self.outputs[name] = {
            "computerName": name.upper(),
            "address": address,
            "publicAddress": None,
            "hostKey": server.host_key,
            "inRotation": True,
            "scripts": SCRIPTS,
            "namespaceUrn": f"urn:pulumi:test::exchange-cas::command:remote:Command::cas-{name}-namespace",
        }
        return server

    def stack(self) -> DeployedStack:
        return build_stack("test", self.all_outputs(), self.values, "westeurope")

    def all_outputs(self) -> dict[str, Any]:
        """All outputs of the stack."""
        farm = arguments.read_arguments(self.deployed or self.values, location="westeurope")
        return {**stack_file_outputs(farm), "servers": self.outputs}

    def verify(
        self,
        *,
        trusted: ssl.SSLContext | None = None,
        name_servers: Sequence[AzureDns] = (),
        run: Callable[[Coroutine[Any, Any, Verification]], Verification] = asyncio.run,
    ) -> Verification:
        """With the servers' authority trusted, and a resolver that answers from `rows`."""
        with AzureDns(lambda: self.rows, private=True) as resolver:
            owners = [to_dns_server(server) for server in name_servers]
            return run(verify_stack(self.stack(), trusted or self.trusted, to_dns_server(resolver), owners))

    @property
    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.farm.certificates.authority_pem)


def to_dns_server(server: AzureDns) -> DnsServer:
    return DnsServer(server.address, server.port)


def describe_findings(result: Verification, state: State = State.DIFFERENT) -> list[str]:
    """A line for each finding of this state that has a detail."""
    return [f"{row.subject}: {row.detail}" for row in result.findings() if row.state is state and row.detail]
