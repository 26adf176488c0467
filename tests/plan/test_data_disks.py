"""The list of a virtual machine's data disks: Azure detaches what a list leaves out."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from tests.plan.program import plan
from tests.plan.test_single_settings import MADE, config_of

DISKS = "/subscriptions/s/resourceGroups/exchange-cas-single/providers/Microsoft.Compute/disks"
SETTINGS = {"servers": {**MADE, "ex01": MADE["ex01"] | {"dataDisks": [{"lun": 0, "sizeGib": 1024, "drive": "F"}]}}}


def found(lun: int, name: str, **other: Any) -> dict[str, Any]:
    """A data disk as Azure shows it on a virtual machine."""
    entry = {"lun": lun, "name": name, "createOption": "Attach", "managedDisk": {"id": f"{DISKS}/{name}"}}
    return entry | {"caching": "ReadOnly", "deleteOption": "Delete"} | other


def luns(attached: dict[str, list[dict[str, Any]]]) -> dict[int, str]:
    """LUN -> name of the disk, in what is sent of EX01."""
    machine = plan(config_of(SETTINGS), stack="single", attached=attached).one("cas-ex01-vm").inputs
    return {disk["lun"]: disk["managedDisk"]["id"] for disk in machine["storageProfile"]["dataDisks"]}


def test_disks_that_people_attached_are_in_the_list_as_azure_shows_them() -> None:
    made = plan(config_of(SETTINGS), stack="single", attached={"EX01": [found(5, "logs"), found(0, "cas-ex01-disk0")]})
    assert made.one("cas-ex01-vm").inputs["storageProfile"]["dataDisks"][1:] == [
        {
            "lun": 5,
            "createOption": "Attach",
            "caching": "ReadOnly",
            "deleteOption": "Delete",
            "managedDisk": {"id": f"{DISKS}/logs"},
        }
    ]
    assert "dataDisks" not in made.one("cas-ex02-vm").inputs["storageProfile"], "Azure leaves alone what is not named"


def test_a_disk_of_a_row_that_is_gone_leaves_the_list() -> None:
    disks = {"EX01": [found(0, "cas-ex01-disk0"), found(1, "CAS-EX01-DISK1"), found(2, "cas-ex01-disks-of-mine")]}
    assert luns(disks) == {0: "<id of cas-ex01-disk0>", 2: f"{DISKS}/cas-ex01-disks-of-mine"}


def test_a_server_whose_last_row_is_gone_still_sends_its_list_and_tells_so() -> None:
    last = {"servers": {"ex01": {"computerName": "EX01", "address": "10.40.0.11", "dataDisks": []}}}
    disks = {"EX01": [found(0, "cas-ex01-disk0"), found(5, "logs")]}
    made = plan(config_of({}), stack="single", last=last, attached=disks)
    assert [disk["lun"] for disk in made.one("cas-ex01-vm").inputs["storageProfile"]["dataDisks"]] == [5]
    assert made.outputs["servers"]["ex01"]["dataDisks"] == []
    assert "dataDisks" not in made.outputs["servers"]["ex02"]


def test_a_lun_that_another_disk_has_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(pulumi.RunError, match=f"LUN 0 of EX01 has the disk {DISKS}/logs"):
        luns({"EX01": [found(0, "logs")]})


def test_a_disk_in_a_zone_is_made_in_the_zone_of_its_machine_and_a_zone_redundant_one_in_none() -> None:
    rows = [{"lun": 0, "sizeGib": 4}, {"lun": 1, "sizeGib": 4, "sku": "Premium_ZRS"}]
    zonal = {"servers": {**MADE, "ex01": MADE["ex01"] | {"zone": "3", "dataDisks": rows}}}
    made = plan(config_of(zonal), stack="single")
    assert [made.one(f"cas-ex01-disk{lun}").inputs.get("zones") for lun in (0, 1)] == [["3"], None]
