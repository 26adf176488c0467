"""What Azure refuses and adds: virtual machines, what runs on them, when they shut down."""

from __future__ import annotations

import copy
from typing import Any
from uuid import UUID

import grpc  # type: ignore[import-untyped]
import pytest
from google.rpc import status_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2

from rehearsal.stand_ins.azure_native import VirtualMachine
from rehearsal.stand_ins.command_result import CommandResult
from tests.unit.azure_native import (
    GROUP_ID,
    Azure,
    interface,
    machine,
    make_machine,
    make_network,
    public_address,
)

pytestmark = pytest.mark.unit

RUN_COMMAND = "compute:VirtualMachineRunCommandByVirtualMachine"


def run_command(script: str = "exit 0", **other: Any) -> dict[str, Any]:
    names = {"resourceGroupName": "lab", "vmName": "ex01", "runCommandName": "EnableOpenSsh"}
    return names | {"source": {"script": script}} | other


def changed(inputs: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of `inputs` with another value at a dotted path."""
    copied = copy.deepcopy(inputs)
    *parents, last = path.split(".")
    container = copied
    for parent in parents:
        container = container.setdefault(parent, {})
    container[last] = value
    return copied


@pytest.fixture
def interface_id(azure: Azure) -> str:
    make_network(azure)
    id, _ = azure.create("network:NetworkInterface", interface())
    return id


def test_a_new_machine_is_told_to_the_site_with_its_addresses_and_password(azure: Azure) -> None:
    make_network(azure)
    address_id, address = azure.create("network:PublicIPAddress", public_address())
    nic_id, _ = azure.create("network:NetworkInterface", interface(publicIPAddress={"id": address_id}))
    id, outputs = azure.create("compute:VirtualMachine", machine(nic_id))
    assert azure.machines.created == [
        VirtualMachine(
            id=id,
            vm_id=outputs["vmId"],
            name="ex01",
            computer_name="ex01",
            private_addresses=("10.0.1.10",),
            public_addresses=(address["ipAddress"],),
            admin_username="operator1",
            admin_password=machine(nic_id)["osProfile"]["adminPassword"],
        )
    ]
    assert UUID(outputs["vmId"])


def test_a_rebuilt_machine_has_its_id_again_and_another_vm_id(azure: Azure, interface_id: str) -> None:
    first_id, first = azure.create("compute:VirtualMachine", machine(interface_id))
    azure.delete(first_id)
    second_id, second = azure.create("compute:VirtualMachine", machine(interface_id))
    assert first_id == second_id
    assert first["vmId"] != second["vmId"]
    assert azure.machines.deleted == [first_id]


def test_an_update_of_a_machine_that_somebody_deleted_makes_it_again(azure: Azure, interface_id: str) -> None:
    id, _ = azure.create("compute:VirtualMachine", machine(interface_id))
    azure.stand_in.subscription.delete(id)
    again = azure.update("compute:VirtualMachine", id, machine(interface_id))
    assert [vm.vm_id for vm in azure.machines.created[1:]] == [again["vmId"]]


def test_a_machine_that_the_site_cannot_start_does_not_stay(azure: Azure, interface_id: str) -> None:
    def refuse(vm: VirtualMachine) -> None:
        raise OSError(f"no room for {vm.name}")

    azure.machines.vm_created = refuse  # type: ignore[method-assign]
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


def test_the_computer_name_left_out_is_judged_by_the_machines_name(azure: Azure, interface_id: str) -> None:
    inputs = machine(interface_id, name="cas-ex01-vm4bb11a4f")
    del inputs["osProfile"]["computerName"]
    with pytest.raises(grpc.RpcError, match="cannot be more than 15 characters"):
        azure.create("compute:VirtualMachine", inputs)


def test_trusted_launch_needs_an_image_of_the_second_generation(azure: Azure, interface_id: str) -> None:
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
def test_a_machine_keeps_what_it_was_made_with(azure: Azure, interface_id: str, path: str, value: Any) -> None:
    inputs = machine(interface_id)
    id, _ = azure.create("compute:VirtualMachine", inputs)
    with pytest.raises(grpc.RpcError, match="PropertyChangeNotAllowed"):
        azure.update("compute:VirtualMachine", id, changed(inputs, path, value))


def test_a_machine_takes_another_size_and_the_password_it_has(azure: Azure, interface_id: str) -> None:
    inputs = machine(interface_id)
    id, created = azure.create("compute:VirtualMachine", inputs)
    updated = azure.update("compute:VirtualMachine", id, changed(inputs, "hardwareProfile.vmSize", "Standard_D4s_v5"))
    assert updated["vmId"] == created["vmId"]
    assert updated["hardwareProfile"]["vmSize"] == "Standard_D4s_v5"
    assert updated["storageProfile"]["osDisk"]["name"] == created["storageProfile"]["osDisk"]["name"]
    without = changed(inputs, "osProfile.adminPassword", None)
    assert azure.update("compute:VirtualMachine", id, without)["vmId"] == created["vmId"]


def test_the_disk_of_a_machine_stays_behind_unless_it_is_to_be_deleted_with_it(azure: Azure, interface_id: str) -> None:
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


def test_a_network_interface_goes_with_its_machine_if_it_is_to_be_deleted_with_it(
    azure: Azure, interface_id: str
) -> None:
    both = [{"id": interface_id, "primary": True, "deleteOption": "Delete"}]
    id, _ = azure.create(
        "compute:VirtualMachine", changed(machine(interface_id), "networkProfile.networkInterfaces", both)
    )
    azure.delete(id)
    assert not azure.stand_in.subscription.exists(interface_id)


def test_a_run_command_runs_on_its_machine_with_its_parameters(azure: Azure) -> None:
    make_network(azure)
    vm_id, _ = make_machine(azure)
    azure.create(RUN_COMMAND, run_command("Start-Service sshd", parameters=[{"name": "Port", "value": "22"}]))
    assert azure.machines.ran == [(vm_id, "Start-Service sshd", {"Port": "22"})]


def test_the_instance_view_is_told_only_when_it_is_asked_for(azure: Azure) -> None:
    make_network(azure)
    make_machine(azure)
    azure.machines.result = CommandResult(exit_code=0, output='{"hostKey": "ssh-ed25519 AAAA"}\n', error="")
    id, outputs = azure.create(RUN_COMMAND, run_command())
    names = {"resourceGroupName": "lab", "vmName": "ex01", "runCommandName": "EnableOpenSsh"}
    function = "compute:getVirtualMachineRunCommandByVirtualMachine"
    view = azure.invoke(function, names | {"expand": "instanceView"})["instanceView"]
    assert view["output"] == '{"hostKey": "ssh-ed25519 AAAA"}\n'
    assert (view["executionState"], view["exitCode"]) == ("Succeeded", 0)
    assert "instanceView" not in azure.invoke(function, names)
    assert "instanceView" not in outputs
    azure.delete(id)
    with pytest.raises(grpc.RpcError, match="Status=404"):
        azure.invoke(function, names | {"expand": "instanceView"})


def test_azure_keeps_the_last_4096_bytes_of_an_output(azure: Azure) -> None:
    make_network(azure)
    make_machine(azure)
    azure.machines.result = CommandResult(exit_code=0, output="x" * 5000 + "end", error="é" * 5000)
    azure.create(RUN_COMMAND, run_command())
    names = {"resourceGroupName": "lab", "vmName": "ex01", "runCommandName": "EnableOpenSsh", "expand": "instanceView"}
    view = azure.invoke("compute:getVirtualMachineRunCommandByVirtualMachine", names)["instanceView"]
    assert view["output"] == "x" * 4093 + "end"
    assert len(view["error"].encode()) == 4096


def test_a_failed_script_fails_the_deployment_only_if_the_program_says_so(azure: Azure) -> None:
    make_network(azure)
    make_machine(azure)
    azure.machines.result = CommandResult(exit_code=3, output="", error="no package\n")
    id, _ = azure.create(RUN_COMMAND, run_command())
    azure.delete(id)
    with pytest.raises(grpc.RpcError, match="exit code 3: no package") as refused:
        azure.create(RUN_COMMAND, run_command(treatFailureAsDeploymentFailure=True))
    (details,) = (value for key, value in refused.value.trailing_metadata() if key == "grpc-status-details-bin")
    failure = provider_pb2.ErrorResourceInitFailed()
    status_pb2.Status.FromString(details).details[0].Unpack(failure)
    assert failure.id == id
    assert failure.inputs["runCommandName"] == "EnableOpenSsh"
    assert azure.stand_in.subscription.exists(id)


def test_a_run_command_runs_again_on_an_update(azure: Azure) -> None:
    make_network(azure)
    make_machine(azure)
    id, _ = azure.create(RUN_COMMAND, run_command("one"))
    azure.update(RUN_COMMAND, id, run_command("two"))
    assert [script for _, script, _ in azure.machines.ran] == ["one", "two"]


def test_run_commands_need_their_machine_and_go_with_it(azure: Azure) -> None:
    make_network(azure)
    with pytest.raises(grpc.RpcError, match="ParentResourceNotFound"):
        azure.create(RUN_COMMAND, run_command())
    vm_id, _ = make_machine(azure)
    id, _ = azure.create(RUN_COMMAND, run_command())
    azure.delete(vm_id)
    assert not azure.stand_in.subscription.exists(id)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"source": {}}, "exactly one of source.script"),
        ({"timeoutInSeconds": 5401}, "at most 5400"),
        ({"runAsUser": "x"}, "needs runAsPassword"),
        ({"parameters": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, "given twice"),
        ({"location": "uksouth"}, "not where its virtual machine is"),
    ],
)
def test_a_run_command_that_azure_refuses(azure: Azure, change: dict[str, Any], code: str) -> None:
    make_network(azure)
    make_machine(azure)
    with pytest.raises(grpc.RpcError, match=code):
        azure.create(RUN_COMMAND, run_command(**change))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"name": "shutdown-ex01"}, "must be named shutdown-computevm-ex01"),
        ({"taskType": "Other"}, "InvalidScheduleType"),
        ({"dailyRecurrence": {"time": "2500"}}, "HHmm"),
        ({"targetResourceId": GROUP_ID}, "no virtual machine"),
        ({"timeZoneId": None}, "timeZoneId' is missing"),
    ],
)
def test_a_shutdown_schedule_is_named_after_its_machine(azure: Azure, change: dict[str, Any], code: str | None) -> None:
    make_network(azure)
    vm_id, _ = make_machine(azure)
    inputs = {
        "resourceGroupName": "lab",
        "name": "shutdown-computevm-ex01",
        "taskType": "ComputeVmShutdownTask",
        "targetResourceId": vm_id,
        "dailyRecurrence": {"time": "1900"},
        "timeZoneId": "UTC",
    }
    if code:
        with pytest.raises(grpc.RpcError, match=code):
            azure.create("devtestlab:GlobalSchedule", inputs | change)
    else:
        azure.create("devtestlab:GlobalSchedule", inputs)
        azure.delete(vm_id)


DISK_ID = f"{GROUP_ID}/providers/Microsoft.Compute/disks/databases"


def data_disks(azure: Azure, vm_id: str) -> list[int]:
    """The LUNs of the disks that are attached."""
    return [entry["lun"] for entry in azure.stand_in.subscription.resources[vm_id]["storageProfile"]["dataDisks"]]


def test_a_list_of_data_disks_is_the_whole_list_and_one_that_is_left_out_changes_nothing(
    azure: Azure, interface_id: str
) -> None:
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
        ([{"lun": 1, "createOption": "Attach", "managedDisk": {"id": DISK_ID}}] * 2, "a LUN of its own"),
        ([{"lun": 1, "createOption": "Empty", "diskSizeGB": 8}], "createOption Attach"),
        ([{"lun": 1, "createOption": "Attach", "managedDisk": {"id": f"{DISK_ID}2"}}], "ResourceNotFound"),
    ],
)
def test_data_disks_that_azure_refuses(azure: Azure, interface_id: str, disks: list[Any], code: str) -> None:
    azure.stand_in.subscription.put_existing(DISK_ID, {})
    with pytest.raises(grpc.RpcError, match=code):
        azure.create("compute:VirtualMachine", changed(machine(interface_id), "storageProfile.dataDisks", disks))


def test_a_disk_is_attached_to_one_machine(azure: Azure) -> None:
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


def test_nothing_of_a_run_command_changes_while_its_machine_is_stopped(azure: Azure) -> None:
    make_network(azure)
    vm_id, _ = make_machine(azure)
    id, _ = azure.create(RUN_COMMAND, run_command())
    azure.stand_in.subscription.stop_machine(vm_id)
    with pytest.raises(grpc.RpcError, match="Cannot modify extensions in the VM when the VM is not running"):
        azure.update(RUN_COMMAND, id, run_command(tags={"owner": "messaging"}))
    with pytest.raises(grpc.RpcError, match="Cannot modify extensions in the VM when the VM is not running"):
        azure.delete(id, RUN_COMMAND)
    names = {"resourceGroupName": "lab", "vmName": "ex01", "runCommandName": "EnableOpenSsh", "expand": "instanceView"}
    assert "instanceView" not in azure.invoke("compute:getVirtualMachineRunCommandByVirtualMachine", names)
    azure.delete(vm_id)
    assert not azure.stand_in.subscription.exists(id)


def disk(**other: Any) -> dict[str, Any]:
    made = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 64, "sku": {"name": "Premium_LRS"}}
    return {"resourceGroupName": "lab", "diskName": "data"} | made | other


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"diskSizeGB": 63}, "cannot shrink"),
        ({"zones": ["1"]}, "PropertyChangeNotAllowed"),
        ({"sku": {"name": "Premium_ZRS"}}, "PropertyChangeNotAllowed"),
        ({"diskSizeGB": 65}, None),
    ],
)
def test_a_disk_that_is_attached_only_grows(
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
        ({"sku": {"name": "Premium_ZRS"}, "zones": ["1"]}, "in no zone of its own"),
        ({"diskSizeGB": None}, "diskSizeGB' is missing"),
        ({"diskSizeGB": 40000}, "between 1 and 32767"),
    ],
)
def test_a_disk_that_azure_refuses(azure: Azure, change: dict[str, Any], code: str) -> None:
    make_network(azure)
    with pytest.raises(grpc.RpcError, match=code):
        azure.create("compute:Disk", disk(**change))


def test_a_zonal_disk_is_attached_in_its_zone(azure: Azure, interface_id: str) -> None:
    id, _ = azure.create("compute:Disk", disk(zones=["1"]))
    entry = {"lun": 0, "createOption": "Attach", "managedDisk": {"id": id}}
    inputs = changed(machine(interface_id), "storageProfile.dataDisks", [entry])
    with pytest.raises(grpc.RpcError, match="not in the zone"):
        azure.create("compute:VirtualMachine", inputs | {"zones": ["2"]})
    azure.create("compute:VirtualMachine", inputs | {"zones": ["1"]})
