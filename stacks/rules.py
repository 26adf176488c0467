"""What must hold between the keys of a stack file. Each rule reports every breach by key, value and remedy.

A part that could not be read is None by then and has been reported; rules pass it over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network

from components import rules as promises
from components.args import MOST_SERVERS, FarmArgs, ServerArgs
from stacks import namespace_rules
from stacks.reading import MISSING, Report


def check(farm: FarmArgs, report: Report) -> None:
    for rule in RULES:
        rule(farm, report)


def warnings(farm: FarmArgs, stack: str = "") -> list[str]:
    """What is allowed and worth a second thought; `stack` is the stack's name, which tells production."""
    return [*long_ttl(farm), *open_ports(farm), *unprotected_zones(farm, stack)]


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


def servers_of(farm: FarmArgs) -> Iterator[tuple[str, ServerArgs]]:
    return ((name, server) for name, server in (farm.servers or {}).items() if server is not None)


def number_of_servers(farm: FarmArgs, report: Report) -> None:
    count = len(farm.servers or {})
    if not 1 <= count <= MOST_SERVERS:
        report("servers", count, f"Name 1 to {MOST_SERVERS} servers: a record set holds {MOST_SERVERS} addresses.")
        return
    rotating = sum(bool(server.in_rotation) for _, server in servers_of(farm))
    if rotating == 0:
        report("servers", rotating, "no server is in rotation, so both names would be empty. Set inRotation: true.")
    elif rotating < promises.LEAST_ADDRESSES and not farm.allow_single_server:
        report(
            "servers",
            rotating,
            "fewer than two servers are in rotation, so the loss of one is the loss of all. "
            "Add a server, set inRotation: true, or set allowSingleServer: true.",
        )


def server_keys(farm: FarmArgs, report: Report) -> None:
    for name, _ in servers_of(farm):
        if not (name.isascii() and name.isalnum() and name.islower()):
            report(f"servers.{name}", MISSING, "Write the server's key in lower-case letters and digits, such as ex01.")


def unique(farm: FarmArgs, report: Report) -> None:
    for attribute, key in (
        ("computer_name", "computerName"),
        ("address", "address"),
        ("external_address", "externalAddress"),
    ):
        values = {name: getattr(server, attribute) for name, server in servers_of(farm) if getattr(server, attribute)}
        counted = Counter(value.lower() for value in values.values())
        for name, value in values.items():
            if counted[value.lower()] > 1:
                report(f"servers.{name}.{key}", value, "is used by more than one server; each needs its own.")


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


def prefix(key: str, text: str | None, report: Report) -> IPv4Network | None:
    try:
        return IPv4Network(text) if text else None
    except ValueError as error:
        report(key, text, f"{error}; write the first address of the prefix.")
        return None


def existing_servers(farm: FarmArgs, report: Report) -> None:
    for name, server in servers_of(farm):
        if not server.existing:
            continue
        if not server.host_key:
            remedy = "an existing server needs its SSH host key: ssh-keyscan -t ed25519, compared on the server itself."
            report(f"servers.{name}.hostKey", MISSING, remedy)
        for key, given in (("publicAddress", server.public_address), ("zone", server.zone), ("size", server.size)):
            if given:
                report(
                    f"servers.{name}.{key}",
                    given,
                    "belongs to a virtual machine made here; remove it or existing: true.",
                )


def restored_servers(farm: FarmArgs, report: Report) -> None:
    for name, server in servers_of(farm):
        if server.restore_on_remove and not server.existing:
            remedy = "a virtual machine made here goes when it leaves the stack; remove it, or set existing: true."
            report(f"servers.{name}.restoreOnRemove", True, remedy)


def made_servers(farm: FarmArgs, report: Report) -> None:
    if all(server.existing for _, server in servers_of(farm)):
        return
    if farm.admin_password is None:
        report("adminPassword", MISSING, "is missing. Set it: pulumi config set --secret adminPassword")
    if farm.exchange_version == "2013" and not farm.image.id:
        remedy = (
            "Exchange 2013 needs Windows Server 2012 R2, which has left the marketplace; name an image of your own."
        )
        report("image.id", MISSING, remedy)
    if farm.exchange_version in ("2013", "2016"):
        for key, given in (("packageUrl", farm.ssh.package_url), ("packageSha256", farm.ssh.package_sha256)):
            if not given:
                remedy = (
                    f"the Windows Server of Exchange {farm.exchange_version} has no OpenSSH of its own; name a package."
                )
                report(f"ssh.{key}", MISSING, remedy)


def public_side(farm: FarmArgs, report: Report) -> None:
    """Who dials or answers with a public address must have one."""
    for name, server in servers_of(farm):
        reachable = server.public_address or server.external_address
        if farm.dns.public and server.in_rotation and not reachable:
            remedy = "dns.public answers with public addresses; set it true, or name an externalAddress."
            report(f"servers.{name}.publicAddress", False, remedy)
        if farm.ssh.address == "public" and not reachable:
            report(
                f"servers.{name}.publicAddress",
                False,
                "ssh.address is public; set it true, or name an externalAddress.",
            )


def zones(farm: FarmArgs, report: Report) -> None:
    private = farm.dns.private_zone
    makes_servers = any(not server.existing for _, server in servers_of(farm))
    if private and not (private.existing_resource_group or private.linked_networks or makes_servers):
        remedy = "no virtual network would resolve the private zone's names; name the networks, or an existing zone."
        report("dns.private.linkedNetworks", [], remedy)
    own = (farm.network.subnet_id or "").rpartition("/subnets/")[0].lower()
    linked = Counter(network.rpartition("/")[2].lower() for network in (private.linked_networks if private else ()))
    for network in private.linked_networks if private else ():
        if linked[network.rpartition("/")[2].lower()] > 1:
            report("dns.private.linkedNetworks", network, "has the name of another one; a zone takes a name once.")
        elif network.lower() == own:
            report(
                "dns.private.linkedNetworks", network, "is the servers' own network, which is linked anyway; remove it."
            )


def canary(farm: FarmArgs, report: Report) -> None:
    if farm.rollout and farm.rollout.canary and farm.rollout.canary not in (farm.servers or {}):
        report("rollout.canary", farm.rollout.canary, f"is not a server; choose one of {', '.join(farm.servers)}.")


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
    number_of_servers,
    server_keys,
    unique,
    addresses_in_subnet,
    existing_servers,
    restored_servers,
    made_servers,
    public_side,
    zones,
    namespace_rules.two_names,
    namespace_rules.no_server_in_a_name,
    namespace_rules.outlook_anywhere,
    canary,
    jump_host,
    drain,
    package,
)
