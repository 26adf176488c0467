"""Changes on the real engine that replace nothing: another version, another case, tags of stopped machines, disks that
people attached."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.rehearsal import Rehearsal
from rehearsal.stand_ins.azure_native import SUBSCRIPTION_ID
from rehearsal.stand_ins.windows_state import read_state
from tests.engine.conftest import Start
from tests.engine.looks import PROJECT, servers_dialled

pytestmark = pytest.mark.engine

SERVERS = f"{PROJECT}:servers"
TAGS = f"{PROJECT}:tags"
DISK = {"lun": 7, "sizeGib": 64, "protect": False, "drive": "F"}
NETWORK = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{{}}/providers/Microsoft.Network/virtualNetworks/{{}}"


@pytest.fixture
def lab(deployed: Start) -> Rehearsal:
    """A lab that is up."""
    return deployed("lab")


def machine(lab: Rehearsal, name: str) -> tuple[str, dict[str, Any]]:
    """ID and body of a virtual machine in Azure."""
    resources = lab.azure.subscription.resources
    [id] = [id for id in resources if id.endswith(f"/virtualMachines/{name}")]
    return id, resources[id]


def test_a_new_exchange_version_and_another_case_of_names_change_no_machine(lab: Rehearsal) -> None:
    def edit(config: dict[str, Any]) -> None:
        config[f"{PROJECT}:exchangeVersion"] = "2019"
        config[f"{PROJECT}:resourceGroup"] = {"name": "EXCHANGE-CAS-LAB"}
        config[SERVERS]["ex01"]["computerName"] = "ex01"
        config[SERVERS]["ex02"]["computerName"] = "Ex02"

    lab.stack.change(edit)
    changed = lab.stack.up().changed()
    # The scripts get the version in their documents.
    assert set(changed.values()) == {"update"}
    assert {name for name in changed if not name.endswith(("-namespace", "-rotation"))} == set()


def test_disks_attached_by_hand_and_declared_ones_survive_updates_and_a_rebuild(lab: Rehearsal) -> None:
    id, _ = machine(lab, "EX01")
    disk = f"{id.rpartition('/virtualMachines/')[0]}/disks/databases"
    lab.azure.subscription.attach_disk(id, disk, lun=0)
    # The refresh writes the first disk into the state; the second one is in Azure only.
    lab.stack.refresh()
    lab.azure.subscription.attach_disk(id, f"{disk}2", lun=1)
    lab.stack.change(lambda config: config[TAGS].update(owner="messaging"))
    assert lab.stack.up().changed()["cas-ex01-vm"] == "update"
    assert luns(lab) == {0, 1}
    lab.stack.change(lambda config: config[SERVERS]["ex01"].update(dataDisks=[DISK]))
    changed = lab.stack.up().changed()
    assert (changed["cas-ex01-disk7"], changed["cas-ex01-vm"]) == ("create", "update")
    assert luns(lab) == {0, 1, 7}
    assert letters(lab) == {"C", "D", "F"}
    assert lab.stack.up("--replace", lab.stack.urn("cas-ex01-vm")).changed()["cas-ex01-vm"] == "create-replacement"
    assert luns(lab) == {0, 1, 7}
    assert letters(lab) == {"C", "D", "F"}
    lab.stack.change(lambda config: config[SERVERS]["ex01"].pop("dataDisks"))
    assert lab.stack.up().changed()["cas-ex01-disk7"] == "delete"
    assert luns(lab) == {0, 1}
    assert lab.stack.up().changes == []


def letters(lab: Rehearsal) -> set[str]:
    """The drive letters in the Windows of EX01."""
    disks = read_state(lab.folder / "servers" / "EX01")["disks"]
    return {partition["letter"] for disk in disks for partition in disk["partitions"]} - {""}


def luns(lab: Rehearsal) -> set[int]:
    """The LUNs of the data disks that are attached to EX01."""
    return {entry["lun"] for entry in machine(lab, "EX01")[1]["storageProfile"]["dataDisks"]}


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
    assert servers_dialled(lab) == set()
    assert machine(lab, "EX01")[1]["tags"] == {"purpose": "lab", "owner": "messaging"}


def hub(config: dict[str, Any]) -> None:
    config[f"{PROJECT}:dns"]["private"]["linkedNetworks"] = [NETWORK.format("hubs", "Hub")]


def test_record_sets_move_to_a_zone_in_another_group_and_a_link_moves_to_another_network(deployed: Start) -> None:
    existing = deployed("existing", hub)
    subscription = existing.azure.subscription
    zones = NETWORK.partition("/virtualNetworks/")[0] + "/privateDnsZones/mail-domain.com"
    subscription.put_existing(zones.format("names"), {"location": "global"})
    elsewhere = NETWORK.format("elsewhere", "hub")
    subscription.put_existing(elsewhere, {"location": "westeurope"})

    def private(config: dict[str, Any]) -> dict[str, Any]:
        row: dict[str, Any] = config[f"{PROJECT}:dns"]["private"]
        return row

    existing.stack.change(lambda config: private(config).update(linkedNetworks=[NETWORK.format("HUBS", "HUB")]))
    assert existing.stack.up().changes == []
    existing.stack.change(lambda config: private(config).update(linkedNetworks=[elsewhere]))
    assert {step.name for step in existing.stack.up().changes} == {"cas-Hub-link"}
    existing.stack.change(lambda config: private(config).update(existingResourceGroup="names"))
    steps = [(step.operation, step.name) for step in existing.stack.up().changes]
    for name in ("cas-owa-a", "cas-autodiscover-a"):
        assert steps.index(("create-replacement", name)) < steps.index(("delete-replaced", name))
    links = {id: body["virtualNetwork"]["id"] for id, body in subscription.resources.items() if "Links/" in id}
    assert links == {f"{zones.format('names')}/virtualNetworkLinks/existing-Hub": NETWORK.format("elsewhere", "Hub")}
