"""What is in the way of names and links in DNS, or would take their clients elsewhere: sentences with their remedies.

A record set of another type has the name; the zone is not there; the network is linked to another zone of the name; a
network interface has a server's address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

ZONE_OF = {
    "azure-native:dns:RecordSet": ("azure-native:dns:Zone", "zoneName", "public"),
    "azure-native:privatedns:PrivateRecordSet": ("azure-native:privatedns:PrivateZone", "privateZoneName", "private"),
    "azure-native:privatedns:VirtualNetworkLink": ("azure-native:privatedns:PrivateZone", "privateZoneName", "private"),
}
LINK, PUBLIC_RECORDS = "azure-native:privatedns:VirtualNetworkLink", "azure-native:dns:RecordSet"
BESIDE = {
    "CNAME": "a CNAME record has this name, and Azure puts no address beside one: the next up would fail there. Delete "
    "that record, or choose another name.",
    "AAAA": "AAAA records have this name, too: clients with IPv6 go there, and not to the servers of the stack. Delete "
    "them, or choose another name.",
    "NS": "NS records delegate this name to a zone of its own: clients get no address that stands here. Delete them, "
    "or choose another name.",
}
Wanted = Mapping[str, Any]
Look = Callable[[str, Mapping[str, Any]], dict[str, Any]]


class Subscription(Protocol):
    """See operations.labs.azure."""

    def private_zones(self, name: str) -> list[str]: ...
    def linked_networks(self, zone: str) -> dict[str, str]: ...


class Azure(Protocol):
    """`own`: the subscription that Pulumi works in."""

    @property
    def own(self) -> str: ...

    def __call__(self, subscription: str) -> Subscription: ...


def conflicts(one: Wanted, look: Look, azure: Azure) -> Iterator[str]:
    """`one` as questions.wanted has it. Raises StackError where Azure would not say."""
    if one["type"] == LINK:
        # A network that is made in the same run has no link yet.
        yield from linked(one, azure) if one["network"] else ()
    elif one["path"]:
        yield from beside(one, look)
    if one["path"] and one["create"] and not one["zoneMade"]:
        yield from no_zone(one, look)


def beside(one: Wanted, look: Look) -> Iterator[str]:
    # A private zone delegates nothing.
    for type in BESIDE if one["type"] == PUBLIC_RECORDS else ("CNAME", "AAAA"):
        if look(one["type"], {**one["inputs"], "recordType": type}).get("id"):
            yield BESIDE[type]


def no_zone(one: Wanted, look: Look) -> Iterator[str]:
    zone_type, name, side = ZONE_OF[one["type"]]
    inputs = one["inputs"]
    if look(zone_type, inputs) == {"id": None}:
        yield (
            f"there is no {side} zone {inputs[name]} in the resource group {inputs['resourceGroupName']} of the "
            f"subscription that Pulumi works in, and dns.{side}.existingResourceGroup reaches no other one. Correct "
            "the group, or leave the key out and let the zone be made here."
        )


def address_taken(one: Wanted, read: Callable[[str, Mapping[str, Any]], Any]) -> Iterator[str]:
    """By a network interface of any name: that of the same server, say, whose machine was made elsewhere."""
    parts = one["subnet"].split("/")
    path = {"resourceGroupName": parts[4], "virtualNetworkName": parts[8], "subnetName": parts[10]}
    subnet = read("azure-native:network:Subnet", {**path, "expand": "ipConfigurations"})
    for other in (subnet and subnet.ip_configurations) or ():
        words = str(other.id).split("/")
        name = words[8] if len(words) > 8 else other.id
        if other.private_ip_address == one["address"] and name != one["inputs"].get("networkInterfaceName"):
            yield (
                f"its address {one['address']} is that of the network interface {name} already, and Azure gives an "
                "address once: the next up would fail there. Where that is the interface of this server's machine, "
                "write the server with existing: true and its hostKey; else give it another address."
            )


def linked(one: Wanted, azure: Azure) -> Iterator[str]:
    """Zones are looked for in Pulumi's own subscription and in the network's."""
    network = str(one["network"])
    for subscription in dict.fromkeys((azure.own, network.split("/")[2])):
        for name in (one["zone"], *one["names"]):
            for zone in azure(subscription).private_zones(name):
                for link, other in azure(subscription).linked_networks(zone).items():
                    if other.lower() == network.lower() and not is_own(one, link, azure.own):
                        yield said(one, name, zone, link)


def is_own(one: Wanted, link: str, subscription: str) -> bool:
    """Whether the link is the one that the stack has or would make."""
    inputs, parts = one["inputs"], link.lower().split("/")
    own = (subscription, inputs.get("resourceGroupName"), one["zone"], inputs.get("virtualNetworkLinkName"))
    return (parts[2], parts[4], parts[-3], parts[-1]) == tuple(str(part).lower() for part in own)


def said(one: Wanted, name: str, zone: str, link: str) -> str:
    network, group = one["network"].rpartition("/")[2], zone.split("/")[4]
    there = f"the private zone {name} in the resource group {group} (link {link.rpartition('/')[2]})"
    if name != one["zone"]:
        return (
            f"the network {network} is linked to {there}, which answers for that name in place of {one['zone']}. "
            "Delete that link, or choose another name."
        )
    if not one["zoneMade"] and group.lower() == str(one["inputs"].get("resourceGroupName")).lower():
        return (
            f"the network {network} is linked to this zone already (link {link.rpartition('/')[2]}), and Azure refuses "
            "a second link: the next up would fail there. Leave the network out of dns.private.linkedNetworks."
        )
    return (
        f"the network {network} is linked to {there}, and Azure links a network to one zone of a name: the next up "
        f"would fail there. Name {group} as dns.private.existingResourceGroup, or delete that link."
    )
