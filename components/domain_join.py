"""Joins a new virtual machine to its Active Directory domain, before anybody logs on."""

from __future__ import annotations

import pulumi
import pulumi_azure_native as azure

from components.domain_args import DomainArgs
from components.virtual_machine import VmDefaults

# Create the computer account (2) and join with it (1), as numbers of Windows' NetJoinDomain.
JOIN_AND_CREATE_ACCOUNT = "3"
# Each update would run the extension again, but a joined machine stays as it is: a new password, account or path is for
# the next machine. Azure gives the name of the resource's type back as `type`. See docs/decisions/0021.
IGNORE_CHANGES = [
    *("autoUpgradeMinorVersion", "protectedSettings", "publisher", "settings", "tags", "type", "typeHandlerVersion"),
]
# A join that failed is repeated as a new resource: an update would repeat it with the old, ignored values.
FAILED = "#initerror"


def add_domain_join(
    name: str,
    domain: DomainArgs,
    password: pulumi.Input[str],
    shared: VmDefaults,
    *,
    vm: azure.compute.VirtualMachine,
    parent: pulumi.Resource,
) -> azure.compute.VirtualMachineExtension:
    """The machine restarts at the end. The extension leaves a machine alone that is in this domain already."""
    compute = azure.compute
    settings = {
        # The extension distinguishes case in these names, and takes texts only.
        "Name": domain.name,
        "User": domain.account,
        "Restart": "true",
        "Options": JOIN_AND_CREATE_ACCOUNT,
    }
    if domain.ou_path:
        settings["OUPath"] = domain.ou_path
    return compute.VirtualMachineExtension(
        f"{name}-join",
        vm_extension_name="JoinDomain",
        vm_name=vm.name,
        resource_group_name=shared.resource_group_name,
        publisher="Microsoft.Compute",
        type="JsonADDomainExtension",
        type_handler_version="1.3",
        auto_upgrade_minor_version=True,
        settings=settings,
        # azure-native's schema does not mark it as secret.
        protected_settings={"Password": pulumi.Output.secret(password)},
        tags=shared.tags,
        opts=pulumi.ResourceOptions(
            parent=parent,
            deleted_with=vm,
            ignore_changes=IGNORE_CHANGES,
            replace_on_changes=[FAILED],
            # A machine takes one extension of a type.
            delete_before_replace=True,
        ),
    )
