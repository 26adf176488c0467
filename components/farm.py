"""The farm: servers, record sets and one namespace, in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pulumi
import pulumi_azure_native as azure

from components import namespace, outputs, powershell
from components.aliases import drop_versioned_aliases
from components.args import FarmArgs
from components.dns import NamespaceRecords
from components.exchange import ClientAccessNamespace
from components.network import Network
from components.restoration import restoration
from components.server import ClientAccessServer, Server, existing_server
from components.virtual_machine import VmDefaults


class ClientAccessFarm(pulumi.ComponentResource):
    """Client Access Servers that answer as one namespace through DNS round robin."""

    outputs: dict[str, Any]
    servers: dict[str, dict[str, Any]]

    def __init__(
        self,
        name: str,
        args: FarmArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        with_disks: Collection[str] = (),
    ) -> None:
        """`with_disks`: keys of servers that have data disks, or had some at the last `up`."""
        lean = pulumi.ResourceOptions(transformations=[drop_versioned_aliases])
        super().__init__("exchange-cas:index:ClientAccessFarm", name, None, pulumi.ResourceOptions.merge(opts, lean))
        self._name, self._args, self._with_disks = name, args, with_disks
        self._child = pulumi.ResourceOptions(parent=self)
        made = any(not server.existing for server in args.servers.values())
        group = self._resource_group() if made or args.dns.makes_a_zone else None
        network = self._network(group) if group is not None and made else None
        servers = self._servers(group, network)
        known = namespace.names(args.namespace)
        settings = namespace.settings(args.namespace)
        self.servers = {server.key: described(server) | self._disks(server.key) for server in servers}
        configured = [server for server in servers if server.configure_namespace and args.configure_namespace]
        exchange = ClientAccessNamespace(name, args, settings=settings, servers=configured, opts=self._child)
        existing = [server for server in servers if args.servers[server.key].existing]
        # What is deleted goes in the other order: a destroy takes the names away before any server forgets them.
        restorations = [restoration(name, args, server, exchange) for server in existing]
        records = NamespaceRecords(
            name,
            args.dns,
            names=known,
            servers=servers,
            resource_group_name=group,
            virtual_network_id=network.virtual_network_id if network and self._links(network) else None,
            protect=args.protect,
            tags=args.tags,
            opts=self._child,
        )
        # Zones first: what Azure refuses there, it refuses before any server is touched.
        records.publish(after=[*exchange.enter(after=records.zones), *restorations])
        # Records first: an Exchange cmdlet asks back when the host of a URL does not resolve.
        exchange.configure(after=records)
        exchange.leave(after=records)
        for key, command in exchange.commands.items():
            self.servers[key]["lastChanges"] = command.stdout.apply(powershell.changes)
            self.servers[key]["namespaceUrn"] = command.urn
        self.outputs = {**outputs.outputs(args), "servers": self.servers, "azure": self._described(network)}
        self.register_outputs({"names": known.every(), "servers": self.servers})

    def _disks(self, key: str) -> dict[str, Any]:
        if key not in self._with_disks:
            return {}
        rows = self._args.servers[key].data_disks
        return {"dataDisks": [{"lun": row.lun, "sizeGib": row.size_gib, "sku": row.sku} for row in rows]}

    def _described(self, network: Network | None) -> dict[str, Any]:
        """What the next `up` must not change: see stacks.changes."""
        args, private, public = self._args, self._args.dns.private_zone, self._args.dns.public
        groups = {zone.existing_resource_group for zone in (private, public) if zone and zone.existing_resource_group}
        return {
            "subnetId": network.subnet_id if network else None,
            # Of a subnet made here.
            "subnetPrefix": args.network.subnet_prefix if network and network.made else None,
            "linkedNetworks": list(private.linked_networks) if private else [],
            "resourceGroups": sorted({args.resource_group.name_in(pulumi.get_stack()), *groups}),
        }

    def _links(self, network: Network) -> bool:
        """Whether the private zone needs a link to the network: one of the two is new."""
        zone = self._args.dns.private_zone
        return bool(zone) and (network.made or not (zone and zone.existing_resource_group))

    def _resource_group(self) -> pulumi.Input[str]:
        group = self._args.resource_group
        group_name = group.name_in(pulumi.get_stack())
        if group.existing:
            return group_name
        return azure.resources.ResourceGroup(
            f"{self._name}-group",
            resource_group_name=group_name,
            tags=self._args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect or None),
        ).name

    def _network(self, group: pulumi.Input[str]) -> Network:
        args = self._args
        return Network(
            self._name,
            args.network,
            ssh_port=args.ssh.port,
            other_servers=[server.address for _, server in sorted(args.servers.items()) if server.existing],
            resource_group_name=group,
            tags=args.tags,
            opts=self._child,
        )

    def _servers(self, group: pulumi.Input[str] | None, network: Network | None) -> list[Server]:
        shared = self._vm_defaults(group, network) if group is not None and network else None
        return [
            ClientAccessServer(f"{self._name}-{key}", key, server, shared, self._child).server
            if shared and not server.existing
            else existing_server(key, server)
            for key, server in sorted(self._args.servers.items())
        ]

    def _vm_defaults(self, group: pulumi.Input[str], network: Network) -> VmDefaults:
        args = self._args
        return VmDefaults(
            resource_group_name=group,
            group_name=args.resource_group.name_in(pulumi.get_stack()),
            subnet_id=network.subnet_id,
            security_group_id=network.security_group_id,
            availability_set_id=self._availability_set(group),
            size=args.vm_size,
            exchange_version=args.exchange_version,
            image=args.image,
            administrator=args.administrator,
            admin_password=args.admin_password,
            with_disks=self._with_disks,
            dns_servers=args.network.dns_servers,
            ssh=args.ssh,
            auto_shutdown=args.auto_shutdown,
            protect=args.protect,
            tags=args.tags,
        )

    def _availability_set(self, group: pulumi.Input[str]) -> pulumi.Output[str] | None:
        """Keeps servers without a zone apart: not two of them in one rack, nor restarted together."""
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
            opts=self._child,
        ).id


def described(server: Server) -> dict[str, Any]:
    """What operations need to find and check a server."""
    return {
        "computerName": server.computer_name,
        "address": server.address,
        "publicAddress": server.public_address,
        "hostKey": server.host_key,
        "inRotation": server.in_rotation,
        "scripts": pulumi.Output.from_input(server.installation).apply(powershell.scripts_folder),
    }
