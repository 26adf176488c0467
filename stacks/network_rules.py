"""Rules for the network of servers that a stack creates, and for the links of its private zone."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Network

from components.args import FarmArgs
from components.azure_args import SERVERS_LINK
from stacks.problems import Report

# Azure's smallest subnet has eight addresses, of which it reserves five.
LONGEST_SUBNET_PREFIX = 29


def check_subnet_prefix(farm: FarmArgs, report: Report) -> None:
    subnet = IPv4Network(farm.network.subnet_prefix)
    if subnet.prefixlen > LONGEST_SUBNET_PREFIX:
        remedy = f"is too small: Azure's smallest subnet is a /{LONGEST_SUBNET_PREFIX}. Choose a larger one."
        report("network.subnetPrefix", farm.network.subnet_prefix, remedy)
    if farm.network.subnet_id:
        return
    space = IPv4Network(farm.network.address_space)
    if not subnet.subnet_of(space):
        remedy = f"is outside network.addressSpace = {space}. Choose a prefix inside it."
        report("network.subnetPrefix", str(subnet), remedy)


def check_client_ports(farm: FarmArgs, report: Report) -> None:
    if farm.creates_servers and farm.https_port not in farm.network.client_ports:
        remedy = f"lacks httpsPort = {farm.https_port}, so clients could not reach the servers. Add it."
        report("network.clientPorts", list(farm.network.client_ports), remedy)


def check_zone_is_linked(farm: FarmArgs, report: Report) -> None:
    private = farm.dns.private_zone
    if private and not (private.existing_resource_group or private.linked_networks or farm.creates_servers):
        remedy = (
            "leaves the private zone without a virtual network that resolves its names. "
            "List the networks, or set existingResourceGroup to use a zone that exists."
        )
        report("dns.private.linkedNetworks", [], remedy)


def check_links(farm: FarmArgs, report: Report) -> None:
    """A zone takes each link name once, and each network once."""
    private = farm.dns.private_zone
    networks = private.linked_networks if private else ()
    names = Counter(last_part(network) for network in networks)
    ids = Counter(network.lower() for network in networks)
    own = farm.links_own_network
    names[SERVERS_LINK] += own
    own_id = (farm.network.subnet_id or "").rpartition("/subnets/")[0].lower()
    for network in networks:
        name = last_part(network)
        if own and network.lower() == own_id:
            remedy = "is the servers' own network, which the stack links anyway. Remove it."
        elif ids[network.lower()] > 1:
            remedy = "is listed more than once. Remove all but one."
        elif names[name] > 1:
            other = "the link of the servers' own network" if name == SERVERS_LINK else "another linked network"
            remedy = f"has the same name as {other}, and a zone takes each name once. Remove it, or rename the network."
        else:
            continue
        report("dns.private.linkedNetworks", network, remedy)


def last_part(id: str) -> str:
    return id.rpartition("/")[2].lower()


RULES = (check_subnet_prefix, check_client_ports, check_zone_is_linked, check_links)
