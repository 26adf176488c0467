"""What Azure refuses and adds: zones, their links and their record sets."""

from __future__ import annotations

from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest

from rehearsal.stand_ins.dns import RecordSet
from tests.unit.azure_native import NETWORK_ID, Azure, make_network, make_zone, network, records

pytestmark = pytest.mark.unit

PRIVATE_ZONE = {"resourceGroupName": "lab", "privateZoneName": "mail-domain.com", "location": "Global"}


def link(name: str = "link", zone: str = "mail-domain.com", **other: Any) -> dict[str, Any]:
    names = {"resourceGroupName": "lab", "privateZoneName": zone, "virtualNetworkLinkName": name}
    return names | {"location": "global", "virtualNetwork": {"id": NETWORK_ID}} | other


def private_records(*addresses: str) -> dict[str, Any]:
    inputs = records(*addresses)
    return inputs | {"privateZoneName": inputs.pop("zoneName")}


def test_the_dns_view_has_every_record_set(azure: Azure) -> None:
    make_zone(azure)
    azure.create("privatedns:PrivateZone", PRIVATE_ZONE)
    azure.create("dns:RecordSet", records("10.0.1.11", "10.0.1.10"))
    azure.create("privatedns:PrivateRecordSet", private_records("10.0.1.10"))
    text = records(recordType="TXT", relativeRecordSetName="@", aRecords=[], txtRecords=[{"value": ["a", "b"]}])
    azure.create("dns:RecordSet", text)

    def found(name: str, type: str, *values: str, private: bool = False) -> RecordSet:
        return RecordSet(zone="mail-domain.com", name=name, type=type, ttl=300, values=values, private=private)

    assert azure.stand_in.subscription.record_sets() == [
        found("owa", "A", "10.0.1.11", "10.0.1.10"),
        found("owa", "A", "10.0.1.10", private=True),
        found("@", "TXT", "a b"),
    ]


def test_a_record_set_has_a_full_name_and_a_zone_has_name_servers(azure: Azure) -> None:
    azure.create("resources:ResourceGroup", {"resourceGroupName": "lab"})
    zone = {"resourceGroupName": "lab", "zoneName": "mail-domain.com", "location": "global"}
    _, outputs = azure.create("dns:Zone", zone)
    assert outputs["nameServers"][0] == "ns1-01.azure-dns.com."
    _, record_set = azure.create("dns:RecordSet", records("10.0.1.10"))
    assert record_set["fqdn"] == "owa.mail-domain.com."
    assert record_set["type"] == "Microsoft.Network/dnszones/A"
    assert record_set["aRecords"] == [{"ipv4Address": "10.0.1.10"}]


def test_a_record_set_needs_its_zone(azure: Azure) -> None:
    azure.create("resources:ResourceGroup", {"resourceGroupName": "lab"})
    with pytest.raises(grpc.RpcError, match="ParentResourceNotFound"):
        azure.create("dns:RecordSet", records("10.0.1.10"))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"aRecords": [{"ipv4Address": f"10.0.1.{last}"} for last in range(10, 31)]}, "at most 20"),
        ({"aRecords": [{"ipv4Address": "10.0.1.10"}] * 2}, "same record twice"),
        ({"aRecords": [{"ipv4Address": "10.0.1"}]}, "not an address of an A record"),
        ({"ttl": 0}, "between 1 and 2147483647"),
        ({"ttl": 2**31}, "between 1 and 2147483647"),
        ({"ttl": None}, "between 1 and 2147483647"),
        ({"cnameRecord": {"cname": "a.b"}}, "cannot hold cnameRecord"),
        ({"relativeRecordSetName": "o wa"}, "is invalid"),
        ({"recordType": "CNAME", "aRecords": [], "relativeRecordSetName": "@"}, "apex"),
    ],
)
def test_a_record_set_that_azure_refuses(azure: Azure, change: dict[str, Any], code: str) -> None:
    make_zone(azure)
    with pytest.raises(grpc.RpcError, match=code):
        azure.create("dns:RecordSet", records("10.0.1.10") | change)


def test_a_record_set_can_have_twenty_records(azure: Azure) -> None:
    make_zone(azure)
    _, outputs = azure.create("dns:RecordSet", records(*(f"10.0.1.{last}" for last in range(10, 30))))
    assert len(outputs["aRecords"]) == 20


def test_a_cname_cannot_share_its_name(azure: Azure) -> None:
    make_zone(azure)
    azure.create("dns:RecordSet", records("10.0.1.10"))
    alias = records(recordType="CNAME", aRecords=[], cnameRecord={"cname": "ex01.mail-domain.com"})
    with pytest.raises(grpc.RpcError, match=r"Conflict.*another record with the same name already exists"):
        azure.create("dns:RecordSet", alias)


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("CNAME", {"cnameRecord": {"cname": "elsewhere.example"}}),
        ("NS", {"nsRecords": [{"nsdname": "ns1.elsewhere.example"}]}),
    ],
)
def test_an_address_is_refused_beside_a_cname_or_a_delegation(azure: Azure, type: str, value: dict[str, Any]) -> None:
    make_zone(azure)
    azure.create("dns:RecordSet", records(recordType=type, aRecords=[], **value))
    with pytest.raises(grpc.RpcError, match=rf"Conflict.*a {type} record with the same name already exists"):
        azure.create("dns:RecordSet", records("10.0.1.10"))
    azure.create("dns:RecordSet", records("10.0.1.10", relativeRecordSetName="mail"))


def test_a_and_aaaa_records_and_the_zones_name_servers_do_not_conflict(azure: Azure) -> None:
    make_zone(azure)
    azure.create("dns:RecordSet", records("10.0.1.10"))
    six = records(recordType="AAAA", aRecords=[], aaaaRecords=[{"ipv6Address": "2001:db8::1"}])
    azure.create("dns:RecordSet", six)
    apex = {"relativeRecordSetName": "@"}
    servers = records(recordType="NS", aRecords=[], nsRecords=[{"nsdname": "ns1.example"}])
    azure.create("dns:RecordSet", servers | apex)
    azure.create("dns:RecordSet", records("10.0.1.10") | apex)


@pytest.mark.parametrize(
    ("type", "inputs", "code"),
    [
        ("dns:Zone", {"zoneName": "mail-domain.com", "location": "westeurope"}, "LocationNotAvailable"),
        ("dns:Zone", {"zoneName": "mail-domain.com"}, "LocationNotAvailable"),
        ("dns:Zone", {"zoneName": "mail_domain", "location": "global"}, "two or more labels"),
        ("privatedns:PrivateZone", {"privateZoneName": "mail-domain.com"}, "LocationNotAvailable"),
        ("privatedns:PrivateZone", {"privateZoneName": "corp", "location": "global"}, "two or more labels"),
    ],
)
def test_a_zone_must_be_global_and_have_a_domain_name(
    azure: Azure, type: str, inputs: dict[str, Any], code: str
) -> None:
    azure.create("resources:ResourceGroup", {"resourceGroupName": "lab"})
    with pytest.raises(grpc.RpcError, match=code):
        azure.create(type, {"resourceGroupName": "lab"} | inputs)


def test_deleting_a_zone_deletes_its_record_sets(azure: Azure) -> None:
    make_zone(azure)
    azure.create("dns:RecordSet", records("10.0.1.10"))
    (zone_id,) = (id for id in azure.stand_in.subscription.resources if id.endswith("/dnszones/mail-domain.com"))
    azure.delete(zone_id)
    assert azure.stand_in.subscription.record_sets() == []


def test_a_private_zone_with_a_link_cannot_be_deleted(azure: Azure) -> None:
    make_network(azure)
    zone_id, _ = azure.create("privatedns:PrivateZone", PRIVATE_ZONE)
    link_id, outputs = azure.create("privatedns:VirtualNetworkLink", link())
    assert outputs["virtualNetworkLinkState"] == "Completed"
    with pytest.raises(grpc.RpcError, match="CannotDeleteResource"):
        azure.delete(zone_id)
    azure.delete(link_id)
    azure.delete(zone_id)


def test_a_network_can_be_linked_to_a_zone_once_and_register_in_one_zone(azure: Azure) -> None:
    make_network(azure)
    azure.create("network:VirtualNetwork", network(virtualNetworkName="two"))
    azure.create("privatedns:PrivateZone", PRIVATE_ZONE)
    azure.create("privatedns:PrivateZone", PRIVATE_ZONE | {"privateZoneName": "other.com"})
    azure.create("privatedns:VirtualNetworkLink", link(registrationEnabled=True))
    with pytest.raises(grpc.RpcError, match=r"BadRequest.*multiple zones with overlapping namespaces"):
        azure.create("privatedns:VirtualNetworkLink", link("again"))
    with pytest.raises(grpc.RpcError, match="registered in another private zone"):
        azure.create("privatedns:VirtualNetworkLink", link("other", "other.com", registrationEnabled=True))
    azure.create("privatedns:VirtualNetworkLink", link("other", "other.com"))


def test_an_existing_zone_accepts_record_sets(azure: Azure) -> None:
    make_network(azure)
    zone_id = f"{NETWORK_ID.partition('/providers/')[0]}/providers/Microsoft.Network/dnsZones/mail-domain.com"
    azure.stand_in.subscription.put_existing(zone_id, {"location": "global"})
    azure.stand_in.subscription.put_existing(
        f"{zone_id}/MX/@", {"ttl": 60, "mxRecords": [{"preference": 1, "exchange": "mx"}]}
    )
    azure.create("dns:RecordSet", records("10.0.1.10"))
    assert {(found.name, found.values) for found in azure.stand_in.subscription.record_sets()} == {
        ("@", ("1 mx",)),
        ("owa", ("10.0.1.10",)),
    }
