"""The record sets: one A record set per name and zone, with the address of every server in rotation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pulumi
import pulumi_azure_native as azure

from components.args import SERVERS_LINK, DnsArgs, PrivateZoneArgs, ZoneArgs
from components.namespace import Names
from components.server import Server

# Azure gives no link another network; its name is taken as long as it is there.
ANOTHER_NETWORK = pulumi.ResourceOptions(replace_on_changes=["virtualNetwork"], delete_before_replace=True)


class NamespaceRecords(pulumi.ComponentResource):
    """The private zone, the public zone or both, with links to networks; the record sets in them are a step of its own.

    `zones` are those that are made here, and all links.
    Logical names of record sets come from their labels: a renamed namespace gets its new names before the old ones go.
    """

    def __init__(
        self,
        name: str,
        args: DnsArgs,
        *,
        names: Names,
        servers: Sequence[Server],
        resource_group_name: pulumi.Input[str] | None,
        virtual_network_id: pulumi.Input[str] | None,
        protect: bool,
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exchange-cas:index:NamespaceRecords", name, None, opts)
        self._name, self._args, self._tags = name, args, tags
        # Record sets, too: a destroy by accident would begin with them. Not _protect, which is Pulumi's own.
        self._protected = protect or None
        # In the order of their keys, so that the order in the stack file never shows as a difference.
        self._rotating = sorted((server for server in servers if server.in_rotation), key=lambda server: server.key)
        self._names = names
        self.zones: list[pulumi.Resource] = []
        if private := args.private_zone:
            self._private_group = private.existing_resource_group or resource_group_name
            domain = names.client.partition(".")[2]
            self._private = self._private_zone(private, domain, self._private_group, virtual_network_id)
        if public := args.public:
            self._public_group = public.existing_resource_group or resource_group_name
            self._public = self._public_zone(public, names.external_client.partition(".")[2], self._public_group)
        self.register_outputs({})

    def publish(self, after: Sequence[pulumi.Resource]) -> None:
        """The record sets in the zones, once `after` is done; to be called once."""
        names, rotating = self._names, self._rotating
        opts = pulumi.ResourceOptions(
            parent=self,
            protect=self._protected,
            # In another zone or group, names are there before the old ones go.
            delete_before_replace=False,
            depends_on=[*after, *(server.component for server in rotating if server.component)],
        )
        if self._args.private_zone:
            self._record_sets(
                azure.privatedns.PrivateRecordSet,
                azure.privatedns.ARecordArgs,
                {"private_zone_name": self._private, "resource_group_name": self._private_group},
                labels=labels(names.client, names.autodiscover),
                addresses=[server.address for server in rotating],
                opts=opts,
            )
        if self._args.public:
            self._record_sets(
                azure.dns.RecordSet,
                azure.dns.ARecordArgs,
                {"zone_name": self._public, "resource_group_name": self._public_group},
                labels=labels(names.external_client, names.external_autodiscover),
                addresses=[server.public_address for server in rotating if server.public_address is not None],
                opts=opts,
            )

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, protect=self._protected)

    def _private_zone(
        self,
        args: PrivateZoneArgs,
        domain: str,
        group: pulumi.Input[str] | None,
        virtual_network_id: pulumi.Input[str] | None,
    ) -> pulumi.Input[str]:
        zone: pulumi.Input[str] = domain
        linked: dict[str, pulumi.Input[str]] = {network.rpartition("/")[2]: network for network in args.linked_networks}
        if not args.existing_resource_group:
            made = azure.privatedns.PrivateZone(
                f"{self._name}-private-zone",
                private_zone_name=domain,
                resource_group_name=group,
                location="global",
                tags=self._tags,
                opts=self._child(),
            )
            self.zones.append(made)
            zone = made.name
        if virtual_network_id is not None:
            linked[SERVERS_LINK] = virtual_network_id
        for network, network_id in linked.items():
            link = azure.privatedns.VirtualNetworkLink(
                f"{self._name}-{network}-link",
                virtual_network_link_name=f"{pulumi.get_stack()}-{network}",  # stacks may share a zone
                private_zone_name=zone,
                resource_group_name=group,
                location="global",
                registration_enabled=False,
                virtual_network=azure.privatedns.SubResourceArgs(id=network_id),
                tags=self._tags,
                opts=pulumi.ResourceOptions.merge(self._child(), ANOTHER_NETWORK),
            )
            self.zones.append(link)
        return zone

    def _public_zone(self, args: ZoneArgs, domain: str, group: pulumi.Input[str] | None) -> pulumi.Input[str]:
        if args.existing_resource_group:
            return domain
        made = azure.dns.Zone(
            f"{self._name}-public-zone",
            zone_name=domain,
            resource_group_name=group,
            location="global",
            tags=self._tags,
            opts=self._child(),
        )
        self.zones.append(made)
        return made.name

    def _record_sets(
        self,
        record_set: Callable[..., pulumi.Resource],
        record: Callable[..., object],
        zone: Mapping[str, pulumi.Input[str] | None],
        *,
        labels: Sequence[str],
        addresses: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """One A record set a label; public and private zones have classes of their own, alike but for the zone."""
        for label in labels:
            record_set(
                f"{self._name}-{label}-a",
                **zone,
                record_type="A",
                relative_record_set_name=label,
                ttl=self._args.ttl_seconds,
                a_records=[record(ipv4_address=address) for address in addresses],
                opts=opts,
            )


def labels(*names: str) -> list[str]:
    return [name.partition(".")[0] for name in names]
