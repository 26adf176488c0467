"""The zones and the record sets: one A record set per name and zone, with the address of every server in rotation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_azure_native as azure

from components.azure_args import SERVERS_LINK, DnsArgs, PrivateZoneArgs, ZoneArgs
from components.namespace import Names
from components.server import Server

# Azure cannot change the network of a link, and the new link needs the old one's name.
REPLACE_WITH_NETWORK = pulumi.ResourceOptions(replace_on_changes=["virtualNetwork"], delete_before_replace=True)


@dataclass(frozen=True, kw_only=True)
class RecordZone:
    """Name and resource group of a zone, created here or existing, for its record sets and links."""

    name: pulumi.Input[str]
    resource_group_name: pulumi.Input[str] | None


class NamespaceRecords(pulumi.ComponentResource):
    """The private zone, the public zone or both, with links to networks. `add_record_sets` fills them."""

    private: RecordZone | None
    public: RecordZone | None
    # Zones created here, and all links.
    zones_and_links: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        args: DnsArgs,
        *,
        names: Names,
        resource_group_name: pulumi.Input[str] | None,
        virtual_network_id: pulumi.Input[str] | None,
        protect: bool,
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exchange-cas:index:NamespaceRecords", name, None, opts)
        self._name, self._tags = name, tags
        # For record sets, too: an accidental destroy would delete them first.
        self.child_opts = pulumi.ResourceOptions(parent=self, protect=protect or None)
        self.zones_and_links = []
        self.private = self.public = None
        if private := args.private_zone:
            domain = names.client.partition(".")[2]
            self.private = self._add_private_zone(private, domain, resource_group_name)
            self._link_networks(self.private, private, virtual_network_id)
        if public := args.public:
            domain = names.external_client.partition(".")[2]
            self.public = self._add_public_zone(public, domain, resource_group_name)
        self.register_outputs({})

    def _add_private_zone(self, args: PrivateZoneArgs, domain: str, group: pulumi.Input[str] | None) -> RecordZone:
        if args.existing_resource_group:
            return RecordZone(name=domain, resource_group_name=args.existing_resource_group)
        zone = azure.privatedns.PrivateZone(
            f"{self._name}-private-zone",
            private_zone_name=domain,
            resource_group_name=group,
            location="global",
            tags=self._tags,
            opts=self.child_opts,
        )
        self.zones_and_links.append(zone)
        return RecordZone(name=zone.name, resource_group_name=group)

    def _link_networks(
        self, zone: RecordZone, args: PrivateZoneArgs, virtual_network_id: pulumi.Input[str] | None
    ) -> None:
        networks: dict[str, pulumi.Input[str]] = {id.rpartition("/")[2]: id for id in args.linked_networks}
        if virtual_network_id is not None:
            networks[SERVERS_LINK] = virtual_network_id
        for link_name, network_id in networks.items():
            link = azure.privatedns.VirtualNetworkLink(
                f"{self._name}-{link_name}-link",
                virtual_network_link_name=f"{pulumi.get_stack()}-{link_name}",  # stacks may share a zone
                private_zone_name=zone.name,
                resource_group_name=zone.resource_group_name,
                location="global",
                registration_enabled=False,
                virtual_network=azure.privatedns.SubResourceArgs(id=network_id),
                tags=self._tags,
                opts=pulumi.ResourceOptions.merge(self.child_opts, REPLACE_WITH_NETWORK),
            )
            self.zones_and_links.append(link)

    def _add_public_zone(self, args: ZoneArgs, domain: str, group: pulumi.Input[str] | None) -> RecordZone:
        if args.existing_resource_group:
            return RecordZone(name=domain, resource_group_name=args.existing_resource_group)
        zone = azure.dns.Zone(
            f"{self._name}-public-zone",
            zone_name=domain,
            resource_group_name=group,
            location="global",
            tags=self._tags,
            opts=self.child_opts,
        )
        self.zones_and_links.append(zone)
        return RecordZone(name=zone.name, resource_group_name=group)


def add_record_sets(
    name: str,
    records: NamespaceRecords,
    *,
    names: Names,
    servers: Sequence[Server],
    ttl_seconds: int,
    after: Sequence[pulumi.Resource],
) -> None:
    """Adds the record sets to the zones of `records`; they wait for `after`.

    Their logical names are their labels: a renamed namespace gets its new names before the old ones are deleted.
    """
    rotating = [server for server in servers if server.args.in_rotation]
    order = pulumi.ResourceOptions(
        # In another zone or group, the new record sets exist before the old ones are deleted.
        delete_before_replace=False,
        depends_on=[*after, *(server.component for server in rotating if server.component)],
    )
    opts = pulumi.ResourceOptions.merge(records.child_opts, order)
    if zone := records.private:
        for label in first_labels(names.client, names.autodiscover):
            azure.privatedns.PrivateRecordSet(
                f"{name}-{label}-a",
                private_zone_name=zone.name,
                resource_group_name=zone.resource_group_name,
                record_type="A",
                relative_record_set_name=label,
                ttl=ttl_seconds,
                a_records=[azure.privatedns.ARecordArgs(ipv4_address=server.args.address) for server in rotating],
                opts=opts,
            )
    if zone := records.public:
        addresses = [server.public_address for server in rotating if server.public_address is not None]
        for label in first_labels(names.external_client, names.external_autodiscover):
            azure.dns.RecordSet(
                f"{name}-{label}-a",
                zone_name=zone.name,
                resource_group_name=zone.resource_group_name,
                record_type="A",
                relative_record_set_name=label,
                ttl=ttl_seconds,
                a_records=[azure.dns.ARecordArgs(ipv4_address=address) for address in addresses],
                opts=opts,
            )


def first_labels(*names: str) -> list[str]:
    return [name.partition(".")[0] for name in names]
