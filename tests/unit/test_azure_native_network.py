"""What Azure refuses and adds: networks, subnets, security groups, addresses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest

from tests.unit.azure_native import (
    GROUP_ID,
    NETWORK_ID,
    SUBNET_ID,
    Azure,
    interface,
    make_machine,
    make_network,
    network,
    public_address,
    subnet,
)

pytestmark = pytest.mark.unit

PROVIDERS = f"{GROUP_ID}/providers/Microsoft.Network"


def rule(name: str = "AllowClients", **other: Any) -> dict[str, Any]:
    ends = {"sourceAddressPrefix": "Internet", "destinationAddressPrefix": "*"}
    ports = {"sourcePortRange": "*", "destinationPortRange": "443"}
    return (
        {"name": name, "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp"}
        | ends
        | ports
        | other
    )


def security_group(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"resourceGroupName": "lab", "networkSecurityGroupName": "group", "securityRules": list(rules)}


def test_an_existing_resource_is_not_created_again(azure: Azure) -> None:
    make_network(azure)
    with pytest.raises(grpc.RpcError, match="cannot create already existing resource"):
        azure.create("network:VirtualNetwork", network(virtualNetworkName="NETWORK"))


def test_a_missing_group_and_a_missing_parent_are_404(azure: Azure) -> None:
    with pytest.raises(grpc.RpcError, match='Status=404 Code="ResourceGroupNotFound"'):
        azure.create("network:VirtualNetwork", network())
    azure.create("resources:ResourceGroup", {"resourceGroupName": "lab"})
    with pytest.raises(grpc.RpcError, match='Status=404 Code="ParentResourceNotFound"'):
        azure.create("network:Subnet", subnet())


def test_a_reference_to_a_missing_resource_is_refused(azure: Azure) -> None:
    make_network(azure)
    missing = {"id": f"{PROVIDERS}/networkSecurityGroups/none"}
    with pytest.raises(grpc.RpcError, match=r"InvalidResourceReference.*networkSecurityGroups/none"):
        azure.create("network:NetworkInterface", interface() | {"networkSecurityGroup": missing})


def test_a_missing_location_is_refused(azure: Azure) -> None:
    azure.configure()
    with pytest.raises(grpc.RpcError, match="LocationRequired"):
        azure.create("resources:ResourceGroup", {"resourceGroupName": "lab"})


def test_a_reference_into_another_region_is_refused(azure: Azure) -> None:
    make_network(azure)
    id, _ = azure.create("network:PublicIPAddress", public_address(location="uksouth"))
    with pytest.raises(grpc.RpcError, match="not in the same region"):
        azure.create("network:NetworkInterface", interface(publicIPAddress={"id": id}))


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        ("10.9.0.0/24", "NetcfgInvalidSubnet"),
        ("10.0.1.128/25", "NetcfgSubnetRangesOverlap"),
        ("10.0.2.0/30", "NetcfgSubnetRangeTooSmall"),
        ("10.0.2.1/24", "InvalidAddressPrefixFormat"),
        (None, "NoAddressPrefixOrPoolProvided"),
    ],
)
def test_a_subnet_must_fit_into_its_network_without_overlap(azure: Azure, prefix: str | None, code: str) -> None:
    make_network(azure)
    given = subnet(subnetName="two") | {"addressPrefix": prefix}
    with pytest.raises(grpc.RpcError, match=code):
        azure.create("network:Subnet", given)


def test_the_address_space_of_a_network_must_keep_its_subnets(azure: Azure) -> None:
    make_network(azure)
    with pytest.raises(grpc.RpcError, match="NetcfgInvalidSubnet"):
        azure.update("network:VirtualNetwork", NETWORK_ID, network(addressSpace={"addressPrefixes": ["10.1.0.0/16"]}))


def test_the_prefix_of_a_used_subnet_cannot_change(azure: Azure) -> None:
    make_network(azure)
    azure.update("network:Subnet", SUBNET_ID, subnet(addressPrefix="10.0.2.0/24"))
    azure.create("network:NetworkInterface", interface("10.0.2.10"))
    with pytest.raises(grpc.RpcError, match="InUsePrefixCannotBeDeleted"):
        azure.update("network:Subnet", SUBNET_ID, subnet())


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("10.0.2.10", "PrivateIPAddressNotInSubnet"),
        ("10.0.1.10", "PrivateIPAddressInUse"),
        ("nowhere", "InvalidIPAddress"),
        *((f"10.0.1.{last}", "PrivateIPAddressInReservedRange") for last in (0, 1, 2, 3, 255)),
    ],
)
def test_a_static_address_must_be_free_and_in_the_subnet(azure: Azure, address: str, code: str) -> None:
    make_network(azure)
    azure.create("network:NetworkInterface", interface("10.0.1.10"))
    with pytest.raises(grpc.RpcError, match=code):
        azure.create("network:NetworkInterface", interface(address, name="nic2"))


def test_an_address_with_dynamic_allocation_is_ignored(azure: Azure) -> None:
    make_network(azure)
    _, outputs = azure.create("network:NetworkInterface", interface(None, privateIPAddress="10.0.1.99"))
    (configuration,) = outputs["ipConfigurations"]
    assert configuration["privateIPAddress"] == "10.0.1.4"
    assert configuration["privateIPAllocationMethod"] == "Dynamic"


def test_an_update_keeps_a_dynamic_address(azure: Azure) -> None:
    make_network(azure)
    first, _ = azure.create("network:NetworkInterface", interface(None, name="first"))
    second, created = azure.create("network:NetworkInterface", interface(None, name="second"))
    azure.delete(first)
    updated = azure.update("network:NetworkInterface", second, interface(None, name="second") | {"tags": {"a": "b"}})
    assert updated["ipConfigurations"] == created["ipConfigurations"]


def test_a_public_address_is_on_loopback_and_does_not_change(azure: Azure) -> None:
    make_network(azure)
    id, first = azure.create("network:PublicIPAddress", public_address("one"))
    _, second = azure.create("network:PublicIPAddress", public_address("two"))
    assert first["ipAddress"] != second["ipAddress"]
    assert IPv4Address(first["ipAddress"]) in IPv4Network("127.200.0.0/16")
    assert azure.update("network:PublicIPAddress", id, public_address("one"))["ipAddress"] == first["ipAddress"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sku": {"name": "Basic"}}, "PublicIpSkuRetired"),
        ({"sku": {}}, "PublicIpSkuRetired"),
        ({"publicIPAllocationMethod": "Dynamic"}, "MustUseStatic"),
        ({"zones": ["9"]}, "InvalidAvailabilityZone"),
    ],
)
def test_retired_public_addresses_are_refused(azure: Azure, change: dict[str, Any], code: str) -> None:
    make_network(azure)
    with pytest.raises(grpc.RpcError, match=code):
        azure.create("network:PublicIPAddress", public_address(**change))


def test_a_public_address_can_be_used_once(azure: Azure) -> None:
    make_network(azure)
    id, _ = azure.create("network:PublicIPAddress", public_address())
    azure.create("network:NetworkInterface", interface(publicIPAddress={"id": id}))
    with pytest.raises(grpc.RpcError, match="PublicIPAddressInUse"):
        azure.create("network:NetworkInterface", interface("10.0.1.11", name="two", publicIPAddress={"id": id}))
    gateway = {"resourceGroupName": "lab", "sku": {"name": "Standard"}, "publicIpAddresses": [{"id": id}]}
    with pytest.raises(grpc.RpcError, match="PublicIPAddressInUse"):
        azure.create("network:NatGateway", gateway)


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ([rule(priority=99)], "SecurityRuleInvalidPriority"),
        ([rule(priority=4097)], "SecurityRuleInvalidPriority"),
        ([rule(), rule("Other")], "SecurityRuleConflict"),
        ([rule(), rule(priority=101)], "SecurityRuleDuplicateName"),
        ([rule(sourceAddressPrefixes=["10.0.0.0/8"])], "SecurityRuleParameterContainsInvalidValue"),
        ([rule(sourceAddressPrefix="10.0.0.1/8")], "SecurityRuleInvalidAddressPrefix"),
        ([rule(destinationPortRange="443-80")], "SecurityRuleInvalidPortRange"),
        ([rule(destinationPortRange="https")], "SecurityRuleInvalidPortRange"),
    ],
)
def test_a_security_rule_that_azure_refuses(azure: Azure, rules: list[dict[str, Any]], code: str) -> None:
    make_network(azure)
    with pytest.raises(grpc.RpcError, match=code):
        azure.create("network:NetworkSecurityGroup", security_group(*rules))


def test_a_priority_can_be_used_once_in_each_direction(azure: Azure) -> None:
    make_network(azure)
    rules = security_group(rule(), rule("Outbound", direction="Outbound"))
    _, outputs = azure.create("network:NetworkSecurityGroup", rules)
    assert len(outputs["securityRules"]) == 2


def test_a_used_resource_cannot_be_deleted(azure: Azure) -> None:
    make_network(azure)
    group_id, _ = azure.create("network:NetworkSecurityGroup", security_group())
    address_id, _ = azure.create("network:PublicIPAddress", public_address())
    azure.update("network:Subnet", SUBNET_ID, subnet(networkSecurityGroup={"id": group_id}))
    azure.create("network:NetworkInterface", interface("10.0.1.20", name="other", publicIPAddress={"id": address_id}))
    make_machine(azure)
    for id, code in {
        SUBNET_ID: "InUseSubnetCannotBeDeleted",
        NETWORK_ID: "InUseSubnetCannotBeDeleted",
        group_id: "InUseNetworkSecurityGroupCannotBeDeleted",
        address_id: "PublicIPAddressCannotBeDeleted",
        f"{PROVIDERS}/networkInterfaces/ex01-nic": "NicInUse",
    }.items():
        with pytest.raises(grpc.RpcError, match=code):
            azure.delete(id)


def test_deleting_a_group_deletes_its_resources(azure: Azure) -> None:
    make_network(azure)
    vm_id, _ = make_machine(azure)
    azure.delete(GROUP_ID)
    assert azure.stand_in.subscription.resources == {}
    assert azure.machines.deleted == [vm_id]


def test_a_resource_cannot_move_to_another_region(azure: Azure) -> None:
    make_network(azure)
    id, _ = azure.create("network:NetworkInterface", interface())
    with pytest.raises(grpc.RpcError, match="InvalidResourceLocation"):
        azure.update("network:NetworkInterface", id, interface() | {"location": "uksouth"})


def test_an_existing_resource_is_added_with_its_group_and_parents(azure: Azure) -> None:
    azure.stand_in.subscription.put_existing(SUBNET_ID, {"addressPrefix": "10.0.1.0/24"})
    assert azure.stand_in.subscription.exists(GROUP_ID)
    assert azure.stand_in.subscription.exists(NETWORK_ID)
    azure.create("network:NetworkInterface", interface())
    with pytest.raises(grpc.RpcError, match="PrivateIPAddressNotInSubnet"):
        azure.create("network:NetworkInterface", interface("10.0.2.10", name="two"))


def test_an_interface_can_change_its_subnet_but_not_its_virtual_network(azure: Azure) -> None:
    make_network(azure)
    id, _ = azure.create("network:NetworkInterface", interface())
    beside, _ = azure.create("network:Subnet", subnet(subnetName="beside", addressPrefix="10.0.2.0/24"))
    azure.update("network:NetworkInterface", id, interface("10.0.2.10", subnet={"id": beside}))
    azure.create("network:VirtualNetwork", network(virtualNetworkName="other"))
    elsewhere, _ = azure.create("network:Subnet", subnet(virtualNetworkName="other"))
    with pytest.raises(grpc.RpcError, match="cannot be moved to another virtual network"):
        azure.update("network:NetworkInterface", id, interface(subnet={"id": elsewhere}))
