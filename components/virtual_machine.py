"""A server's virtual machine, as Azure and Exchange need it, and the scripts that Azure runs on it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_azure_native as azure

from components import powershell
from components.args import ServerArgs, SshArgs
from components.azure_args import AutoShutdownArgs, ImageArgs
from components.domain_args import DomainArgs

# Azure refuses to change these properties, so a change replaces the virtual machine.
REPLACE_ON_CHANGES = [
    "availabilitySet",
    "networkProfile",
    "osProfile.adminUsername",
    "osProfile.computerName",
    "zones",
]
# A virtual machine keeps these: another Exchange version, image or password applies to new machines only. The security
# type depends on the image. See docs/decisions/0016.
IGNORE_CHANGES = ["osProfile.adminPassword", "securityProfile", "storageProfile.imageReference"]
# The newest Windows Server that each Exchange version supports and the marketplace offers; 2012 R2 is no longer there.
SKUS = {"2016": "2016-datacenter-gensecond", "2019": "2019-datacenter-gensecond", "SE": "2025-datacenter-g2"}


@dataclass(frozen=True, kw_only=True)
class VmDefaults:
    """What the virtual machines of a farm have in common."""

    resource_group_name: pulumi.Input[str]
    # The same name as plain text, to read the disks that are attached to a machine.
    group_name: str
    subnet_id: pulumi.Input[str]
    security_group_id: pulumi.Input[str]
    availability_set_id: pulumi.Input[str] | None
    size: str
    exchange_version: str
    image: ImageArgs
    administrator: str
    admin_password: pulumi.Input[str] | None
    # Keys of servers that have data disks, or had some at the last `up`.
    servers_with_disks: Collection[str]
    dns_servers: tuple[str, ...]
    domain: DomainArgs | None
    domain_password: pulumi.Input[str] | None
    # Keys of servers that join the domain, or joined it at an earlier `up`.
    joining_servers: Collection[str]
    ssh: SshArgs
    auto_shutdown: AutoShutdownArgs | None
    protect: bool
    tags: Mapping[str, str]


def add_virtual_machine(
    name: str,
    args: ServerArgs,
    shared: VmDefaults,
    *,
    interface_id: pulumi.Input[str],
    disks: Sequence[azure.compute.DataDiskArgs] | None,
    parent: pulumi.Resource,
) -> azure.compute.VirtualMachine:
    compute = azure.compute
    availability_set = None if args.zone else shared.availability_set_id
    return compute.VirtualMachine(
        f"{name}-vm",
        vm_name=args.computer_name,
        resource_group_name=shared.resource_group_name,
        hardware_profile=compute.HardwareProfileArgs(vm_size=args.size or shared.size),
        network_profile=compute.NetworkProfileArgs(
            network_interfaces=[compute.NetworkInterfaceReferenceArgs(id=interface_id, primary=True)]
        ),
        os_profile=compute.OSProfileArgs(
            computer_name=args.computer_name,
            admin_username=shared.administrator,
            # azure-native's schema does not mark it as secret.
            admin_password=None if shared.admin_password is None else pulumi.Output.secret(shared.admin_password),
            # Updates restart a server, so people install them, on one server at a time, out of rotation.
            windows_configuration=compute.WindowsConfigurationArgs(
                provision_vm_agent=True,
                enable_automatic_updates=False,
                patch_settings=compute.PatchSettingsArgs(patch_mode="Manual"),
            ),
        ),
        storage_profile=compute.StorageProfileArgs(
            image_reference=choose_image(shared.image, shared.exchange_version),
            os_disk=compute.OSDiskArgs(
                name=f"{args.computer_name}-os",
                create_option="FromImage",
                delete_option="Delete",
                # Azure supports Exchange on Premium storage only.
                managed_disk=compute.ManagedDiskParametersArgs(storage_account_type="Premium_LRS"),
            ),
            data_disks=disks,
        ),
        security_profile=choose_security_profile(shared.image),
        diagnostics_profile=compute.DiagnosticsProfileArgs(boot_diagnostics=compute.BootDiagnosticsArgs(enabled=True)),
        availability_set=compute.SubResourceArgs(id=availability_set) if availability_set is not None else None,
        zones=[args.zone] if args.zone else None,
        tags=shared.tags,
        opts=pulumi.ResourceOptions(
            parent=parent,
            protect=shared.protect or None,
            ignore_changes=IGNORE_CHANGES,
            replace_on_changes=REPLACE_ON_CHANGES,
            # The new machine and its system disk need the names of the old ones.
            delete_before_replace=True,
        ),
    )


def add_run_command(
    name: str,
    run_command_name: str,
    script: str,
    parameters: Mapping[str, str | None],
    *,
    vm: azure.compute.VirtualMachine,
    shared: VmDefaults,
    parent: pulumi.Resource,
    after: pulumi.Resource | None = None,
) -> azure.compute.VirtualMachineRunCommandByVirtualMachine:
    """Azure runs `script` as SYSTEM: before anybody can log on, and again when its text or a parameter changes.

    Parameters without a value are left out. `after`: what restarts the machine, which would end the script.
    """
    return azure.compute.VirtualMachineRunCommandByVirtualMachine(
        name,
        run_command_name=run_command_name,
        vm_name=vm.name,
        resource_group_name=shared.resource_group_name,
        source=azure.compute.VirtualMachineRunCommandScriptSourceArgs(script=powershell.read_script(script)),
        parameters=[
            azure.compute.RunCommandInputParameterArgs(name=parameter, value=value)
            for parameter, value in parameters.items()
            if value
        ],
        timeout_in_seconds=1800,
        treat_failure_as_deployment_failure=True,
        tags=shared.tags,
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=[after] if after else None,
            deleted_with=vm,
            # After an interrupted rebuild the engine would create the new one and then delete the old one, of the same
            # name.
            delete_before_replace=True,
            # Azure cannot update a run command of a stopped virtual machine: a change of tags would fail the run.
            ignore_changes=["tags"],
        ),
    )


def choose_image(image: ImageArgs, exchange_version: str) -> azure.compute.ImageReferenceArgs:
    if image.id:
        return azure.compute.ImageReferenceArgs(id=image.id)
    return azure.compute.ImageReferenceArgs(
        publisher=image.publisher, offer=image.offer, sku=image.sku or SKUS[exchange_version], version=image.version
    )


def choose_security_profile(image: ImageArgs) -> azure.compute.SecurityProfileArgs | None:
    """Trusted Launch if the image allows it: it needs generation 2, which shows at the end of a SKU's name."""
    generation_2 = not image.id and (image.sku is None or image.sku.endswith(("-g2", "-gensecond")))
    if not (generation_2 if image.trusted_launch is None else image.trusted_launch):
        return None
    return azure.compute.SecurityProfileArgs(
        security_type="TrustedLaunch",
        uefi_settings=azure.compute.UefiSettingsArgs(secure_boot_enabled=True, v_tpm_enabled=True),
    )
