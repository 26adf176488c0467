"""What a stack file may say, and is worth a second thought: warnings in a preview."""

from __future__ import annotations

from collections.abc import Iterator

from components import namespace, rules
from components.args import FarmArgs
from stacks.namespace_rules import overrides
from stacks.server_rules import servers_of


def list_warnings(farm: FarmArgs, stack: str = "") -> list[str]:
    """`stack` is the stack's name, which tells production."""
    return [
        *long_ttl(farm),
        *open_ports(farm),
        *unprotected_zones(farm, stack),
        *entered_unseen(farm),
        *hosts_without_records(farm),
    ]


def long_ttl(farm: FarmArgs) -> Iterator[str]:
    for said in rules.check_ttl(farm.dns.ttl_seconds):
        yield f"dns.ttlSeconds = {farm.dns.ttl_seconds}: {said}"


def open_ports(farm: FarmArgs) -> Iterator[str]:
    network = farm.network
    for source in network.admin_sources:
        if rules.is_open_to_internet(source):
            yield f"network.adminSources = {source}: SSH is open to the whole Internet; name your own addresses."
    for source in network.client_sources:
        clients = {
            "name": f"network.clientSources = {source} with network.clientPorts",
            "direction": "Inbound",
            "access": "Allow",
            "sourceAddressPrefix": source,
            "destinationPortRanges": [str(port) for port in network.client_ports],
        }
        yield from rules.find_open_management_ports([clients])


def unprotected_zones(farm: FarmArgs, stack: str) -> Iterator[str]:
    for key, zone in (("dns.private", farm.dns.private_zone), ("dns.public", farm.dns.public)):
        if zone and not zone.existing_resource_group:
            yield from rules.check_zone_protection(key, protected=farm.protect, production=rules.is_production(stack))


def entered_unseen(farm: FarmArgs) -> Iterator[str]:
    """Where nothing is configured yet, records come first on purpose."""
    for name, server in servers_of(farm):
        if farm.configure_namespace and server.in_rotation and not server.configure_namespace:
            yield (
                f"servers.{name}.configureNamespace = False: clients get this server's address, and nothing has seen "
                "that it is active and healthy; set inRotation: false until it is configured."
            )


def hosts_without_records(farm: FarmArgs) -> Iterator[str]:
    """A host that is mistyped looks like one that somebody else makes a record for."""
    made = namespace.client_names(farm.namespace).every()
    for key, value, host in overrides(farm):
        if host not in made:
            yield (
                f"{key} = {value}: clients are sent to {host}, and this stack makes no record for it (it makes "
                f"{', '.join(made)}); see that it is spelled right and that DNS answers it."
            )
