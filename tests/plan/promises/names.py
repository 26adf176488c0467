"""Names: an existing state and Azure know a resource by its name, so a renamed resource is deleted and created."""

from __future__ import annotations

from collections.abc import Iterator

from components.args import FarmArgs
from rehearsal.stand_ins.azure_native.resource_types import RESOURCE_TYPES
from tests.plan.plan import RecordedPlan
from tests.plan.promises.reading import (
    configured_servers,
    existing_servers,
    installed_servers,
    joined_servers,
    makes_private_zone,
    makes_public_zone,
    servers_created_here,
    servers_network,
)

# Logical name -> Azure's name, if they differ. Zones, records, machines and their parts are checked elsewhere.
IN_AZURE = {
    "cas-availability-set": "cas-servers",
    "cas-security-group": "cas-servers",
    "cas-subnet": "servers",
    "cas-outbound-ip": "cas-outbound",
}
NAMED = ("VirtualNetwork", "Subnet", "NatGateway", "PublicIPAddress", "NetworkSecurityGroup", "NetworkInterface")


def every_resource_has_the_name_that_azure_knows(plan: RecordedPlan, _: FarmArgs) -> Iterator[str]:
    for kind in (*NAMED, "AvailabilitySet", "Disk"):
        for name, one in plan.of_type(kind).items():
            key = RESOURCE_TYPES[one.type.removeprefix("azure-native:")].name_parameter
            if one.inputs[key] != IN_AZURE.get(name, name):
                yield f"{name} is {one.inputs[key]}"


def every_resource_has_the_name_that_states_know(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    found = {one.name for one in plan.resources.values()}
    if found != (wanted := {"cas", *shared_names(farm), *server_resource_names(farm), *dns_resource_names(farm)}):
        yield f"{sorted(found - wanted)} instead of {sorted(wanted - found)}"


def shared_names(farm: FarmArgs) -> Iterator[str]:
    zones = makes_private_zone(farm) or makes_public_zone(farm)
    if (servers_created_here(farm) or zones) and not farm.resource_group.existing:
        yield "cas-group"
    if servers_created_here(farm):
        yield "cas-security-group"
        if not all(server.zone for server in servers_created_here(farm).values()):
            yield "cas-availability-set"
        if not farm.network.subnet_id:
            yield from ("cas-network", "cas-subnet")
            if farm.network.nat_gateway:
                yield from ("cas-outbound", "cas-outbound-ip")


def server_resource_names(farm: FarmArgs) -> Iterator[str]:
    for key, server in servers_created_here(farm).items():
        yield from (f"cas-{key}", f"cas-{key}-nic", f"cas-{key}-vm", f"cas-{key}-ssh")
        if key in joined_servers(farm):
            yield f"cas-{key}-join"
        if server.public_address:
            yield f"cas-{key}-ip"
        if farm.auto_shutdown:
            yield f"cas-{key}-shutdown"
        yield from (f"cas-{key}-disk{row.lun}" for row in server.data_disks)
        if any(row.drive for row in server.data_disks):
            yield f"cas-{key}-drives"
    for key in configured_servers(farm):
        yield from (f"cas-{key}-scripts", f"cas-{key}-rotation", f"cas-{key}-namespace")
        if farm.certificate is not None or farm.certificate_pfx is not None:
            yield f"cas-{key}-certificate"
    yield from (f"cas-{key}-installation" for key in installed_servers(farm))
    for server in existing_servers(farm).values():
        yield f"cas-{server.computer_name.lower()}-restore"


def dns_resource_names(farm: FarmArgs) -> Iterator[str]:
    names, private = farm.namespace, farm.dns.private
    if private or not farm.dns.public:
        yield from (f"cas-{names.client_name}-a", f"cas-{names.autodiscover_name}-a")
        yield from (
            f"cas-{network.rpartition('/')[2]}-link" for network in (private.linked_networks if private else ())
        )
        if servers_network(farm) and (makes_private_zone(farm) or not farm.network.subnet_id):
            yield "cas-servers-link"
    if farm.dns.public:
        yield from (f"cas-{names.external_client_name or names.client_name}-a", f"cas-{names.autodiscover_name}-a")
    if makes_private_zone(farm):
        yield "cas-private-zone"
    if makes_public_zone(farm):
        yield "cas-public-zone"
