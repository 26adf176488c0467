"""Changes that leave what exists alone, on the real engine: another image, another case, disks that people attached, tags of
machines that are stopped."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.rehearsal import Rehearsal
from tests.engine.conftest import Start
from tests.engine.looks import PROJECT, dialled

pytestmark = pytest.mark.engine

SERVERS = f"{PROJECT}:servers"
TAGS = f"{PROJECT}:tags"


@pytest.fixture
def lab(deployed: Start) -> Rehearsal:
    """A lab that is up."""
    return deployed("lab")


def machine(lab: Rehearsal, name: str) -> tuple[str, dict[str, Any]]:
    """Id and body of a virtual machine, as Azure has them."""
    [found] = [one for one in lab.azure.subscription.resources.items() if one[0].endswith(f"/virtualMachines/{name}")]
    return found


def test_an_exchange_version_and_another_case_of_names_change_no_machine(lab: Rehearsal) -> None:
    def edit(config: dict[str, Any]) -> None:
        config[f"{PROJECT}:exchangeVersion"] = "2019"
        config[f"{PROJECT}:resourceGroup"] = {"name": "EXCHANGE-CAS-LAB"}
        config[SERVERS]["ex01"]["computerName"] = "ex01"
        config[SERVERS]["ex02"]["computerName"] = "Ex02"

    lab.stack.change(edit)
    changed = lab.stack.up().changed()
    # The version is told to the scripts.
    assert set(changed.values()) == {"update"}
    assert {name for name in changed if not name.endswith(("-namespace", "-rotation"))} == set()


def test_a_disk_that_was_attached_by_hand_survives_every_update_of_its_machine(lab: Rehearsal) -> None:
    id, _ = machine(lab, "EX01")
    disk = f"{id.rpartition('/virtualMachines/')[0]}/disks/databases"
    lab.azure.subscription.attach_disk(id, disk, lun=0)
    lab.stack.change(lambda config: config[TAGS].update(owner="messaging"))
    assert lab.stack.up().changed()["cas-ex01-vm"] == "update"
    # What a refresh finds is in the state from then on.
    lab.stack.refresh()
    lab.azure.subscription.attach_disk(id, f"{disk}2", lun=1)
    lab.stack.change(lambda config: config[TAGS].update(owner="somebody"))
    assert lab.stack.up().changed()["cas-ex01-vm"] == "update"
    assert [entry["lun"] for entry in machine(lab, "EX01")[1]["storageProfile"]["dataDisks"]] == [0, 1]


def test_new_tags_reach_all_but_the_run_commands_while_every_machine_is_stopped(lab: Rehearsal) -> None:
    def pin(config: dict[str, Any]) -> None:
        for server in config[SERVERS].values():
            server["hostKey"] = lab.datacentre.servers[server["computerName"]].host_key

    for name in ("EX01", "EX02"):
        lab.azure.subscription.stop_machine(machine(lab, name)[0])
    lab.stack.change(pin)
    lab.stack.change(lambda config: config[TAGS].update(owner="messaging"))
    changed = lab.stack.up().changed()
    assert changed["cas-ex01-vm"] == changed["cas-ex01-nic"] == changed["cas-ex01-shutdown"] == "update"
    assert "cas-ex01-ssh" not in changed
    assert dialled(lab) == set()
    assert machine(lab, "EX01")[1]["tags"] == {"purpose": "lab", "owner": "messaging"}
