"""The namespace on all servers, and the order in which servers and record sets wait for each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_command import local, remote

from components.args import RolloutArgs
from components.azure_args import DnsArgs
from components.certificate import ServerCertificate, certificate_document
from components.dns import NamespaceRecords
from components.installation import Installer, add_installations
from components.installation_args import InstallationArgs
from components.namespace import exchange_settings, gate_names, list_certificate_names, namespace_document
from components.namespace_args import NamespaceArgs
from components.restoration import add_restoration
from components.server import Server
from components.shell import ServerAccess, ServerShell


@dataclass(frozen=True, kw_only=True)
class ClientAccessNamespaceArgs:
    """The arguments that all servers share."""

    namespace: NamespaceArgs
    dns: DnsArgs
    exchange_version: str
    installation: InstallationArgs | None
    recycle_app_pools: bool
    https_port: int
    reject_closed_ports: bool
    drain_seconds: int
    health_seconds: int
    rollout: RolloutArgs
    access: ServerAccess
    # None: the servers keep theirs.
    certificate: ServerCertificate | None = None


class ClientAccessNamespace(pulumi.ComponentResource):
    """Installation → certificate → gate → record sets → namespace → out of rotation; and restorations.

    A server enters DNS when it is active and healthy. It goes offline after it has left DNS and clients have forgotten
    its address. Each step waits for earlier ones only, so no combination of servers makes a cycle.
    """

    # Server's key -> its namespace command.
    commands: dict[str, remote.Command]
    # Server's key -> its certificate command; empty without a certificate in the stack file.
    certificates: dict[str, remote.Command]

    def __init__(
        self,
        name: str,
        args: ClientAccessNamespaceArgs,
        *,
        servers: Sequence[Server],
        installed: Sequence[Server],
        configured: Sequence[Server],
        records: NamespaceRecords,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Those of the `servers` that get Exchange here (`installed`), and whose Exchange gets the namespace."""
        super().__init__("exchange-cas:index:ClientAccessNamespace", name, None, opts)
        self._args = args
        # 1. Installation, after zones and links: if Azure refuses one of these, no server has been changed.
        installations = self._install(name, installed, records.zones_and_links)
        shells = [
            ServerShell(f"{name}-{server.key}", server, args.access, after=installations.get(server.key), parent=self)
            for server in order_rollout(configured, args.rollout.canary)
        ]
        # 2. Certificate and gate, after zones and links as well.
        self.certificates = self._certify(shells, after=records.zones_and_links)
        gates = [
            self._rotate(shell, self._own_certificate(shell) or records.zones_and_links)
            for shell in shells
            if shell.server.args.in_rotation
        ]
        # Restorations run when they are deleted, and deletions run in reverse order: a destroy deletes the record sets
        # before any server gets its old URLs back.
        restorations = [
            add_restoration(
                name,
                server,
                args.access,
                exchange_version=args.exchange_version,
                recycle_app_pools=args.recycle_app_pools,
                parent=self,
            )
            for server in servers
            if server.args.existing
        ]
        # 3. Record sets.
        records.add_record_sets(servers, after=[*gates, *restorations])
        # 4. Namespace: an Exchange cmdlet asks for confirmation if the host of a URL does not resolve.
        self.commands = self._configure(shells, after=records)
        # 5. Out of rotation, after the server's own namespace command: going offline ends its sessions with Exchange.
        for shell in shells:
            if not shell.server.args.in_rotation:
                self._rotate(shell, [records, self.commands[shell.server.key], *self._own_certificate(shell)])
        self.register_outputs({})

    def _install(
        self, name: str, servers: Sequence[Server], after: Sequence[pulumi.Resource]
    ) -> dict[str, local.Command]:
        args = self._args
        if args.installation is None:
            return {}
        autodiscover = exchange_settings(args.namespace).get("autodiscover", {})
        installer = Installer(
            args=args.installation,
            exchange_version=args.exchange_version,
            service_uri=autodiscover.get("AutoDiscoverServiceInternalUri"),
            access=args.access,
        )
        return add_installations(name, servers, installer, first=args.rollout.canary, after=after, parent=self)

    def _certify(self, shells: Sequence[ServerShell], after: Sequence[pulumi.Resource]) -> dict[str, remote.Command]:
        """One command a server, in the order of the namespace's rollout; with `drain` one server after the other."""
        commands: dict[str, remote.Command] = {}
        certificate, wait_for = self._args.certificate, after
        if certificate is None:
            return commands
        for shell in shells:
            command = self._certify_server(shell, certificate, wait_for)
            if not commands or self._args.rollout.then == "oneByOne" or certificate.args.drain:
                wait_for = [command]
            commands[shell.server.key] = command
        return commands

    def _certify_server(
        self, shell: ServerShell, certificate: ServerCertificate, after: Sequence[pulumi.Resource]
    ) -> remote.Command:
        args, server = self._args, shell.server.args
        names = list_certificate_names(args.namespace, published=args.dns.public is not None)
        document = certificate.source.apply(
            lambda source: certificate_document(
                server=server,
                exchange_version=args.exchange_version,
                args=certificate.args,
                source=source,
                names=names,
            )
        )
        return shell.run(
            "certificate", "Set-ClientAccessCertificate", document, after=after, triggers=[certificate.trigger]
        )

    def _own_certificate(self, shell: ServerShell) -> list[pulumi.Resource]:
        own = self.certificates.get(shell.server.key)
        return [own] if own else []

    def _configure(self, shells: Sequence[ServerShell], after: pulumi.Resource) -> dict[str, remote.Command]:
        """One command a server; if the canary's fails, the others do not run."""
        commands: dict[str, remote.Command] = {}
        wait_for = after
        for shell in shells:
            document = namespace_document(
                server=shell.server.args.computer_name,
                exchange_version=self._args.exchange_version,
                recycle_app_pools=self._args.recycle_app_pools,
                settings=exchange_settings(self._args.namespace),
            )
            command = shell.run("namespace", "Set-ClientAccessNamespace", document, after=[wait_for])
            if not commands or self._args.rollout.then == "oneByOne":
                wait_for = command
            commands[shell.server.key] = command
        return commands

    def _rotate(self, shell: ServerShell, after: Sequence[pulumi.Resource]) -> remote.Command:
        """Puts the server into rotation or takes it out, as `inRotation` says."""
        document = rotation_document(self._args, shell.server)
        triggers = [shell.server.args.in_rotation]
        return shell.run("rotation", "Set-ClientAccessRotation", document, after=after, triggers=triggers)


def order_rollout(servers: Sequence[Server], canary: str | None) -> list[Server]:
    """The canary first, then the servers in rotation, by key, so that they do not wait for servers being created."""
    return sorted(servers, key=lambda server: (server.key != canary, not server.args.in_rotation, server.key))


def rotation_document(args: ClientAccessNamespaceArgs, server: Server) -> dict[str, Any]:
    """The document of Set-ClientAccessRotation.ps1, with its keys in the order of the script's help."""
    return {
        "server": server.args.computer_name,
        "exchangeVersion": args.exchange_version,
        "inRotation": server.args.in_rotation,
        "rejectClosedPorts": args.reject_closed_ports,
        "drainSeconds": args.drain_seconds,
        "health": {
            "address": server.args.address,
            "port": args.https_port,
            "seconds": args.health_seconds,
            "names": gate_names(args.namespace, published=args.dns.public is not None),
        },
    }
