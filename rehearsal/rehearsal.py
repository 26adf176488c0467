"""One rehearsal: all stand-ins for one stack, started together and attached to the real engine."""

from __future__ import annotations

import copy
import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from anyio.from_thread import start_blocking_portal

from components import namespace
from rehearsal import stack_file
from rehearsal.datacentre import Datacentre, PlacedServer
from rehearsal.elsewhere import add_missing_records, list_client_hosts
from rehearsal.ports import find_free_ports
from rehearsal.stack import EngineStack
from rehearsal.stack_file import RehearsedFile
from rehearsal.stand_ins.accounts import Accounts
from rehearsal.stand_ins.azure_cli import write_azure_cli
from rehearsal.stand_ins.azure_native import SUBSCRIPTION_ID, AzureNative
from rehearsal.stand_ins.command import CommandProvider
from rehearsal.stand_ins.dns import AzureDns, RecordSet
from rehearsal.stand_ins.domain import DomainStandIn
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.tls import Certificates
from rehearsal.tools import REPOSITORY, ToolMissingError, Tools

MAILBOX = "CORP\\user"
SCRIPTS_RUN = "scripts-run"  # an empty file in the folder, where PowerShell runs the scripts; `look` reads it


@dataclass(frozen=True, kw_only=True)
class KeptRehearsal:
    """A copy of a rehearsal: its files in `folder`, and what it had only in memory.

    Any number of rehearsals can continue from it, but one at a time: they use the same ports.
    """

    folder: Path
    file: RehearsedFile
    password: str
    passphrase: str
    before: tuple[str, ...]
    servers: tuple[PlacedServer, ...]


class Rehearsal:
    """A context manager; it empties `folder` first and keeps all state there in readable files.

    `source` is the stack file; the default is the stack's file in `stacks/`. With `kept` the rehearsal continues from
    that copy instead.
    """

    def __init__(
        self, stack: str, folder: Path, tools: Tools, *, source: Path | None = None, kept: KeptRehearsal | None = None
    ) -> None:
        self.folder, self.tools, self._name = folder, tools, stack
        self._source = source or stack_file.find_stack_file(stack)
        self._kept = kept
        self._running = ExitStack()

    def __enter__(self) -> Rehearsal:
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._kept:
            shutil.copytree(self._kept.folder, self.folder, symlinks=True)
        else:
            self.folder.mkdir(parents=True)
        if self.tools.powershell:
            (self.folder / SCRIPTS_RUN).touch()
        try:
            self._start()
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def keep(self, folder: Path) -> KeptRehearsal:
        """Copies the rehearsal to `folder`, which must not exist. No `pulumi` command may be running."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return KeptRehearsal(
            folder=folder,
            file=copy.deepcopy(self.file),
            password=self.password,
            passphrase=self._passphrase,
            before=self._before,
            servers=self.datacentre.placed_servers(),
        )

    def _start(self) -> None:
        # With an SSH agent that has ended, every connection of the command provider would fail.
        os.environ.pop("SSH_AUTH_SOCK", None)
        kept = self._kept
        self.file = copy.deepcopy(kept.file) if kept else self._adapt_stack_file()
        self.password = kept.password if kept else stack_file.create_password()
        self._passphrase = kept.passphrase if kept else stack_file.create_password()
        self.names = namespace.client_names(self.file.farm.namespace)
        self.accounts, self.organisation = self._create_accounts()
        self.certificates = create_certificates(list_client_hosts(self.file.farm.namespace))
        self.datacentre = self._create_datacentre()
        self.azure = AzureNative(self.folder / "azure.json", host=self.datacentre)
        if not kept:
            for id, body in stack_file.list_existing_resources(self.file.farm, self._name):
                self.azure.subscription.put_existing(id, body)
        self._before = kept.before if kept else tuple(self.azure.subscription.resources)
        self.private_dns = AzureDns(self._list_records, private=True)
        self.public_dns = AzureDns(self._list_records)
        for part in (self.azure, self.private_dns, self.public_dns):
            self._running.enter_context(part)
        if kept:
            self.datacentre.boot(kept.servers)
        else:
            self._add_existing_servers()
        self.stack = EngineStack(
            self._name, self.folder / "pulumi", self.tools, self._attach_providers(), self._passphrase
        )
        self._sign_in_operations()
        if not kept:
            self.stack.write({"config": self.file.config}, self.file.secrets)

    def _sign_in_operations(self) -> None:
        """Commands of operations ask Azure Resource Manager themselves, with a token of the Azure CLI."""
        manager, environment, folder = self.azure.resource_manager, self.stack.environment, self.folder / "azure-cli"
        write_azure_cli(folder, subscription=SUBSCRIPTION_ID, token=manager.token)
        environment["LAB_RESOURCE_MANAGER"] = manager.endpoint
        environment["PATH"] = os.pathsep.join([str(folder), environment["PATH"]])

    def _adapt_stack_file(self) -> RehearsedFile:
        ssh_port, https_port = find_free_ports(stack_file.read_loopback_addresses(self._source), 2)
        return stack_file.adapt_stack_file(self._source, ssh_port=ssh_port, https_port=https_port)

    def _list_records(self) -> list[RecordSet]:
        return list(add_missing_records(self.azure.subscription.record_sets(), self.file.farm.namespace))

    def left_over(self) -> list[str]:
        """The ARM ids in the subscription that did not exist before the stack."""
        before = {id.lower() for id in self._before}
        return [id for id in self.azure.subscription.resources if id.lower() not in before]

    def _create_accounts(self) -> tuple[Accounts, Organisation]:
        accounts, organisation = Accounts(), Organisation(self.folder / "exchange")
        accounts.put(self.file.farm.operator, self.file.secrets["operatorPassword"])
        accounts.put(MAILBOX, self.password)
        organisation.add_account(self.file.farm.operator, self.file.secrets["operatorPassword"])
        return accounts, organisation

    def _create_datacentre(self) -> Datacentre:
        farm = self.file.farm
        datacentre = Datacentre(
            self.folder / "servers",
            portal=self._running.enter_context(start_blocking_portal()),
            organisation=self.organisation,
            accounts=self.accounts,
            certificates=self.certificates,
            exchange_version=farm.exchange_version,
            ssh_port=farm.ssh.port,
            https_port=farm.https_port,
            pwsh=self.tools.powershell,
            names=lambda: self.private_dns.names(),
            domain=self._create_domain(),
            bare=[farm.servers[key].computer_name for key in farm.installed_servers],
        )
        self._running.callback(datacentre.stop)
        return datacentre

    def _create_domain(self) -> DomainStandIn | None:
        """The domain of the stack file, with what the file expects there."""
        farm = self.file.farm
        if farm.domain is None:
            return None
        domain = DomainStandIn(
            self.folder / "domain.json",
            name=farm.domain.name,
            controllers=farm.network.dns_servers,
            units=[farm.domain.ou_path] if farm.domain.ou_path else [],
        )
        domain.accounts.put(farm.domain.account, self.file.secrets["domainPassword"])
        return domain

    def _add_existing_servers(self) -> None:
        for key, server in self.file.farm.servers.items():
            if server.existing:
                addresses = [server.address, *([server.external_address] if server.external_address else [])]
                added = self.datacentre.add_existing(server.computer_name, addresses)
                self.file.pin_host_key(key, added.host_key)

    def _attach_providers(self) -> dict[str, int]:
        attached = {"azure-native": self.azure.port}
        if self.tools.command_plugin is None:
            attached["command"] = self._running.enter_context(CommandProvider(REPOSITORY)).port
        return attached


def create_certificates(hosts: set[str]) -> Certificates:
    try:
        return Certificates(hosts)
    except ValueError as error:
        raise ToolMissingError(
            f"No certificate can be created for one of {', '.join(sorted(hosts))}: {error}. "
            "Write a host of letters, digits and hyphens in the URL that names it."
        ) from None
