"""What must hold of the network of servers made here, and of the private zone's links."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Network

from components.args import FarmArgs
from components.azure_args import SERVERS_LINK
from stacks.problems import Report
from stacks.server_rules import makes_servers

# Azure's smallest subnet; it keeps five of the eight addresses.
LONGEST_SUBNET_PREFIX = 29


def makes_a_link(farm: FarmArgs) -> bool:
    private = farm.dns.private_zone
    return bool(private) and bool((private and private.linked_networks) or links_own_network(farm))


def links_own_network(farm: FarmArgs) -> bool:
    """Whether the private zone is linked to the servers' own network: one of the two is new."""
    private = farm.dns.private_zone
    return makes_servers(farm) and not (farm.network.subnet_id and private and private.existing_resource_group)


def subnet_in_address_space(farm: FarmArgs, report: Report) -> None:
    subnet = IPv4Network(farm.network.subnet_prefix)
    if subnet.prefixlen > LONGEST_SUBNET_PREFIX:
        remedy = f"is too small: Azure's smallest subnet is a /{LONGEST_SUBNET_PREFIX}. Choose a larger one."
        report("network.subnetPrefix", farm.network.subnet_prefix, remedy)
    if farm.network.subnet_id:
        return
    space = IPv4Network(farm.network.address_space)
    if not subnet.subnet_of(space):
        report("network.subnetPrefix", str(subnet), f"is outside network.addressSpace {space}; choose one inside it.")


def https_port_open(farm: FarmArgs, report: Report) -> None:
    if makes_servers(farm) and farm.https_port not in farm.network.client_ports:
        remedy = f"does not hold httpsPort = {farm.https_port}, so no client would reach the servers; add it."
        report("network.clientPorts", list(farm.network.client_ports), remedy)


def resolvable(farm: FarmArgs, report: Report) -> None:
    private = farm.dns.private_zone
    if private and not (private.existing_resource_group or private.linked_networks or makes_servers(farm)):
        remedy = "no virtual network would resolve the private zone's names; name the networks, or an existing zone."
        report("dns.private.linkedNetworks", [], remedy)


def links(farm: FarmArgs, report: Report) -> None:
    """A zone takes a link's name once, and a network once."""
    private = farm.dns.private_zone
    networks = private.linked_networks if private else ()
    names = Counter(name_of(network) for network in networks)
    ids = Counter(network.lower() for network in networks)
    own = links_own_network(farm)
    names[SERVERS_LINK] += own
    own_id = (farm.network.subnet_id or "").rpartition("/subnets/")[0].lower()
    for network in networks:
        name = name_of(network)
        if own and network.lower() == own_id:
            remedy = "is the servers' own network, which is linked anyway; remove it."
        elif ids[network.lower()] > 1:
            remedy = "is named more than once; remove all but one."
        elif names[name] > 1:
            taken = "of the link of the servers' own network" if name == SERVERS_LINK else "of another one"
            remedy = f"has the name {taken}; a zone takes a name once."
        else:
            continue
        report("dns.private.linkedNetworks", network, remedy)


def name_of(network: str) -> str:
    return network.rpartition("/")[2].lower()
