"""The list of a virtual machine's data disks: Azure detaches each disk that the list leaves out."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from tests.plan.program import plan
from tests.plan.test_single_settings import CREATED, single_config

DISKS = "/subscriptions/s/resourceGroups/exchange-cas-single/providers/Microsoft.Compute/disks"
SETTINGS = {
    "servers": {**CREATED, "ex01": CREATED["ex01"] | {"dataDisks": [{"lun": 0, "sizeGib": 1024, "drive": "F"}]}}
}


def attached_disk(lun: int, name: str, **other: Any) -> dict[str, Any]:
    """A data disk as Azure shows it on a virtual machine."""
    entry = {"lun": lun, "name": name, "createOption": "Attach", "managedDisk": {"id": f"{DISKS}/{name}"}}
    return entry | {"caching": "ReadOnly", "deleteOption": "Delete"} | other


def sent_luns(attached: dict[str, list[dict[str, Any]]]) -> dict[int, str]:
    """LUN -> id of the disk, in the list that is sent for EX01."""
    machine = plan(single_config(SETTINGS), stack="single", attached=attached).find("cas-ex01-vm").inputs
    return {disk["lun"]: disk["managedDisk"]["id"] for disk in machine["storageProfile"]["dataDisks"]}


def test_the_list_holds_the_disks_that_people_attached_as_azure_shows_them() -> None:
    made = plan(
        single_config(SETTINGS),
        stack="single",
        attached={"EX01": [attached_disk(5, "logs"), attached_disk(0, "cas-ex01-disk0")]},
    )
    assert made.find("cas-ex01-vm").inputs["storageProfile"]["dataDisks"][1:] == [
        {
            "lun": 5,
            "createOption": "Attach",
            "caching": "ReadOnly",
            "deleteOption": "Delete",
            "managedDisk": {"id": f"{DISKS}/logs"},
        }
    ]
    assert "dataDisks" not in made.find("cas-ex02-vm").inputs["storageProfile"], (
        "without a list, Azure detaches nothing"
    )


def test_the_list_leaves_out_a_disk_whose_row_is_gone() -> None:
    disks = {
        "EX01": [
            attached_disk(0, "cas-ex01-disk0"),
            attached_disk(1, "CAS-EX01-DISK1"),
            attached_disk(2, "cas-ex01-disks-of-mine"),
        ]
    }
    assert sent_luns(disks) == {0: "<id of cas-ex01-disk0>", 2: f"{DISKS}/cas-ex01-disks-of-mine"}


def test_a_server_whose_last_row_is_gone_still_sends_its_list_and_shows_it_in_the_outputs() -> None:
    last = {"servers": {"ex01": {"computerName": "EX01", "address": "10.40.0.11", "dataDisks": []}}}
    disks = {"EX01": [attached_disk(0, "cas-ex01-disk0"), attached_disk(5, "logs")]}
    made = plan(single_config({}), stack="single", last=last, attached=disks)
    assert [disk["lun"] for disk in made.find("cas-ex01-vm").inputs["storageProfile"]["dataDisks"]] == [5]
    assert made.outputs["servers"]["ex01"]["dataDisks"] == []
    assert "dataDisks" not in made.outputs["servers"]["ex02"]


def test_a_lun_that_another_disk_has_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(pulumi.RunError, match=f"LUN 0 of EX01 has the disk {DISKS}/logs"):
        sent_luns({"EX01": [attached_disk(0, "logs")]})


def test_a_disk_is_in_its_machines_zone_and_a_zone_redundant_disk_in_none() -> None:
    rows = [{"lun": 0, "sizeGib": 4}, {"lun": 1, "sizeGib": 4, "sku": "Premium_ZRS"}]
    zonal = {"servers": {**CREATED, "ex01": CREATED["ex01"] | {"zone": "3", "dataDisks": rows}}}
    made = plan(single_config(zonal), stack="single")
    assert [made.find(f"cas-ex01-disk{lun}").inputs.get("zones") for lun in (0, 1)] == [["3"], None]
