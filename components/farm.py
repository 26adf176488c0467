"""The farm: resource group, network, servers, zones and one namespace."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pulumi
import pulumi_azure_native as azure

from components import powershell
from components.args import CertificateArgs, FarmArgs
from components.certificate import ServerCertificate, read_certificate
from components.dns import NamespaceRecords
from components.exchange import ClientAccessNamespace, ClientAccessNamespaceArgs
from components.namespace import client_names
from components.network import Network
from components.outputs import stack_file_outputs
from components.server import ClientAccessServer, Server, describe_existing_server
from components.shell import ServerAccess
from components.virtual_machine import VmDefaults


class ClientAccessFarm(pulumi.ComponentResource):
    """Client Access Servers that answer as one namespace through DNS round robin."""

    # The program's outputs.
    outputs: dict[str, Any]

    def __init__(
        self,
        name: str,
        args: FarmArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        servers_with_disks: Collection[str] = (),
        joining_servers: Collection[str] = (),
    ) -> None:
        """`servers_with_disks`: keys of servers that have data disks, or had some at the last `up`.
        `joining_servers`: keys of servers that join the domain, or joined it at an earlier `up`.
        """
        super().__init__("exchange-cas:index:ClientAccessFarm", name, None, opts)
        self._name, self._args, self._with_disks, self._joining = name, args, servers_with_disks, joining_servers
        self._child_opts = pulumi.ResourceOptions(parent=self)
        group = self._add_resource_group() if args.creates_servers or args.dns.creates_zone else None
        network = self._add_network(group) if group is not None and args.creates_servers else None
        servers = self._add_servers(group, network)
        names = client_names(args.namespace)
        records = NamespaceRecords(
            name,
            args.dns,
            names=names,
            resource_group_name=group,
            virtual_network_id=network.virtual_network_id if network and args.links_own_network else None,
            protect=args.protect,
            tags=args.tags,
            opts=self._child_opts,
        )
        exchange = ClientAccessNamespace(
            name,
            self._namespace_args(),
            servers=servers,
            installed=[server for server in servers if server.key in args.installed_servers],
            configured=[server for server in servers if server.args.configure_namespace and args.configure_namespace],
            records=records,
            opts=self._child_opts,
        )
        described = {server.key: self._describe_server(server, exchange) for server in servers}
        self.outputs = {**stack_file_outputs(args), "servers": described, "azure": self._describe_azure(network)}
        self.register_outputs({"names": names.list_all(), "servers": described})

    def _add_resource_group(self) -> pulumi.Input[str]:
        group = self._args.resource_group
        group_name = group.name_for(pulumi.get_stack())
        if group.existing:
            return group_name
        return azure.resources.ResourceGroup(
            f"{self._name}-group",
            resource_group_name=group_name,
            tags=self._args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect or None),
        ).name

    def _add_network(self, group: pulumi.Input[str]) -> Network:
        args = self._args
        return Network(
            self._name,
            args.network,
            ssh_port=args.ssh.port,
            other_servers=[server.address for _, server in sorted(args.servers.items()) if server.existing],
            resource_group_name=group,
            tags=args.tags,
            opts=self._child_opts,
        )

    def _add_servers(self, group: pulumi.Input[str] | None, network: Network | None) -> list[Server]:
        """Sorted by key: another order in the stack file is not a change."""
        shared = self._vm_defaults(group, network) if group is not None and network else None
        return [
            ClientAccessServer(f"{self._name}-{key}", server, key=key, shared=shared, opts=self._child_opts).server
            if shared and not server.existing
            else describe_existing_server(key, server)
            for key, server in sorted(self._args.servers.items())
        ]

    def _vm_defaults(self, group: pulumi.Input[str], network: Network) -> VmDefaults:
        args = self._args
        return VmDefaults(
            resource_group_name=group,
            group_name=args.resource_group.name_for(pulumi.get_stack()),
            subnet_id=network.subnet_id,
            security_group_id=network.security_group_id,
            availability_set_id=self._add_availability_set(group),
            size=args.vm_size,
            exchange_version=args.exchange_version,
            image=args.image,
            administrator=args.administrator,
            admin_password=args.admin_password,
            servers_with_disks=self._with_disks,
            dns_servers=args.network.dns_servers,
            domain=args.domain,
            domain_password=args.domain_password,
            joining_servers=self._joining,
            ssh=args.ssh,
            auto_shutdown=args.auto_shutdown,
            protect=args.protect,
            tags=args.tags,
        )

    def _add_availability_set(self, group: pulumi.Input[str]) -> pulumi.Output[str] | None:
        """Spreads the servers without a zone over racks, and over the batches that Azure restarts together."""
        if all(server.zone or server.existing for server in self._args.servers.values()):
            return None
        return azure.compute.AvailabilitySet(
            f"{self._name}-availability-set",
            availability_set_name=f"{self._name}-servers",
            resource_group_name=group,
            sku=azure.compute.SkuArgs(name="Aligned"),
            platform_fault_domain_count=2,
            platform_update_domain_count=5,
            tags=self._args.tags,
            opts=self._child_opts,
        ).id

    def _namespace_args(self) -> ClientAccessNamespaceArgs:
        args = self._args
        return ClientAccessNamespaceArgs(
            namespace=args.namespace,
            dns=args.dns,
            exchange_version=args.exchange_version,
            installation=args.installation,
            recycle_app_pools=args.recycle_app_pools,
            https_port=args.https_port,
            reject_closed_ports=args.reject_closed_ports,
            drain_seconds=args.drain_seconds,
            health_seconds=args.rotation.health_seconds,
            rollout=args.rollout,
            certificate=self._certificate(),
            access=ServerAccess(
                ssh=args.ssh,
                operator=args.operator,
                operator_password=args.operator_password,
                operator_private_key=args.operator_private_key,
                jump_host_password=args.jump_host_password,
                jump_host_private_key=args.jump_host_private_key,
            ),
        )

    def _certificate(self) -> ServerCertificate | None:
        args = self._args
        if args.certificate is None and args.certificate_pfx is None:
            return None
        return ServerCertificate(
            args=args.certificate or CertificateArgs(), pfx=args.certificate_pfx, password=args.certificate_password
        )

    def _describe_server(self, server: Server, exchange: ClientAccessNamespace) -> dict[str, Any]:
        """What operations need to find and check a server."""
        described: dict[str, Any] = {
            "computerName": server.args.computer_name,
            "address": server.args.address,
            "publicAddress": server.public_address,
            "hostKey": server.host_key,
            "inRotation": server.args.in_rotation,
            "scripts": pulumi.Output.from_input(server.machine_id).apply(powershell.scripts_folder),
        }
        if server.key in self._with_disks:
            described["dataDisks"] = [
                {"lun": row.lun, "sizeGib": row.size_gib, "sku": row.sku} for row in server.args.data_disks
            ]
        if self._args.domain and server.key in self._joining:
            described["domain"] = self._args.domain.name
        if namespace_command := exchange.commands.get(server.key):
            described["lastChanges"] = namespace_command.stdout.apply(powershell.read_changes)
            described["namespaceUrn"] = namespace_command.urn
        if certificate_command := exchange.certificates.get(server.key):
            # A PFX makes the command's output a secret; thumbprint and expiry are not.
            read = certificate_command.stdout.apply(read_certificate)
            described["certificate"] = pulumi.Output.unsecret(read)
        return described

    def _describe_azure(self, network: Network | None) -> dict[str, Any]:
        """What the next `up` must not change; `stacks.changes` reads it."""
        args, private, public = self._args, self._args.dns.private_zone, self._args.dns.public
        groups = {zone.existing_resource_group for zone in (private, public) if zone and zone.existing_resource_group}
        return {
            "subnetId": network.subnet_id if network else None,
            "subnetPrefix": args.network.subnet_prefix if network and network.created_here else None,
            "linkedNetworks": list(private.linked_networks) if private else [],
            "resourceGroups": sorted({args.resource_group.name_for(pulumi.get_stack()), *groups}),
        }
