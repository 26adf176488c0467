"""What is in the way of names and links: found in Azure, said with a remedy, and not said where nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from operations.adopt import page
from operations.adopt.adoption import Adoption, Search
from operations.adopt.look.conflicts import address_taken, conflicts
from operations.adopt.questions import wanted
from operations.azure.resource_manager import ResourceManagerClient
from operations.result import exit_code
from rehearsal.stand_ins.azure_native import SUBSCRIPTION_ID
from tests.unit.azure_native import Azure as StandIn
from tests.unit.previews import PRIVATE, PRIVATE_ZONE, PUBLIC, PUBLIC_ZONE, UNKNOWN
from tests.unit.test_adopt import Copy

pytestmark = pytest.mark.unit

LINK = "azure-native:privatedns:VirtualNetworkLink"
BASE = "urn:pulumi:lab::exchange-cas::exchange-cas:index:ClientAccessFarm$exchange-cas:index:NamespaceRecords$"
SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"
HUB = f"{SUBSCRIPTION}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub"
ZONE = "mail-domain.com"


def step(type: str, operation: str = "create", **inputs: Any) -> dict[str, Any]:
    name = inputs.get("relativeRecordSetName", "x")
    return {"urn": f"{BASE}{type}::cas-{name}", "op": operation, "newState": {"type": type, "inputs": inputs}}


def records(type: str, label: str = "owa", operation: str = "create", zone: str = ZONE, **more: Any) -> dict[str, Any]:
    name = "privateZoneName" if type == PRIVATE else "zoneName"
    given = {name: zone, "resourceGroupName": "dns", "recordType": "A", "relativeRecordSetName": label}
    return step(type, operation, **given, **more)


def link(operation: str = "create", zone: str = ZONE, group: str = "dns", network: str = HUB) -> dict[str, Any]:
    path = {"privateZoneName": zone, "resourceGroupName": group, "virtualNetworkLinkName": "lab-hub"}
    return step(LINK, operation, **path, virtualNetwork={"id": network})


class Cloud:
    """Azure with these ids in it; those of links lead to their networks."""

    own = SUBSCRIPTION_ID

    def __init__(self, *ids: str, links: Mapping[str, str] | None = None) -> None:
        self.ids, self.links = {id.lower() for id in ids}, dict(links or {})
        self.ids |= {link.lower() for link in self.links}
        self.asked: list[str] = []

    def look(self, type: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        names = {"dns:Zone": "dnszones/{zoneName}", "dns:RecordSet": "dnszones/{zoneName}/{recordType}/"}
        names |= {key.replace("dns:", "privatedns:Private"): text for key, text in names.items()}
        rest = names[type.partition(":")[2]].format_map({"zoneName": inputs.get("privateZoneName"), **inputs})
        rest = rest.replace("dnszones", "privateDnsZones") if "Private" in type else rest
        label = inputs["relativeRecordSetName"] if rest.endswith("/") else ""
        id = f"{SUBSCRIPTION}/resourceGroups/{inputs['resourceGroupName']}/providers/Microsoft.Network/{rest}{label}"
        return {"id": id if id.lower() in self.ids else None}

    def __call__(self, subscription: str) -> Cloud:
        self.asked.append(subscription)
        return self

    def private_zones(self, name: str) -> list[str]:
        found = {link.partition("/virtualNetworkLinks/")[0] for link in self.links}
        return sorted(zone for zone in found if zone.rpartition("/")[2] == name and self.asked[-1] in zone)

    def linked_networks(self, zone: str) -> dict[str, str]:
        return {link: network for link, network in self.links.items() if link.startswith(f"{zone}/")}


def zone_id(
    group: str = "dns", zone: str = ZONE, kind: str = "privateDnsZones", subscription: str = SUBSCRIPTION
) -> str:
    return f"{subscription}/resourceGroups/{group}/providers/Microsoft.Network/{kind}/{zone}"


def found(cloud: Cloud, *steps: dict[str, Any]) -> list[str]:
    asked = dict(wanted({"steps": steps}))
    return [text for one in asked.values() if "zone" in one for text in conflicts(one, cloud.look, cloud)]


@pytest.mark.parametrize("operation", ["create", "same", "update"])
@pytest.mark.parametrize(
    ("type", "beside", "said"),
    [
        (PUBLIC, "CNAME", "a CNAME record has this name"),
        (PUBLIC, "AAAA", "AAAA records have this name, too"),
        (PUBLIC, "NS", "NS records delegate this name"),
        (PRIVATE, "CNAME", "a CNAME record has this name"),
        (PRIVATE, "AAAA", "AAAA records have this name, too"),
    ],
)
def test_a_record_of_another_type_under_the_name_is_told_with_the_way_out(
    type: str, beside: str, said: str, operation: str
) -> None:
    zone = zone_id(kind="dnszones" if type == PUBLIC else "privateDnsZones")
    (text,) = found(Cloud(zone, f"{zone}/{beside}/owa"), records(type, operation=operation))
    assert text.startswith(said)
    assert "or choose another name" in text
    others = (f"{zone}/{beside}/mail", f"{zone}/TXT/owa", f"{zone}/MX/owa", f"{zone}/A/owa")
    assert found(Cloud(zone, *others), records(type, operation=operation)) == []


@pytest.mark.parametrize("type", [PUBLIC, PRIVATE])
def test_a_zone_that_is_in_no_such_group_of_the_subscription_is_told_before_the_run(type: str) -> None:
    (text,) = found(Cloud(), records(type))
    side = "public" if type == PUBLIC else "private"
    assert text.startswith(f"there is no {side} zone mail-domain.com in the resource group dns of the subscription")
    assert f"dns.{side}.existingResourceGroup" in text
    zone = PUBLIC_ZONE if type == PUBLIC else PRIVATE_ZONE
    named = {"zoneName" if type == PUBLIC else "privateZoneName": ZONE}
    assert found(Cloud(), step(zone, **named), records(type)) == [], "one that the stack makes need not be there"


OTHER = {f"{zone_id('hub-dns')}/virtualNetworkLinks/to-hub": HUB}


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([link()], id="zone that exists"),
        pytest.param(
            [step(PRIVATE_ZONE, privateZoneName=ZONE, resourceGroupName="dns"), link(zone=UNKNOWN)], id="zone made here"
        ),
        pytest.param(
            [step(PRIVATE_ZONE, privateZoneName=ZONE), link(zone=UNKNOWN, group=UNKNOWN)], id="with its group"
        ),
        pytest.param([link("same")], id="linked in spite of it"),
    ],
)
def test_another_private_zone_of_the_name_that_the_network_is_linked_to_is_told(steps: list[dict[str, Any]]) -> None:
    (text,) = found(Cloud(zone_id(), links=OTHER), *steps)
    assert "the network hub is linked to the private zone mail-domain.com in the resource group hub-dns" in text
    assert "Name hub-dns as dns.private.existingResourceGroup, or delete that link" in text


def test_the_zone_of_the_stack_that_has_a_link_of_another_name_already_is_told() -> None:
    (text,) = found(Cloud(zone_id(), links={f"{zone_id('DNS')}/virtualNetworkLinks/by-hand": HUB.upper()}), link())
    assert text.startswith("the network hub is linked to this zone already (link by-hand)")
    assert "Leave the network out of dns.private.linkedNetworks" in text


def test_a_private_zone_of_one_of_the_names_answers_in_place_of_the_stacks() -> None:
    child = {f"{zone_id('hub-dns', f'owa.{ZONE}')}/virtualNetworkLinks/to-hub": HUB}
    texts = found(Cloud(zone_id(), links=child), link(), records(PRIVATE))
    assert ["answers for that name in place of mail-domain.com" in text for text in texts] == [True]


@pytest.mark.parametrize(
    "links",
    [
        pytest.param({}, id="none"),
        pytest.param({f"{zone_id()}/virtualNetworkLinks/lab-hub": HUB}, id="the stack's own"),
        pytest.param({next(iter(OTHER)): HUB.replace("hub", "spoke")}, id="another network"),
        pytest.param({f"{zone_id('hub-dns', 'other.com')}/virtualNetworkLinks/x": HUB}, id="another name"),
    ],
)
def test_links_that_are_in_nobodys_way_are_not_told(links: dict[str, str]) -> None:
    assert found(Cloud(zone_id(), links=links), link(), records(PRIVATE)) == []


def test_a_network_that_is_made_in_the_same_run_is_not_looked_for() -> None:
    cloud = Cloud(zone_id(), links=OTHER)
    assert found(cloud, link(network=UNKNOWN)) == []
    assert cloud.asked == []


def test_zones_are_looked_for_in_the_networks_subscription_too() -> None:
    hub = "/subscriptions/of-the-hub"
    network = HUB.replace(SUBSCRIPTION, hub)
    there = {f"{zone_id('hub-dns', subscription=hub)}/virtualNetworkLinks/to-hub": network}
    (text,) = found(Cloud(zone_id(), links=there), link(network=network))
    assert "hub-dns" in text


SUBNET = f"{HUB}/subnets/exchange"


def interface(address: str = "10.40.0.11", subnet: str = SUBNET, operation: str = "create") -> dict[str, Any]:
    place = {"privateIPAddress": address, "subnet": {"id": subnet}}
    names = {"networkInterfaceName": "cas-ex01-nic", "resourceGroupName": UNKNOWN}
    return step("azure-native:network:NetworkInterface", operation, **names, ipConfigurations=[place])


def taken(azure: StandIn, *steps: dict[str, Any]) -> list[str]:
    """As the stand-in answers azure-native's getter."""

    def read(_: str, path: Mapping[str, Any]) -> Any:
        found = azure.invoke("network:getSubnet", dict(path))
        entries = [
            SimpleNamespace(id=one["id"], private_ip_address=one["privateIPAddress"])
            for one in found["ipConfigurations"]
        ]
        return SimpleNamespace(ip_configurations=entries)

    asked = dict(wanted({"steps": steps}))
    return [text for one in asked.values() if one.get("subnet") for text in address_taken(one, read)]


def test_an_address_that_an_interface_of_another_name_has_is_told(azure: StandIn) -> None:
    """The portal names a machine, its disk and its interface otherwise than this program does."""
    portal = f"{SUBSCRIPTION}/resourceGroups/hand-made/providers/Microsoft.Network/networkInterfaces/ex01123"
    entry = {"id": f"{portal}/ipConfigurations/ipconfig1", "privateIPAddress": "10.40.0.11", "subnet": {"id": SUBNET}}
    azure.stand_in.subscription.put_existing(SUBNET, {"addressPrefix": "10.40.0.0/24"})
    azure.stand_in.subscription.put_existing(portal, {"location": "westeurope", "ipConfigurations": [entry]})
    (text,) = taken(azure, interface())
    assert text.startswith("its address 10.40.0.11 is that of the network interface ex01123 already")
    assert "existing: true and its hostKey" in text
    assert taken(azure, interface("10.40.0.12")) == []
    assert taken(azure, interface(operation="same")) == []
    assert taken(azure, interface(subnet=UNKNOWN)) == []


def test_azure_is_asked_for_zones_by_name_and_for_their_links(azure: StandIn) -> None:
    there, manager = azure.stand_in.subscription, azure.stand_in.resource_manager
    for id, network in OTHER.items():
        there.put_existing(id, {"virtualNetwork": {"id": network}})
    there.put_existing(zone_id("dns", "other.com"), {"location": "global"})
    with ResourceManagerClient(manager.endpoint, SUBSCRIPTION_ID, manager.token) as cloud:
        assert cloud.private_zones(ZONE.upper()) == [zone_id("hub-dns")]
        assert cloud.linked_networks(zone_id("hub-dns")) == OTHER
        assert cloud.linked_networks(zone_id("dns", "other.com")) == {}
        assert cloud.linked_networks(zone_id("dns", "gone.com")) == {}


class Conflicted(Copy):
    """A copy whose names are all taken."""

    def look(self, wanted: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        return {urn: {**found, "conflicts": ["it is taken"]} for urn, found in super().look(wanted).items()}


def told(adoption: Adoption) -> str:
    console = Console(width=200, highlight=False)
    with console.capture() as captured:
        page.show(adoption, Path("adopt.json"), "lab", console)
    return captured.get()


def test_a_conflict_is_a_difference_and_is_said_once_with_all_its_names() -> None:
    adoption = Search(Conflicted({}, [records(PRIVATE), records(PRIVATE, "autodiscover")])).run()
    assert exit_code(adoption.findings) == 1
    text = told(adoption)
    assert "owa.mail-domain.com, autodiscover.mail-domain.com: it is taken" in text
    assert "there is nothing to adopt" in text


def test_what_is_the_stacks_already_is_looked_at_for_conflicts_again() -> None:
    copy = Conflicted({}, [records(PRIVATE, operation="same"), step(PRIVATE_ZONE, "same", privateZoneName=ZONE)])
    assert exit_code(Search(copy).run().findings) == 1
    assert copy.asked == [{records(PRIVATE)["urn"]}]


def test_a_link_is_asked_for_again_when_its_zone_is_known() -> None:
    zone = step(PRIVATE_ZONE, privateZoneName=ZONE, resourceGroupName="dns")
    copy = Copy(
        {zone["urn"]: {"id": zone_id()}},
        [zone, link(zone=UNKNOWN)],
        [zone | {"op": "same"}, link()],
    )
    Search(copy).run()
    assert copy.asked == [{zone["urn"], link()["urn"]}, {link()["urn"]}]
