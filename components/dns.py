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
    """The private zone, the public zone or both, with links to networks; then their record sets.

    The gate checks servers after the zones and before the record sets, so the component is built in two steps: this
    constructor, then `add_record_sets`, which completes it.
    """

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
        self._name, self._names, self._tags, self._ttl_seconds = name, names, tags, args.ttl_seconds
        # For record sets, too: an accidental destroy would delete them first.
        self._child_opts = pulumi.ResourceOptions(parent=self, protect=protect or None)
        self.zones_and_links = []
        self._private = self._public = None
        if private := args.private_zone:
            domain = names.client.partition(".")[2]
            self._private = self._add_private_zone(private, domain, resource_group_name)
            self._link_networks(self._private, private, virtual_network_id)
        if public := args.public:
            domain = names.external_client.partition(".")[2]
            self._public = self._add_public_zone(public, domain, resource_group_name)

    def add_record_sets(self, servers: Sequence[Server], *, after: Sequence[pulumi.Resource]) -> None:
        """Adds the record sets of the `servers` in rotation, which wait for `after`; this completes the component.

        Their logical names are their labels: a renamed namespace gets its new names before the old ones are deleted.
        """
        rotating = [server for server in servers if server.args.in_rotation]
        order = pulumi.ResourceOptions(
            # In another zone or group, the new record sets exist before the old ones are deleted.
            delete_before_replace=False,
            depends_on=[*after, *(server.component for server in rotating if server.component)],
        )
        opts = pulumi.ResourceOptions.merge(self._child_opts, order)
        if self._private:
            self._add_private_record_sets(self._private, rotating, opts)
        if self._public:
            self._add_public_record_sets(self._public, rotating, opts)
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
            opts=self._child_opts,
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
                opts=pulumi.ResourceOptions.merge(self._child_opts, REPLACE_WITH_NETWORK),
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
            opts=self._child_opts,
        )
        self.zones_and_links.append(zone)
        return RecordZone(name=zone.name, resource_group_name=group)

    def _add_private_record_sets(
        self, zone: RecordZone, rotating: Sequence[Server], opts: pulumi.ResourceOptions
    ) -> None:
        for label in first_labels(self._names.client, self._names.autodiscover):
            azure.privatedns.PrivateRecordSet(
                f"{self._name}-{label}-a",
                private_zone_name=zone.name,
                resource_group_name=zone.resource_group_name,
                record_type="A",
                relative_record_set_name=label,
                ttl=self._ttl_seconds,
                a_records=[azure.privatedns.ARecordArgs(ipv4_address=server.args.address) for server in rotating],
                opts=opts,
            )

    def _add_public_record_sets(
        self, zone: RecordZone, rotating: Sequence[Server], opts: pulumi.ResourceOptions
    ) -> None:
        addresses = [server.public_address for server in rotating if server.public_address is not None]
        for label in first_labels(self._names.external_client, self._names.external_autodiscover):
            azure.dns.RecordSet(
                f"{self._name}-{label}-a",
                zone_name=zone.name,
                resource_group_name=zone.resource_group_name,
                record_type="A",
                relative_record_set_name=label,
                ttl=self._ttl_seconds,
                a_records=[azure.dns.ARecordArgs(ipv4_address=address) for address in addresses],
                opts=opts,
            )


def first_labels(*names: str) -> list[str]:
    return [name.partition(".")[0] for name in names]
