"""What must hold between the keys of a stack file. Each rule reports every breach by key, value and remedy.

A part that could not be read is None by then and has been reported; rules pass it over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network

from components import rules as promises
from components.args import SERVERS_LINK, FarmArgs
from stacks import disk_rules, namespace_rules, server_rules
from stacks.reading import MISSING, Report
from stacks.server_rules import servers_of


def check(farm: FarmArgs, report: Report) -> None:
    for rule in RULES:
        rule(farm, report)


def warnings(farm: FarmArgs, stack: str = "") -> list[str]:
    """What is allowed and worth a second thought; `stack` is the stack's name, which tells production."""
    return [*long_ttl(farm), *open_ports(farm), *unprotected_zones(farm, stack), *entered_unseen(farm)]


def long_ttl(farm: FarmArgs) -> Iterator[str]:
    for said in promises.ttl(farm.dns.ttl_seconds):
        yield f"dns.ttlSeconds = {farm.dns.ttl_seconds}: {said}"


def open_ports(farm: FarmArgs) -> Iterator[str]:
    network = farm.network
    for source in network.admin_sources:
        if promises.open_to_the_internet(source):
            yield f"network.adminSources = {source}: SSH is open to the whole Internet; name your own addresses."
    for source in network.client_sources:
        clients = {
            "name": f"network.clientSources = {source} with network.clientPorts",
            "direction": "Inbound",
            "access": "Allow",
            "sourceAddressPrefix": source,
            "destinationPortRanges": [str(port) for port in network.client_ports],
        }
        yield from promises.open_management_ports([clients])


def unprotected_zones(farm: FarmArgs, stack: str) -> Iterator[str]:
    for key, zone in (("dns.private", farm.dns.private_zone), ("dns.public", farm.dns.public)):
        if zone and not zone.existing_resource_group:
            yield from promises.protected_zone(key, protected=farm.protect, production=promises.is_production(stack))


def entered_unseen(farm: FarmArgs) -> Iterator[str]:
    """Where nothing is configured yet, records come first on purpose."""
    for name, server in servers_of(farm):
        if farm.configure_namespace and server.in_rotation and not server.configure_namespace:
            yield (
                f"servers.{name}.configureNamespace = False: clients get this server's address, and nothing has seen "
                "that it is active and healthy; set inRotation: false until it is configured."
            )


def addresses_in_subnet(farm: FarmArgs, report: Report) -> None:
    subnet = prefix("network.subnetPrefix", farm.network.subnet_prefix, report)
    space = prefix("network.addressSpace", farm.network.address_space, report)
    if subnet and space and not farm.network.subnet_id and not subnet.subnet_of(space):
        report("network.subnetPrefix", str(subnet), f"is outside network.addressSpace {space}; choose one inside it.")
    if subnet is None:
        return
    # Azure keeps the first four addresses of a subnet and the last one.
    first, last = subnet.network_address + 4, subnet.broadcast_address - 1
    for name, server in servers_of(farm):
        if server.address and not server.existing and not first <= IPv4Address(server.address) <= last:
            remedy = f"is not free for servers in the subnet {subnet}; choose one from {first} to {last}."
            report(f"servers.{name}.address", server.address, remedy)


def sources(farm: FarmArgs, report: Report) -> None:
    network = farm.network
    for key, given in (
        ("adminSources", network.admin_sources),
        ("clientSources", network.client_sources),
        ("trustedSources", network.trusted_sources),
    ):
        for index, source in enumerate(given):
            if source and "/" in source:
                prefix(f"network.{key}[{index}]", source, report)


def prefix(key: str, text: str | None, report: Report) -> IPv4Network | None:
    try:
        return IPv4Network(text) if text else None
    except ValueError as error:
        meant = IPv4Network(text, strict=False)
        report(key, text, f"{error}; write the first address of the prefix, {meant}.")
        return None


def zones(farm: FarmArgs, report: Report) -> None:
    private = farm.dns.private_zone
    makes_servers = any(not server.existing for _, server in servers_of(farm))
    if private and not (private.existing_resource_group or private.linked_networks or makes_servers):
        remedy = "no virtual network would resolve the private zone's names; name the networks, or an existing zone."
        report("dns.private.linkedNetworks", [], remedy)
    own = (farm.network.subnet_id or "").rpartition("/subnets/")[0].lower()
    links_own = makes_servers and not (own and private and private.existing_resource_group)
    linked = Counter(network.rpartition("/")[2].lower() for network in (private.linked_networks if private else ()))
    if links_own:
        linked[SERVERS_LINK] += 1
    for network in private.linked_networks if private else ():
        name = network.rpartition("/")[2].lower()
        if links_own and network.lower() == own:
            report(
                "dns.private.linkedNetworks", network, "is the servers' own network, which is linked anyway; remove it."
            )
        elif linked[name] > 1:
            taken = "of the link of the servers' own network" if name == SERVERS_LINK else "of another one"
            report("dns.private.linkedNetworks", network, f"has the name {taken}; a zone takes a name once.")


def canary(farm: FarmArgs, report: Report) -> None:
    """Where nothing is configured nobody goes first, so that the key may wait in the file for Exchange."""
    first, servers = farm.rollout.canary if farm.rollout else None, farm.servers or {}
    if not first:
        return
    if first not in servers:
        report("rollout.canary", first, f"is not a server; choose one of {', '.join(servers)}.")
    elif servers[first] and not servers[first].configure_namespace:
        remedy = "has configureNamespace: false, so another server would go first; name one that is configured."
        report("rollout.canary", first, remedy)


def jump_host(farm: FarmArgs, report: Report) -> None:
    if farm.ssh.jump_host and farm.jump_host_password is None and farm.jump_host_private_key is None:
        remedy = "is missing. Set it, or jumpHostPrivateKey: pulumi config set --secret jumpHostPassword"
        report("jumpHostPassword", MISSING, remedy)


def drain(farm: FarmArgs, report: Report) -> None:
    given = farm.rotation.drain_seconds
    if given is not None and given < farm.dns.ttl_seconds:
        remedy = f"clients may keep the address for dns.ttlSeconds = {farm.dns.ttl_seconds}; wait at least as long."
        report("rotation.drainSeconds", given, remedy)


def package(farm: FarmArgs, report: Report) -> None:
    if bool(farm.ssh.package_url) != bool(farm.ssh.package_sha256):
        report("ssh.packageSha256", MISSING, "packageUrl and packageSha256 belong together; name both or neither.")


RULES: tuple[Callable[[FarmArgs, Report], None], ...] = (
    server_rules.number_of_servers,
    server_rules.server_keys,
    server_rules.unique,
    addresses_in_subnet,
    sources,
    server_rules.existing_servers,
    server_rules.restored_servers,
    server_rules.made_servers,
    server_rules.public_side,
    disk_rules.data_disks,
    zones,
    namespace_rules.two_names,
    namespace_rules.no_server_in_a_name,
    namespace_rules.outlook_anywhere,
    canary,
    jump_host,
    drain,
    package,
)
