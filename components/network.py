"""The network of virtual machines created here, and who reaches them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pulumi
import pulumi_azure_native as azure

from components.azure_args import NetworkArgs


class Network(pulumi.ComponentResource):
    """A virtual network with one subnet and a NAT gateway, or an existing subnet; a security group for the servers.

    The security group is attached to the servers' network interfaces, so that an existing subnet keeps its own.
    """

    # Whether the virtual network and its subnet are created here.
    created_here: bool
    subnet_id: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    virtual_network_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: NetworkArgs,
        *,
        ssh_port: int,
        other_servers: Sequence[str],
        resource_group_name: pulumi.Input[str],
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exchange-cas:index:Network", name, None, opts)
        self.created_here = args.subnet_id is None
        self._name, self._args, self._group, self._tags = name, args, resource_group_name, tags
        self._child_opts = pulumi.ResourceOptions(parent=self)
        if args.subnet_id:
            self.subnet_id = pulumi.Output.from_input(args.subnet_id)
            self.virtual_network_id = pulumi.Output.from_input(args.subnet_id.rpartition("/subnets/")[0])
        else:
            self._add_virtual_network()
        security_group = azure.network.NetworkSecurityGroup(
            f"{name}-security-group",
            network_security_group_name=f"{name}-servers",
            resource_group_name=resource_group_name,
            security_rules=security_rules(args, ssh_port, other_servers),
            tags=tags,
            opts=self._child_opts,
        )
        self.security_group_id = security_group.id
        self.register_outputs({"subnetId": self.subnet_id})

    def _add_virtual_network(self) -> None:
        args, name = self._args, self._name
        network = azure.network.VirtualNetwork(
            f"{name}-network",
            virtual_network_name=f"{name}-network",
            resource_group_name=self._group,
            address_space=azure.network.AddressSpaceArgs(address_prefixes=[args.address_space]),
            tags=self._tags,
            opts=self._child_opts,
        )
        subnet = azure.network.Subnet(
            f"{name}-subnet",
            subnet_name="servers",
            virtual_network_name=network.name,
            resource_group_name=self._group,
            address_prefix=args.subnet_prefix,
            # Azure is retiring default outbound access; disable it explicitly.
            default_outbound_access=False,
            nat_gateway=self._add_nat_gateway() if args.nat_gateway else None,
            opts=self._child_opts,
        )
        self.subnet_id, self.virtual_network_id = subnet.id, network.id

    def _add_nat_gateway(self) -> azure.network.SubResourceArgs:
        address = azure.network.PublicIPAddress(
            f"{self._name}-outbound-ip",
            public_ip_address_name=f"{self._name}-outbound",
            resource_group_name=self._group,
            sku=azure.network.PublicIPAddressSkuArgs(name="Standard"),
            public_ip_allocation_method="Static",
            tags=self._tags,
            opts=self._child_opts,
        )
        gateway = azure.network.NatGateway(
            f"{self._name}-outbound",
            nat_gateway_name=f"{self._name}-outbound",
            resource_group_name=self._group,
            sku=azure.network.NatGatewaySkuArgs(name="Standard"),
            public_ip_addresses=[azure.network.SubResourceArgs(id=address.id)],
            tags=self._tags,
            opts=self._child_opts,
        )
        return azure.network.SubResourceArgs(id=gateway.id)


def security_rules(
    args: NetworkArgs, ssh_port: int, other_servers: Sequence[str]
) -> list[azure.network.SecurityRuleArgs]:
    """Inbound rules. Azure adds its default rules: they allow the virtual network and deny the Internet.

    Microsoft does not support filtered traffic between Exchange servers, or between them and domain controllers.
    `other_servers`: addresses of the farm's servers outside this subnet.
    """
    clients = [str(port) for port in args.client_ports]
    ssh = [str(ssh_port)]
    return [
        *allow_sources("Servers", 100, [args.subnet_prefix, *other_servers], ["*"]),
        *allow_sources("Trusted", 200, args.trusted_sources, ["*"]),
        *allow_sources("Clients", 300, args.client_sources, clients),
        *allow_sources("Admins", 400, args.admin_sources, ssh),
        build_security_rule("DenyOthers", 4000, "Deny", "*", [*clients, *ssh]),
    ]


def allow_sources(
    group: str, first_priority: int, sources: Sequence[str], ports: Sequence[str]
) -> Iterator[azure.network.SecurityRuleArgs]:
    """One rule for each source, because Azure does not accept a service tag and prefixes in one rule."""
    for index, source in enumerate(sources):
        yield build_security_rule(f"Allow{group}{index or ''}", first_priority + index, "Allow", source, ports)


def build_security_rule(
    name: str, priority: int, access: str, source: str, ports: Sequence[str]
) -> azure.network.SecurityRuleArgs:
    all_ports = list(ports) == ["*"]
    return azure.network.SecurityRuleArgs(
        name=name,
        priority=priority,
        direction="Inbound",
        access=access,
        protocol="*" if all_ports else "Tcp",
        source_address_prefix=source,
        source_port_range="*",
        destination_address_prefix="*",
        destination_port_range="*" if all_ports else None,
        destination_port_ranges=None if all_ports else list(ports),
    )
