"""Conflicts in Azure that make the next `up` fail, or send clients elsewhere: one sentence each, with its remedy.

Record sets of other types under the same name; a missing zone; a network that is linked to another zone of the name; a
network interface that has a server's address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

# Type -> the type of its zone, the input that names the zone, and the key below `dns` in the stack file.
ZONE_OF = {
    "azure-native:dns:RecordSet": ("azure-native:dns:Zone", "zoneName", "public"),
    "azure-native:privatedns:PrivateRecordSet": ("azure-native:privatedns:PrivateZone", "privateZoneName", "private"),
    "azure-native:privatedns:VirtualNetworkLink": ("azure-native:privatedns:PrivateZone", "privateZoneName", "private"),
}
LINK, PUBLIC_RECORDS = "azure-native:privatedns:VirtualNetworkLink", "azure-native:dns:RecordSet"
OTHER_TYPES = {
    "CNAME": "a CNAME record has this name, and Azure allows no A record beside it: the next up would fail. Delete the "
    "CNAME, or choose another name.",
    "AAAA": "AAAA records have this name, too: clients with IPv6 use them, and not the servers of the stack. Delete "
    "them, or choose another name.",
    "NS": "NS records delegate this name to another zone: clients get no address from this one. Delete them, or choose "
    "another name.",
}
Question = Mapping[str, Any]
LookUp = Callable[[str, Mapping[str, Any]], dict[str, Any]]


class ZoneLinks(Protocol):
    """See operations.azure.resource_manager."""

    def private_zones(self, name: str) -> list[str]: ...
    def linked_networks(self, zone: str) -> dict[str, str]: ...


class AzureAccount(Protocol):
    """`subscription_id`: the subscription that Pulumi works in."""

    @property
    def subscription_id(self) -> str: ...

    def subscription(self, id: str) -> ZoneLinks: ...


def find_zone_conflicts(question: Question, look_up: LookUp, account: AzureAccount) -> Iterator[str]:
    """`question` of a type in ZONE_OF, see operations.adopt.questions. Raises StackError where Azure refuses."""
    if question["type"] == LINK:
        # A network that the same run creates has no links yet.
        yield from find_other_links(question, account) if question["network"] else ()
    elif question["path"]:
        yield from find_other_types(question, look_up)
    if question["path"] and question["create"] and not question["zoneMade"]:
        yield from find_missing_zone(question, look_up)


def find_other_types(question: Question, look_up: LookUp) -> Iterator[str]:
    # Private zones have no NS records below the zone itself.
    for type in OTHER_TYPES if question["type"] == PUBLIC_RECORDS else ("CNAME", "AAAA"):
        if look_up(question["type"], {**question["inputs"], "recordType": type}).get("id"):
            yield OTHER_TYPES[type]


def find_missing_zone(question: Question, look_up: LookUp) -> Iterator[str]:
    zone_type, name, side = ZONE_OF[question["type"]]
    inputs = question["inputs"]
    if look_up(zone_type, inputs) == {"id": None}:
        yield (
            f"there is no {side} zone {inputs[name]} in the resource group {inputs['resourceGroupName']} of the "
            f"subscription that Pulumi works in; dns.{side}.existingResourceGroup cannot name one in another "
            "subscription. Correct the group, or leave the key out: then a zone is made here."
        )


def find_taken_address(question: Question, call_getter: Callable[[str, Mapping[str, Any]], Any]) -> Iterator[str]:
    """Any network interface in the subnet may have it, such as that of a machine that the portal made."""
    parts = question["subnet"].split("/")
    path = {"resourceGroupName": parts[4], "virtualNetworkName": parts[8], "subnetName": parts[10]}
    subnet = call_getter("azure-native:network:Subnet", {**path, "expand": "ipConfigurations"})
    for other in (subnet and subnet.ip_configurations) or ():
        words = str(other.id).split("/")
        name = words[8] if len(words) > 8 else other.id
        if other.private_ip_address == question["address"] and name != question["inputs"].get("networkInterfaceName"):
            yield (
                f"the network interface {name} has its address {question['address']} already: the next up would fail. "
                "If that interface belongs to this server's machine, write the server with existing: true and its "
                "hostKey; if not, give it another address."
            )


def find_other_links(question: Question, account: AzureAccount) -> Iterator[str]:
    """Searches zones in Pulumi's subscription and in the network's."""
    network = str(question["network"])
    for id in dict.fromkeys((account.subscription_id, network.split("/")[2])):
        for name in (question["zone"], *question["names"]):
            for zone in account.subscription(id).private_zones(name):
                for link, other in account.subscription(id).linked_networks(zone).items():
                    if other.lower() == network.lower() and not is_own_link(question, link, account.subscription_id):
                        yield describe_link(question, name, zone, link)


def is_own_link(question: Question, link: str, subscription: str) -> bool:
    """Whether the stack has this link or would create it."""
    inputs, parts = question["inputs"], link.lower().split("/")
    own = (subscription, inputs.get("resourceGroupName"), question["zone"], inputs.get("virtualNetworkLinkName"))
    return (parts[2], parts[4], parts[-3], parts[-1]) == tuple(str(part).lower() for part in own)


def describe_link(question: Question, name: str, zone: str, link: str) -> str:
    network, group, link_name = question["network"].rpartition("/")[2], zone.split("/")[4], link.rpartition("/")[2]
    other_zone = f"the private zone {name} in the resource group {group} (link {link_name})"
    if name != question["zone"]:
        return (
            f"the network {network} is linked to {other_zone}, which answers for that name instead of "
            f"{question['zone']}. Delete that link, or choose another name."
        )
    if not question["zoneMade"] and group.lower() == str(question["inputs"].get("resourceGroupName")).lower():
        return (
            f"the network {network} is linked to this zone already (link {link_name}), and Azure refuses a second "
            "link: the next up would fail. Leave the network out of dns.private.linkedNetworks."
        )
    return (
        f"the network {network} is linked to {other_zone}, and Azure links a network to only one zone of a name: the "
        f"next up would fail. Name {group} as dns.private.existingResourceGroup, or delete that link."
    )
