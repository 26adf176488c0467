"""Run commands and shutdown schedules in the Azure stand-in."""

from __future__ import annotations

from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.rpc import status_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2

from rehearsal.stand_ins.script_results import CommandResult
from tests.unit.azure_native import (
    GROUP_ID,
    Azure,
    make_machine,
    make_network,
)

pytestmark = pytest.mark.unit

RUN_COMMAND = "compute:VirtualMachineRunCommandByVirtualMachine"


def run_command(script: str = "exit 0", **other: Any) -> dict[str, Any]:
    names = {"resourceGroupName": "lab", "vmName": "ex01", "runCommandName": "EnableOpenSsh"}
    return names | {"source": {"script": script}} | other


def test_a_run_command_runs_on_its_machine_with_its_parameters(azure: Azure) -> None:
    make_network(azure)
    vm_id, _ = make_machine(azure)
    azure.create(RUN_COMMAND, run_command("Start-Service sshd", parameters=[{"name": "Port", "value": "22"}]))
    assert azure.machines.ran == [(vm_id, "Start-Service sshd", {"Port": "22"})]


def test_the_instance_view_is_returned_only_with_expand(azure: Azure) -> None:
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


def test_a_failed_script_fails_the_deployment_only_with_treat_failure_as_deployment_failure(azure: Azure) -> None:
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


def test_an_update_runs_a_run_command_again(azure: Azure) -> None:
    make_network(azure)
    make_machine(azure)
    id, _ = azure.create(RUN_COMMAND, run_command("one"))
    azure.update(RUN_COMMAND, id, run_command("two"))
    assert [script for _, script, _ in azure.machines.ran] == ["one", "two"]


def test_run_commands_need_their_machine_and_are_deleted_with_it(azure: Azure) -> None:
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
        ({"location": "uksouth"}, "not in the location of its virtual machine"),
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
        ({"targetResourceId": GROUP_ID}, "not a virtual machine"),
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


def test_a_run_command_of_a_stopped_machine_cannot_be_changed_or_deleted(azure: Azure) -> None:
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
