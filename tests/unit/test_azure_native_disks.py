"""Managed disks in the Azure stand-in, and how machines attach them."""

from __future__ import annotations

from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest

from tests.unit.azure_native import (
    GROUP_ID,
    Azure,
    changed,
    interface,
    machine,
    make_machine,
    make_network,
)

pytestmark = pytest.mark.unit

DISK_ID = f"{GROUP_ID}/providers/Microsoft.Compute/disks/databases"


def data_disks(azure: Azure, vm_id: str) -> list[int]:
    """The LUNs of the disks that are attached."""
    return [entry["lun"] for entry in azure.stand_in.subscription.resources[vm_id]["storageProfile"]["dataDisks"]]


def disk(**other: Any) -> dict[str, Any]:
    made = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 64, "sku": {"name": "Premium_LRS"}}
    return {"resourceGroupName": "lab", "diskName": "data"} | made | other


def test_an_update_with_data_disks_replaces_the_list_and_one_without_keeps_it(azure: Azure, interface_id: str) -> None:
    id, _ = azure.create("compute:VirtualMachine", machine(interface_id))
    azure.stand_in.subscription.attach_disk(id, DISK_ID, lun=3)
    inputs = machine(interface_id)
    del inputs["osProfile"]["adminPassword"]
    azure.update("compute:VirtualMachine", id, inputs | {"tags": {"owner": "messaging"}})
    assert data_disks(azure, id) == [3]
    with pytest.raises(grpc.RpcError, match="CannotDeleteResource"):
        azure.delete(DISK_ID)
    entry = {"lun": 3, "createOption": "Attach", "managedDisk": {"id": DISK_ID}}
    azure.update("compute:VirtualMachine", id, changed(inputs, "storageProfile.dataDisks", [entry]))
    assert data_disks(azure, id) == [3]
    azure.update("compute:VirtualMachine", id, changed(inputs, "storageProfile.dataDisks", []))
    assert data_disks(azure, id) == []
    azure.delete(DISK_ID)


@pytest.mark.parametrize(
    ("disks", "code"),
    [
        ([{"lun": 64, "createOption": "Attach", "managedDisk": {"id": DISK_ID}}], "from 0 to 63"),
        ([{"lun": 1, "createOption": "Attach", "managedDisk": {"id": DISK_ID}}] * 2, "its own LUN from 0 to 63"),
        ([{"lun": 1, "createOption": "Empty", "diskSizeGB": 8}], "createOption Attach"),
        ([{"lun": 1, "createOption": "Attach", "managedDisk": {"id": f"{DISK_ID}2"}}], "ResourceNotFound"),
    ],
)
def test_data_disks_that_azure_refuses(azure: Azure, interface_id: str, disks: list[Any], code: str) -> None:
    azure.stand_in.subscription.put_existing(DISK_ID, {})
    with pytest.raises(grpc.RpcError, match=code):
        azure.create("compute:VirtualMachine", changed(machine(interface_id), "storageProfile.dataDisks", disks))


def test_a_zonal_disk_can_be_attached_in_its_zone_only(azure: Azure, interface_id: str) -> None:
    id, _ = azure.create("compute:Disk", disk(zones=["1"]))
    entry = {"lun": 0, "createOption": "Attach", "managedDisk": {"id": id}}
    inputs = changed(machine(interface_id), "storageProfile.dataDisks", [entry])
    with pytest.raises(grpc.RpcError, match="not in the zone"):
        azure.create("compute:VirtualMachine", inputs | {"zones": ["2"]})
    azure.create("compute:VirtualMachine", inputs | {"zones": ["1"]})


def test_a_disk_can_be_attached_to_one_machine_only(azure: Azure) -> None:
    make_network(azure)
    first, _ = make_machine(azure)
    azure.stand_in.subscription.attach_disk(first, DISK_ID, lun=0)
    nic_id, _ = azure.create("network:NetworkInterface", interface("10.0.1.11", name="second"))
    entry = {"lun": 0, "createOption": "Attach", "managedDisk": {"id": DISK_ID}}
    second = changed(machine(nic_id, name="ex02"), "storageProfile.dataDisks", [entry])
    with pytest.raises(grpc.RpcError, match="attached to another VM"):
        azure.create("compute:VirtualMachine", second)
    azure.delete(first)
    azure.create("compute:VirtualMachine", second)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"diskSizeGB": 63}, "cannot shrink"),
        ({"zones": ["1"]}, "PropertyChangeNotAllowed"),
        ({"sku": {"name": "Premium_ZRS"}}, "PropertyChangeNotAllowed"),
        ({"diskSizeGB": 65}, None),
    ],
)
def test_an_attached_disk_can_only_grow(
    azure: Azure, interface_id: str, change: dict[str, Any], code: str | None
) -> None:
    id, _ = azure.create("compute:Disk", disk())
    entry = {"lun": 0, "createOption": "Attach", "managedDisk": {"id": id}}
    azure.create("compute:VirtualMachine", changed(machine(interface_id), "storageProfile.dataDisks", [entry]))
    if code:
        with pytest.raises(grpc.RpcError, match=code):
            azure.update("compute:Disk", id, disk(**change))
    else:
        azure.update("compute:Disk", id, disk(**change))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sku": {"name": "Premium_ZRS"}, "zones": ["1"]}, "cannot have a zone"),
        ({"diskSizeGB": None}, "diskSizeGB' is missing"),
        ({"diskSizeGB": 40000}, "between 1 and 32767"),
    ],
)
def test_a_disk_that_azure_refuses(azure: Azure, change: dict[str, Any], code: str) -> None:
    make_network(azure)
    with pytest.raises(grpc.RpcError, match=code):
        azure.create("compute:Disk", disk(**change))
