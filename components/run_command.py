"""A script that Azure runs on a virtual machine as SYSTEM, before anything can log on to it."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_azure_native as azure

from components import powershell
from components.virtual_machine import VmDefaults


def run_command(
    name: str,
    run_command_name: str,
    script: str,
    parameters: Mapping[str, str | None],
    *,
    vm: azure.compute.VirtualMachine,
    shared: VmDefaults,
    parent: pulumi.Resource,
) -> azure.compute.VirtualMachineRunCommandByVirtualMachine:
    """`script` with the `parameters` that are given; it runs again when one of them or its text changes."""
    return azure.compute.VirtualMachineRunCommandByVirtualMachine(
        name,
        run_command_name=run_command_name,
        vm_name=vm.name,
        resource_group_name=shared.resource_group_name,
        source=azure.compute.VirtualMachineRunCommandScriptSourceArgs(script=powershell.script(script)),
        parameters=[
            azure.compute.RunCommandInputParameterArgs(name=parameter, value=value)
            for parameter, value in parameters.items()
            if value
        ],
        timeout_in_seconds=1800,
        treat_failure_as_deployment_failure=True,
        tags=shared.tags,
        # Azure changes no run command of a virtual machine that does not run: new tags are no reason to.
        opts=pulumi.ResourceOptions(parent=parent, deleted_with=vm, ignore_changes=["tags"]),
    )
