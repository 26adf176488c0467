"""Warnings that a preview gives: what a stack file may contain, but should not without a reason."""

from __future__ import annotations

from collections.abc import Iterator

from components import namespace, rules
from components.args import FarmArgs
from stacks.namespace_rules import list_overridden_hosts
from stacks.server_rules import readable_servers


def list_warnings(farm: FarmArgs, stack: str = "") -> list[str]:
    """`stack` is the stack's name, by which a production stack is recognised."""
    return [
        *warn_of_long_ttl(farm),
        *warn_of_open_ports(farm),
        *warn_of_unprotected_zones(farm, stack),
        *warn_of_unchecked_servers(farm),
        *warn_of_hosts_without_records(farm),
    ]


def warn_of_long_ttl(farm: FarmArgs) -> Iterator[str]:
    for breach in rules.check_ttl(farm.dns.ttl_seconds):
        yield f"dns.ttlSeconds = {farm.dns.ttl_seconds}: {breach}"


def warn_of_open_ports(farm: FarmArgs) -> Iterator[str]:
    network = farm.network
    for source in network.admin_sources:
        if rules.is_open_to_internet(source):
            yield f"network.adminSources = {source}: opens SSH to the whole Internet. Write your own addresses."
    for source in network.client_sources:
        clients = {
            "name": f"network.clientSources = {source} with network.clientPorts",
            "direction": "Inbound",
            "access": "Allow",
            "sourceAddressPrefix": source,
            "destinationPortRanges": [str(port) for port in network.client_ports],
        }
        yield from rules.find_open_management_ports([clients])


def warn_of_unprotected_zones(farm: FarmArgs, stack: str) -> Iterator[str]:
    for key, zone in (("dns.private", farm.dns.private_zone), ("dns.public", farm.dns.public)):
        if zone and not zone.existing_resource_group:
            yield from rules.check_zone_protection(key, protected=farm.protect, production=rules.is_production(stack))


def warn_of_unchecked_servers(farm: FarmArgs) -> Iterator[str]:
    """No warning if configureNamespace is false for the whole stack: it gets its records before Exchange on purpose."""
    for name, server in readable_servers(farm):
        if farm.configure_namespace and server.in_rotation and not server.configure_namespace:
            yield (
                f"servers.{name}.configureNamespace = False: clients get this server's address, but no check shows "
                "that it is active and healthy. Set inRotation: false until it is configured."
            )


def warn_of_hosts_without_records(farm: FarmArgs) -> Iterator[str]:
    """The program cannot tell a misspelt host from one whose record is managed elsewhere."""
    created = namespace.client_names(farm.namespace).list_all()
    for key, value, host in list_overridden_hosts(farm):
        if host not in created:
            yield (
                f"{key} = {value}: clients are sent to {host}, but this stack creates no record for it (only for "
                f"{', '.join(created)}). Check the spelling, and that DNS resolves it."
            )
