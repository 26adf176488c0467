"""Conflicts with names, links and addresses in Azure: each found with its remedy, and none reported without cause."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from operations.adopt import report
from operations.adopt.azure_program.conflicts import find_taken_address, find_zone_conflicts
from operations.adopt.questions import list_questions
from operations.adopt.search import Adoption, Search
from operations.azure.resource_manager import ResourceManagerClient
from operations.result import exit_code
from rehearsal.stand_ins.azure_native import SUBSCRIPTION_ID
from tests.unit.azure_native import Azure as StandIn
from tests.unit.previews import PRIVATE, PRIVATE_ZONE, PUBLIC, PUBLIC_ZONE, UNKNOWN
from tests.unit.test_adopt import FakeCopy

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


class AzureWithIds:
    """An account and its subscriptions with these ids; `links`: id of a link -> id of its network."""

    subscription_id = SUBSCRIPTION_ID

    def __init__(self, *ids: str, links: Mapping[str, str] | None = None) -> None:
        self.ids, self.links = {id.lower() for id in ids}, dict(links or {})
        self.ids |= {link.lower() for link in self.links}
        self.asked: list[str] = []

    def look_up(self, type: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        names = {"dns:Zone": "dnszones/{zoneName}", "dns:RecordSet": "dnszones/{zoneName}/{recordType}/"}
        names |= {key.replace("dns:", "privatedns:Private"): text for key, text in names.items()}
        rest = names[type.partition(":")[2]].format_map({"zoneName": inputs.get("privateZoneName"), **inputs})
        rest = rest.replace("dnszones", "privateDnsZones") if "Private" in type else rest
        label = inputs["relativeRecordSetName"] if rest.endswith("/") else ""
        id = f"{SUBSCRIPTION}/resourceGroups/{inputs['resourceGroupName']}/providers/Microsoft.Network/{rest}{label}"
        return {"id": id if id.lower() in self.ids else None}

    def subscription(self, id: str) -> AzureWithIds:
        self.asked.append(id)
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


def found(cloud: AzureWithIds, *steps: dict[str, Any]) -> list[str]:
    asked = dict(list_questions({"steps": steps}))
    return [text for one in asked.values() if "zone" in one for text in find_zone_conflicts(one, cloud.look_up, cloud)]


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
def test_a_record_of_another_type_under_the_name_is_reported_with_the_remedy(
    type: str, beside: str, said: str, operation: str
) -> None:
    zone = zone_id(kind="dnszones" if type == PUBLIC else "privateDnsZones")
    (text,) = found(AzureWithIds(zone, f"{zone}/{beside}/owa"), records(type, operation=operation))
    assert text.startswith(said)
    assert "or choose another name" in text
    others = (f"{zone}/{beside}/mail", f"{zone}/TXT/owa", f"{zone}/MX/owa", f"{zone}/A/owa")
    assert found(AzureWithIds(zone, *others), records(type, operation=operation)) == []


@pytest.mark.parametrize("type", [PUBLIC, PRIVATE])
def test_a_zone_that_is_not_in_the_named_group_is_reported(type: str) -> None:
    (text,) = found(AzureWithIds(), records(type))
    side = "public" if type == PUBLIC else "private"
    assert text.startswith(f"there is no {side} zone mail-domain.com in the resource group dns of the subscription")
    assert f"dns.{side}.existingResourceGroup" in text
    zone = PUBLIC_ZONE if type == PUBLIC else PRIVATE_ZONE
    named = {"zoneName" if type == PUBLIC else "privateZoneName": ZONE}
    assert found(AzureWithIds(), step(zone, **named), records(type)) == [], "a zone that the stack makes need not exist"


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
        pytest.param([link("same")], id="linked already"),
    ],
)
def test_a_link_to_another_private_zone_of_the_name_is_reported(steps: list[dict[str, Any]]) -> None:
    (text,) = found(AzureWithIds(zone_id(), links=OTHER), *steps)
    assert "the network hub is linked to the private zone mail-domain.com in the resource group hub-dns" in text
    assert "Name hub-dns as dns.private.existingResourceGroup, or delete that link" in text


def test_a_link_of_another_name_to_the_stacks_own_zone_is_reported() -> None:
    (text,) = found(
        AzureWithIds(zone_id(), links={f"{zone_id('DNS')}/virtualNetworkLinks/by-hand": HUB.upper()}), link()
    )
    assert text.startswith("the network hub is linked to this zone already (link by-hand)")
    assert "Leave the network out of dns.private.linkedNetworks" in text


def test_a_linked_private_zone_of_one_of_the_names_is_reported() -> None:
    child = {f"{zone_id('hub-dns', f'owa.{ZONE}')}/virtualNetworkLinks/to-hub": HUB}
    texts = found(AzureWithIds(zone_id(), links=child), link(), records(PRIVATE))
    assert ["answers for that name instead of mail-domain.com" in text for text in texts] == [True]


@pytest.mark.parametrize(
    "links",
    [
        pytest.param({}, id="none"),
        pytest.param({f"{zone_id()}/virtualNetworkLinks/lab-hub": HUB}, id="the stack's own"),
        pytest.param({next(iter(OTHER)): HUB.replace("hub", "spoke")}, id="another network"),
        pytest.param({f"{zone_id('hub-dns', 'other.com')}/virtualNetworkLinks/x": HUB}, id="another name"),
    ],
)
def test_links_without_conflict_are_not_reported(links: dict[str, str]) -> None:
    assert found(AzureWithIds(zone_id(), links=links), link(), records(PRIVATE)) == []


def test_a_network_that_the_same_run_creates_is_not_looked_up() -> None:
    cloud = AzureWithIds(zone_id(), links=OTHER)
    assert found(cloud, link(network=UNKNOWN)) == []
    assert cloud.asked == []


def test_zones_are_searched_in_the_networks_subscription_too() -> None:
    hub = "/subscriptions/of-the-hub"
    network = HUB.replace(SUBSCRIPTION, hub)
    there = {f"{zone_id('hub-dns', subscription=hub)}/virtualNetworkLinks/to-hub": network}
    (text,) = found(AzureWithIds(zone_id(), links=there), link(network=network))
    assert "hub-dns" in text


SUBNET = f"{HUB}/subnets/exchange"


def interface(address: str = "10.40.0.11", subnet: str = SUBNET, operation: str = "create") -> dict[str, Any]:
    place = {"privateIPAddress": address, "subnet": {"id": subnet}}
    names = {"networkInterfaceName": "cas-ex01-nic", "resourceGroupName": UNKNOWN}
    return step("azure-native:network:NetworkInterface", operation, **names, ipConfigurations=[place])


def taken(azure: StandIn, *steps: dict[str, Any]) -> list[str]:
    """The conflicts that the stand-in's answers to azure-native's getter lead to."""

    def call_getter(_: str, path: Mapping[str, Any]) -> Any:
        found = azure.invoke("network:getSubnet", dict(path))
        entries = [
            SimpleNamespace(id=one["id"], private_ip_address=one["privateIPAddress"])
            for one in found["ipConfigurations"]
        ]
        return SimpleNamespace(ip_configurations=entries)

    asked = dict(list_questions({"steps": steps}))
    return [text for one in asked.values() if one.get("subnet") for text in find_taken_address(one, call_getter)]


def test_an_address_of_another_network_interface_is_reported(azure: StandIn) -> None:
    """The portal gives a machine, its disk and its interface other names than this program."""
    portal = f"{SUBSCRIPTION}/resourceGroups/hand-made/providers/Microsoft.Network/networkInterfaces/ex01123"
    entry = {"id": f"{portal}/ipConfigurations/ipconfig1", "privateIPAddress": "10.40.0.11", "subnet": {"id": SUBNET}}
    azure.stand_in.subscription.put_existing(SUBNET, {"addressPrefix": "10.40.0.0/24"})
    azure.stand_in.subscription.put_existing(portal, {"location": "westeurope", "ipConfigurations": [entry]})
    (text,) = taken(azure, interface())
    assert text.startswith("the network interface ex01123 has its address 10.40.0.11 already")
    assert "existing: true and its hostKey" in text
    assert taken(azure, interface("10.40.0.12")) == []
    assert taken(azure, interface(operation="same")) == []
    assert taken(azure, interface(subnet=UNKNOWN)) == []


def test_zones_are_found_by_name_with_their_links(azure: StandIn) -> None:
    there, manager = azure.stand_in.subscription, azure.stand_in.resource_manager
    for id, network in OTHER.items():
        there.put_existing(id, {"virtualNetwork": {"id": network}})
    there.put_existing(zone_id("dns", "other.com"), {"location": "global"})
    with ResourceManagerClient(manager.endpoint, SUBSCRIPTION_ID, lambda: manager.token) as cloud:
        assert cloud.private_zones(ZONE.upper()) == [zone_id("hub-dns")]
        assert cloud.linked_networks(zone_id("hub-dns")) == OTHER
        assert cloud.linked_networks(zone_id("dns", "other.com")) == {}
        assert cloud.linked_networks(zone_id("dns", "gone.com")) == {}


class ConflictedCopy(FakeCopy):
    """A copy with a conflict for every name."""

    def look_up(self, questions: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        return {urn: {**found, "conflicts": ["it is taken"]} for urn, found in super().look_up(questions).items()}


def print_report(adoption: Adoption) -> str:
    console = Console(width=200, highlight=False)
    with console.capture() as captured:
        report.print_adoption(adoption, Path("adopt.json"), "lab", console)
    return captured.get()


def test_a_conflict_is_a_difference_and_is_printed_once_with_all_its_names() -> None:
    adoption = Search(ConflictedCopy({}, [records(PRIVATE), records(PRIVATE, "autodiscover")])).run()
    assert exit_code(adoption.findings) == 1
    text = print_report(adoption)
    assert "owa.mail-domain.com, autodiscover.mail-domain.com: it is taken" in text
    assert "there is nothing to adopt" in text


def test_conflicts_of_existing_resources_are_looked_up_again() -> None:
    copy = ConflictedCopy({}, [records(PRIVATE, operation="same"), step(PRIVATE_ZONE, "same", privateZoneName=ZONE)])
    assert exit_code(Search(copy).run().findings) == 1
    assert copy.asked == [{records(PRIVATE)["urn"]}]


def test_a_link_is_looked_up_again_when_its_zone_is_known() -> None:
    zone = step(PRIVATE_ZONE, privateZoneName=ZONE, resourceGroupName="dns")
    copy = FakeCopy(
        {zone["urn"]: {"id": zone_id()}},
        [zone, link(zone=UNKNOWN)],
        [zone | {"op": "same"}, link()],
    )
    Search(copy).run()
    assert copy.asked == [{zone["urn"], link()["urn"]}, {link()["urn"]}]
