"""Virtual machines in the Azure stand-in: what Azure refuses, keeps and deletes with them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import grpc  # type: ignore[import-untyped]
import pytest

from rehearsal.stand_ins.azure_native import VirtualMachine
from tests.unit.azure_native import (
    GROUP_ID,
    Azure,
    changed,
    interface,
    machine,
    make_network,
    public_address,
)

pytestmark = pytest.mark.unit


def test_the_host_gets_a_new_machine_with_its_addresses_and_password(azure: Azure) -> None:
    make_network(azure)
    address_id, address = azure.create("network:PublicIPAddress", public_address())
    dns = {"dnsSettings": {"dnsServers": ["10.0.9.4", "10.0.9.5"]}}
    nic_id, _ = azure.create("network:NetworkInterface", interface(publicIPAddress={"id": address_id}) | dns)
    id, outputs = azure.create("compute:VirtualMachine", machine(nic_id))
    assert azure.machines.created == [
        VirtualMachine(
            id=id,
            vm_id=outputs["vmId"],
            name="ex01",
            computer_name="ex01",
            private_addresses=("10.0.1.10",),
            public_addresses=(address["ipAddress"],),
            dns_servers=("10.0.9.4", "10.0.9.5"),
            admin_username="operator1",
            admin_password=machine(nic_id)["osProfile"]["adminPassword"],
        )
    ]
    assert UUID(outputs["vmId"])


def test_a_rebuilt_machine_has_the_same_id_and_another_vm_id(azure: Azure, interface_id: str) -> None:
    first_id, first = azure.create("compute:VirtualMachine", machine(interface_id))
    azure.delete(first_id)
    second_id, second = azure.create("compute:VirtualMachine", machine(interface_id))
    assert first_id == second_id
    assert first["vmId"] != second["vmId"]
    assert azure.machines.deleted == [first_id]


def test_an_update_creates_a_machine_that_was_deleted_outside_pulumi(azure: Azure, interface_id: str) -> None:
    id, _ = azure.create("compute:VirtualMachine", machine(interface_id))
    azure.stand_in.subscription.delete(id)
    again = azure.update("compute:VirtualMachine", id, machine(interface_id))
    assert [vm.vm_id for vm in azure.machines.created[1:]] == [again["vmId"]]


def test_a_machine_that_the_host_cannot_start_is_not_kept(azure: Azure, interface_id: str) -> None:
    def refuse(vm: VirtualMachine) -> None:
        raise OSError(f"no room for {vm.name}")

    azure.machines.create_machine = refuse  # type: ignore[method-assign]
    with pytest.raises(grpc.RpcError, match="no room for ex01"):
        azure.create("compute:VirtualMachine", machine(interface_id))
    assert not any("virtualMachines" in id for id in azure.stand_in.subscription.resources)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("osProfile.computerName", "ex-cas16-1234567", "cannot be more than 15 characters"),
        ("osProfile.computerName", "12345", "entirely numeric"),
        ("osProfile.adminPassword", "Short-1", "between 12-123 characters"),
        ("osProfile.adminPassword", "longbutonlylower", "at least 3 of"),
        ("osProfile.adminPassword", None, "between 12-123 characters"),
        ("osProfile.adminUsername", "Administrator", "not allowed"),
        ("osProfile", None, "osProfile.adminUsername' is missing"),
        ("hardwareProfile", None, "hardwareProfile.vmSize' is missing"),
        ("hardwareProfile.vmSize", "Huge", "VM size is not valid"),
        ("hardwareProfile.vmSize", "Standard_D2_v5", "no Premium disks"),
        ("storageProfile.imageReference.sku", "2012-R2-Datacenter", "PlatformImageNotFound"),
        ("storageProfile.imageReference.sku", "2012-datacenter-gensecond", "PlatformImageNotFound"),
        ("storageProfile.imageReference.publisher", "Canonical", "PlatformImageNotFound"),
        ("storageProfile.imageReference", {"id": f"{GROUP_ID}/providers/X/images/none"}, "ResourceNotFound"),
        ("zones", ["1", "2"], "in one zone"),
        ("zones", ["7"], "InvalidAvailabilityZone"),
        ("networkProfile", {"networkInterfaces": []}, "networkInterfaces' is missing"),
    ],
)
def test_a_machine_that_azure_refuses(azure: Azure, interface_id: str, path: str, value: Any, code: str) -> None:
    with pytest.raises(grpc.RpcError, match=code):
        azure.create("compute:VirtualMachine", changed(machine(interface_id), path, value))


def test_without_a_computer_name_the_machines_name_must_be_a_valid_one(azure: Azure, interface_id: str) -> None:
    inputs = machine(interface_id, name="cas-ex01-vm4bb11a4f")
    del inputs["osProfile"]["computerName"]
    with pytest.raises(grpc.RpcError, match="cannot be more than 15 characters"):
        azure.create("compute:VirtualMachine", inputs)


def test_trusted_launch_needs_a_generation_2_image(azure: Azure, interface_id: str) -> None:
    secure = changed(machine(interface_id), "securityProfile.securityType", "TrustedLaunch")
    with pytest.raises(grpc.RpcError, match="Trusted Launch"):
        azure.create("compute:VirtualMachine", changed(secure, "storageProfile.imageReference.sku", "2019-Datacenter"))
    for generation, refused in (("V1", True), ("V2", False)):
        image_id = f"{GROUP_ID}/providers/Microsoft.Compute/images/{generation}"
        azure.stand_in.subscription.put_existing(image_id, {"hyperVGeneration": generation})
        own = changed(secure, "storageProfile.imageReference", {"id": image_id})
        if refused:
            with pytest.raises(grpc.RpcError, match="Trusted Launch"):
                azure.create("compute:VirtualMachine", own)
        else:
            azure.create("compute:VirtualMachine", own)


def test_an_availability_set_is_aligned_and_excludes_zones(azure: Azure, interface_id: str) -> None:
    ids = {}
    for sku in ("Classic", "Aligned"):
        inputs = {"resourceGroupName": "lab", "availabilitySetName": sku, "sku": {"name": sku}}
        ids[sku], _ = azure.create("compute:AvailabilitySet", inputs)
    with pytest.raises(grpc.RpcError, match="needs sku Aligned"):
        azure.create("compute:VirtualMachine", machine(interface_id, availabilitySet={"id": ids["Classic"]}))
    with pytest.raises(grpc.RpcError, match="both Availability Zone and Availability Set"):
        azure.create(
            "compute:VirtualMachine", machine(interface_id, availabilitySet={"id": ids["Aligned"]}, zones=["1"])
        )
    azure.create("compute:VirtualMachine", machine(interface_id, availabilitySet={"id": ids["Aligned"]}))
    with pytest.raises(grpc.RpcError, match="OperationNotAllowed"):
        azure.delete(ids["Aligned"])


def test_a_machine_and_its_public_address_are_in_one_zone(azure: Azure) -> None:
    make_network(azure)
    address_id, _ = azure.create("network:PublicIPAddress", public_address(zones=["1"]))
    nic_id, _ = azure.create("network:NetworkInterface", interface(publicIPAddress={"id": address_id}))
    with pytest.raises(grpc.RpcError, match="ResourceZonesMismatch"):
        azure.create("compute:VirtualMachine", machine(nic_id, zones=["2"]))
    azure.create("compute:VirtualMachine", machine(nic_id, zones=["1"]))


def test_a_network_interface_belongs_to_one_machine(azure: Azure, interface_id: str) -> None:
    azure.create("compute:VirtualMachine", machine(interface_id))
    with pytest.raises(grpc.RpcError, match="NicInUse"):
        azure.create("compute:VirtualMachine", machine(interface_id, name="ex02"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("osProfile.adminPassword", "Another-Horse-2"),
        ("osProfile.adminUsername", "operator2"),
        ("osProfile.computerName", "ex99"),
        ("storageProfile.imageReference.sku", "2022-datacenter-g2"),
        ("zones", ["1"]),
    ],
)
def test_azure_refuses_to_change_what_a_machine_was_created_with(
    azure: Azure, interface_id: str, path: str, value: Any
) -> None:
    inputs = machine(interface_id)
    id, _ = azure.create("compute:VirtualMachine", inputs)
    with pytest.raises(grpc.RpcError, match="PropertyChangeNotAllowed"):
        azure.update("compute:VirtualMachine", id, changed(inputs, path, value))


def test_a_machine_accepts_another_size_and_the_same_password(azure: Azure, interface_id: str) -> None:
    inputs = machine(interface_id)
    id, created = azure.create("compute:VirtualMachine", inputs)
    updated = azure.update("compute:VirtualMachine", id, changed(inputs, "hardwareProfile.vmSize", "Standard_D4s_v5"))
    assert updated["vmId"] == created["vmId"]
    assert updated["hardwareProfile"]["vmSize"] == "Standard_D4s_v5"
    assert updated["storageProfile"]["osDisk"]["name"] == created["storageProfile"]["osDisk"]["name"]
    without = changed(inputs, "osProfile.adminPassword", None)
    assert azure.update("compute:VirtualMachine", id, without)["vmId"] == created["vmId"]


def test_the_disk_of_a_deleted_machine_stays_unless_its_delete_option_is_delete(
    azure: Azure, interface_id: str
) -> None:
    stays = changed(machine(interface_id), "storageProfile.osDisk.name", "ex01-os")
    goes = changed(stays, "storageProfile.osDisk.deleteOption", "Delete")
    disk_id = f"{GROUP_ID}/providers/Microsoft.Compute/disks/ex01-os"
    for inputs, left in ((goes, False), (stays, True)):
        id, _ = azure.create("compute:VirtualMachine", inputs)
        assert azure.stand_in.subscription.exists(disk_id)
        azure.delete(id)
        assert azure.stand_in.subscription.exists(disk_id) is left
    with pytest.raises(grpc.RpcError, match="Disk ex01-os already exists"):
        azure.create("compute:VirtualMachine", goes)


def test_a_network_interface_with_delete_option_delete_is_deleted_with_its_machine(
    azure: Azure, interface_id: str
) -> None:
    both = [{"id": interface_id, "primary": True, "deleteOption": "Delete"}]
    id, _ = azure.create(
        "compute:VirtualMachine", changed(machine(interface_id), "networkProfile.networkInterfaces", both)
    )
    azure.delete(id)
    assert not azure.stand_in.subscription.exists(interface_id)
