"""Runs the servers: a virtual machine that Azure creates boots here; one that Azure deletes loses its disk, too."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal

from rehearsal.stand_ins import windows_state
from rehearsal.stand_ins.accounts import Accounts
from rehearsal.stand_ins.azure_native import VirtualMachine
from rehearsal.stand_ins.domain import DomainStandIn, JoinRequest
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.exchange.state_files import read_state_file, write_state_file
from rehearsal.stand_ins.script_results import CommandResult
from rehearsal.stand_ins.server import ServerStandIn
from rehearsal.stand_ins.tls import Certificates
from rehearsal.stand_ins.windows_disks import contents_of_disks, show_attached_disks
from rehearsal.stand_ins.windows_state import BUILDS, new_windows

# The Active Directory domain of servers that the stack joins to none; they are NAME.corp.example.
DOMAIN = "corp.example"


@dataclass(frozen=True, kw_only=True)
class PlacedServer:
    """A server and its addresses; `vm_id` is the ARM id of its virtual machine, None for an existing server."""

    computer_name: str
    addresses: tuple[str, ...]
    vm_id: str | None


class Datacentre:
    """Servers by computer name, on separate loopback addresses and the same ports.

    With `install_exchange` False new virtual machines have no Exchange, as in Azure. With `domain` they boot in no
    domain, and have Exchange once they have joined it; without `domain` an administrator has joined them. New virtual
    machines whose computer names are in `bare` boot a new Windows, on which the stack installs Exchange.
    """

    def __init__(
        self,
        folder: Path,
        *,
        portal: BlockingPortal,
        organisation: Organisation,
        accounts: Accounts,
        certificates: Certificates,
        exchange_version: str,
        ssh_port: int,
        https_port: int,
        pwsh: Path | None,
        names: Callable[[], Iterable[str]],
        domain: DomainStandIn | None = None,
        bare: Collection[str] = (),
    ) -> None:
        self.folder = folder
        self._bare = frozenset(bare)
        self._domain, self._domain_name = domain, domain.name if domain else DOMAIN
        self.install_exchange = True
        self.servers: dict[str, ServerStandIn] = {}
        self.ssh_port, self.https_port = ssh_port, https_port
        self._portal, self._organisation, self._accounts = portal, organisation, accounts
        self._certificates, self._version, self._names = certificates, exchange_version, names
        self._pwsh = str(pwsh) if pwsh else None
        self._names_by_id: dict[str, str] = {}
        self._disks = folder / "detached-disks.json"
        self._detaching = threading.Lock()

    def add_existing(self, computer_name: str, addresses: Iterable[str]) -> ServerStandIn:
        """A server that existed before the stack: Exchange is installed and SSH is on."""
        self.install(computer_name)
        return self._boot(computer_name, addresses, ssh_port=self.ssh_port)

    def install(self, computer_name: str) -> None:
        """What an administrator does on a new server: joins it to the domain and installs Exchange."""
        self._keep_in_windows(computer_name, domain=self._domain_name)
        self._organisation.add_server(computer_name, version=self._version, domain=self._domain_name)

    def placed_servers(self) -> tuple[PlacedServer, ...]:
        """The servers, for `boot` in another datacentre on a copy of the folder."""
        ids = {name: id for id, name in self._names_by_id.items()}
        return tuple(
            PlacedServer(computer_name=name, addresses=server.addresses, vm_id=ids.get(name))
            for name, server in self.servers.items()
        )

    def boot(self, servers: Iterable[PlacedServer]) -> None:
        """Starts servers whose disks and settings are in the folder already."""
        for server in servers:
            if server.vm_id:
                self._names_by_id[server.vm_id] = server.computer_name
            self._boot(server.computer_name, server.addresses, ssh_port=None)

    def create_machine(self, vm: VirtualMachine) -> None:
        name = vm.computer_name
        self._names_by_id[vm.id] = name
        if name in self._bare:
            self._keep_in_windows(name, **new_windows(BUILDS[self._version], domain=self._domain_name))
        if self._domain:
            self._keep_in_windows(name, domain=None, dnsServers=list(vm.dns_servers))
        elif self._gets_exchange(name):
            self.install(name)
        self._boot(name, (*vm.private_addresses, *vm.public_addresses), ssh_port=None)

    def join_domain(self, vm_id: str, request: JoinRequest, *, restart: bool) -> bool:
        name = self._names_by_id[vm_id]
        before = windows_state.read_state(self._root(name)).get("domain")
        if not self._domain or not self._domain.join(self._root(name), name, request):
            return False
        if before is None and self._gets_exchange(name):
            self.install(name)
        if before is None and restart:
            self.servers[name].stop()
            self.servers[name].start()
        return True

    def _gets_exchange(self, computer_name: str) -> bool:
        """Whether an administrator installs Exchange on a new machine."""
        return self.install_exchange and computer_name not in self._bare

    def delete_machine(self, id: str) -> None:
        name = self._names_by_id.pop(id)
        self.servers.pop(name).stop()
        # A data disk outlives its machine, with what is on it.
        with self._detaching:  # several machines may be deleted at the same time
            write_state_file(self._disks, {**self._detached_disks(), **contents_of_disks(self._root(name))})
        self._organisation.remove_server(name)
        shutil.rmtree(self._root(name))

    def disks_attached(self, vm_id: str, luns: Mapping[str, int]) -> None:
        show_attached_disks(self._root(self._names_by_id[vm_id]), luns, self._detached_disks())

    def _detached_disks(self) -> dict[str, Any]:
        return read_state_file(self._disks) if self._disks.exists() else {}

    def run_command(self, vm_id: str, script: str, parameters: Mapping[str, str]) -> CommandResult:
        return self.servers[self._names_by_id[vm_id]].run_script(script, parameters)

    def server_at(self, address: str) -> ServerStandIn:
        """The server that answers at this private or public address."""
        return next(server for server in self.servers.values() if address in server.addresses)

    def connections(self) -> int:
        """The number of SSH connections to all servers so far."""
        return sum(len(server.ssh.connections) for server in self.servers.values())

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop()

    def _boot(self, computer_name: str, addresses: Iterable[str], *, ssh_port: int | None) -> ServerStandIn:
        server = ServerStandIn(
            computer_name,
            portal=self._portal,
            root=self._root(computer_name),
            addresses=addresses,
            organisation=self._organisation,
            accounts=self._accounts,
            certificates=self._certificates,
            https_port=self.https_port,
            ssh_port=ssh_port,
            pwsh=self._pwsh,
            names=self._names,
            domain=self._domain_name,
            mapi_http=self._version not in ("2013", "2013RTM"),
        )
        self.servers[computer_name] = server
        server.start()
        return server

    def _keep_in_windows(self, computer_name: str, **values: Any) -> None:
        self._root(computer_name).mkdir(parents=True, exist_ok=True)
        windows_state.change_state(self._root(computer_name), **values)

    def _root(self, computer_name: str) -> Path:
        return self.folder / computer_name
